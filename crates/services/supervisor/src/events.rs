//! One connection to the supervisor's event stream, shared by every subscriber.
//!
//! Events go into a bounded ring (for `Last-Event-ID`) and a bounded broadcast; a subscriber that falls behind
//! is told how much it lost and goes on.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use pistack_api::event::Event;
use pistack_api::process::ProcessInfo;
use pistack_kit::lifecycle::Lifecycle;
use tokio::sync::broadcast::{self, Receiver, Sender, error::RecvError};

use crate::daemon::Daemon;
use crate::error::Error;
use crate::runs::Runs;

/// Events kept for replay, at most.
const RING_EVENTS: usize = 1000;
/// Bytes of JSON kept for replay, at most: log events may be large.
const RING_BYTES: usize = 256 * 1024;
/// Events that a subscriber may lag behind.
const BACKLOG: usize = 256;
/// Between two attempts to reach the supervisor.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Between two looks at a supervisor that has no event stream.
const UNSUPPORTED_PAUSE: Duration = Duration::from_secs(30);

/// An event, ready to send.
#[derive(Debug)]
pub(crate) struct Published {
    /// The event.
    pub(crate) event: Event,
    /// Its JSON.
    pub(crate) json: String,
}

/// What subscribers hear.
#[derive(Debug, Clone)]
pub(crate) enum Notice {
    /// An event.
    Event(Arc<Published>),
    /// The connection to the supervisor came or went.
    Connected(bool),
    /// Another run of the supervisor: serials begin anew.
    Reset,
}

/// A new subscription.
#[derive(Debug)]
pub(crate) struct Subscription {
    /// Kept events after the one asked for.
    pub(crate) replay: Vec<Arc<Published>>,
    /// Events between the one asked for and the oldest kept.
    pub(crate) lost: u64,
    /// Whether the supervisor is connected now.
    pub(crate) connected: bool,
    /// What comes from now on.
    pub(crate) live: Receiver<Notice>,
}

/// The shared event stream.
#[derive(Debug)]
pub(crate) struct Hub {
    state: Mutex<State>,
    sender: Sender<Notice>,
}

#[derive(Debug, Default)]
struct State {
    connected: bool,
    generation: u64,
    last: Option<u64>,
    ring: VecDeque<Arc<Published>>,
    bytes: usize,
}

impl Hub {
    /// Not connected, nothing kept.
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::default(),
            sender: broadcast::channel(BACKLOG).0,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Grows with every event that may change the process list; `None` while events cannot be seen.
    pub(crate) fn generation(&self) -> Option<u64> {
        let state = self.state();
        state.connected.then_some(state.generation)
    }

    /// Says that the process list may have changed without an event having come yet.
    pub(crate) fn changed(&self) {
        self.state().generation += 1;
    }

    /// News from now on.
    pub(crate) fn watch(&self) -> Watcher {
        Watcher(self.sender.subscribe())
    }

    /// Returns when an event of serial `after` or later has come.
    pub(crate) async fn caught_up(&self, after: u64) {
        let mut live = self.sender.subscribe();
        while self.state().last.is_none_or(|last| last < after) {
            if matches!(live.recv().await, Err(RecvError::Closed)) {
                return;
            }
        }
    }

    /// Kept events after serial `after`, then live ones, without a gap or a repetition between them.
    pub(crate) fn subscribe(&self, after: Option<u64>) -> Subscription {
        // Publishing happens under the same lock, so that nothing falls between the two halves.
        let state = self.state();
        // A serial from the future is one of an earlier run of the supervisor: all that is kept is news.
        let after = after.map(|after| {
            if state.last.is_some_and(|last| after > last) {
                None
            } else {
                Some(after)
            }
        });
        let replay: Vec<_> = match after {
            None => Vec::new(),
            Some(None) => state.ring.iter().cloned().collect(),
            Some(Some(after)) => state
                .ring
                .iter()
                .filter(|kept| kept.event.serial > after)
                .cloned()
                .collect(),
        };
        let lost = match (after, replay.first()) {
            (Some(Some(after)), Some(first)) => first.event.serial - after - 1,
            _ => 0,
        };
        Subscription {
            replay,
            lost,
            connected: state.connected,
            live: self.sender.subscribe(),
        }
    }

