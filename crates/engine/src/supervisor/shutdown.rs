//! The end: everything is stopped in order, then the daemon ends or begins anew.
//!
//! Groups are stopped from the highest priority number down, all of one priority at the same time; the next lower
//! number begins when the former have stopped. (supervisord does the same one group at a time.) Listener pools have
//! -1 unless told otherwise, so they live to hear of the others' end.

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
    reported: Option<Duration>,
    finished: bool,
    announced: bool,
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
        self.out
            .event(EventKind::SupervisorStateChangeStopping, String::new());
    }

    /// Stops what is next in order; says who is awaited.
    pub(super) fn progress_shutdown(&mut self) {
        if !self.shutdown.begun || self.shutdown.finished {
            return;
        }
        while let Some(members) = self.next_to_stop() {
            for id in members {
                let Some(process) = self.processes.get_mut(&id) else {
                    continue;
                };
                match process.state {
                    ProcessState::Backoff => process.give_up(&mut self.out),
                    _ => process.stop(&mut self.out),
                }
            }
        }
        if !self.groups.values().any(|group| self.is_active(group)) {
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

    /// The processes of the highest priority that is not stopped, as far as they were not asked yet; higher
    /// priority numbers first.
    fn next_to_stop(&self) -> Option<Vec<ProcessId>> {
        let priority = self
            .groups
            .values()
            .filter(|group| self.is_active(group))
            .map(|group| group.spec.priority)
            .max()?;
        let mut unasked = Vec::new();
        for group in self
            .groups
            .values()
            .filter(|group| group.spec.priority == priority)
        {
            let mut members = self.members_by_priority(group);
            members.reverse();
            unasked.extend(members.into_iter().filter(|id| {
                self.processes
                    .get(id)
                    .is_some_and(|process| process.state.is_running() && !process.is_stop_pending())
            }));
        }
        (!unasked.is_empty()).then_some(unasked)
    }
}
