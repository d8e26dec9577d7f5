//! The last events, in order, each with its number; readers come back with the number they have seen. A reader that was
//! away for too long is told how many are gone.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::event::Kind;
use crate::sensors::Reading;

/// Most events kept.
pub(crate) const CAPACITY: usize = 10_000;

/// One event, as small as can be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// Its number, from 1.
    pub(crate) seq: u64,
    /// The line's index, if it is about one.
    pub(crate) line: Option<u16>,
    /// What happened.
    pub(crate) kind: Kind,
    /// What the line is, or does.
    pub(crate) value: Said,
    /// Wall time in microseconds since 1970.
    pub(crate) wall_us: i64,
    /// The kernel's monotonic time in nanoseconds.
    pub(crate) mono_ns: u64,
    /// The kernel's number of this edge on its line; 0 if it is no edge.
    pub(crate) line_seqno: u32,
    /// Edges that the kernel dropped before this one.
    pub(crate) lost: u32,
    /// Who or what caused it.
    pub(crate) by: Arc<str>,
}

/// The value of an event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// A level.
    Level(bool),
    /// A duty.
    Duty(f32),
    /// Anything else: an action and its state, a holder's name.
    Text(Arc<str>),
    /// What a sensor says.
    Sensor(Arc<Reading>),
}

/// What a reader gets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Read {
    /// So many between what the reader had and the first of these are gone.
    pub(crate) gone: u64,
    /// In order.
    pub(crate) entries: Vec<Entry>,
    /// The number to come back with.
    pub(crate) next: u64,
}

/// The events.
#[derive(Debug)]
pub(crate) struct Ring {
    entries: VecDeque<Entry>,
    next: u64,
    capacity: usize,
}

impl Ring {
    /// Keeps `capacity` events.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            next: 1,
            capacity: capacity.max(1),
        }
    }

    /// Number of the last event; 0 before the first.
    pub(crate) fn last(&self) -> u64 {
        self.next - 1
    }

    /// Adds an event and gives it its number.
    pub(crate) fn push(&mut self, mut entry: Entry) -> u64 {
        let seq = self.next;
        entry.seq = seq;
        self.next += 1;
        if self.entries.len() == self.capacity {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
        seq
    }

    /// Up to `most` events after number `seen`. A number that was never given out is the reader's mistake (or from
    /// before a restart): it starts with what is kept.
    pub(crate) fn read(&self, seen: u64, most: usize) -> Read {
        let first = self.next - self.entries.len() as u64;
        let seen = if seen >= self.next { first - 1 } else { seen };
        let gone = (first - 1).saturating_sub(seen);
        let from = (seen + 1).max(first) - first;
        let entries: Vec<Entry> = self
            .entries
            .iter()
            .skip(usize::try_from(from).unwrap_or(usize::MAX))
            .take(most)
            .cloned()
            .collect();
        let next = entries.last().map_or(seen.max(first - 1), |entry| entry.seq);
        Read { gone, entries, next }
    }
}

#[cfg(test)]
mod tests;
