//! The home page: all programs, and the board.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use crate::error::Failure;
use crate::identity::Person;
use crate::process::Table;
use crate::state::Dashboard;
use crate::upstream::{info, supervisor};
use crate::view::{self, ChangedBoard, HomePage, Programs};

/// `GET /`
pub(crate) async fn home(State(dashboard): State<Dashboard>, person: Person) -> Result<Response, Failure> {
    let (programs, board) = tokio::join!(programs(&dashboard, &person), info::board(&dashboard, &person));
    let page = HomePage {
        v: &person.visit,
        programs: programs?,
        board,
    };
    view::page(StatusCode::OK, &page)
}

/// `GET /board`: the board's card alone, which htmx asks for now and then.
pub(crate) async fn board(State(dashboard): State<Dashboard>, person: Person) -> Result<Response, Failure> {
    let card = ChangedBoard {
        v: &person.visit,
        board: info::board(&dashboard, &person).await,
    };
    view::page(StatusCode::OK, &card)
}

/// The table, or why there is none. Only a refused token is a failure of the page as a whole.
async fn programs(dashboard: &Dashboard, person: &Person) -> Result<Programs, Failure> {
    if !person.sees_programs() {
        return Ok(Programs::Refused);
    }
    match supervisor::list(dashboard, &person.token).await {
        Ok(list) => Ok(Programs::Shown(Table::new(&list, person))),
        Err(Failure::SignIn) => Err(Failure::SignIn),
        Err(Failure::Forbidden) => Ok(Programs::Refused),
        Err(failure) => Ok(Programs::Down(failure.words(person.visit.t).1)),
    }
}
