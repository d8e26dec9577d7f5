//! The process list, kept for the rest of the second in which it was read, until an event changes it.
//!
//! supervisord's own answer has a resolution of one second (`now`, uptime), so that an answer of the same
//! second, with no event since, is the answer that the supervisor would give. Without a live event stream
//! nothing is kept.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use pistack_api::process::ProcessInfo;

use crate::error::Error;
use crate::state::Supervisor;

/// One reading of the process list.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// As read.
    pub(crate) processes: Vec<ProcessInfo>,
    /// As JSON, ready to send.
    pub(crate) json: Bytes,
    /// Wall second of the reading.
    second: i64,
    /// Generation of the event stream just before the reading.
    generation: Option<u64>,
}

/// The last reading, and the turn to make the next one.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    last: Mutex<Option<Arc<Snapshot>>>,
    turn: tokio::sync::Mutex<()>,
}

impl Supervisor {
    /// The process list as it is now.
    pub(crate) async fn snapshot(&self) -> Result<Arc<Snapshot>, Error> {
        if self.events.generation().is_none() {
            return self.read_list().await.map(Arc::new);
        }
        let within = self.daemon.timeout;
        tokio::time::timeout(within, self.kept_or_read())
            .await
            .unwrap_or_else(|_| {
                Err(Error::Unreachable(format!(
                    "no answer within {} ms",
                    within.as_millis()
                )))
            })
    }

    async fn kept_or_read(&self) -> Result<Arc<Snapshot>, Error> {
        self.let_events_in().await;
        if let Some(kept) = self.kept_snapshot() {
            return Ok(kept);
        }
        // One reader at a time: the others find its reading when their turn comes.
        let _turn = self.kept.turn.lock().await;
        if let Some(kept) = self.kept_snapshot() {
            return Ok(kept);
        }
        let read = Arc::new(self.read_list().await?);
        *self.kept.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&read));
        Ok(read)
    }

    /// Lets the task that reads the event stream run first, so that an event which the supervisor wrote
    /// before this request came is not overlooked: one pass for the socket, one for the HTTP connection's
    /// task, one for the follower.
    async fn let_events_in(&self) {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    }

    fn kept_snapshot(&self) -> Option<Arc<Snapshot>> {
        let kept = self
            .kept
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()?;
        let current = kept.generation.is_some()
            && kept.generation == self.events.generation()
            && kept.second == self.clock.unix();
        current.then_some(kept)
    }

    async fn read_list(&self) -> Result<Snapshot, Error> {
        let generation = self.events.generation();
        let second = self.clock.unix();
        let processes = self.daemon.list().await?;
        let json = serde_json::to_vec(&processes).map_err(|error| Error::Broken(error.to_string()))?;
        Ok(Snapshot {
            processes,
            json: json.into(),
            second,
            generation,
        })
    }
}
