//! Follows auth's feed, so that a token is forgotten as soon as its session ends.

use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderMap, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use pistack_api::service::Service;
use pistack_api::token::FeedLine;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Sessions;
use crate::body::BoxError;
use crate::upstream::Ask;

/// The wait before the next attempt grows from the first to the second. A logout must be known within a
/// second, so the gap in the feed must stay below that.
const WAITS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));
/// How long auth may take to begin.
const BEGIN: Duration = Duration::from_mins(1);
/// A line longer than this is no line of ours.
const MAX_LINE_BYTES: usize = 4 * 1024 * 1024;

/// Follows until `stop`.
pub(crate) async fn follow(sessions: Arc<Sessions>, stop: CancellationToken) {
    let mut wait = WAITS.0;
    loop {
        let mut heard = false;
        let ended = tokio::select! {
            ended = listen(&sessions, &mut heard) => ended,
            () = stop.cancelled() => return,
        };
        // While auth is away nothing can be revoked; what its next snapshot tells empties the cache.
        let reason = ended.err().map(|error| error.to_string());
        tracing::debug!(reason, "auth's feed ended");
        wait = if heard { WAITS.0 } else { (wait * 2).min(WAITS.1) };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn listen(sessions: &Sessions, heard: &mut bool) -> Result<(), BoxError> {
    let ask = Ask {
        method: &Method::GET,
        path: &PathAndQuery::from_static("/internal/feed"),
        headers: &HeaderMap::new(),
        host: &HeaderValue::from_static("localhost"),
        forwarded: None,
        websocket: false,
    };
    let auth = sessions.upstreams.service(Service::Auth);
    let deadline = Instant::now() + BEGIN;
    let response = auth.ask(&ask, deadline, true).await?;
    if response.status() != StatusCode::OK {
        return Err(format!("auth answered {}", response.status()).into());
    }
    let mut body = response.into_body();
    let mut pending = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        pending.extend_from_slice(&data);
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            if line.iter().any(|byte| !byte.is_ascii_whitespace()) {
                apply(sessions, &serde_json::from_slice(&line)?);
                *heard = true;
            }
        }
        if pending.len() > MAX_LINE_BYTES {
            return Err("a line of the feed is too long".into());
        }
    }
    Ok(())
}

fn apply(sessions: &Sessions, line: &FeedLine) {
    match line {
        FeedLine::Revoked { revocation } => sessions.cache.revoke(revocation),
        // After a gap nobody knows what ended in it; after a change of keys, which tokens are still good.
        FeedLine::Snapshot { .. } | FeedLine::Keys { .. } => sessions.cache.clear(),
    }
}
