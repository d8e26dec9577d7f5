//! What a rule remembers about one program, line or reading.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use pistack_api::event::Event;

use crate::firing::Firing;

/// One matter of one rule.
#[derive(Debug, Clone, Default)]
pub(super) struct Matter {
    /// Times of the matches that still count.
    pub(super) matches: VecDeque<Duration>,
    /// When it fired last.
    pub(super) last_fired: Option<Duration>,
    /// It goes on.
    pub(super) active: Option<Active>,
    /// What has not been said yet.
    pub(super) untold: Option<Untold>,
    /// When to say it.
    pub(super) speak_at: Option<Duration>,
    /// A word about the end that waits for the end of the quiet hours.
    pub(super) farewell: Option<Box<Firing>>,
    /// For readings: out of bounds since.
    pub(super) out_since: Option<Duration>,
    /// For lines.
    pub(super) line: Line,
}

/// A matter that goes on.
#[derive(Debug, Clone)]
pub(super) struct Active {
    /// When it began, in seconds since 1970.
    pub(super) since: i64,
    /// Matches so far.
    pub(super) count: u64,
    /// When a message about it was sent last.
    pub(super) told: Option<Duration>,
    /// How long after that a digest comes.
    pub(super) interval: Duration,
    /// The programs that it is about; true while they are in trouble.
    pub(super) programs: BTreeMap<String, bool>,
    /// When it is over if nothing happens.
    pub(super) ends_at: Option<Duration>,
    /// The newest event.
    pub(super) newest: Event,
    /// True once giving up has been told.
    pub(super) escalated: bool,
}

/// Matches that no message told of.
#[derive(Debug, Clone)]
pub(super) struct Untold {
    pub(super) count: u64,
    pub(super) since: i64,
    pub(super) newest: Event,
    pub(super) depth: u8,
    /// Held back by quiet hours alone: it is told even if it is over by then.
    pub(super) quiet: bool,
}

/// What is known of a GPIO line.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    /// The level seen last.
    pub(super) seen: Option<bool>,
    /// When an edge was taken last.
    pub(super) last_edge: Option<Duration>,
    /// An edge that must hold until then.
    pub(super) pending: Option<(Duration, bool, Event)>,
}

impl Matter {
    /// The next time at which something may happen without an event.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let ends = self.active.as_ref().and_then(|active| active.ends_at);
        let pending = self.line.pending.as_ref().map(|(due, ..)| *due);
        [self.speak_at, ends, pending].into_iter().flatten().min()
    }

    /// True if it holds nothing but what time has passed over.
    pub(super) fn is_spent(&self, now: Duration, memory: Duration) -> bool {
        self.active.is_none()
            && self.untold.is_none()
            && self.farewell.is_none()
            && self.out_since.is_none()
            && self.line.seen.is_none()
            && self
                .matches
                .back()
                .is_none_or(|last| now.saturating_sub(*last) > memory)
            && self
                .last_fired
                .is_none_or(|last| now.saturating_sub(last) > memory)
    }

    /// Adds a match that no message tells of now.
    pub(super) fn add_untold(&mut self, event: &Event, depth: u8, quiet: bool) {
        match &mut self.untold {
            Some(untold) => {
                untold.count += 1;
                untold.newest = event.clone();
                untold.quiet |= quiet;
            }
            None => {
                self.untold = Some(Untold {
                    count: 1,
                    since: event.at,
                    newest: event.clone(),
                    depth,
                    quiet,
                });
            }
        }
    }

    /// Counts a match; true when there are `wanted` of them within `window`.
    pub(super) fn counts(&mut self, now: Duration, wanted: usize, window: Duration) -> bool {
        if wanted <= 1 {
            return true;
        }
        self.matches.push_back(now);
        while self.matches.len() > wanted
            || self
                .matches
                .front()
                .is_some_and(|first| now.saturating_sub(*first) > window)
        {
            self.matches.pop_front();
        }
        self.matches.len() >= wanted
    }
}

impl Active {
    /// A matter that begins with this event.
    pub(super) fn new(event: &Event, interval: Duration) -> Self {
        Self {
            since: event.at,
            count: 0,
            told: None,
            interval,
            programs: BTreeMap::new(),
            ends_at: None,
            newest: event.clone(),
            escalated: false,
        }
    }
}
