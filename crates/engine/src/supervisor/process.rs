//! The state machine of one process (`reference` of each rule: supervisord's `supervisor/process.py`).
//!
//! ```text
//! STOPPED --start--> STARTING --startsecs--> RUNNING --exit--> EXITED --autorestart--> STARTING
//!                     |    ^                   | stop
//!       too quick exit|    |retry              v
//!                     v    |                STOPPING --exit--> STOPPED
//!                    BACKOFF --retries used up--> FATAL
//! ```
//!
//! Time is monotonic throughout; wall time is only noted for display. One deadline suffices, for its meaning follows
//! from the state: STARTING, it counts as started; BACKOFF, the next attempt; STOPPING, SIGKILL; EXITED, the restart.

mod ending;
mod stopping;

use std::time::Duration;

use super::outbox::{Change, Outbox};
use super::pacing::Pacing;
use super::payload::{self, StateDetails};
use super::policy::Policy;
use crate::config::model::{LogLevel, ProcessSpec};
use crate::event::EventKind;
use crate::io::{Action, Now, ProcessId};
use crate::state::ProcessState;

/// A process and all that is decided about it.
#[derive(Debug)]
pub(super) struct Process {
    /// Its number.
    pub(super) id: ProcessId,
    /// Its name within the group.
    pub(super) name: String,
    /// Its group's name.
    pub(super) group: String,
    /// Its options.
    pub(super) policy: Policy,
    /// State.
    pub(super) state: ProcessState,
    /// Pid of the living child.
    pub(super) pid: Option<i32>,
    /// Last start.
    pub(super) started: Option<Now>,
    /// Last end of a child, wall time.
    pub(super) ended: Option<Duration>,
    /// Why the last start failed.
    pub(super) spawnerr: Option<String>,
    /// Exit status; -1 after a signal.
    pub(super) exitstatus: Option<i32>,
    /// Failed attempts in a row.
    backoff: u32,
    /// See the module's description.
    deadline: Option<Duration>,
    /// A stop came between the Spawn action and its answer.
    stop_when_spawned: bool,
    /// The child was asked to end.
    killing: bool,
    /// When `waiting for x to stop` was last said.
    stop_reported: Option<Duration>,
    pacing: Pacing,
}

impl Process {
    /// A process that was never started.
    pub(super) fn new(id: ProcessId, spec: &ProcessSpec, group: &str) -> Self {
        Self {
            id,
            name: spec.name.clone(),
            group: group.to_owned(),
            policy: Policy::of(spec),
            state: ProcessState::Stopped,
            pid: None,
            started: None,
            ended: None,
            spawnerr: None,
            exitstatus: None,
            backoff: 0,
            deadline: None,
            stop_when_spawned: false,
            killing: false,
            stop_reported: None,
            pacing: Pacing::default(),
        }
    }

    /// `name` when group and name are equal, else `group:name`.
    pub(super) fn namespec(&self) -> String {
        if self.group == self.name {
            self.name.clone()
        } else {
            format!("{}:{}", self.group, self.name)
        }
    }

    /// Sets when something happens by time alone.
    fn set_deadline(&mut self, deadline: Option<Duration>, out: &mut Outbox) {
        if self.deadline != deadline {
            out.alarms.shift(self.id, self.deadline, deadline);
            self.deadline = deadline;
        }
    }

    /// It is taken out of its group: nothing happens to it any more.
    pub(super) fn forget(&mut self, out: &mut Outbox) {
        self.set_deadline(None, out);
    }

    /// Starts it because somebody asked: the past is forgotten.
    pub(super) fn start(&mut self, out: &mut Outbox) {
        self.pacing.reset();
        self.spawn(out);
    }

    /// STOPPED, EXITED, FATAL or BACKOFF -> STARTING.
    fn spawn(&mut self, out: &mut Outbox) {
        self.killing = false;
        self.stop_when_spawned = false;
        self.spawnerr = None;
        self.exitstatus = None;
        self.started = Some(out.now);
        self.change(ProcessState::Starting, out);
        out.act(Action::Spawn { process: self.id });
    }