    /// Takes an event in. Serials that do not grow mean another run of the supervisor.
    pub(crate) fn publish(&self, event: Event) {
        let Ok(json) = serde_json::to_string(&event) else {
            return;
        };
        let mut state = self.state();
        if changes_processes(&event.name) {
            state.generation += 1;
        }
        if state.last.is_some_and(|last| event.serial <= last) {
            state.ring.clear();
            state.bytes = 0;
            // No receiver is no error: then nobody listens.
            let _ = self.sender.send(Notice::Reset);
        }
        state.last = Some(event.serial);
        state.bytes += json.len();
        let published = Arc::new(Published { event, json });
        state.ring.push_back(Arc::clone(&published));
        while state.ring.len() > RING_EVENTS || (state.bytes > RING_BYTES && state.ring.len() > 1) {
            if let Some(oldest) = state.ring.pop_front() {
                state.bytes -= oldest.json.len();
            }
        }
        let _ = self.sender.send(Notice::Event(published));
    }

    fn set_connected(&self, connected: bool) {
        let mut state = self.state();
        state.generation += 1;
        if state.connected != connected {
            state.connected = connected;
            let _ = self.sender.send(Notice::Connected(connected));
        }
    }

    /// Keeps the stream open until the process stops.
    pub(crate) async fn follow(&self, daemon: &Daemon, runs: &Runs, lifecycle: &Lifecycle) {
        let mut pause = FIRST_PAUSE;
        let mut told = false;
        while !lifecycle.is_stopping() {
            let after = self.state().last.unwrap_or(0);
            let outcome = tokio::select! {
                outcome = self.read(daemon, runs, after) => outcome,
                () = lifecycle.stopped() => break,
            };
            self.set_connected(false);
            match outcome {
                Ok(true) => {
                    (pause, told) = (FIRST_PAUSE, false);
                    tracing::info!("the supervisor's event stream ended; connecting again");
                }
                Ok(false) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(
                            "this supervisor has no event stream: /api/supervisor/events stays silent"
                        );
                    }
                    pause = UNSUPPORTED_PAUSE;
                }
                Err(error) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(error = %error, "no event stream; trying again");
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = lifecycle.stopped() => {}
            }
        }
    }

    /// Reads one connection to its end. False when the supervisor knows no event stream.
    async fn read(&self, daemon: &Daemon, runs: &Runs, after: u64) -> Result<bool, Error> {
        let Some(mut events) = daemon.events(after).await? else {
            return Ok(false);
        };
        self.set_connected(true);
        while let Some(event) = events.next().await {
            runs.hear(&event);
            self.publish(event);
        }
        Ok(true)
    }
}

/// Hears of changes to processes.
#[derive(Debug)]
pub(crate) struct Watcher(Receiver<Notice>);

impl Watcher {
    /// Returns when something happened to `process`, or to any process where there is none.
    pub(crate) async fn news_of(&mut self, process: Option<&ProcessInfo>) {
        loop {
            match self.0.recv().await {
                Ok(Notice::Event(published)) => {
                    let event = &published.event;
                    let concerned = process.is_none_or(|process| {
                        event.field("groupname") == Some(&*process.group)
                            && event.field("processname").is_none_or(|name| name == process.name)
                    });
                    if concerned && changes_processes(&event.name) {
                        return;
                    }
                }
                Ok(Notice::Connected(_) | Notice::Reset) | Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending::<()>().await,
            }
        }
    }
}

/// Log, tick and message events leave the process list as it is.
fn changes_processes(name: &str) -> bool {
    ["PROCESS_STATE", "PROCESS_GROUP", "SUPERVISOR_STATE_CHANGE"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests;
