//! TICK events: at every wall-clock multiple of 5, 60 and 3600 seconds, while somebody subscribes to them.
//!
//! The deadlines are monotonic: each is set from the distance to the next multiple, so a step of the wall clock
//! neither brings a burst of ticks nor a gap longer than one period. Nobody subscribed: no deadline, no wake-up.

use std::time::Duration;

use super::outbox::Outbox;
use super::payload;
use crate::event::EventKind;
use crate::io::Now;

#[derive(Debug)]
struct Timer {
    kind: EventKind,
    period: Duration,
    /// The multiple last announced, or the one that was current at the start.
    last: u64,
    /// When to look again, in monotonic time; `None` = nobody subscribed.
    deadline: Option<Duration>,
}

/// The three periods.
#[derive(Debug)]
pub(super) struct Ticks {
    /// Somebody outside of the pools wants all of them.
    pub(super) outside: bool,
    timers: [Timer; 3],
}

impl Ticks {
    /// No subscribers.
    pub(super) fn new() -> Self {
        let timer = |kind: EventKind| Timer {
            kind,
            period: Duration::from_secs(kind.period_secs().unwrap_or(5)),
            last: 0,
            deadline: None,
        };
        Self {
            outside: false,
            timers: [EventKind::Tick5, EventKind::Tick60, EventKind::Tick3600].map(timer),
        }
    }

    /// Starts and stops the timers after subscriptions changed.
    pub(super) fn subscribe(&mut self, now: Now, wanted: impl Fn(EventKind) -> bool) {
        for timer in &mut self.timers {
            match (self.outside || wanted(timer.kind), timer.deadline) {
                (true, None) => {
                    timer.last = timer.multiple(now);
                    timer.deadline = Some(timer.next(now));
                }
                (false, Some(_)) => timer.deadline = None,
                _ => {}
            }
        }
    }

    /// Emits what is due.
    pub(super) fn run_due(&mut self, out: &mut Outbox) {
        let now = out.now;
        for timer in &mut self.timers {
            if timer.deadline.is_none_or(|deadline| deadline > now.mono) {
                continue;
            }
            let current = timer.multiple(now);
            if current != timer.last {
                timer.last = current;
                out.event(timer.kind, payload::tick(current));
            }
            timer.deadline = Some(timer.next(now));
        }
    }

    /// The nearest deadline.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.timers.iter().filter_map(|timer| timer.deadline).min()
    }
}

impl Timer {
    /// The last multiple of the period, in seconds since 1970.
    fn multiple(&self, now: Now) -> u64 {
        let period = self.period.as_secs();
        now.wall.as_secs() / period * period
    }

    /// Monotonic time of the next multiple.
    fn next(&self, now: Now) -> Duration {
        let since = now.wall.saturating_sub(Duration::from_secs(self.multiple(now)));
        now.mono.saturating_add(self.period.saturating_sub(since))
    }
}