    /// There is a child.
    pub(super) fn spawned(&mut self, pid: i32, out: &mut Outbox) {
        if self.state != ProcessState::Starting || self.pid.is_some() {
            return;
        }
        self.pid = Some(pid);
        self.spawnerr = None;
        out.log(LogLevel::Info, format!("spawned: '{}' with pid {pid}", self.name));
        if self.stop_when_spawned {
            self.stop_when_spawned = false;
            self.stop(out);
        } else {
            let started = self.started.unwrap_or_default().mono;
            self.set_deadline(Some(started.saturating_add(self.policy.startwait())), out);
        }
    }

    /// There is no child: STARTING -> BACKOFF.
    pub(super) fn spawn_failed(&mut self, error: String, out: &mut Outbox) {
        if self.state != ProcessState::Starting || self.pid.is_some() {
            return;
        }
        out.log(LogLevel::Info, format!("spawnerr: {error}"));
        self.spawnerr = Some(error);
        self.back_off(out);
        if self.stop_when_spawned {
            self.stop_when_spawned = false;
            self.change(ProcessState::Stopped, out);
        }
    }

    /// Does what the deadline asks for, once it has come.
    pub(super) fn run_due(&mut self, out: &mut Outbox) -> bool {
        if self.deadline.is_none_or(|deadline| deadline > out.now.mono) {
            return false;
        }
        self.set_deadline(None, out);
        match self.state {
            ProcessState::Starting => self.enter_running(out),
            ProcessState::Backoff if self.backoff > self.policy.startretries => self.give_up_retrying(out),
            ProcessState::Backoff | ProcessState::Exited if out.may_spawn => self.spawn(out),
            ProcessState::Stopping => self.kill_stubborn(out),
            // A restart that was planned before the end began.
            _ => {}
        }
        true
    }

    /// Forgets a restart that waits for its time; `true` if there was one.
    pub(super) fn cancel_restart(&mut self, out: &mut Outbox) -> bool {
        let planned = self.state == ProcessState::Exited && self.deadline.is_some();
        if planned {
            self.set_deadline(None, out);
        }
        planned
    }

    fn enter_running(&mut self, out: &mut Outbox) {
        self.backoff = 0;
        self.change(ProcessState::Running, out);
        let text = format!(
            "success: {} entered RUNNING state, process has stayed up for > than {} seconds (startsecs)",
            self.name, self.policy.startsecs
        );
        out.log(LogLevel::Info, text);
    }

    /// STARTING -> BACKOFF, with a delay that grows by a second each time.
    fn back_off(&mut self, out: &mut Outbox) {
        self.backoff = self.backoff.saturating_add(1);
        self.change(ProcessState::Backoff, out);
        let used_up = self.backoff > self.policy.startretries;
        let delay = if used_up {
            Duration::ZERO
        } else {
            Duration::from_secs(self.backoff.into())
        };
        if used_up || out.may_spawn {
            self.set_deadline(Some(out.now.mono.saturating_add(delay)), out);
        }
    }

    /// BACKOFF -> FATAL: the retries are used up.
    fn give_up_retrying(&mut self, out: &mut Outbox) {
        self.give_up(out);
        let text = format!(
            "gave up: {} entered FATAL state, too many start retries too quickly",
            self.name
        );
        out.log(LogLevel::Info, text);
    }

    /// BACKOFF -> FATAL.
    pub(super) fn give_up(&mut self, out: &mut Outbox) {
        self.backoff = 0;
        self.change(ProcessState::Fatal, out);
    }

    /// Enters a state and tells of it. The deadline belonged to the former state.
    fn change(&mut self, to: ProcessState, out: &mut Outbox) {
        self.change_expected(to, true, out);
    }

    fn change_expected(&mut self, to: ProcessState, expected: bool, out: &mut Outbox) {
        if self.state == to {
            return;
        }
        let details = StateDetails {
            from: self.state,
            to,
            tries: self.backoff,
            expected,
            pid: self.pid.unwrap_or(0),
        };
        self.state = to;
        self.set_deadline(None, out);
        let payload = payload::process_state(&self.name, &self.group, details);
        out.event(EventKind::ProcessState(to), payload);
        out.changed(Change {
            process: self.id,
            state: to,
            failed: self.spawnerr.is_some(),
        });
    }
}
