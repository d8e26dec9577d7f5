//! The engine: one value that holds every state and makes every decision.

use std::time::Duration;

use crate::config::model::{GroupSpec, Model, ProcessSpec};
use crate::io::{Action, Input, Now, ProcessId};
use crate::state::{ProcessState, SupervisorState};

/// What a client may ask about one process. Fields as in supervisord's process info.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessView<'a> {
    /// Its id.
    pub id: ProcessId,
    /// Its specification.
    pub spec: &'a ProcessSpec,
    /// State.
    pub state: ProcessState,
    /// Pid; 0 if none.
    pub pid: i32,
    /// Last start, seconds since 1970; 0 = never.
    pub start: i64,
    /// Last stop, seconds since 1970; 0 = never.
    pub stop: i64,
    /// Monotonic time of the last start.
    pub started_mono: Option<Duration>,
    /// Why the last start failed, or empty.
    pub spawnerr: &'a str,
    /// Exit status; -1 after a signal; `None` if none.
    pub exitstatus: Option<i32>,
}

/// The supervisor's decisions.
#[derive(Debug)]
pub struct Engine {}

impl Engine {
    /// An engine for `model`. Emits `GroupAdded` for each group, the RUNNING event and the autostarts.
    pub fn new(_model: Model, _now: Now) -> Self {
        todo!()
    }
    /// Takes an input.
    pub fn handle(&mut self, _now: Now, _input: Input) {
        todo!()
    }
    /// The next thing to do, until `None`.
    pub fn poll_action(&mut self) -> Option<Action> {
        todo!()
    }
    /// When to call `handle(Tick)` at the latest, in monotonic time. `None`: nothing waits.
    pub fn next_deadline(&self) -> Option<Duration> {
        todo!()
    }
    /// State of the supervisor.
    pub fn state(&self) -> SupervisorState {
        todo!()
    }
    /// The specification of a process.
    pub fn spec(&self, _process: ProcessId) -> Option<&ProcessSpec> {
        todo!()
    }
    /// All processes, sorted by group and name as supervisord does.
    pub fn processes(&self) -> Vec<ProcessView<'_>> {
        todo!()
    }
    /// One process by `name`, `group:name`.
    pub fn find(&self, _name: &str) -> Option<ProcessView<'_>> {
        todo!()
    }
    /// Active groups.
    pub fn groups(&self) -> Vec<&GroupSpec> {
        todo!()
    }
    /// The configuration last read (`getAllConfigInfo`).
    pub fn configured(&self) -> &Model {
        todo!()
    }
}
