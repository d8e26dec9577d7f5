//! Event types and payloads (supervisord's documentation, "Events").

use std::time::Duration;

use crate::io::Exit;
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
    /// Global serial, from 0. Every event takes one, whether a pool subscribed to it or not.
    pub serial: u64,
    /// Kind.
    pub kind: EventKind,
    /// Payload, exactly as a listener gets it.
    pub payload: String,
    /// Wall time.
    pub at: Duration,
    /// How the process ended, where the event tells of that: supervisord's payload has no place for it.
    pub exit: Option<Exit>,
}

impl EventKind {
    /// Every concrete kind, in the order of supervisord's documentation.
    pub const ALL: [Self; 20] = [
        Self::ProcessState(ProcessState::Stopped),
        Self::ProcessState(ProcessState::Exited),
        Self::ProcessState(ProcessState::Starting),
        Self::ProcessState(ProcessState::Stopping),
        Self::ProcessState(ProcessState::Backoff),
        Self::ProcessState(ProcessState::Fatal),
        Self::ProcessState(ProcessState::Running),
        Self::ProcessState(ProcessState::Unknown),
        Self::ProcessCommunicationStdout,
        Self::ProcessCommunicationStderr,
        Self::ProcessLogStdout,
        Self::ProcessLogStderr,
        Self::RemoteCommunication,
        Self::SupervisorStateChangeRunning,
        Self::SupervisorStateChangeStopping,
        Self::Tick5,
        Self::Tick60,
        Self::Tick3600,
        Self::ProcessGroupAdded,
        Self::ProcessGroupRemoved,
    ];

    /// The abstract names that `events=` accepts, each standing for all kinds whose name begins with it.
    /// `EVENT` stands for every kind. (`REMOTE_COMMUNICATION` is concrete.)
    pub const ABSTRACT: [&'static str; 7] = [
        "EVENT",
        "PROCESS_STATE",
        "PROCESS_COMMUNICATION",
        "PROCESS_LOG",
        "SUPERVISOR_STATE_CHANGE",
        "TICK",
        "PROCESS_GROUP",
    ];

    /// supervisord's name, such as `PROCESS_STATE_EXITED`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProcessState(ProcessState::Stopped) => "PROCESS_STATE_STOPPED",
            Self::ProcessState(ProcessState::Starting) => "PROCESS_STATE_STARTING",
            Self::ProcessState(ProcessState::Running) => "PROCESS_STATE_RUNNING",
            Self::ProcessState(ProcessState::Backoff) => "PROCESS_STATE_BACKOFF",
            Self::ProcessState(ProcessState::Stopping) => "PROCESS_STATE_STOPPING",
            Self::ProcessState(ProcessState::Exited) => "PROCESS_STATE_EXITED",
            Self::ProcessState(ProcessState::Fatal) => "PROCESS_STATE_FATAL",
            Self::ProcessState(ProcessState::Unknown) => "PROCESS_STATE_UNKNOWN",
            Self::ProcessLogStdout => "PROCESS_LOG_STDOUT",
            Self::ProcessLogStderr => "PROCESS_LOG_STDERR",
            Self::ProcessCommunicationStdout => "PROCESS_COMMUNICATION_STDOUT",
            Self::ProcessCommunicationStderr => "PROCESS_COMMUNICATION_STDERR",
            Self::RemoteCommunication => "REMOTE_COMMUNICATION",
            Self::SupervisorStateChangeRunning => "SUPERVISOR_STATE_CHANGE_RUNNING",
            Self::SupervisorStateChangeStopping => "SUPERVISOR_STATE_CHANGE_STOPPING",
            Self::Tick5 => "TICK_5",
            Self::Tick60 => "TICK_60",
            Self::Tick3600 => "TICK_3600",
            Self::ProcessGroupAdded => "PROCESS_GROUP_ADDED",
            Self::ProcessGroupRemoved => "PROCESS_GROUP_REMOVED",
        }
    }

    /// The kinds that an upper-case name of `events=` stands for: itself, or the children of an abstract name.
    /// `None` when there is no such name.
    pub fn parse(name: &str) -> Option<Vec<Self>> {
        let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<Self> {
            Self::ALL.into_iter().filter(|kind| wanted(kind.name())).collect()
        };
        if name == "EVENT" {
            return Some(Self::ALL.to_vec());
        }
        if Self::ABSTRACT.contains(&name) {
            return Some(of(&|child| {
                child.strip_prefix(name).is_some_and(|rest| rest.starts_with('_'))
            }));
        }
        let exact = of(&|child| child == name);
        (!exact.is_empty()).then_some(exact)
    }

    /// Every name that [`EventKind::parse`] accepts, for error messages and schemas.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::ABSTRACT
            .into_iter()
            .chain(Self::ALL.into_iter().map(Self::name))
    }

    /// The period of a TICK kind, in seconds.
    pub const fn period_secs(self) -> Option<u64> {
        match self {
            Self::Tick5 => Some(5),
            Self::Tick60 => Some(60),
            Self::Tick3600 => Some(3600),
            _ => None,
        }
    }

    /// True for what tells of the life of processes, groups and the supervisor; false for what carries data or
    /// comes by the clock. A listener pool without an explicit `buffer_size` does not lose the former.
    pub const fn is_lifecycle(self) -> bool {
        matches!(
            self,
            Self::ProcessState(_)
                | Self::SupervisorStateChangeRunning
                | Self::SupervisorStateChangeStopping
                | Self::ProcessGroupAdded
                | Self::ProcessGroupRemoved
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_concrete_name_stands_for_itself() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.name()), Some(vec![kind]));
        }
    }

    #[test]
    fn an_abstract_name_stands_for_its_children() {
        let count = |name| EventKind::parse(name).map(|kinds| kinds.len());
        assert_eq!(count("EVENT"), Some(20));
        assert_eq!(count("PROCESS_STATE"), Some(8));
        assert_eq!(count("PROCESS_LOG"), Some(2));
        assert_eq!(count("PROCESS_COMMUNICATION"), Some(2));
        assert_eq!(count("PROCESS_GROUP"), Some(2));
        assert_eq!(count("TICK"), Some(3));
        assert_eq!(
            EventKind::parse("SUPERVISOR_STATE_CHANGE"),
            Some(vec![
                EventKind::SupervisorStateChangeRunning,
                EventKind::SupervisorStateChangeStopping
            ])
        );
    }

    #[test]
    fn no_other_name_is_known() {
        for name in [
            "",
            "PROCESS",
            "process_state",
            "PROCESS_STATE_",
            "TICK_6",
            "SUPERVISOR",
            "REMOTE",
        ] {
            assert_eq!(EventKind::parse(name), None, "{name}");
        }
    }
}
