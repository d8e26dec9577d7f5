//! `then`: what a rule does. Written flat (`{ notify = "me", text = "..." }`) or as one table a kind
//! (`{ notify = { channels = ["me"], text = "..." } }`); both become an [`Action`].

use pistack_kit::config::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod table;

use table::ActionTable;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", try_from = "ActionTable")]
pub enum Action {
    /// Write this line to the listener's log.
    Log(String),
    /// Run a command, without a shell.
    Run(Run),
    /// Start a process: `name`, `group:name`, `group:*` or `@group`.
    Start(String),
    /// Stop a process.
    Stop(String),
    /// Stop a process and start it again.
    Restart(String),
    /// Send a signal to a process.
    Signal(Signal),
    /// Drive a GPIO line.
    Gpio(Gpio),
    /// Send the event to an address of one's own.
    Webhook(Webhook),
    /// Change another rule's state.
    Rule(SetRule),
    /// Shut the whole supervisor down.
    Shutdown(bool),
    /// Send a mail through the mail service.
    Mail(Mail),
    /// Send a message to one or more channels (`[channel.NAME]`).
    Notify(Notify),
    /// What to do if an action before this one failed.
    OnFail(Vec<Action>),
}

impl Action {
    /// True for what a person gets to read: held back in quiet hours, gathered into digests.
    pub fn is_message(&self) -> bool {
        matches!(self, Self::Notify(_) | Self::Mail(_))
    }

    /// The key by which it is written.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Log(_) => "log",
            Self::Run(_) => "run",
            Self::Start(_) => "start",
            Self::Stop(_) => "stop",
            Self::Restart(_) => "restart",
            Self::Signal(_) => "signal",
            Self::Gpio(_) => "gpio",
            Self::Webhook(_) => "webhook",
            Self::Rule(_) => "rule",
            Self::Shutdown(_) => "shutdown",
            Self::Mail(_) => "mail",
            Self::Notify(_) => "notify",
            Self::OnFail(_) => "on_fail",
        }
    }
}

impl JsonSchema for Action {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Action".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        ActionTable::json_schema(generator)
    }
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
    /// User to run it as; needs a supervisor that runs as root. Default: the listener's own.
    #[serde(default)]
    pub user: Option<String>,
}

/// A signal for a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// `HUP`, `USR1`, ...
    pub signal: String,
    /// `name`, `group:name` or `group:*`.
    pub process: String,
}

/// What a GPIO line is told. Exactly one of `set`, `pulse` and `blink`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gpio {
    /// Name of a `[line.NAME]` table, or a BCM number.
    pub line: LineRef,
    /// Drive it to this level.
    #[serde(default)]
    pub set: Option<bool>,
    /// High for this time, then low.
    #[serde(default)]
    pub pulse: Option<Span>,
    /// High and low in turn, so many times a second: `"2Hz"`.
    #[serde(default)]
    pub blink: Option<Frequency>,
    /// `"resolved"`: `set` is taken back, `blink` ends when the rule resolves. Without it `set` stays, and `blink`
    /// ends after ten seconds.
    #[serde(default)]
    pub until: Option<Until>,
}

/// A GPIO line by name or by BCM number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a BCM number such as 17, or the name of a line in quotes"
)]
pub enum LineRef {
    /// BCM number.
    Pin(u32),
    /// Name of a `[line.NAME]` table.
    Name(String),
}

impl std::fmt::Display for LineRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pin(pin) => write!(f, "{pin}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Times a second, written `"2Hz"` or `"0.5Hz"`; from 0.1 to 20.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Frequency {
    millihertz: u32,
}

impl Frequency {
    /// Half a period: how long the line stays high, and then low.
    pub fn half_period(self) -> std::time::Duration {
        std::time::Duration::from_micros(500_000_000 / u64::from(self.millihertz))
    }
}

impl TryFrom<String> for Frequency {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let number = text
            .trim()
            .trim_end_matches(['z', 'Z'])
            .trim_end_matches(['h', 'H'])
            .trim();
        let hertz: f64 = number
            .parse()
            .map_err(|_| format!("`{text}` is no frequency; write \"2Hz\""))?;
        if (0.1..=20.0).contains(&hertz) {
            Ok(Self {
                millihertz: (hertz * 1000.0).round() as u32,
            })
        } else {
            Err(format!("`{text}` is not between 0.1Hz and 20Hz"))
        }
    }
}

impl From<Frequency> for String {
    fn from(frequency: Frequency) -> Self {
        format!("{}Hz", f64::from(frequency.millihertz) / 1000.0)
    }
}

/// How long something lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Until {
    /// Until the rule resolves.
    Resolved,
}

/// An address that gets the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// `https://...`
    pub url: String,
    /// File that holds the key of the HMAC signature. Default: unsigned.
    #[serde(default)]
    pub secret_file: Option<std::path::PathBuf>,
    /// `true`: the address may be on a private network. Default: false.
    #[serde(default)]
    pub private: bool,
}

/// A change of another rule's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRule {
    /// Name of the rule.
    pub name: String,
    /// Its new state.
    pub set: RuleState,
}

/// What may be done to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleState {
    /// It matches again.
    On,
    /// It matches no longer.
    Off,
    /// It fires, whatever its `when` says.
    Fire,
    /// It is over, if it was active.
    Resolve,
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
    /// Names of `[channel.NAME]` tables. All get the message, unless `fallback` says otherwise.
    pub channels: Vec<String>,
    /// Text; a plain sentence about the event unless given.
    #[serde(default)]
    pub text: Option<String>,
    /// Title, where the channel has one; a plain one unless given.
    #[serde(default)]
    pub title: Option<String>,
    /// `true`: the first channel that takes the message is enough. Default: false.
    #[serde(default)]
    pub fallback: bool,
}
