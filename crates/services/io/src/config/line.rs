//! One line of the board, `[line.NAME]`: where it is, how it is wired, what it does when something ends, who may use it.

use pistack_api::token::Level;
use pistack_kit::config::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One line, reserved at start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LineConfig {
    /// Pin of the 40-pin header, such as 11. Exactly one of `pin`, `bcm` and `offset` is written.
    pub pin: Option<u8>,
    /// BCM number, such as 17; on other boards the line's offset on the chip of `[io]`.
    pub bcm: Option<u32>,
    /// Label of another chip than the one of `[io]`, as `gpiodetect` prints it. Needs `offset`.
    pub chip: Option<String>,
    /// Offset on the chip.
    pub offset: Option<u32>,
    /// `input` or `output`. An input cannot be set.
    pub direction: Direction,
    /// An output's level at start: `off`, `on`, `keep` what it has, or `restore` what it had when this service last ran.
    pub initial: Initial,
    /// Low voltage means 1.
    pub active_low: bool,
    /// Pull resistor: `as_is`, `none`, `pull_up` or `pull_down`.
    pub bias: Bias,
    /// How an output is driven: `push_pull`, `open_drain` or `open_source`.
    pub drive: Drive,
    /// Which edges of an input are events: `none`, `rising`, `falling` or `both`.
    pub edge: EdgeChoice,
    /// An input's level counts once it has lasted so long, such as `"20ms"`.
    pub debounce: Option<Span>,
    /// An output's level after an orderly stop of this service: `off`, `on`, `input` (released) or `hold`.
    pub on_stop: SafeLevel,
    /// An output's level after a crash of this service, and in an emergency stop: `off`, `on`, `input` or `hold`.
    pub on_crash: SafeLevel,
    /// What becomes of an output while the link is down, such as `{ after = "60s", to = "off" }`. Default: nothing.
    pub on_link_loss: Option<LinkLoss>,
    /// Longest time that an output stays on; then it goes off by itself. Writing on again does not lengthen it.
    pub max_on: Option<Span>,
    /// Shortest time that an output stays off; earlier it cannot be switched on. Also counted from this service's start.
    pub min_off: Option<Span>,
    /// Name of a group of outputs of which only one may be on at a time.
    pub interlock: Option<String>,
    /// Time between one line of the group going off and another going on.
    pub interlock_wait: Option<Span>,
    /// Where PWM comes from: `auto` (the hardware, if the device tree gives the pin to it, else software), `hardware`
    /// (the pin is left to the kernel's PWM driver) or `software`.
    pub pwm: PwmChoice,
    /// Limits of a servo on this line.
    pub servo: ServoLimits,
    /// The API may change direction, bias, debounce, edge, active_low and drive of this line while the service runs.
    pub reconfigurable: bool,
    /// Lowest level that may read the line without a grant: `User`, `Admin` or `Root`. Default: User.
    #[schemars(with = "Option<String>")]
    pub read: Option<Level>,
    /// Lowest level that may drive the line without a grant: `User`, `Admin` or `Root`. Default: User.
    #[schemars(with = "Option<String>")]
    pub write: Option<Level>,
    /// Words to find the line by.
    pub tags: Vec<String>,
    /// What hangs on the line, for people.
    pub label: Option<String>,
}

/// Direction of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Read only.
    #[default]
    Input,
    /// Driven.
    Output,
}

/// Level of an output at start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Initial {
    /// 0.
    #[default]
    Off,
    /// 1.
    On,
    /// The level that it has.
    Keep,
    /// The level that it had when this service last ran; off the first time.
    Restore,
}

/// Pull resistor of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bias {
    /// As the board has it.
    #[default]
    AsIs,
    /// None.
    #[serde(alias = "off")]
    None,
    /// To the supply.
    PullUp,
    /// To ground.
    PullDown,
}

/// How an output is driven.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Drive {
    /// Both levels.
    #[default]
    PushPull,
    /// Low only; a resistor pulls up.
    OpenDrain,
    /// High only; a resistor pulls down.
    OpenSource,
}

/// Which edges are events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EdgeChoice {
    /// None.
    #[default]
    None,
    /// From 0 to 1.
    Rising,
    /// From 1 to 0.
    Falling,
    /// Both.
    Both,
}

/// What an output is put to when its driver ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SafeLevel {
    /// 0.
    #[default]
    Off,
    /// 1.
    On,
    /// Not driven any more.
    Input,
    /// The level that it has.
    Hold,
}

/// What becomes of an output while the link is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkLoss {
    /// How long the link must be down.
    pub after: Span,
    /// What the output is put to: `off`, `on`, `input` or `hold`.
    pub to: SafeLevel,
}

/// Where PWM comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PwmChoice {
    /// The hardware where the device tree has given the pin to it, else software.
    #[default]
    Auto,
    /// The kernel's PWM driver; the line is not used as GPIO at all.
    Hardware,
    /// A thread of this service, 500 Hz at most.
    Software,
}

/// Limits of a servo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServoLimits {
    /// Pulse at angle 0, in microseconds.
    pub min_us: u32,
    /// Pulse at the largest angle, in microseconds.
    pub max_us: u32,
    /// The largest angle, in degrees.
    pub degrees: u32,
}

impl Default for ServoLimits {
    fn default() -> Self {
        Self {
            min_us: 500,
            max_us: 2500,
            degrees: 180,
        }
    }
}

impl LineConfig {
    /// The offset on its chip, from `bcm`, `offset`, or through the header's table. `None` unless exactly one of the
    /// three is written.
    pub fn offset(&self) -> Option<u32> {
        match (self.bcm, self.pin, self.offset) {
            (Some(number), None, None) | (None, None, Some(number)) => Some(number),
            (None, Some(pin), None) => crate::header::bcm_of_pin(pin),
            _ => None,
        }
    }

    /// True if this service may have to make an input of the output.
    pub(crate) fn may_become_input(&self) -> bool {
        self.reconfigurable
            || [self.on_stop, self.on_crash].contains(&SafeLevel::Input)
            || self.on_link_loss.is_some_and(|loss| loss.to == SafeLevel::Input)
    }
}
