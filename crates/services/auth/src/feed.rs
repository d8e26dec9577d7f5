//! What was ended before its time, told to every process that verifies tokens: a snapshot first, then each
//! revocation as it happens.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use pistack_api::token::{FeedLine, Jwks, Revocation};
use pistack_kit::clock::Clock;
use pistack_kit::lifecycle::Lifecycle;
use tokio::sync::broadcast::{self, Receiver, Sender, error::RecvError};

/// Lines a slow reader may fall behind before it gets a new snapshot instead.
const BACKLOG: usize = 256;

/// The revocations that may still matter, and who listens.
#[derive(Debug)]
pub(crate) struct Feed {
    clock: Clock,
    keys: RwLock<Jwks>,
    revoked: Mutex<Vec<Revocation>>,
    lines: Sender<FeedLine>,
}

impl Feed {
    /// Starts with the public keys and nothing revoked.
    pub(crate) fn new(clock: Clock, keys: Jwks) -> Self {
        Self {
            clock,
            keys: RwLock::new(keys),
            revoked: Mutex::default(),
            lines: broadcast::channel(BACKLOG).0,
        }
    }

    /// The public keys.
    pub(crate) fn keys(&self) -> Jwks {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes another key set and tells everybody who listens.
    pub(crate) fn set_keys(&self, keys: Jwks) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys.clone();
        // A snapshot taken meanwhile holds them already, and hears of them again. An error only means that nobody
        // listens.
        let _ = self.lines.send(FeedLine::Keys { keys });
    }

    /// Takes a revocation and tells everybody who listens. False if it was known already.
    pub(crate) fn add(&self, revocation: &Revocation) -> bool {
        let now = self.clock.unix();
        let mut revoked = self.revoked();
        if revoked.contains(revocation) {
            return false;
        }
        revoked.retain(|old| until(old) > now);
        revoked.push(revocation.clone());
        // Sent under the lock, so that a snapshot taken meanwhile either holds it or is followed by it. An
        // error only means that nobody listens.
        let _ = self.lines.send(FeedLine::Revoked {
            revocation: revocation.clone(),
        });
        true
    }

    /// The whole state.
    fn snapshot(&self) -> FeedLine {
        let now = self.clock.unix();
        let revoked = self
            .revoked()
            .iter()
            .filter(|old| until(old) > now)
            .cloned()
            .collect();
        FeedLine::Snapshot {
            keys: self.keys(),
            revoked,
        }
    }

    fn revoked(&self) -> MutexGuard<'_, Vec<Revocation>> {
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn until(revocation: &Revocation) -> i64 {
    match revocation {
        Revocation::Session { until, .. } | Revocation::User { until, .. } => *until,
    }
}

/// One reader's place.
struct Reader<F> {
    feed: F,
    lines: Receiver<FeedLine>,
    lifecycle: Lifecycle,
    greeted: bool,
}

/// An endless body of JSON Lines; ends when the process stops.
pub(crate) fn body<F>(feed: F, lifecycle: Lifecycle) -> Body
where
    F: AsRef<Feed> + Send + 'static,
{
    let lines = feed.as_ref().lines.subscribe();
    let reader = Reader {
        feed,
        lines,
        lifecycle,
        greeted: false,
    };
    Body::from_stream(stream::unfold(reader, |mut reader| async move {
        let chunk = next_chunk(&mut reader).await?;
        Some((Ok::<_, std::convert::Infallible>(chunk), reader))
    }))
}

async fn next_chunk<F: AsRef<Feed>>(reader: &mut Reader<F>) -> Option<Bytes> {
    if !reader.greeted {
        reader.greeted = true;
        return Some(line(&reader.feed.as_ref().snapshot()));
    }
    let until_beat = reader.feed.as_ref().clock.until_beat();
    tokio::select! {
        () = reader.lifecycle.stopped() => None,
        // an empty line at every beat, so that a dead connection is noticed by both sides
        () = tokio::time::sleep(until_beat) => Some(Bytes::from_static(b"\n")),
        received = reader.lines.recv() => match received {
            Ok(received) => Some(line(&received)),
            Err(RecvError::Lagged(_)) => Some(line(&reader.feed.as_ref().snapshot())),
            Err(RecvError::Closed) => None,
        },
    }
}

fn line(line: &FeedLine) -> Bytes {
    let mut bytes = serde_json::to_vec(line).expect("a feed line is made of texts and numbers");
    bytes.push(b'\n');
    bytes.into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use http_body_util::BodyExt as _;

    use super::*;

    fn ended(sid: &str, until: i64) -> Revocation {
        Revocation::Session {
            sid: sid.to_owned(),
            until,
        }
    }

    fn feed() -> (Clock, Arc<Feed>) {
        let clock = Clock::manual(1000);
        (clock.clone(), Arc::new(Feed::new(clock, Jwks::default())))
    }

    struct Shared(Arc<Feed>);
    impl AsRef<Feed> for Shared {
        fn as_ref(&self) -> &Feed {
            &self.0
        }
    }

    async fn next(body: &mut Body) -> Option<FeedLine> {
        let frame = body.frame().await?.unwrap().into_data().unwrap();
        assert_eq!(frame.last(), Some(&b'\n'));
        Some(serde_json::from_slice(&frame).unwrap())
    }

    #[tokio::test]
    async fn a_reader_gets_the_state_and_then_each_change() {
        let (clock, feed) = feed();
        feed.add(&ended("old", 1010));
        clock.advance(Duration::from_secs(20));
        assert!(feed.add(&ended("a", 2000)));
        assert!(!feed.add(&ended("a", 2000)));
        let lifecycle = Lifecycle::new();
        let mut body = body(Shared(Arc::clone(&feed)), lifecycle.clone());
        feed.add(&ended("between", 2000));
        let Some(FeedLine::Snapshot { revoked, .. }) = next(&mut body).await else {
            panic!("a snapshot comes first")
        };
        assert_eq!(revoked, [ended("a", 2000), ended("between", 2000)]);
        feed.add(&ended("b", 2000));
        // `between` came after the subscription: twice is harmless, never is not.
        for sid in ["between", "b"] {
            assert_eq!(
                next(&mut body).await,
                Some(FeedLine::Revoked {
                    revocation: ended(sid, 2000)
                })
            );
        }
        lifecycle.stop();
        assert_eq!(next(&mut body).await, None);
    }

    #[tokio::test]
    async fn who_falls_behind_starts_over() {
        let (_, feed) = feed();
        let mut body = body(Shared(Arc::clone(&feed)), Lifecycle::new());
        next(&mut body).await.unwrap();
        for index in 0..=BACKLOG {
            feed.add(&ended(&index.to_string(), 2000));
        }
        let Some(FeedLine::Snapshot { revoked, .. }) = next(&mut body).await else {
            panic!("a new snapshot")
        };
        assert_eq!(revoked.len(), BACKLOG + 1);
    }
}
