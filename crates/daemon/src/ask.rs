//! What connections ask of the supervisor, and how the answer comes back.

use std::path::PathBuf;

use pistack_api::written::Written;
use pistack_api::xmlrpc::{Call, Fault, Value};
use pistack_engine::io::Channel;
use tokio::sync::{mpsc, oneshot};

use crate::logs::follow::Followed;
use crate::rpc::faults;

/// Requests that may wait for the supervisor; a connection with one more waits.
const QUEUE: usize = 64;

/// A request to the supervisor.
#[derive(Debug)]
pub(crate) enum Ask {
    /// A `supervisor.*` call.
    Call {
        /// The call.
        call: Call,
        /// Where the answer goes; it may take long.
        reply: oneshot::Sender<Result<Answer, Fault>>,
    },
    /// Where the configuration of a process was written.
    Written {
        /// `group:name`.
        name: String,
        /// `None` when there is no such process.
        reply: oneshot::Sender<Option<Written>>,
    },
    /// A log to follow.
    Follow {
        /// Which.
        log: WhichLog,
        /// `None` when there is no such log.
        reply: oneshot::Sender<Option<Followed>>,
    },
}

/// A log that can be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WhichLog {
    /// The daemon's own.
    Main,
    /// Of a process.
    Process {
        /// `name` or `group:name`.
        name: String,
        /// Channel.
        channel: Channel,
    },
}

/// An answer, or the file work that is left to do for it. Reading files is the connection's own business, so that
/// supervision does not wait for the disk.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    /// The answer.
    Value(Value),
    /// Read a part of a log.
    Read {
        /// File.
        path: PathBuf,
        /// As in the call.
        offset: i64,
        /// As in the call.
        length: i64,
    },
    /// Read the end of a log.
    Tail {
        /// File.
        path: PathBuf,
        /// As in the call.
        offset: i64,
        /// As in the call.
        length: i64,
    },
}

/// The connections' way to the supervisor.
#[derive(Debug, Clone)]
pub(crate) struct Asker(mpsc::Sender<Ask>);

/// A way to the supervisor, and the supervisor's end of it.
pub(crate) fn channel() -> (Asker, mpsc::Receiver<Ask>) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    (Asker(sender), receiver)
}

impl Asker {
    /// Calls a `supervisor.*` method.
    pub(crate) async fn call(&self, call: Call) -> Result<Answer, Fault> {
        let (reply, answer) = oneshot::channel();
        // a supervisor that answers no more is shutting down or restarting
        self.0
            .send(Ask::Call { call, reply })
            .await
            .map_err(|_| faults::shutdown_state())?;
        answer.await.unwrap_or_else(|_| Err(faults::shutdown_state()))
    }

    /// Asks where the configuration of a process was written.
    pub(crate) async fn written(&self, name: String) -> Option<Written> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Ask::Written { name, reply }).await.ok()?;
        answer.await.ok().flatten()
    }

    /// Asks for a log to follow.
    pub(crate) async fn follow(&self, log: WhichLog) -> Option<Followed> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Ask::Follow { log, reply }).await.ok()?;
        answer.await.ok().flatten()
    }
}
