//! Following auth's feed: keys and revocations as they happen, and the keys' copy on disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::Request;
use pistack_api::token::{FeedLine, Jwks};

use super::{Feed, Guard};
use crate::client::Client;
use crate::lifecycle::Lifecycle;
use crate::paths::write_atomic;
use crate::sse::json_lines;

const FIRST_DELAY: Duration = Duration::from_millis(50);
const LONGEST_DELAY: Duration = Duration::from_secs(2);
/// How long auth may take to begin its answer.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);

/// Follows the feed until the process stops.
pub(super) async fn follow(guard: Arc<Guard>, socket: PathBuf, cache: PathBuf, lifecycle: Lifecycle) {
    if let Some(keys) = read_cache(&cache) {
        guard.set_keys(&keys);
    }
    let client = Client::unix(socket);
    let mut delay = FIRST_DELAY;
    while !lifecycle.is_stopping() {
        let heard = tokio::select! {
            heard = listen(&guard, &client, &cache) => heard,
            () = lifecycle.stopped() => return,
        };
        if heard {
            tracing::warn!("auth's feed ended; connecting again");
            guard.set_feed(Feed::Lost(guard.clock.monotonic()));
            delay = FIRST_DELAY;
        }
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = lifecycle.stopped() => return,
        }
        delay = (delay * 2).min(LONGEST_DELAY);
    }
}

/// One connection. True if a snapshot came through.
async fn listen(guard: &Guard, client: &Client, cache: &Path) -> bool {
    let request = Request::get("/internal/feed")
        .body(Bytes::new())
        .expect("a constant request is well-formed");
    let response = match client.stream(request, HEAD_DEADLINE).await {
        Ok(response) if response.status().is_success() => response,
        Ok(response) => {
            tracing::warn!(status = response.status().as_u16(), "auth refuses its feed");
            return false;
        }
        Err(error) => {
            // Auth starts beside us: that it is not there yet is no news.
            tracing::debug!(%error, "auth's feed is not there");
            return false;
        }
    };
    let mut lines = json_lines::<FeedLine>(response.into_body());
    let mut heard = false;
    while let Some(line) = lines.next().await {
        match line {
            FeedLine::Snapshot { keys, revoked } => {
                // Revocations that we know already stay: forgetting one could let somebody back in.
                for revocation in &revoked {
                    guard.revoke(revocation);
                }
                guard.set_keys(&keys);
                guard.set_feed(Feed::Live);
                heard = true;
                keep_keys(keys, cache).await;
            }
            FeedLine::Keys { keys } => {
                guard.set_keys(&keys);
                keep_keys(keys, cache).await;
            }
            FeedLine::Revoked { revocation } => guard.revoke(&revocation),
        }
    }
    heard
}

async fn keep_keys(keys: Jwks, cache: &Path) {
    let cache = cache.to_owned();
    // fsync may take long on an SD card, and this process has one thread for everything else.
    let written = tokio::task::spawn_blocking(move || write_cache(&cache, &keys)).await;
    if let Ok(Err(error)) = written {
        tracing::warn!(%error, "cannot keep a copy of auth's keys");
    }
}

fn read_cache(path: &Path) -> Option<Jwks> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Writes only what changed: every service has this copy, and flash memory wears.
fn write_cache(path: &Path, keys: &Jwks) -> Result<(), crate::paths::PathError> {
    if read_cache(path).as_ref() == Some(keys) {
        return Ok(());
    }
    let text = serde_json::to_vec(keys).expect("keys are texts");
    write_atomic(path, &text, 0o600)
}
