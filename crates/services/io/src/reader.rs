//! A reader of the events: its place in the ring, what it wants to see, what it may see.

use std::collections::HashMap;

use pistack_api::right::ReadLine;
use pistack_kit::guard::MayOn;
use tokio::sync::watch;

use crate::board::Board;
use crate::event::{self, Event, Kind};
use crate::permission::caller_on;
use crate::ring::Entry;
use crate::state::Gpio;

/// Events that are read at once.
const AT_ONCE: usize = 256;

/// What a reader wants.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Lines by any of their names; `*` at the end stands for anything. Empty: all.
    lines: Vec<String>,
    /// Kinds by their names. Empty: all.
    kinds: Vec<String>,
}

impl Filter {
    /// From lists separated by commas.
    pub(crate) fn parse(lines: Option<&str>, kinds: Option<&str>) -> Self {
        let list = |text: Option<&str>| {
            text.unwrap_or_default()
                .split(',')
                .map(|part| part.trim().to_owned())
                .filter(|part| !part.is_empty())
                .collect()
        };
        Self {
            lines: list(lines),
            kinds: list(kinds),
        }
    }

    /// These lines, all kinds.
    pub(crate) fn of_lines(lines: Vec<String>) -> Self {
        Self {
            lines,
            kinds: Vec::new(),
        }
    }

    fn wants_line(&self, names: &[String]) -> bool {
        self.lines.is_empty()
            || self.lines.iter().any(|wanted| {
                names.iter().any(|name| match wanted.strip_suffix('*') {
                    Some(prefix) => name.starts_with(prefix),
                    None => name == wanted || wanted.strip_prefix("bcm:") == Some(name),
                })
            })
    }

    fn wants_kind(&self, kind: Kind) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|wanted| wanted == kind.name())
    }
}

/// A reader.
#[derive(Debug)]
pub(crate) struct Reader {
    gpio: Gpio,
    caller: MayOn<ReadLine>,
    filter: Filter,
    /// Number of the last event that it was given, or that it did not want.
    seen: u64,
    news: watch::Receiver<u64>,
    /// Lines by their numbers: whether it wants and may see them.
    known: HashMap<u16, bool>,
}

impl Reader {
    /// Starts after the last event, or after the one that `last` names if it is of this run; one of an earlier run
    /// starts with all that is kept.
    pub(crate) fn new(gpio: Gpio, caller: MayOn<ReadLine>, filter: Filter, last: Option<&str>) -> Self {
        let (seen, news) = {
            let board = gpio.board();
            let seen = match last.map(|last| last.trim().split_once('-')) {
                None => board.ring().last(),
                Some(Some((boot, seq))) if boot == board.boot() => seq.parse().unwrap_or(0),
                Some(_) => 0,
            };
            (seen, board.news())
        };
        Self {
            gpio,
            caller,
            filter,
            seen,
            news,
            known: HashMap::new(),
        }
    }

    /// The next events; waits until there are some. `None` when the service ends.
    pub(crate) async fn next(&mut self) -> Option<Vec<Event>> {
        loop {
            self.news.mark_unchanged();
            let events = self.read();
            if !events.is_empty() {
                return Some(events);
            }
            if *self.news.borrow() > self.seen {
                continue;
            }
            self.news.changed().await.ok()?;
        }
    }

    /// How far behind the reader is.
    pub(crate) fn behind(&self) -> u64 {
        self.news.borrow().saturating_sub(self.seen)
    }

    fn read(&mut self) -> Vec<Event> {
        let gpio = self.gpio.clone();
        let board = gpio.board();
        let read = board.ring().read(self.seen, AT_ONCE);
        let mut events = Vec::new();
        if read.gone > 0 && self.filter.wants_kind(Kind::Lost) {
            let first = read.entries.first();
            events.push(event::gap(
                first.map_or(read.next, |entry| entry.seq - 1),
                board.boot(),
                read.gone,
                first.map_or(0, |entry| entry.wall_us),
                first.map_or(0, |entry| entry.mono_ns),
            ));
        }
        self.seen = read.next;
        for entry in &read.entries {
            if self.wants(&board, entry) {
                let named = entry.line.and_then(|line| board.named(line));
                events.push(event::write(entry, board.boot(), named));
            }
        }
        events
    }

    fn wants(&mut self, board: &Board, entry: &Entry) -> bool {
        if !self.filter.wants_kind(entry.kind) {
            return false;
        }
        let Some(line) = entry.line else {
            return self.filter.lines.is_empty();
        };
        *self.known.entry(line).or_insert_with(|| {
            board.place_of(line).is_some_and(|place| {
                self.filter.wants_line(&board.names_of(place))
                    && caller_on(board, &self.caller, place).is_some()
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_by_any_name_and_by_prefix() {
        let names = ["relay1".to_owned(), "17".to_owned()];
        for (wanted, yes) in [
            ("", true),
            ("relay1", true),
            ("relay*", true),
            ("door, relay1", true),
            ("17", true),
            ("bcm:17", true),
            ("*", true),
            ("door", false),
            ("relay", false),
            ("bcm:7", false),
        ] {
            assert_eq!(
                Filter::parse(Some(wanted), None).wants_line(&names),
                yes,
                "{wanted}"
            );
        }
        let edges = Filter::parse(None, Some("rising, falling"));
        assert!(edges.wants_kind(Kind::Rising) && !edges.wants_kind(Kind::Value));
    }
}
