//! The events that wait for a listener of a pool.
//!
//! Bounds. With `buffer_size` written down: that many events, as in supervisord. Without: supervisord keeps 10 and
//! loses most of what happens at boot; here life-cycle events are kept up to [`LIFECYCLE_LIMIT`], and those that
//! carry data or come by the clock (logs, messages, ticks), which may be large and many, up to supervisord's 10.
//! Whatever overflows is the oldest of its sort, and the log says so in supervisord's words.

use std::collections::VecDeque;
use std::sync::Arc;

use super::outbox::Outbox;
use crate::config::model::LogLevel;
use crate::event::{Event, EventKind};

/// Events kept without an explicit size.
const LIFECYCLE_LIMIT: usize = 10_000;
/// Of these, events that are not of the life cycle.
const ROUTINE_LIMIT: usize = 10;

/// An event on its way to a listener of a pool.
#[derive(Debug, Clone)]
pub(super) struct Queued {
    /// The event.
    pub(super) event: Arc<Event>,
    /// Its number within the pool.
    pub(super) pool_serial: u64,
}

impl Queued {
    fn is_routine(&self) -> bool {
        !self.event.kind.is_lifecycle()
    }
}

/// The buffer of one pool.
#[derive(Debug)]
pub(super) struct EventBuffer {
    pool: String,
    explicit_size: Option<usize>,
    queue: VecDeque<Queued>,
    routine: usize,
    next_serial: u64,
}

impl EventBuffer {
    /// An empty one for the pool of this name.
    pub(super) fn new(pool: &str, explicit_size: Option<usize>) -> Self {
        Self {
            pool: pool.to_owned(),
            explicit_size: explicit_size.map(|size| size.max(1)),
            queue: VecDeque::new(),
            routine: 0,
            next_serial: 0,
        }
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Takes a new event, and numbers it.
    pub(super) fn push(&mut self, event: &Arc<Event>, out: &mut Outbox) {
        let queued = Queued {
            event: Arc::clone(event),
            pool_serial: self.next_serial,
        };
        self.next_serial = self.next_serial.wrapping_add(1);
        self.make_room(event.kind, out);
        self.routine += usize::from(queued.is_routine());
        self.queue.push_back(queued);
    }

    /// Takes an event back, as the next one.
    pub(super) fn requeue(&mut self, queued: Queued, out: &mut Outbox) {
        let text = format!(
            "rebuffering event {} for pool {} (buf size={}, max={})",
            queued.event.serial,
            self.pool,
            self.queue.len(),
            self.limit()
        );
        out.log(LogLevel::Debug, text);
        self.make_room(queued.event.kind, out);
        self.routine += usize::from(queued.is_routine());
        self.queue.push_front(queued);
    }

    /// Gives the oldest event.
    pub(super) fn pop(&mut self) -> Option<Queued> {
        let queued = self.queue.pop_front()?;
        self.routine -= usize::from(queued.is_routine());
        Some(queued)
    }

    fn limit(&self) -> usize {
        self.explicit_size.unwrap_or(LIFECYCLE_LIMIT)
    }

    /// Drops the oldest event if there is no room for one more of `kind`.
    fn make_room(&mut self, kind: EventKind, out: &mut Outbox) {
        let routine_is_full = self.explicit_size.is_none() && self.routine >= ROUTINE_LIMIT;
        let victim = if routine_is_full && !kind.is_lifecycle() {
            self.queue.iter().position(Queued::is_routine)
        } else {
            (self.queue.len() >= self.limit()).then_some(0)
        };
        let Some(dropped) = victim.and_then(|index| self.queue.remove(index)) else {
            return;
        };
        self.routine -= usize::from(dropped.is_routine());
        let serial = dropped.event.serial;
        let text = format!(
            "pool {} event buffer overflowed, discarding event {serial}",
            self.pool
        );
        out.log(LogLevel::Error, text);
    }
}
