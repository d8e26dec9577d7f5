//! When a channel may speak: limits, quiet hours, and the wait after a failure. Pure: time comes in as a number.

use std::collections::VecDeque;

use crate::channel::config::{Channel, Limit};
use crate::config::{DailyWindow, Severity};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// The first wait after a failure, in seconds; doubled each time.
const FIRST_WAIT: i64 = 10;
/// The longest wait, in seconds.
const LONGEST_WAIT: i64 = HOUR;

/// A channel's limits and what it has used of them.
#[derive(Debug, Clone)]
pub struct Gate {
    limit: Limit,
    quiet: Option<DailyWindow>,
    lets_through: Severity,
    /// When messages went out within the last day, oldest first.
    sent: VecDeque<i64>,
}

/// Whether a message may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Yes.
    Open,
    /// Quiet hours, until this time; grave ones may.
    Quiet(i64),
    /// The limit is used up, until this time.
    Full(i64),
}

impl Gate {
    /// The gate of a channel that has sent nothing yet.
    pub fn new(channel: &Channel) -> Self {
        Self {
            limit: channel.limit,
            quiet: channel.quiet,
            lets_through: channel.quiet_lets_through.unwrap_or(Severity::Critical),
            sent: VecDeque::new(),
        }
    }

    /// The severity from which on quiet hours do not count.
    pub fn lets_through(&self) -> Severity {
        self.lets_through
    }

    /// What went out before this process began.
    pub fn remember(&mut self, sent: Vec<i64>) {
        self.sent = sent.into();
    }

    /// One more went out.
    pub fn passed(&mut self, now: i64) {
        self.sent.push_back(now);
    }

    /// Whether a message of this severity may go out. `second_of_day` is local.
    pub fn ask(&mut self, now: i64, second_of_day: u32, severity: Severity) -> Pass {
        // A clock that was set back must not close the gate for longer than a day.
        self.sent.retain(|at| (now - DAY..=now).contains(at));
        let opens = [(self.limit.hour, HOUR), (self.limit.day, DAY)]
            .into_iter()
            .filter_map(|(most, window)| self.opens(now, most as usize, window))
            .max();
        if let Some(at) = opens {
            return Pass::Full(at);
        }
        match self.quiet {
            Some(quiet) if quiet.contains(second_of_day) && severity < self.lets_through => {
                Pass::Quiet(now + i64::from(quiet.seconds_to_end(second_of_day)))
            }
            _ => Pass::Open,
        }
    }

    fn opens(&self, now: i64, most: usize, window: i64) -> Option<i64> {
        let inside: Vec<i64> = self
            .sent
            .iter()
            .copied()
            .filter(|at| *at > now - window)
            .collect();
        let surplus = (inside.len() + 1).checked_sub(most.max(1) + 1)?;
        inside.get(surplus).map(|at| at + window)
    }

    /// How many more may go out right now.
    pub fn room(&self, now: i64) -> i64 {
        let used = |window: i64| self.sent.iter().filter(|at| **at > now - window).count() as i64;
        (i64::from(self.limit.hour) - used(HOUR))
            .min(i64::from(self.limit.day) - used(DAY))
            .max(0)
    }
}

/// How long to wait after the `attempt`th failure (from 1), in seconds: doubled each time, a fifth more or less by
/// `random`, one hour at most.
pub fn wait_after(attempt: u32, random: u8) -> i64 {
    let whole = FIRST_WAIT
        .saturating_mul(1 << attempt.saturating_sub(1).min(12))
        .min(LONGEST_WAIT);
    let fifth = whole / 5;
    whole - fifth + 2 * fifth * i64::from(random) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(hour: u32, day: u32, quiet: Option<&str>) -> Gate {
        Gate::new(&Channel {
            limit: Limit { hour, day },
            quiet: quiet.map(|text| DailyWindow::try_from(text.to_owned()).unwrap()),
            ..Channel::default()
        })
    }

    #[test]
    fn twenty_an_hour_and_a_hundred_a_day() {
        let mut gate = gate(20, 100, None);
        let mut passed = Vec::new();
        // One message wants to go out every minute for two days.
        for minute in 0..2 * 24 * 60 {
            let now = 1_000_000 + minute * 60;
            if gate.ask(now, 0, Severity::Critical) == Pass::Open {
                gate.passed(now);
                passed.push(now);
            }
        }
        let most_in = |window: i64| {
            let within = |from: i64| {
                passed
                    .iter()
                    .filter(|at| (from..from + window).contains(*at))
                    .count()
            };
            passed.iter().map(|from| within(*from)).max().unwrap()
        };
        assert_eq!((most_in(HOUR), most_in(DAY), passed.len()), (20, 100, 200));
    }

    #[test]
    fn says_when_it_opens_again() {
        let mut gate = gate(2, 100, None);
        gate.remember(vec![1_000, 1_500]);
        assert_eq!(gate.ask(1_600, 0, Severity::Info), Pass::Full(1_000 + HOUR));
        assert_eq!(gate.room(1_600), 0);
        assert_eq!(gate.ask(1_000 + HOUR, 0, Severity::Info), Pass::Open);
        assert_eq!(gate.room(1_000 + HOUR), 1);
    }

    #[test]
    fn quiet_hours_hold_back_but_for_the_gravest() {
        let mut gate = gate(20, 100, Some("22:00-07:00"));
        let at = |hour: u32| hour * 3600;
        assert_eq!(gate.ask(0, at(21), Severity::Info), Pass::Open);
        assert_eq!(gate.ask(0, at(23), Severity::Warning), Pass::Quiet(8 * HOUR));
        assert_eq!(gate.ask(0, at(6), Severity::Info), Pass::Quiet(HOUR));
        assert_eq!(gate.ask(0, at(23), Severity::Critical), Pass::Open);
        assert_eq!(gate.ask(0, at(7), Severity::Info), Pass::Open);
    }

    #[test]
    fn a_clock_set_back_does_not_close_it_for_long() {
        let mut gate = gate(1, 1, None);
        gate.passed(2_000_000_000);
        assert_eq!(gate.ask(1_000, 0, Severity::Info), Pass::Open);
    }

    #[test]
    fn waits_grow_to_an_hour_with_jitter() {
        assert_eq!((wait_after(1, 0), wait_after(1, 255)), (8, 12));
        assert_eq!((wait_after(2, 0), wait_after(2, 255)), (16, 24));
        assert_eq!((wait_after(50, 0), wait_after(50, 255)), (2880, 4320));
        assert!((1..50).all(|attempt| wait_after(attempt + 1, 128) >= wait_after(attempt, 128)));
    }
}
