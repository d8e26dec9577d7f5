//! Settings of the io service: `[io]` and the lines `[line.NAME]` in `pistack.toml`.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which chip, and what may be driven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Label of the GPIO chip, as `gpiodetect` prints it. `auto`: the header of a Raspberry Pi
    /// (`pinctrl-rp1`, `pinctrl-bcm2711` or `pinctrl-bcm2835`).
    pub chip: String,
    /// `auto` uses the chip where there is one and simulates it elsewhere, `chardev` refuses to start without
    /// the chip, `simulated` never touches it.
    pub backend: BackendChoice,
    /// Any BCM pin may be driven, not only the lines of the configuration.
    pub open_lines: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            chip: "auto".into(),
            backend: BackendChoice::Auto,
            open_lines: true,
        }
    }
}

/// How lines are reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackendChoice {
    /// The chip where there is one, else simulated.
    #[default]
    Auto,
    /// In memory.
    Simulated,
    /// The kernel's GPIO character device, or no start.
    Chardev,
}

/// The lines by their names.
pub type Lines = IndexMap<String, LineConfig>;

/// One line, reserved at start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LineConfig {
    /// Pin of the 40-pin header, such as 11. Either this or `bcm`.
    pub pin: Option<u8>,
    /// BCM number, such as 17; on other boards the line's offset on its chip. Either this or `pin`.
    pub bcm: Option<u32>,
    /// `input` or `output`. An input cannot be set.
    pub direction: Direction,
    /// An output's level at start: `off`, `on`, or `keep` what it has.
    pub initial: Initial,
    /// Low voltage means 1 and high voltage 0.
    pub active_low: bool,
    /// Pull resistor: `as_is`, `off`, `pull_up` or `pull_down`.
    pub bias: Bias,
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
}

/// Pull resistor of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bias {
    /// As the board has it.
    #[default]
    AsIs,
    /// None.
    Off,
    /// To the supply.
    PullUp,
    /// To ground.
    PullDown,
}

impl LineConfig {
    /// The BCM number, from `bcm` or through the header's table.
    pub fn offset(&self) -> Option<u32> {
        match (self.bcm, self.pin) {
            (Some(bcm), None) => Some(bcm),
            (None, Some(pin)) => crate::header::bcm_of_pin(pin),
            _ => None,
        }
    }
}
