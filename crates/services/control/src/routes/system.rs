//! The System page: the board in detail, and its history.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Lenient;
use crate::error::Failure;
use crate::identity::Person;
use crate::state::Dashboard;
use crate::system::{self, ChangedNow, NowCard, Range, SystemPage};
use crate::upstream::system::{
    self as upstream, BoardFacts, Busiest, History, Network, Now, Reachability, Storage, Users,
};
use crate::view;

/// Busiest that are shown.
const PROCESSES: u32 = 12;
/// What the charts show.
const METRICS: &str = "cpu,memory,temperature,load,disk,net_rx,net_tx";

/// How the page is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Which {
    range: String,
    sort: String,
}

/// `GET /system`
pub(crate) async fn system(
    State(dashboard): State<Dashboard>,
    person: Person,
    Lenient(which): Lenient<Which>,
) -> Result<Response, Failure> {
    let t = person.visit.t;
    let range = Range::of(&which.range);
    let by_memory = which.sort == "memory";
    let sort = if by_memory { "memory" } else { "cpu" };
    let processes = format!("/api/info/processes?sort={sort}&limit={PROCESSES}");
    let history = history_path(range);
    let (board, now, network, storage) = tokio::join!(
        part::<BoardFacts>(&dashboard, &person, "/api/info/board"),
        part::<Now>(&dashboard, &person, "/api/info/now"),
        part::<Network>(&dashboard, &person, "/api/info/network"),
        part::<Storage>(&dashboard, &person, "/api/info/storage"),
    );
    let (users, processes, reach, history) = tokio::join!(
        part::<Users>(&dashboard, &person, "/api/info/users"),
        part::<Busiest>(&dashboard, &person, &processes),
        part::<Reachability>(&dashboard, &person, "/api/info/reachability"),
        part::<History>(&dashboard, &person, &history),
    );
    let page = SystemPage {
        v: &person.visit,
        board: board?.map(|board| system::board(&board, t)),
        now: now?.map(|now| system::now(&now, t)),
        network: network?.map(|network| system::network(&network, t)),
        storage: storage?.map(|storage| system::storage(&storage, t)),
        logins: users?.map(|users| system::login_rows(&users.logins, t)),
        processes: processes?.map(|list| system::process_rows(&list.processes, t)),
        by_memory,
        probes: reach?
            .map(|reach| system::probe_rows(&reach, t))
            .unwrap_or_default(),
        charts: history?.map(|history| system::charts(&history, t)),
        range,
    };
    view::page(StatusCode::OK, &page)
}

fn history_path(range: Range) -> String {
    format!("/api/info/history?metric={METRICS}&range={}", range.code())
}

/// A part of the page; `None` where the service does not answer it. Only a refusal is a failure of the page.
async fn part<T: DeserializeOwned>(
    dashboard: &Dashboard,
    person: &Person,
    path: &str,
) -> Result<Option<T>, Failure> {
    match upstream::ask(dashboard, &person.token, path).await {
        Ok(part) => Ok(Some(part)),
        Err(failure @ (Failure::SignIn | Failure::Forbidden)) => Err(failure),
        Err(_) => Ok(None),
    }
}

/// `GET /system/now`: the present figures alone, which htmx asks for now and then.
pub(crate) async fn now(State(dashboard): State<Dashboard>, person: Person) -> Result<Response, Failure> {
    let card = ChangedNow {
        v: &person.visit,
        now: present(&dashboard, &person).await?,
    };
    view::page(StatusCode::OK, &card)
}

async fn present(dashboard: &Dashboard, person: &Person) -> Result<Option<NowCard>, Failure> {
    let now = part::<Now>(dashboard, person, "/api/info/now").await?;
    Ok(now.map(|now| system::now(&now, person.visit.t)))
}

/// `GET /system/history.json`: the numbers of the charts, for the script that draws them.
pub(crate) async fn history(
    State(dashboard): State<Dashboard>,
    person: Person,
    Lenient(which): Lenient<Which>,
) -> Result<Response, Failure> {
    let path = history_path(Range::of(&which.range));
    let numbers = upstream::relay(&dashboard, &person.token, &path).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], numbers).into_response())
}
