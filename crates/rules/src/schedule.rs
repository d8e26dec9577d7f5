//! Rules with a schedule: when their time has come. Pure: the caller says what time it is.
//!
//! A jump of the clock makes no storm: what was missed is made up for once, and a step back repeats nothing that is
//! less than an hour old. While the clock cannot be right (a board without a battery starts in the past) nothing runs.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Local, TimeZone, Timelike as _};
use croner::parser::{CronParser, Seconds, Year};
use indexmap::IndexMap;

use crate::config::Rule;
use crate::decide::Now;

/// A clock that shows less is wrong: this program was written after it (2026-01-01).
pub const EARLIEST: i64 = 1_767_225_600;
/// A step back of more than this is a clock that was wrong before: schedules begin anew.
const STEP_BACK: i64 = 3600;
/// Schedules are looked at this often at least, because wall clocks jump without telling.
const LOOK_AGAIN: Duration = Duration::from_mins(1);

/// A schedule: minute, hour, day, month, weekday.
#[derive(Clone)]
pub struct Cron(croner::Cron);

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cron").field(&self.0.as_str()).finish()
    }
}

impl Cron {
    /// Reads five fields, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. The error is for the person who
    /// wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > 200 {
            return Err("a schedule may have 200 characters at most".to_owned());
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let cron = parser
            .parse(text)
            .map_err(|error| format!("`{text}` is no schedule: {error}"))?;
        let cron = Self(cron);
        // The 30th of February never comes.
        match cron.after(&Local, EARLIEST) {
            Some(_) => Ok(cron),
            None => Err(format!("`{text}` never comes")),
        }
    }

    /// The next time after `unix`, in the given zone.
    fn after<Z: TimeZone>(&self, zone: &Z, unix: i64) -> Option<i64> {
        let from = DateTime::from_timestamp(unix, 0)?.with_timezone(zone);
        let next = self.0.find_next_occurrence(&from, false).ok()?;
        Some(next.timestamp())
    }
}

/// All schedules.
#[derive(Debug, Default)]
pub struct Schedules {
    entries: Vec<Entry>,
    /// The wall clock at the last look.
    seen: Option<i64>,
}

#[derive(Debug)]
struct Entry {
    rule: String,
    cron: Cron,
    due: Option<i64>,
}

impl Schedules {
    /// The schedules of the rules that have one; those of `before` go on.
    pub fn new(rules: &IndexMap<String, Rule>, before: Option<Self>) -> Self {
        let before = before.unwrap_or_default();
        let entries = rules
            .iter()
            .filter(|(_, rule)| rule.enabled)
            .filter_map(|(name, rule)| {
                let cron = Cron::parse(rule.when.cron.as_deref()?).ok()?;
                let known = before
                    .entries
                    .iter()
                    .find(|entry| entry.rule == *name && entry.cron.0.as_str() == cron.0.as_str());
                Some(Entry {
                    rule: name.clone(),
                    due: known.and_then(|entry| entry.due),
                    cron,
                })
            })
            .collect();
        Self {
            entries,
            seen: before.seen,
        }
    }

    /// The rules whose time has come, each once.
    pub fn due(&mut self, unix: i64) -> Vec<String> {
        self.due_in(&Local, unix)
    }

    fn due_in<Z: TimeZone>(&mut self, zone: &Z, unix: i64) -> Vec<String> {
        if unix < EARLIEST {
            return Vec::new();
        }
        let began_anew = self.seen.is_none_or(|seen| seen - unix > STEP_BACK);
        self.seen = Some(unix);
        let mut due = Vec::new();
        for entry in &mut self.entries {
            match entry.due.filter(|_| !began_anew) {
                None => entry.due = entry.cron.after(zone, unix),
                Some(at) if at <= unix => {
                    due.push(entry.rule.clone());
                    entry.due = entry.cron.after(zone, unix);
                }
                Some(_) => {}
            }
        }
        due
    }

    /// When to look again; `None` without schedules.
    pub fn next_deadline(&self, now: Now) -> Option<Duration> {
        if self.entries.is_empty() {
            return None;
        }
        let next = self.entries.iter().filter_map(|entry| entry.due).min();
        let wait = next.map_or(LOOK_AGAIN, |at| {
            Duration::from_secs(at.saturating_sub(now.unix).max(0) as u64)
        });
        Some(now.monotonic + wait.min(LOOK_AGAIN))
    }
}

/// Seconds since local midnight, at a time in seconds since 1970.
pub fn second_of_day(unix: i64) -> u32 {
    DateTime::from_timestamp(unix, 0).map_or(0, |time| time.with_timezone(&Local).num_seconds_from_midnight())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Utc;

    fn schedules(cron: &str) -> Schedules {
        Schedules {
            entries: vec![Entry {
                rule: "r".into(),
                cron: Cron::parse(cron).unwrap(),
                due: None,
            }],
            seen: None,
        }
    }

    /// Times at which it ran, looked at every ten seconds.
    fn runs(schedules: &mut Schedules, times: impl IntoIterator<Item = i64>) -> Vec<i64> {
        times
            .into_iter()
            .filter(|unix| !schedules.due_in(&Utc, *unix).is_empty())
            .collect()
    }

    #[test]
    fn every_ten_minutes() {
        let mut schedules = schedules("*/10 * * * *");
        let start = EARLIEST + 5;
        let found = runs(&mut schedules, (start..start + 3600).step_by(10));
        assert_eq!(found.len(), 5);
        assert!(found.iter().all(|unix| unix % 600 < 10), "{found:?}");
    }

    #[test]
    fn a_jump_of_ten_years_runs_once_and_a_step_back_begins_anew() {
        let mut schedules = schedules("0 3 * * *");
        assert!(runs(&mut schedules, [EARLIEST + 60]).is_empty());
        let later = EARLIEST + 10 * 365 * 86_400;
        assert_eq!(runs(&mut schedules, [later, later + 10, later + 20]), [later]);
        let back = EARLIEST + 2 * 86_400;
        assert!(runs(&mut schedules, [back, back + 10]).is_empty());
        let found = runs(&mut schedules, (back..back + 86_400).step_by(60));
        assert_eq!(found, [back + 3 * 3600]);
    }

    #[test]
    fn a_small_step_back_repeats_nothing() {
        let mut schedules = schedules("0 * * * *");
        let hour = EARLIEST + 3600;
        assert_eq!(
            runs(
                &mut schedules,
                [hour - 10, hour, hour - 600, hour - 300, hour, hour + 10]
            ),
            [hour]
        );
    }

    #[test]
    fn nothing_runs_while_the_clock_is_wrong() {
        let mut schedules = schedules("* * * * *");
        assert!(runs(&mut schedules, (0..3600).step_by(10)).is_empty());
        // The clock is set: what was missed before is not made up for.
        assert!(runs(&mut schedules, [EARLIEST + 30]).is_empty());
        assert_eq!(runs(&mut schedules, [EARLIEST + 61]), [EARLIEST + 61]);
    }

    #[test]
    fn refuses_what_is_no_schedule_or_never_comes() {
        for wrong in [
            "",
            "* * * *",
            "60 * * * *",
            "0 0 30 2 *",
            "* * * * * *",
            "a b c d e",
            &"*".repeat(300),
        ] {
            assert!(Cron::parse(wrong).is_err(), "{wrong}");
        }
        for right in ["0 3 * * *", "*/5 8-18 * * MON-FRI", "@daily"] {
            assert!(Cron::parse(right).is_ok(), "{right}");
        }
    }
}
