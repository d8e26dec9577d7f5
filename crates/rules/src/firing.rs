//! What deciding hands to acting: one firing of one rule.
//!
//! The decider makes it and is done with it; whoever carries it out fills texts, looks up what needs the outside
//! world (the program's last lines, its exit), delivers, and writes the history.

use pistack_api::event::Event;
use serde::{Deserialize, Serialize};

use crate::config::{Action, Severity};

/// A rule that fires, and what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// Name of the rule.
    pub rule: String,
    /// What kind of word this is.
    pub kind: Kind,
    /// What it is about: the program, line or metric; empty for rules that are about nothing in particular.
    /// Messages of the same rule and key belong together.
    pub key: String,
    /// How grave it is.
    pub severity: Severity,
    /// The event that fired it (for [`Kind::Digest`] and [`Kind::Resolved`]: the newest one). Triggers that are no
    /// supervisor events come as events too: `LOG_LINE`, `METRIC`, `GPIO_EDGE`, `SENSOR`, `SCHEDULE`, `STACK`,
    /// `WEBHOOK`, `RULE`.
    pub event: Event,
    /// What to do, in order. What the policy holds back is left out already.
    pub actions: Vec<Action>,
    /// Matches that this firing stands for, itself among them.
    pub count: u64,
    /// When the first of them was, in seconds since 1970.
    pub since: i64,
    /// How many rules stand before this one in a chain; 0 for a rule that the world fired.
    pub depth: u8,
    /// Why it fires, in one sentence, for the history.
    pub why: String,
}

/// What kind of word a firing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The rule's `then`.
    Fired,
    /// It goes on: so many matches since the last word, in one message.
    Digest,
    /// It is over. What lasts `until = "resolved"` ends with it.
    Resolved,
}

impl Kind {
    /// `fired`, `digest`, `resolved`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Digest => "digest",
            Self::Resolved => "resolved",
        }
    }
}

/// A match that did not become a firing, or not a whole one, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Name of the rule.
    pub rule: String,
    /// What it is about, as in [`Firing::key`].
    pub key: String,
    /// Why, in one sentence.
    pub why: String,
}
