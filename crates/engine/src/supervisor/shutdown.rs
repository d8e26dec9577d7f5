//! The end: everything is stopped in order, then the daemon ends or begins anew.
//!
//! Groups are stopped from the highest priority number down, all of one priority at the same time; the next lower
//! number begins when the former have stopped. (supervisord does the same one group at a time.) Listener pools have
//! -1 unless told otherwise, so they live to hear of the others' end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Engine;
use crate::config::model::LogLevel;
use crate::event::EventKind;
use crate::io::{Action, ProcessId};
use crate::state::{ProcessState, SupervisorState};

/// `waiting for x to die` is said no more often than this.
const REPORT_INTERVAL: Duration = Duration::from_secs(3);

/// How far the end is.
#[derive(Debug, Default)]
pub(super) struct Shutdown {
    begun: bool,
    /// What has not stopped yet, by the priority of its group: what is asked at every input does not grow with the
    /// programs.
    left: BTreeMap<i32, BTreeSet<ProcessId>>,
    /// The priority whose processes were asked to stop.
    asked: Option<i32>,
    reported: Option<Duration>,
    finished: bool,
    announced: bool,
}

impl Shutdown {
    /// A process has come to an end.
    pub(super) fn stopped(&mut self, process: ProcessId) {
        self.left.retain(|_, processes| {
            processes.remove(&process);
            !processes.is_empty()
        });
    }

    /// The highest priority that is left, if it was not asked yet; it is now.
    fn next_priority(&mut self) -> Option<i32> {
        let (priority, _) = self.left.last_key_value()?;
        let fresh = self.asked != Some(*priority);
        self.asked = Some(*priority);
        fresh.then_some(*priority)
    }
}

impl Engine {
    /// Asks for the end. RESTARTING may become SHUTDOWN, never the other way round.
    pub(super) fn begin_shutdown(&mut self, state: SupervisorState) {
        if self.state == SupervisorState::Shutdown {
            return;
        }
        self.state = state;
        if self.shutdown.begun {
            return;
        }
        self.shutdown.begun = true;
        self.out.may_spawn = false;
        for group in self.groups.values() {
            let processes: BTreeSet<ProcessId> = self.unstopped(group).map(|process| process.id).collect();
            if !processes.is_empty() {
                self.shutdown
                    .left
                    .entry(group.spec.priority)
                    .or_default()
                    .extend(processes);
            }
        }
        self.out
            .event(EventKind::SupervisorStateChangeStopping, String::new());
    }

    /// Stops what is next in order; says who is awaited.
    pub(super) fn progress_shutdown(&mut self) {
        if !self.shutdown.begun || self.shutdown.finished {
            return;
        }
        while let Some(priority) = self.shutdown.next_priority() {
            self.stop_priority(priority);
        }
        if self.shutdown.left.is_empty() {
            self.shutdown.finished = true;
        } else if self
            .shutdown_report_due()
            .is_none_or(|due| due <= self.out.now.mono)
        {
            let unstopped: Vec<(String, ProcessState)> = self
                .groups
                .values()
                .flat_map(|group| self.unstopped(group))
                .map(|process| (process.name.clone(), process.state))
                .collect();
            let names: Vec<&str> = unstopped.iter().map(|(name, _)| name.as_str()).collect();
            self.out
                .log(LogLevel::Info, format!("waiting for {} to die", names.join(", ")));
            for (name, state) in &unstopped {
                self.out
                    .log(LogLevel::Blather, format!("{name} state: {}", state.name()));
            }
            self.shutdown.reported = Some(self.out.now.mono);
        }
    }

    /// Whether all is done; nothing happens by itself any more.
    pub(super) fn is_finished(&self) -> bool {
        self.shutdown.finished
    }

    /// When the next `waiting for x to die` is to be said.
    pub(super) fn shutdown_report_due(&self) -> Option<Duration> {
        self.shutdown
            .reported
            .map(|last| last.saturating_add(REPORT_INTERVAL))
    }

    /// The last action of all, once.
    pub(super) fn next_final_action(&mut self) -> Option<Action> {
        if !self.shutdown.finished || self.shutdown.announced {
            return None;
        }
        self.shutdown.announced = true;
        Some(if self.state == SupervisorState::Restarting {
            Action::Restart
        } else {
            Action::Shutdown
        })
    }

    /// Asks the processes of a priority: higher numbers within a group first.
    fn stop_priority(&mut self, priority: i32) {
        let mut members = Vec::new();
        for group in self
            .groups
            .values()
            .filter(|group| group.spec.priority == priority)
        {
            members.extend(self.members_by_priority(group).into_iter().rev());
        }
        for id in members {
            let Some(process) = self.processes.get_mut(&id) else {
                continue;
            };
            match process.state {
                ProcessState::Backoff => process.give_up(&mut self.out),
                state if state.is_running() && !process.is_stop_pending() => process.stop(&mut self.out),
                _ => {}
            }
            if process.state.is_stopped() {
                self.shutdown.stopped(id);
            }
        }
    }
}
