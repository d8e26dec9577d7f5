//! What the state machines produce while an input is dealt with: actions, events, log lines, state changes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::alarms::Alarms;
use crate::config::model::LogLevel;
use crate::event::{Event, EventKind};
use crate::io::{Action, Exit, Now, ProcessId};
use crate::state::ProcessState;

/// A state that a process entered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    /// Which.
    pub(super) process: ProcessId,
    /// The state entered.
    pub(super) state: ProcessState,
    /// Whether there was a `spawnerr` at that moment.
    pub(super) failed: bool,
}

/// Collects what follows from an input, and knows when "now" is.
#[derive(Debug)]
pub(super) struct Outbox {
    /// Time of the input.
    pub(super) now: Now,
    /// False once the supervisor is stopping: nothing is started any more.
    pub(super) may_spawn: bool,
    /// Deadlines of the processes.
    pub(super) alarms: Alarms,
    /// How the child ended whose end is being dealt with: its events carry it.
    pub(super) ending: Option<Exit>,
    actions: VecDeque<Action>,
    fresh: VecDeque<Arc<Event>>,
    changes: VecDeque<Change>,
    next_serial: u64,
}

impl Outbox {
    /// An empty one; the first event gets `first_serial`.
    pub(super) fn new(now: Now, first_serial: u64) -> Self {
        Self {
            now,
            may_spawn: true,
            alarms: Alarms::default(),
            actions: VecDeque::new(),
            fresh: VecDeque::new(),
            changes: VecDeque::new(),
            next_serial: first_serial,
            ending: None,
        }
    }

    /// The serial that the next event will get.
    pub(super) fn next_serial(&self) -> u64 {
        self.next_serial
    }

    /// Adds an action.
    pub(super) fn act(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    /// The oldest action.
    pub(super) fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Adds a line for the daemon's log.
    pub(super) fn log(&mut self, level: LogLevel, text: String) {
        self.act(Action::Log { level, text });
    }

    /// Adds an event: for outside subscribers at once, for the pools when [`Outbox::next_fresh`] is taken.
    pub(super) fn event(&mut self, kind: EventKind, payload: String) {
        let event = Event {
            serial: self.next_serial,
            kind,
            payload,
            at: self.now.wall,
            exit: self.ending,
        };
        self.next_serial = self.next_serial.wrapping_add(1);
        self.act(Action::Emit(event.clone()));
        self.fresh.push_back(Arc::new(event));
    }

    /// The oldest event that the pools have not seen.
    pub(super) fn next_fresh(&mut self) -> Option<Arc<Event>> {
        self.fresh.pop_front()
    }

    /// Notes a state change for those who wait for it.
    pub(super) fn changed(&mut self, change: Change) {
        self.changes.push_back(change);
    }

    /// The oldest state change that the waiting requests have not seen.
    pub(super) fn next_change(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    /// Whether there are state changes that the waiting requests have not seen.
    pub(super) fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }
}
