//! `GET /api/supervisor/events`: the supervisor's events as server-sent events.

#![expect(
    unused_qualifications,
    reason = "written by utoipa's macro for query parameters"
)]

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use futures_util::{Stream, StreamExt as _, stream};
use http::HeaderMap;
use pistack_api::right::ReadEvents;
use pistack_kit::extract::Query;
use pistack_kit::guard::May;
use pistack_kit::sse::{self, SseEvent};
use serde::Deserialize;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use utoipa::IntoParams;

use crate::events::{Notice, Published, Subscription};
use crate::state::Supervisor;

/// How long a subscriber waits for this service to have read up to its serial: right after the start of this
/// service, the supervisor's old events are still on their way.
const CATCH_UP: Duration = Duration::from_secs(1);

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventQuery {
    /// Events after this serial first; a `Last-Event-ID` header wins.
    after: Option<u64>,
    /// Only events whose name fits one of these, separated by commas; `*` at the end stands for anything.
    #[param(example = "PROCESS_STATE_*")]
    names: Option<String>,
}

/// Events as they happen.
///
/// Each is an unnamed server-sent event: its id is the supervisor's serial, its data an `Event` as JSON. Named
/// ones tell of the stream itself: `supervisor` (`{"connected":true}`), `lost` (`{"events":3}`) and `reset`
/// (the supervisor began anew, and so do the serials). The stream ends with the token.
#[utoipa::path(
    get, path = "/api/supervisor/events", operation_id = "stream_events", tag = "events",
    params(EventQuery, ("Last-Event-ID" = Option<u64>, Header, description = "Serial of the last event seen")),
    responses((status = 200, description = "Endless", body = String, content_type = "text/event-stream"))
)]
pub(crate) async fn stream_events(
    caller: May<ReadEvents>,
    State(state): State<Supervisor>,
    Query(query): Query<EventQuery>,
    headers: HeaderMap,
) -> Response {
    let header = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let after = header.or(query.after);
    if let Some(after) = after {
        let caught_up = state.events.caught_up(after);
        // Beyond that, the serial is one of an earlier run of the supervisor.
        let _ = tokio::time::timeout(CATCH_UP, caught_up).await;
    }
    let filter = Filter::parse(query.names.as_deref());
    let events = messages(state.events.subscribe(after), filter);

    let left = u64::try_from(caller.claims().exp - state.clock.unix()).unwrap_or(0);
    let until = tokio::time::sleep(Duration::from_secs(left));
    let claims = caller.claims().clone();
    let lifecycle = state.lifecycle.clone();
    // A session that was ended hears nothing more.
    let still_welcome = move |_: &SseEvent| std::future::ready(state.guard.still(&claims));
    sse::response(events.take_while(still_welcome).take_until(until), &lifecycle)
}

/// Names that a subscriber wants.
#[derive(Debug, Clone)]
struct Filter(Vec<String>);

impl Filter {
    fn parse(names: Option<&str>) -> Self {
        let names = names
            .unwrap_or("")
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        Self(names.map(str::to_owned).collect())
    }

    fn wants(&self, name: &str) -> bool {
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == pattern,
        };
        self.0.is_empty() || self.0.iter().any(fits)
    }
}

fn messages(subscription: Subscription, filter: Filter) -> impl Stream<Item = SseEvent> + Send + 'static {
    let Subscription {
        replay,
        lost,
        connected,
        live,
    } = subscription;
    let mut first = vec![named("supervisor", format!("{{\"connected\":{connected}}}"))];
    if lost > 0 {
        first.push(named("lost", format!("{{\"events\":{lost}}}")));
    }
    first.extend(
        replay
            .iter()
            .filter(|kept| filter.wants(&kept.event.name))
            .map(|kept| message(kept)),
    );
    stream::iter(first).chain(stream::unfold((live, filter), next))
}

async fn next(
    (mut live, filter): (Receiver<Notice>, Filter),
) -> Option<(SseEvent, (Receiver<Notice>, Filter))> {
    let event = loop {
        match live.recv().await {
            Ok(Notice::Event(published)) if filter.wants(&published.event.name) => break message(&published),
            Ok(Notice::Event(_)) => {}
            Ok(Notice::Connected(connected)) => {
                break named("supervisor", format!("{{\"connected\":{connected}}}"));
            }
            Ok(Notice::Reset) => break named("reset", "{}".to_owned()),
            Err(RecvError::Lagged(events)) => break named("lost", format!("{{\"events\":{events}}}")),
            Err(RecvError::Closed) => return None,
        }
    };
    Some((event, (live, filter)))
}

fn message(published: &Published) -> SseEvent {
    SseEvent {
        id: Some(published.event.serial.to_string()),
        event: None,
        data: published.json.clone(),
    }
}

fn named(event: &str, data: String) -> SseEvent {
    SseEvent {
        id: None,
        event: Some(event.to_owned()),
        data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_by_name_and_prefix() {
        let filter = Filter::parse(Some("PROCESS_STATE_*, TICK_60,"));
        assert!(filter.wants("PROCESS_STATE_EXITED") && filter.wants("TICK_60"));
        assert!(!filter.wants("TICK_5") && !filter.wants("PROCESS_LOG_STDOUT"));
        assert!(Filter::parse(None).wants("TICK_5") && Filter::parse(Some(" ")).wants("TICK_5"));
    }
}
