//! `GET /api/io/events`: what happens on the lines, as server-sent events.

#![expect(
    unused_qualifications,
    reason = "written by utoipa's macro for query parameters"
)]

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use futures_util::{StreamExt as _, stream};
use http::HeaderMap;
use pistack_api::right::ReadLine;
use pistack_api::token::AccessClaims;
use pistack_kit::extract;
use pistack_kit::guard::{MayOn, read_bearer};
use pistack_kit::problem::Problem;
use pistack_kit::sse::{self, SseEvent};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::event::Event;
use crate::reader::{Filter, Reader};
use crate::state::Gpio;

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventQuery {
    /// Only of these lines, separated by commas; `*` at the end stands for anything.
    #[param(example = "door,relay*")]
    line: Option<String>,
    /// Only of these kinds, separated by commas.
    #[param(example = "rising,falling")]
    kind: Option<String>,
    /// As the header `Last-Event-ID`, for clients that cannot set it; the header wins.
    last: Option<String>,
}

/// Events as they happen.
///
/// Each is an unnamed server-sent event with an `Event` as JSON. After a break, the header `Last-Event-ID` brings what
/// happened meanwhile: 10,000 events are kept. Where more are gone, an event of kind `lost` says how many. The stream
/// ends with the token.
#[utoipa::path(
    get, path = "/api/io/events", operation_id = "stream_line_events", tag = "events",
    params(EventQuery, ("Last-Event-ID" = Option<String>, Header, description = "Id of the last event seen")),
    responses((status = 200, description = "Endless; the data of each is an `Event`", body = Event, content_type = "text/event-stream"))
)]
pub(crate) async fn stream_line_events(
    caller: MayOn<ReadLine>,
    State(gpio): State<Gpio>,
    query: Result<extract::Query<EventQuery>, Problem>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let extract::Query(query) = query.map_err(|problem| gpio.problem(problem))?;
    let header = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let filter = Filter::parse(query.line.as_deref(), query.kind.as_deref());
    let last = header.or(query.last.as_deref());
    let welcome = Welcome::new(&gpio, &headers);
    let until = tokio::time::sleep(welcome.left());
    let reader = Reader::new(gpio.clone(), caller, filter, last);
    let events = stream::unfold(reader, |mut reader| async move {
        let events = reader.next().await?;
        Some((stream::iter(events), reader))
    });
    let messages = events.flatten().map(|event| message(&event));
    let still_welcome = move |_: &SseEvent| std::future::ready(welcome.still());
    let lifecycle = gpio.lifecycle().clone();
    Ok(sse::response(
        messages.take_while(still_welcome).take_until(until),
        &lifecycle,
    ))
}

fn message(event: &Event) -> SseEvent {
    SseEvent {
        id: Some(format!("{}-{}", event.boot, event.seq)),
        event: None,
        data: serde_json::to_string(event).unwrap_or_default(),
    }
}

/// Whether a stream's reader may go on: a session that was ended hears nothing more.
#[derive(Debug, Clone)]
pub(super) struct Welcome {
    gpio: Gpio,
    /// `None` without a token that is good.
    claims: Option<AccessClaims>,
}

impl Welcome {
    pub(super) fn new(gpio: &Gpio, headers: &HeaderMap) -> Self {
        let claims = read_bearer(headers).and_then(|token| gpio.guard().verify(&token).ok());
        Self {
            gpio: gpio.clone(),
            claims,
        }
    }

    /// The session has not ended. Asked for every event, so that the signature is not verified again.
    pub(super) fn still(&self) -> bool {
        self.claims
            .as_ref()
            .is_some_and(|claims| self.gpio.guard().still(claims))
    }

    /// Until the token ends.
    pub(super) fn left(&self) -> Duration {
        let ends = self.claims.as_ref().map_or(0, |claims| claims.exp);
        let left = ends.saturating_sub(self.gpio.clock().unix());
        Duration::from_secs(u64::try_from(left).unwrap_or(0))
    }
}
