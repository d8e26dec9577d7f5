//! Settings of the io service: `[io]` and the lines `[line.NAME]` in `pistack.toml`.

mod line;

use std::path::PathBuf;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use line::{
    Bias, Direction, Drive, EdgeChoice, Initial, LineConfig, LinkLoss, PwmChoice, SafeLevel, ServoLimits,
};

/// Which chip, and what may be driven.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Writes that one caller may make in a second; further ones are answered with 429. 0: any number.
    pub writes_per_second: u32,
    /// Where `/sys` and `/proc` are looked for, for tests on a copy of them. Default: `/`.
    pub sysroot: PathBuf,
    /// The tables `[sensor.NAME]`, which are sections of their own.
    #[serde(skip)]
    pub sensors: crate::sensors::SensorConfigs,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            chip: "auto".into(),
            backend: BackendChoice::Auto,
            open_lines: true,
            writes_per_second: 0,
            sysroot: PathBuf::from("/"),
            sensors: crate::sensors::SensorConfigs::new(),
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
