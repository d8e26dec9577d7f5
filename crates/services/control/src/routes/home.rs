//! The home page: all programs, and the board.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;

use super::Lenient;
use crate::error::Failure;
use crate::identity::Person;
use crate::inert;
use crate::process::Table;
use crate::process::filter::Filter;
use crate::state::Dashboard;
use crate::upstream::supervisor::segment;
use crate::upstream::{info, programs::programs as look};
use crate::view::{self, ChangedBoard, HomePage, Programs, Told};

/// What was just done, after a redirect.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Done {
    stopped: String,
}

/// `GET /`
pub(crate) async fn home(
    State(dashboard): State<Dashboard>,
    person: Person,
    Lenient(filter): Lenient<Filter>,
    Lenient(done): Lenient<Done>,
) -> Result<Response, Failure> {
    let (programs, board) = tokio::join!(
        programs(&dashboard, &person, &filter),
        info::board(&dashboard, &person)
    );
    let page = HomePage {
        v: &person.visit,
        programs: programs?,
        board,
        told: told(&person, &done),
    };
    view::page(StatusCode::OK, &page)
}

/// A stopped program can be started again with one press, also without scripts.
fn told(person: &Person, done: &Done) -> Option<Told> {
    let name = done.stopped.as_str();
    if name.is_empty() || name.len() > 500 {
        return None;
    }
    let shown = inert::line(name.rsplit(':').next().unwrap_or(name));
    Some(Told {
        class: "",
        icon: "circle-stop",
        text: person.visit.t.did_stop(shown),
        undo: segment(name),
    })
}

/// `GET /board`: the board's card alone, which htmx asks for now and then.
pub(crate) async fn board(State(dashboard): State<Dashboard>, person: Person) -> Result<Response, Failure> {
    let card = ChangedBoard {
        v: &person.visit,
        board: info::board(&dashboard, &person).await,
        polls: true,
    };
    view::page(StatusCode::OK, &card)
}

/// The table, or why there is none. Only a refused token is a failure of the page as a whole.
async fn programs(dashboard: &Dashboard, person: &Person, filter: &Filter) -> Result<Programs, Failure> {
    if !person.sees_programs() {
        return Ok(Programs::Refused);
    }
    match look(dashboard, person).await {
        Ok(seen) => Ok(Programs::Shown(Table::new(
            &seen.list,
            &seen.usage,
            filter,
            person,
        ))),
        Err(Failure::SignIn) => Err(Failure::SignIn),
        Err(Failure::Forbidden) => Ok(Programs::Refused),
        Err(failure) => Ok(Programs::Down(failure.words(person.visit.t).1)),
    }
}
