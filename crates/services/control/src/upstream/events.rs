//! The supervisor service's event stream, read as far as the dashboard needs it.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{Method, Request, header};
use http_body_util::BodyExt as _;
use pistack_api::event::Event;
use pistack_api::service::Service;

use crate::error::Failure;
use crate::state::Dashboard;

/// Longest line that is kept; a longer one (a log event) is of no use here.
const MAX_LINE_BYTES: usize = 256 * 1024;

/// An open stream.
#[derive(Debug)]
pub(crate) struct Events {
    body: Body,
    buffer: BytesMut,
    /// The rest of a line that grew too long is skipped.
    skipping: bool,
    frame: Frame,
}

/// The fields of the event being read.
#[derive(Debug, Default)]
struct Frame {
    name: String,
    data: String,
}

/// What the stream says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum News {
    /// Something that may have changed the program list.
    Programs,
    /// Whether the supervisor itself answers its service.
    Supervisor { connected: bool },
}

/// Opens the stream in a person's name.
pub(crate) async fn open(dashboard: &Dashboard, token: &str) -> Result<Events, Failure> {
    let request = Request::builder()
        .method(Method::GET)
        .uri("/api/supervisor/events?names=PROCESS_STATE*,PROCESS_GROUP*,SUPERVISOR_STATE_CHANGE*")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::ACCEPT, "text/event-stream")
        .body(Bytes::new())
        .map_err(|_| Failure::SignIn)?;
    let answer = dashboard
        .supervisor
        .stream(request, dashboard.config.upstream_timeout.0)
        .await
        .map_err(|error| Failure::unreachable(Service::Supervisor, &error))?;
    if answer.status().is_success() {
        return Ok(Events::new(Body::new(answer.into_body())));
    }
    Err(Failure::refused(Service::Supervisor, answer.status(), b""))
}

impl Events {
    pub(crate) fn new(body: Body) -> Self {
        Self {
            body,
            buffer: BytesMut::new(),
            skipping: false,
            frame: Frame::default(),
        }
    }

    /// The next piece of news; `None` when the stream is over. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> Option<News> {
        loop {
            while let Some(line) = self.line() {
                if let Some(news) = self.frame.take(&line) {
                    return Some(news);
                }
            }
            let frame = self.body.frame().await?.ok()?;
            if let Ok(data) = frame.into_data() {
                self.buffer.extend_from_slice(&data);
            }
        }
    }

    /// A whole line out of the buffer, without its end.
    fn line(&mut self) -> Option<String> {
        loop {
            let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') else {
                if self.buffer.len() > MAX_LINE_BYTES {
                    self.buffer.clear();
                    self.skipping = true;
                }
                return None;
            };
            let line = self.buffer.split_to(end + 1);
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            return Some(
                String::from_utf8_lossy(&line)
                    .trim_end_matches(['\n', '\r'])
                    .to_owned(),
            );
        }
    }
}

impl Frame {
    /// Takes a line in; gives news when the line ends an event that is some.
    fn take(&mut self, line: &str) -> Option<News> {
        if line.is_empty() {
            return std::mem::take(self).news();
        }
        if let Some(value) = line.strip_prefix("event:") {
            value.trim_start().clone_into(&mut self.name);
        } else if let Some(value) = line.strip_prefix("data:") {
            self.data += value.strip_prefix(' ').unwrap_or(value);
        }
        None
    }

    fn news(self) -> Option<News> {
        match self.name.as_str() {
            "" => {
                let event: Event = serde_json::from_str(&self.data).ok()?;
                let concerns = ["PROCESS_STATE", "PROCESS_GROUP", "SUPERVISOR_STATE_CHANGE"];
                concerns
                    .iter()
                    .any(|prefix| event.name.starts_with(prefix))
                    .then_some(News::Programs)
            }
            "supervisor" => {
                let state: serde_json::Value = serde_json::from_str(&self.data).ok()?;
                Some(News::Supervisor {
                    connected: state.get("connected")?.as_bool()?,
                })
            }
            // Events were lost or the supervisor began anew: look at everything again.
            "lost" | "reset" => Some(News::Programs),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    use futures_util::stream;

    fn events(chunks: Vec<String>) -> Events {
        Events::new(Body::from_stream(stream::iter(
            chunks.into_iter().map(Ok::<_, Infallible>),
        )))
    }

    fn state(name: &str) -> String {
        format!("id: 1\ndata: {{\"serial\":1,\"name\":\"{name}\",\"at\":0,\"fields\":{{}}}}\n\n")
    }

    #[tokio::test]
    async fn reads_events_whatever_the_pieces_are() {
        let text = format!(
            ": connected\n\nevent: supervisor\ndata: {{\"connected\":false}}\r\n\n{}{}event: lost\ndata: {{}}\n\n",
            state("TICK_5"),
            state("PROCESS_STATE_EXITED")
        );
        let mut events = events(text.chars().map(String::from).collect());
        assert_eq!(events.next().await, Some(News::Supervisor { connected: false }));
        assert_eq!(events.next().await, Some(News::Programs));
        assert_eq!(events.next().await, Some(News::Programs));
        assert_eq!(events.next().await, None);
    }

    #[tokio::test]
    async fn a_line_without_end_and_nonsense_are_skipped() {
        let long = "x".repeat(MAX_LINE_BYTES + 1);
        let mut events = events(vec![
            format!("data: {long}"),
            long,
            "\n\ndata: {\"not\":\"an event\"}\n\n\0\u{fffd}\n\n".into(),
            state("PROCESS_GROUP_ADDED"),
        ]);
        assert_eq!(events.next().await, Some(News::Programs));
        assert_eq!(events.next().await, None);
    }
}
