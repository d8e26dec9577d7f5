//! The streams that keep open pages up to date.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;

use super::{Lenient, Name};
use crate::error::Failure;
use crate::identity::Person;
use crate::live::{self, Follow};
use crate::process::filter::Filter;
use crate::process::full_name;
use crate::state::Dashboard;
use crate::upstream::supervisor::{self, Channel};

/// `GET /live`: for the home page.
pub(crate) async fn home(
    State(dashboard): State<Dashboard>,
    person: Person,
    Lenient(filter): Lenient<Filter>,
) -> Result<Response, Failure> {
    if !person.sees_programs() {
        return Err(Failure::Forbidden);
    }
    Ok(live::home(&dashboard, person, filter))
}

/// Up to where the page shows the log.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct From {
    #[serde(default)]
    channel: Channel,
    #[serde(default)]
    offset: u64,
}

/// `GET /programs/{name}/events`: for a program's page.
pub(crate) async fn program(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(name): Name,
    Lenient(from): Lenient<From>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    if !person.sees_programs() {
        return Err(Failure::Forbidden);
    }
    let last = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok()?.trim().parse().ok());
    // An unknown name is told at once; a service that is away is waited for.
    let name = match supervisor::find(&dashboard, &person.token, &name).await {
        Ok(info) => full_name(&info),
        Err(Failure::Down(_)) => name,
        Err(failure) => return Err(failure),
    };
    let follow = Follow {
        name,
        channel: from.channel,
        offset: last.unwrap_or(from.offset),
    };
    Ok(live::program(&dashboard, person, follow))
}
