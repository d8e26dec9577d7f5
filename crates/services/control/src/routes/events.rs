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
    Lenient(shown): Lenient<Shown>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    if !person.sees_programs() {
        return Err(Failure::Forbidden);
    }
    Ok(live::home(
        &dashboard,
        person,
        filter,
        last_id(&headers).or(shown.seen),
    ))
}

/// What the home page shows.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Shown {
    seen: Option<u64>,
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
    let last = last_id(&headers);
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

/// Where a stream that comes back stopped.
fn last_id(headers: &HeaderMap) -> Option<u64> {
    headers.get("last-event-id")?.to_str().ok()?.trim().parse().ok()
}
