//! `[rule.NAME]` and `[channel.NAME]`: what the person writes.

use pistack_kit::config::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the rules listener (`[rules]`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Which of several matching rules act: `highest` (the original's way: only the one of the highest priority)
    /// or `all`. Default: `highest`.
    pub matching: Matching,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What has to happen.
    pub when: When,
    /// What is done then, in this order.
    pub then: Vec<Action>,
    /// Of the rules that match, the one with the highest priority acts. Default: 0.
    #[serde(default)]
    pub priority: i32,
    /// At most one firing within this time, such as `"30m"`. Default: no limit.
    #[serde(default)]
    pub cooldown: Option<Span>,
    /// `false` switches the rule off. Default: true.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

/// What has to happen for a rule to match. Every key that is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// Event name; `*` and `?` stand for any text and any character: `PROCESS_STATE_*`.
    pub event: String,
    /// Process name (glob), `group:process` also fits; any if absent.
    pub process: Option<String>,
    /// Group name (glob); any if absent.
    pub group: Option<String>,
    /// The state that the process enters: `EXITED`, `FATAL`, `STOPPED`, ...
    pub to_state: Option<String>,
    /// The state that the process leaves.
    pub from_state: Option<String>,
    /// For `PROCESS_STATE_EXITED`: `true` if the exit code was an expected one.
    pub expected: Option<bool>,
    /// Fires only at the Nth match within `within`. Default: 1.
    pub count: Option<u32>,
    /// The window for `count`, such as `"10m"`.
    pub within: Option<Span>,
}

/// One thing to do. Exactly one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Write this line to the listener's log. `{event}`, `{process}`, `{group}`, `{from_state}`, `{to_state}`,
    /// `{pid}`, `{expected}`, `{rule}` and `{time}` are replaced, here and in every other text.
    Log(String),
    /// Run a command, without a shell.
    Run(Run),
    /// Start a process: `name`, `group:name` or `group:*`.
    Start(String),
    /// Stop a process.
    Stop(String),
    /// Stop a process and start it again.
    Restart(String),
    /// Shut the whole supervisor down.
    Shutdown(bool),
    /// Send a mail through the mail service.
    Mail(Mail),
    /// Send a message to one or more channels (`[channel.NAME]`).
    Notify(Notify),
}

/// A command to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Program and arguments, such as `["systemctl", "stop", "nginx"]`.
    pub command: Vec<String>,
    /// It is killed after this time. Default: `"1m"`.
    #[serde(default)]
    pub timeout: Option<Span>,
}

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Address.
    pub to: String,
    /// Subject line.
    #[serde(default)]
    pub subject: Option<String>,
    /// Text.
    #[serde(default)]
    pub text: Option<String>,
}

/// A message to channels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// Names of `[channel.NAME]` tables.
    pub channels: Vec<String>,
    /// Text; a plain sentence about the event unless given.
    #[serde(default)]
    pub text: Option<String>,
}

/// Where messages go (`[channel.NAME]`). Exactly one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Channel {
    /// Mail through the mail service.
    Email(EmailChannel),
    /// A command that gets the message on its standard input.
    Exec(Run),
}

/// A mail channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailChannel {
    /// Address.
    pub to: String,
}
