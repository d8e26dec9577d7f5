//! `when`: what has to happen for a rule to match.

use pistack_kit::config::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LineRef;

/// What has to happen. Exactly one of `event`, `log`, `metric`, `gpio`, `sensor`, `cron`, `stack` and `webhook` says
/// of what kind it is (`program` alone means any state event of that program); every other key that is given must
/// fit too.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// An event of the supervisor: a glob over its types (`PROCESS_STATE_*`), or one of the words `crashed`,
    /// `exited`, `failed`, `started`, `running`, `stopped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Program name (glob), `group:program` also fits; any if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The same as `program`, by supervisord's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// Group name (glob); any if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The state that the process enters: `EXITED`, `FATAL`, `STOPPED`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_state: Option<String>,
    /// The state that the process leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_state: Option<String>,
    /// For `PROCESS_STATE_EXITED`: `true` if the exit code was an expected one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<bool>,
    /// Fires only at the Nth match within `within`. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// The window for `count`, such as `"10m"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Span>,
    /// A line of the program's log fits this regular expression. Named groups become fields: `(?P<code>\d+)` is
    /// `{code}` in texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// With `log`: which output is followed, `stdout`, `stderr` or `both`. Default: `both`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<Stream>,
    /// A figure of the board: `temperature` (degrees Celsius), `cpu`, `memory`, `disk` (per cent used), `load`, or
    /// `uptime` (seconds). Needs `above` or `below`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// A sensor of the io service: the name of a `[line.NAME]` that is an input, read as 0 or 1, or a sensor that the
    /// service lists. Needs `above` or `below`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensor: Option<String>,
    /// With `metric` and `sensor`: the reading is above this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// With `metric` and `sensor`: the reading is below this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// With `metric` and `sensor`: it must stay there for this long. Default: at once.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Span>,
    /// With `metric` and `sensor`: it is over only when the reading is back at this value. Default: the threshold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clear: Option<f64>,
    /// An edge of a GPIO line: its BCM number, or the name of a `[line.NAME]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpio: Option<LineRef>,
    /// With `gpio`: `rising`, `falling` or `both`. Default: `both`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge: Option<Edge>,
    /// With `gpio`: edges that follow each other within this time are one. Default: `"50ms"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debounce: Option<Span>,
    /// With `gpio`: the line must keep its new level for this long. Default: at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<Span>,
    /// A schedule: `"0 3 * * *"` (minute, hour, day, month, weekday), in local time. What a stopped clock or a jump
    /// missed is made up for once, not every time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// An event of the stack (glob): `login.new_place`, `disk.low`, `power.undervoltage`, `clock.jump`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// A call of `POST /api/rules/hook/NAME`; needs `secret_file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// With `webhook`: the file that holds the secret which the caller must know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<std::path::PathBuf>,
}

/// Which output of a program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Both.
    #[default]
    Both,
}

/// Which way a line changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Edge {
    /// From 0 to 1.
    Rising,
    /// From 1 to 0.
    Falling,
    /// Any change.
    #[default]
    Both,
}

/// Of what kind a `when` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// An event of the supervisor.
    Event,
    /// A log line.
    Log,
    /// A figure of the board.
    Metric,
    /// A sensor.
    Sensor,
    /// An edge of a GPIO line.
    Gpio,
    /// A schedule.
    Cron,
    /// An event of the stack.
    Stack,
    /// A call from outside.
    Webhook,
}

impl When {
    /// The kinds that are asked for; a right rule has exactly one.
    pub fn subjects(&self) -> Vec<(&'static str, Subject)> {
        let mut subjects: Vec<(&'static str, Subject)> = [
            ("event", self.event.is_some(), Subject::Event),
            ("log", self.log.is_some(), Subject::Log),
            ("metric", self.metric.is_some(), Subject::Metric),
            ("sensor", self.sensor.is_some(), Subject::Sensor),
            ("gpio", self.gpio.is_some(), Subject::Gpio),
            ("cron", self.cron.is_some(), Subject::Cron),
            ("stack", self.stack.is_some(), Subject::Stack),
            ("webhook", self.webhook.is_some(), Subject::Webhook),
        ]
        .into_iter()
        .filter_map(|(name, there, subject)| there.then_some((name, subject)))
        .collect();
        let about_process = self.process().is_some()
            || self.group.is_some()
            || self.to_state.is_some()
            || self.from_state.is_some();
        if subjects.is_empty() && about_process {
            subjects.push(("program", Subject::Event));
        }
        subjects
    }

    /// The program, by either of its keys.
    pub fn process(&self) -> Option<&String> {
        self.program.as_ref().or(self.process.as_ref())
    }

    /// Of what kind it is; the first of them if the rule is wrong.
    pub fn subject(&self) -> Subject {
        self.subjects()
            .first()
            .map_or(Subject::Event, |(_, subject)| *subject)
    }

    /// The glob over the supervisor's event types, words translated, and whether `expected` follows from the word.
    pub fn event_glob(&self) -> (&str, Option<bool>) {
        match self.event.as_deref() {
            None => ("PROCESS_STATE_*", None),
            Some("crashed") => ("PROCESS_STATE_EXITED", Some(false)),
            Some("exited") => ("PROCESS_STATE_EXITED", None),
            Some("failed") => ("PROCESS_STATE_FATAL", None),
            Some("started") => ("PROCESS_STATE_STARTING", None),
            Some("running") => ("PROCESS_STATE_RUNNING", None),
            Some("stopped") => ("PROCESS_STATE_STOPPED", None),
            Some(glob) => (glob, None),
        }
    }
}
