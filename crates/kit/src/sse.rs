//! Server-sent events (WHATWG HTML, section 9.2) from JSON values, with keep-alive comments.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::response::{IntoResponse as _, Response};
use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http_body_util::BodyExt as _;

use crate::clock::{AFTER_BEAT, BEAT, Clock};
use crate::lifecycle::Lifecycle;

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

/// Until a comment is sent, so that proxies and browsers keep the connection: with the second beat of the clock, when
/// everything else that is regular happens as well.
fn silence() -> Duration {
    Clock::system().until_beat() + BEAT + AFTER_BEAT
}

/// Longest line of a JSON Lines stream.
const MAX_LINE_BYTES: usize = 4 * 1024 * 1024;

impl SseEvent {
    /// The event as it goes over the wire, closing blank line included. An `id` or `event` ends at its first line
    /// break, so that nobody's data can start a field of its own.
    pub fn encode(&self) -> String {
        let mut text = String::with_capacity(self.data.len() + 32);
        for (field, value) in [("id", &self.id), ("event", &self.event)] {
            if let Some(line) = value.as_deref().and_then(|value| lines(value).next()) {
                text.push_str(&format!("{field}: {line}\n"));
            }
        }
        for line in lines(&self.data) {
            text.push_str(&format!("data: {line}\n"));
        }
        text.push('\n');
        text
    }
}

/// The lines of a text by the three line ends of the standard: CR LF, LF, CR.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n')
        .flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// An endless `text/event-stream` answer: `Cache-Control: no-store`, `X-Accel-Buffering: no`, a first
/// comment at once (so that the head leaves), a comment after 10 to 20 s of silence; ends when `lifecycle` stops.
pub fn response(events: impl Stream<Item = SseEvent> + Send + 'static, lifecycle: &Lifecycle) -> Response {
    response_with(events, lifecycle.clone(), silence)
}

fn response_with(
    events: impl Stream<Item = SseEvent> + Send + 'static,
    lifecycle: Lifecycle,
    keep_alive: fn() -> Duration,
) -> Response {
    let rest = futures_util::stream::unfold(Box::pin(events), move |mut events| {
        let lifecycle = lifecycle.clone();
        async move {
            let chunk = tokio::select! {
                event = events.next() => event?.encode(),
                () = tokio::time::sleep(keep_alive()) => ":\n\n".to_owned(),
                () = lifecycle.stopped() => return None,
            };
            Some((chunk, events))
        }
    });
    let first = futures_util::stream::once(std::future::ready(": connected\n\n".to_owned()));
    let body = Body::from_stream(first.chain(rest).map(Ok::<_, Infallible>));
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    (headers, [("x-accel-buffering", "no")], body).into_response()
}

/// Splits a byte stream of JSON Lines into values; skips blank lines, ends at the first broken line (or one
/// longer than 4 MiB).
pub fn json_lines<T: serde::de::DeserializeOwned + Send + 'static>(
    body: hyper::body::Incoming,
) -> impl Stream<Item = T> + Send + Unpin + 'static {
    values(body)
}

fn values<T, B>(body: B) -> impl Stream<Item = T> + Send + Unpin + 'static
where
    T: serde::de::DeserializeOwned + Send + 'static,
    B: HttpBody<Data = Bytes, Error: Send> + Send + Unpin + 'static,
{
    let state = (body, BytesMut::new());
    Box::pin(futures_util::stream::unfold(
        state,
        |(mut body, mut buffer)| async move {
            loop {
                let line = next_line(&mut body, &mut buffer).await?;
                if line.trim_ascii().is_empty() {
                    continue;
                }
                let value = serde_json::from_slice(&line).ok()?;
                return Some((value, (body, buffer)));
            }
        },
    ))
}

/// The next line; a last one needs no line end. `None` at the end, at a broken connection or an endless line.
async fn next_line<B>(body: &mut B, buffer: &mut BytesMut) -> Option<BytesMut>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    let mut searched = 0;
    loop {
        if let Some(end) = buffer[searched..].iter().position(|byte| *byte == b'\n') {
            let line = buffer.split_to(searched + end);
            buffer.advance(1);
            return Some(line);
        }
        searched = buffer.len();
        if searched > MAX_LINE_BYTES {
            return None;
        }
        match body.frame().await {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    buffer.extend_from_slice(&data);
                }
            }
            Some(Err(_)) => return None,
            None if buffer.is_empty() => return None,
            None => return Some(buffer.split()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;
    use proptest::prelude::*;

    use super::*;

    fn event(data: &str) -> SseEvent {
        SseEvent {
            id: Some("7".into()),
            event: Some("process".into()),
            data: data.into(),
        }
    }

    #[test]
    fn encodes_as_the_standard_says() {
        assert_eq!(
            event("a\r\nb\rc\nd").encode(),
            "id: 7\nevent: process\ndata: a\ndata: b\ndata: c\ndata: d\n\n"
        );
        assert_eq!(
            SseEvent {
                id: None,
                event: None,
                data: String::new()
            }
            .encode(),
            "data: \n\n"
        );
        assert_eq!(
            SseEvent {
                id: Some("1\nretry: 1".into()),
                ..event("x")
            }
            .encode()
            .lines()
            .next(),
            Some("id: 1")
        );
    }

    #[tokio::test]
    async fn sends_a_comment_at_once_then_events_then_keeps_alive_until_the_stop() {
        let lifecycle = Lifecycle::new();
        let events = futures_util::stream::iter([event("x")]).chain(futures_util::stream::pending());
        let response = response_with(events, lifecycle.clone(), || Duration::from_millis(1));
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        let mut body = response.into_body();
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.push(body.frame().await.unwrap().unwrap().into_data().unwrap());
        }
        assert_eq!(
            seen,
            [": connected\n\n", "id: 7\nevent: process\ndata: x\n\n", ":\n\n"]
        );
        lifecycle.stop();
        assert!(body.frame().await.is_none());
    }

    async fn read_all(chunks: VecDeque<Bytes>) -> Vec<u64> {
        let frames = chunks
            .into_iter()
            .map(|chunk| Ok::<_, Infallible>(Frame::data(chunk)));
        let body = StreamBody::new(futures_util::stream::iter(frames));
        values::<u64, _>(body).collect().await
    }

    #[tokio::test]
    async fn ends_at_the_first_broken_line() {
        let body = Full::new(Bytes::from("1\n\n 2 \nx\n3\n"));
        assert_eq!(values::<u64, _>(body).collect::<Vec<_>>().await, [1, 2]);
    }

    proptest! {
        #[test]
        fn reads_the_same_however_the_bytes_are_cut(numbers in prop::collection::vec(any::<u64>(), 0..20), size in 1_usize..9) {
            let lines: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            let text = lines.join("\n");
            let chunks = text.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            prop_assert_eq!(runtime.block_on(read_all(chunks)), numbers);
        }
    }
}
