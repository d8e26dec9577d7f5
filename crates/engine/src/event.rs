//! Event types and payloads (supervisord's documentation, "Events").

use crate::state::ProcessState;

/// A concrete event type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are supervisord's own")]
pub enum EventKind {
    ProcessState(ProcessState),
    ProcessLogStdout,
    ProcessLogStderr,
    ProcessCommunicationStdout,
    ProcessCommunicationStderr,
    RemoteCommunication,
    SupervisorStateChangeRunning,
    SupervisorStateChangeStopping,
    Tick5,
    Tick60,
    Tick3600,
    ProcessGroupAdded,
    ProcessGroupRemoved,
}

/// One event: its kind and the payload text that listeners get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Global serial, from 0.
    pub serial: u64,
    /// Kind.
    pub kind: EventKind,
    /// Payload, exactly as a listener gets it.
    pub payload: String,
    /// Wall time.
    pub at: std::time::Duration,
}
