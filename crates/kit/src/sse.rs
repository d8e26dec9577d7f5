//! Server-sent events (WHATWG HTML, section 9.2) from JSON values, with keep-alive comments.

use axum::response::Response;
use futures_util::Stream;

/// One event to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseEvent {
    /// `id:`; the browser sends it back as `Last-Event-ID`.
    pub id: Option<String>,
    /// `event:`.
    pub event: Option<String>,
    /// `data:`; line breaks are split into several lines.
    pub data: String,
}

/// An endless `text/event-stream` answer: `Cache-Control: no-store`, `X-Accel-Buffering: no`, a first
/// comment at once (so that the head leaves), a comment every 25 s of silence; ends when `lifecycle` stops.
pub fn response(
    _events: impl Stream<Item = SseEvent> + Send + 'static,
    _lifecycle: &crate::lifecycle::Lifecycle,
) -> Response {
    todo!()
}

/// Splits a byte stream of JSON Lines into values; skips blank lines, ends at the first broken line.
pub fn json_lines<T: serde::de::DeserializeOwned + Send + 'static>(
    _body: hyper::body::Incoming,
) -> impl Stream<Item = T> + Send + Unpin + 'static {
    futures_util::stream::pending()
}
