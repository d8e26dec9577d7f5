//! `[rule.NAME]`, `[channel.NAME]` and `[rules]`: what the person writes.

mod action;
mod policy;
mod when;

use indexmap::IndexMap;
use pistack_kit::config::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::channel::config::Channel;
pub use action::{
    Action, Frequency, Gpio, LineRef, Mail, Notify, RuleState, Run, SetRule, Signal, Until, Webhook,
};
pub use policy::{DailyWindow, GroupBy, Policy};
pub use when::{Edge, Stream, Subject, When};

/// Settings of the rules listener (`[rules]`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Which of several matching rules act: `highest` (the original's way: only the one of the highest priority)
    /// or `all`. Default: `highest`.
    pub matching: Matching,
    /// Which programs a program cannot do without: `camera = ["mqtt"]`. While one of them is down, what happens to
    /// `camera` makes no message: the one about `mqtt` says it all.
    pub depends_on: IndexMap<String, Vec<String>>,
    /// Rules that are switched off, wherever they are written. `pistack rules disable` and the dashboard write it to
    /// their own file, `pistack.d/90-ui.toml`. Default: none.
    pub disabled: Vec<String>,
}

/// Which of several matching rules act.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Matching {
    /// Only the rule of the highest priority; of equals the first by name.
    #[default]
    Highest,
    /// Every matching rule, highest priority first.
    All,
}

/// When X happens, do Y.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What has to happen.
    pub when: When,
    /// It does not fire while one of these holds: `"depends_on.down"`, `"rule.NAME"` (that rule is active), or a
    /// comparison with a field of the event, such as `"tries < 3"`, `"process == 'cam'"`, `"line ~ 'timeout'"`.
    #[serde(default, skip_serializing_if = "Unless::is_empty")]
    pub unless: Unless,
    /// What is done then, in this order.
    pub then: Vec<Action>,
    /// Of the rules that match, the one with the highest priority acts. Default: 0.
    #[serde(default)]
    pub priority: i32,
    /// How grave it is: `info`, `warning` or `critical`. Default: `warning`.
    #[serde(default)]
    pub severity: Severity,
    /// How often it may fire and speak.
    #[serde(default)]
    pub policy: Policy,
    /// At most one firing within this time, such as `"30m"`; the same as `policy.cooldown`. Default: no limit.
    #[serde(default)]
    pub cooldown: Option<Span>,
    /// `false` switches the rule off. Default: true.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

impl Rule {
    /// The cooldown, wherever it is written.
    pub fn cooldown(&self) -> Option<Span> {
        self.policy.cooldown.or(self.cooldown)
    }
}

/// One condition or several, any of which keeps the rule from firing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "UnlessForm", into = "Vec<String>")]
#[schemars(with = "UnlessForm")]
pub struct Unless(pub Vec<String>);

impl Unless {
    /// True without any condition.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Unless> for Vec<String> {
    fn from(unless: Unless) -> Self {
        unless.0
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a condition in quotes, or a list of them")]
enum UnlessForm {
    One(String),
    Several(Vec<String>),
}

impl From<UnlessForm> for Unless {
    fn from(form: UnlessForm) -> Self {
        Self(match form {
            UnlessForm::One(text) => vec![text],
            UnlessForm::Several(texts) => texts,
        })
    }
}

/// How grave a rule's matter is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look.
    #[default]
    Warning,
    /// Somebody must look now, at night too.
    Critical,
}

impl Severity {
    /// `info`, `warning`, `critical`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

#[cfg(test)]
mod tests;
