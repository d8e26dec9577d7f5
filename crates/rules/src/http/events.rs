//! `GET /api/rules/events`: what happened on the board.

use axum::Json;
use axum::extract::State;
use pistack_api::right::ReadEvents;
use pistack_kit::extract;
use pistack_kit::guard::May;
use serde::Serialize;
use utoipa::ToSchema;

use super::front::Front;
use crate::chronicle::{Entry, EntryQuery};

/// Events.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventsAnswer {
    /// Newest first.
    events: Vec<Entry>,
}

/// What happened on the board.
///
/// State changes of programs, events of the stack (logins from new places, clock jumps, power warnings, full disks),
/// edges of watched lines, calls of hooks, configurations taken over. About the last ten thousand are kept.
#[utoipa::path(
    get, path = "/api/rules/events", operation_id = "list_events", tag = "events",
    params(EntryQuery),
    responses((status = 200, description = "Events, newest first", body = EventsAnswer))
)]
pub(super) async fn list_events(
    _: May<ReadEvents>,
    State(front): State<Front>,
    extract::Query(query): extract::Query<EntryQuery>,
) -> Json<EventsAnswer> {
    let events = front.desk().chronicle().entries(&query);
    Json(EventsAnswer { events })
}
