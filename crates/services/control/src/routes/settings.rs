//! The Settings page.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use pistack_api::right::{ReadChannel, ReadGateway, Right as _, SendChannel};
use pistack_api::token::Level;
use serde::Deserialize;

use super::account::prove;
use super::apis::read_authority;
use super::{Form, Lenient, Name};
use crate::error::Failure;
use crate::identity::Person;
use crate::settings::{
    ChannelRow, CopiesCard, Part, RouteRow, SettingsPage, TlsCard, channel_row, copies_card, route_row,
    tls_card,
};
use crate::state::Dashboard;
use crate::upstream::{channels, gateway, people};
use crate::view;

const SETTINGS: &str = "/settings";

/// What was done just now, for the word at the top of the page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Done {
    done: String,
}

/// `GET /settings`
pub(crate) async fn settings(
    State(dashboard): State<Dashboard>,
    person: Person,
    Lenient(query): Lenient<Done>,
) -> Result<Response, Failure> {
    let t = person.visit.t;
    let told = match query.done.as_str() {
        "copy" => Some(t.set_did_copy.to_owned()),
        "reauth" => Some(t.did_reauth.to_owned()),
        _ => None,
    };
    page(&dashboard, &person, StatusCode::OK, told, None).await
}

async fn page(
    dashboard: &Dashboard,
    person: &Person,
    status: StatusCode,
    told: Option<String>,
    problem: Option<String>,
) -> Result<Response, Failure> {
    let (channels, copies, tls, routes, authority) = tokio::join!(
        channels_part(dashboard, person),
        copies_part(dashboard, person),
        tls_part(dashboard, person),
        routes_part(dashboard, person),
        read_authority(dashboard)
    );
    let page = SettingsPage {
        v: &person.visit,
        told,
        problem,
        channels: channels?,
        tls,
        has_authority: authority.is_some(),
        copies: copies?,
        routes,
        version: env!("CARGO_PKG_VERSION"),
    };
    view::page(status, &page)
}

/// What a service answered, as a part of the page. Only a token that is not taken any more is a failure of the page.
fn part<T>(answer: Result<T, Failure>) -> Result<Part<T>, Failure> {
    match answer {
        Ok(shown) => Ok(Part::Shown(shown)),
        Err(Failure::SignIn) => Err(Failure::SignIn),
        Err(Failure::Forbidden) => Ok(Part::Hidden),
        Err(_) => Ok(Part::Down),
    }
}

pub(super) async fn channels_part(
    dashboard: &Dashboard,
    person: &Person,
) -> Result<Part<Vec<ChannelRow>>, Failure> {
    if !person.may(ReadChannel::INFO) {
        return Ok(Part::Hidden);
    }
    let row = |channel: &channels::Channel| {
        let can_test = person.may_on(SendChannel::INFO, &channel.name);
        channel_row(channel, can_test, person.visit.t)
    };
    let answer = channels::list(dashboard, &person.token).await;
    part(answer.map(|channels| channels.iter().map(row).collect()))
}

async fn copies_part(dashboard: &Dashboard, person: &Person) -> Result<Part<CopiesCard>, Failure> {
    if person.claims.lvl < Level::Root {
        return Ok(Part::Hidden);
    }
    let answer = people::copies(dashboard, &person.token).await;
    part(answer.map(|copies| copies_card(&copies, person.visit.t)))
}

pub(super) async fn tls_part(dashboard: &Dashboard, person: &Person) -> Part<TlsCard> {
    if !person.may(ReadGateway::INFO) {
        return Part::Hidden;
    }
    match gateway::tls(dashboard).await {
        Some(tls) => Part::Shown(tls_card(&tls, dashboard.context.clock.unix(), person.visit.t)),
        None => Part::Down,
    }
}

async fn routes_part(dashboard: &Dashboard, person: &Person) -> Part<Vec<RouteRow>> {
    if !person.may(ReadGateway::INFO) {
        return Part::Hidden;
    }
    match gateway::routes(dashboard).await {
        Some(routes) => Part::Shown(
            routes
                .iter()
                .map(|route| route_row(route, person.visit.t))
                .collect(),
        ),
        None => Part::Down,
    }
}

/// `POST /settings/channels/{name}/test`: sends a test message and says what came of it.
pub(crate) async fn test_channel(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(name): Name,
) -> Result<Response, Failure> {
    let t = person.visit.t;
    let shown = crate::inert::line(&name);
    match channels::test(&dashboard, &person.token, &name).await {
        Ok(tested) if tested.ok => {
            let told = Some(t.set_test_sent(shown));
            page(&dashboard, &person, StatusCode::OK, told, None).await
        }
        Ok(tested) => {
            let said = t.set_test_failed(shown, crate::inert::line(&tested.detail));
            page(&dashboard, &person, StatusCode::OK, None, Some(said)).await
        }
        Err(failure @ Failure::Refused(_)) => {
            let said = failure.words(t).1;
            page(&dashboard, &person, failure.status(), None, Some(said)).await
        }
        Err(failure) => Err(failure),
    }
}

/// No fields.
#[derive(Debug, Deserialize)]
pub(crate) struct Nothing {}

/// `POST /settings/copies`: a copy of the accounts now.
pub(crate) async fn copy(
    State(dashboard): State<Dashboard>,
    person: Person,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Failure> {
    match people::copy_now(&dashboard, &person.token).await {
        Ok(()) => Ok(person.visit.redirect("/settings?done=copy")),
        Err(failure) if failure.is("reauthentication-required") => {
            prove(&dashboard, &person, StatusCode::OK, None, SETTINGS).await
        }
        Err(failure @ Failure::Refused(_)) => {
            let said = failure.words(person.visit.t).1;
            page(&dashboard, &person, failure.status(), None, Some(said)).await
        }
        Err(failure) => Err(failure),
    }
}
