//! What keeps an open page up to date: one stream of server-sent events a page, each a set of pieces that htmx
//! puts into place.
//!
//! A page is told of changes, not of events: after an event (and whatever follows within a moment) the
//! program list is read again in the person's name, and what differs is sent. So a stream that missed
//! something heals with its next message, and a person sees nothing that the API would not show.

mod gpio;
mod home;
mod news;
mod program;
mod pulse;

pub(crate) use gpio::gpio;
pub(crate) use home::home;
pub(crate) use news::Newsroom;
pub(crate) use program::{Follow, program};

use axum::response::Response;
use futures_util::stream;
use pistack_kit::sse::{self, SseEvent};

use crate::error::Failure;
use crate::state::Dashboard;
use crate::view::{self, Notice};
use crate::visit::Visit;

/// A source of messages for one open page.
trait Messages: Send + 'static {
    /// The next message: an id to resume from, if any, and the pieces. `None` ends the stream; the browser then
    /// asks again, with whatever right it has by then.
    fn next(&mut self) -> impl Future<Output = Option<(Option<u64>, String)>> + Send;
}

/// The answer that carries the messages.
fn respond(dashboard: &Dashboard, messages: impl Messages) -> Response {
    let events = stream::unfold(messages, |mut messages| async move {
        let (id, data) = messages.next().await?;
        let event = SseEvent {
            id: id.map(|id| id.to_string()),
            event: None,
            data,
        };
        Some((event, messages))
    });
    sse::response(events, &dashboard.context.lifecycle)
}

/// Says on the page that it is not kept up to date for now.
fn lost(visit: &Visit) -> Result<String, Failure> {
    view::text(&Notice {
        v: visit,
        class: "warn",
        icon: "wifi-off",
        text: visit.t.events_lost.to_owned(),
        undo: String::new(),
    })
}

/// Takes the message of [`lost`] away again.
const FOUND: &str = "<hx-partial hx-target=\"#notice\" hx-swap=\"innerHTML\"></hx-partial>";
