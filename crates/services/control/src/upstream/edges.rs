//! Edges of GPIO lines that the io service still remembers: its stream is read as far as it goes back, and closed.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::BodyExt as _;
use pistack_api::service::Service;
use pistack_kit::client::Client;
use serde::Deserialize;

use crate::error::Failure;
use crate::state::Dashboard;

/// What is remembered comes at once: after a silence of this length all of it is there.
const SILENCE: Duration = Duration::from_millis(120);
/// Bytes that are read at most; older ones are left out by the service first.
const MOST: usize = 2 << 20;

/// One change of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Edge {
    pub(crate) line: String,
    pub(crate) bcm: Option<u32>,
    /// `rising`, `falling`, `value`, ...
    pub(crate) kind: String,
    /// RFC 3339.
    pub(crate) ts: String,
    pub(crate) by: String,
}

/// The edges, oldest first. A service that keeps none has none.
pub(crate) async fn remembered(dashboard: &Dashboard, token: &str) -> Result<Vec<Edge>, Failure> {
    let client = Client::unix(dashboard.context.paths.service_socket(Service::Io));
    let request = Request::builder()
        .method(Method::GET)
        .uri("/api/io/events")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::ACCEPT, "text/event-stream")
        .header("last-event-id", "0")
        .body(Bytes::new())
        .map_err(|_| Failure::SignIn)?;
    let answer = client
        .stream(request, dashboard.config.upstream_timeout.0)
        .await
        .map_err(|error| Failure::unreachable(Service::Io, &error))?;
    if !answer.status().is_success() {
        return match Failure::refused(Service::Io, answer.status(), b"") {
            Failure::NotFound => Ok(Vec::new()),
            other => Err(other),
        };
    }
    let mut body = Body::new(answer.into_body());
    let mut bytes = Vec::new();
    while bytes.len() < MOST {
        match tokio::time::timeout(SILENCE, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    bytes.extend_from_slice(&data);
                }
            }
            _ => break,
        }
    }
    Ok(read(&String::from_utf8_lossy(&bytes)))
}

fn read(text: &str) -> Vec<Edge> {
    text.lines()
        .filter_map(|line| serde_json::from_str::<Edge>(line.strip_prefix("data:")?.trim()).ok())
        .filter(|edge| matches!(edge.kind.as_str(), "rising" | "falling"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_picked_out_of_the_stream() {
        let text = "id: 1\ndata: {\"line\":\"door\",\"bcm\":27,\"kind\":\"rising\",\"ts\":\"2026-11-23T10:00:00Z\",\"by\":\"edge\"}\n\n\
                    data: {\"kind\":\"sensor\"}\n\n: hello\n\ndata: no json\n\ndata: {\"line\":\"door\",\"kind\":\"fall";
        let edges = read(text);
        assert_eq!((edges.len(), edges[0].line.as_str()), (1, "door"));
    }
}
