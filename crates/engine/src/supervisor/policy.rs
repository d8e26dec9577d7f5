//! The few options of a program that its state machine looks at.

use std::time::Duration;

use crate::config::model::{AutoRestart, ProcessSpec};

/// When to start, restart, stop and give up.
#[derive(Debug)]
pub(super) struct Policy {
    /// Order within the group.
    pub(super) priority: i32,
    /// Start with the group.
    pub(super) autostart: bool,
    /// How long it must live to be RUNNING; whole seconds.
    pub(super) startsecs: u32,
    /// Further attempts before FATAL.
    pub(super) startretries: u32,
    /// Start again after an exit.
    pub(super) autorestart: AutoRestart,
    /// Exit codes that are expected.
    pub(super) exitcodes: Vec<i32>,
    /// Signal number that asks it to stop.
    pub(super) stopsignal: i32,
    /// Time until SIGKILL.
    pub(super) stopwait: Duration,
    /// The stop signal goes to the process group.
    pub(super) stopasgroup: bool,
    /// SIGKILL goes to the process group.
    pub(super) killasgroup: bool,
}

impl Policy {
    /// Takes it from the specification.
    pub(super) fn of(spec: &ProcessSpec) -> Self {
        Self {
            priority: spec.priority,
            autostart: spec.autostart,
            startsecs: spec.startsecs,
            startretries: spec.startretries,
            autorestart: spec.autorestart,
            exitcodes: spec.exitcodes.clone(),
            stopsignal: spec.stopsignal,
            stopwait: Duration::from_secs(spec.stopwaitsecs.into()),
            stopasgroup: spec.stopasgroup,
            killasgroup: spec.killasgroup,
        }
    }

    /// How long it must live to be RUNNING.
    pub(super) fn startwait(&self) -> Duration {
        Duration::from_secs(self.startsecs.into())
    }
}
