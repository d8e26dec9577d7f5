//! A line as the API shows it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::backend::Kind;
use crate::config::{Bias, Direction, Drive, EdgeChoice, SafeLevel};

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Line {
    /// Its name in the configuration.
    #[schema(example = "relay1")]
    pub(crate) name: Option<String>,
    /// BCM number; on boards other than a Raspberry Pi the offset on the chip of `[io]`; `null` on other chips.
    #[schema(example = 17)]
    pub(crate) bcm: Option<u32>,
    /// Pin of the 40-pin header.
    #[schema(example = 11)]
    pub(crate) pin: Option<u8>,
    /// Label of its chip.
    #[schema(example = "pinctrl-rp1")]
    pub(crate) chip: String,
    /// Offset on its chip.
    #[schema(example = 17)]
    pub(crate) offset: u32,
    /// Direction; unknown while somebody else has it.
    pub(crate) direction: Option<Direction>,
    /// Level; unknown while somebody else has it. With PWM: whether the duty is above 0.
    #[schema(example = true)]
    pub(crate) value: Option<bool>,
    /// Low voltage means 1.
    pub(crate) active_low: bool,
    /// Pull resistor.
    pub(crate) bias: Bias,
    /// How an output is driven.
    pub(crate) drive: Drive,
    /// How long an input's level must last, in microseconds.
    pub(crate) debounce_us: u64,
    /// Which edges of an input are events.
    pub(crate) edge: EdgeChoice,
    /// `gpio` or `pwm`.
    pub(crate) mode: Mode,
    /// What PWM does, in mode `pwm`.
    pub(crate) pwm: Option<Pwm>,
    /// What the line does by itself.
    pub(crate) action: Option<Action>,
    /// Number of the event that last changed the line; goes into `If-Match`.
    #[schema(example = 42)]
    pub(crate) seq: u64,
    /// When that was.
    #[schema(example = "2026-11-23T18:00:00.123456Z")]
    pub(crate) changed_at: Option<String>,
    /// Who or what did it.
    #[schema(example = "user:anna")]
    pub(crate) changed_by: Option<String>,
    /// What an output is put to after a crash and in an emergency stop; `null` for inputs.
    pub(crate) safe: Option<SafeLevel>,
    /// What the caller may do with it.
    #[schema(example = json!(["read", "write"]))]
    pub(crate) allowed: Vec<&'static str>,
    /// What hangs on it.
    pub(crate) label: Option<String>,
    /// Words to find it by.
    pub(crate) tags: Vec<String>,
    /// Reserved in the configuration.
    pub(crate) reserved: bool,
    /// The API may reconfigure it.
    pub(crate) reconfigurable: bool,
    /// Who else has it.
    pub(crate) holder: Option<String>,
    /// Why it cannot be used.
    pub(crate) error: Option<String>,
    /// Held at a safe level: writes are refused.
    pub(crate) held: bool,
    /// Edges told since the start.
    pub(crate) edges: u64,
    /// Edges that the kernel dropped since the start.
    pub(crate) lost: u64,
    /// How it is reached.
    pub(crate) backend: Kind,
}

/// How a line is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// Levels.
    Gpio,
    /// A level that changes so fast that its share of the time counts.
    Pwm,
}

/// PWM of a line.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub(crate) struct Pwm {
    /// Share of the time that the line is on, 0 to 1.
    #[schema(example = 0.25)]
    pub(crate) duty: f64,
    /// Times a second.
    #[schema(example = 1000.0)]
    pub(crate) freq_hz: f64,
    /// Where it comes from.
    pub(crate) backend: PwmSource,
}

/// Where PWM comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PwmSource {
    /// The kernel's PWM driver.
    Hw,
    /// A thread of this service: jitters by a fraction of a millisecond.
    Soft,
}

/// What a line does by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Action {
    /// Its number.
    #[schema(example = 7)]
    pub(crate) id: u64,
    /// `blink`, `pulse`, `timed`, `fade`, `servo` or `follow`.
    #[serde(rename = "do")]
    #[schema(example = "blink")]
    pub(crate) kind: &'static str,
    /// When it will be done; `null` if it goes on until something else is wanted.
    pub(crate) until: Option<String>,
}
