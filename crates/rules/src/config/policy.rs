//! `policy`: how often a rule may fire and speak.

use pistack_kit::config::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Severity;

/// How often a rule may fire and speak.
///
/// A rule about something that lasts (a program that is down, a reading out of bounds) speaks once when it begins,
/// gathers what follows into digests, and speaks once when it is over. A rule about a moment (a schedule, a button, a
/// login) speaks every time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// At most one firing within this time, for each program (see `group`), such as `"30m"`. Default: no limit.
    pub cooldown: Option<Span>,
    /// What belongs together: `program` (each program, line or metric by itself) or `rule` (all that the rule
    /// matches is one matter). Default: `program`.
    pub group: GroupBy,
    /// The first message waits this long, so that what is over at once, or follows from something graver, says
    /// nothing. Default: no waiting.
    pub wait: Option<Span>,
    /// So long after a message, what happened since is told in one digest; the next digest comes after four times
    /// as long, and so on up to a day. Default: `"10m"`.
    pub digest: Option<Span>,
    /// No messages within these hours of local time, such as `"22:00-07:00"`; what was held back is told in one
    /// digest at their end. Default: none.
    pub quiet: Option<DailyWindow>,
    /// Rules of this severity and graver speak in quiet hours too. Default: `critical`.
    pub quiet_lets_through: Option<Severity>,
    /// Channels that hear that it is over. Default: those that heard that it began; `[]` = nobody.
    pub on_resolve: Option<Vec<String>>,
    /// Text of that message. Default: a plain sentence.
    pub resolve_text: Option<String>,
    /// All must have been well for this long before it is over. Default: `"1m"` after a program runs again, at once
    /// for readings and lines, `"10m"` without another match for log lines.
    pub resolve_after: Option<Span>,
    /// `true`: speak about a program even while one that it depends on is down. Default: false.
    pub dependants: bool,
}

/// What belongs together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GroupBy {
    /// Each program, line or metric by itself.
    #[default]
    Program,
    /// All that the rule matches is one matter.
    Rule,
}

/// Hours of every day, in local time: `"22:00-07:00"`. The end is not part of it; equal ends mean the whole day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct DailyWindow {
    /// First second, counted from midnight.
    from: u32,
    /// First second after it, counted from midnight.
    to: u32,
}

/// Seconds of a day.
const DAY: u32 = 86_400;

impl DailyWindow {
    /// True at this local second of the day.
    pub fn contains(self, second_of_day: u32) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&second_of_day)
        } else {
            second_of_day >= self.from || second_of_day < self.to
        }
    }

    /// Seconds from this local second of the day to the window's end.
    pub fn seconds_to_end(self, second_of_day: u32) -> u32 {
        let ahead = (self.to + DAY - second_of_day % DAY) % DAY;
        if ahead == 0 { DAY } else { ahead }
    }
}

impl TryFrom<String> for DailyWindow {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let read = || {
            let (from, to) = text.split_once('-')?;
            Some(Self {
                from: minute(from)?,
                to: minute(to)?,
            })
        };
        read().ok_or_else(|| format!("`{text}` are no hours of the day; write \"22:00-07:00\""))
    }
}

impl From<DailyWindow> for String {
    fn from(window: DailyWindow) -> Self {
        let show = |second: u32| format!("{:02}:{:02}", second / 3600, second / 60 % 60);
        format!("{}-{}", show(window.from), show(window.to))
    }
}

fn minute(text: &str) -> Option<u32> {
    let (hour, minute) = text.trim().split_once(':')?;
    let two = |part: &str, most: u32| {
        let fits = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse().ok().filter(|number: &u32| fits && *number < most)
    };
    Some(two(hour, 24)? * 3600 + two(minute, 60)? * 60)
}
