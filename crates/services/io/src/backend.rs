//! The two ways to reach lines: the kernel's GPIO character device, and memory.

mod chardev;
mod simulated;

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use chardev::Chardev;
pub(crate) use simulated::Simulated;

use crate::config::{BackendChoice, Bias, Config, Direction};
use crate::error::StartError;

/// Labels of the header's chip on Raspberry Pi 5, 4 and the earlier ones. On all three, offset n is BCM n.
const HEADER_LABELS: [&str; 3] = ["pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835"];

/// True for `auto` and the chips of Raspberry Pis.
pub(crate) fn is_header_label(label: &str) -> bool {
    label == "auto" || HEADER_LABELS.contains(&label)
}

/// Which backend answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The kernel's GPIO character device.
    Chardev,
    /// Memory: nothing outside changes.
    Simulated,
}

/// How a line is taken.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Shown by `gpioinfo`.
    pub(crate) consumer: String,
    /// Direction and first level.
    pub(crate) mode: Mode,
    /// Low voltage means 1.
    pub(crate) active_low: bool,
    /// Pull resistor.
    pub(crate) bias: Bias,
}

/// Direction and first level of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Read only.
    Input,
    /// Driven, starting with this level.
    Output(bool),
    /// Driven, starting with the level that it has.
    OutputKeep,
}

/// A line as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peek {
    /// Its level.
    pub(crate) level: bool,
    /// Its direction.
    pub(crate) direction: Direction,
}

/// A line cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BackendError {
    /// Somebody else has it.
    #[error("line is busy, held by {holder}")]
    Busy { holder: String },
    /// The chip does not do this.
    #[error("the chip refused: {0}")]
    Refused(String),
    /// The chip does not answer.
    #[error("the chip is gone: {0}")]
    Gone(String),
}

/// Lines by their offsets. A taken line stays ours until the process ends.
pub(crate) trait Backend: fmt::Debug + Send {
    /// Which one this is.
    fn kind(&self) -> Kind;
    /// Label of the chip.
    fn chip(&self) -> Option<&str>;
    /// Number of lines.
    fn lines(&self) -> u32;
    /// Number of lines that may be driven without a line in the configuration.
    fn open_lines(&self) -> u32;
    /// Takes a line.
    fn take(&mut self, offset: u32, settings: &Settings) -> Result<(), BackendError>;
    /// Drives a line taken as an output.
    fn set(&mut self, offset: u32, level: bool) -> Result<(), BackendError>;
    /// Level of a taken line.
    fn get(&self, offset: u32) -> Result<bool, BackendError>;
    /// A line that is not ours, without changing it.
    fn peek(&self, offset: u32) -> Result<Peek, BackendError>;
    /// Who else has the line.
    fn holder(&self, offset: u32) -> Option<String>;
}

/// Opens what the configuration asks for.
pub(crate) fn open(config: &Config) -> Result<Box<dyn Backend>, StartError> {
    match config.backend {
        BackendChoice::Simulated => Ok(Box::new(Simulated::new())),
        BackendChoice::Chardev => Ok(Box::new(Chardev::open(&config.chip)?)),
        BackendChoice::Auto => match Chardev::open(&config.chip) {
            Ok(chip) => Ok(Box::new(chip)),
            Err(StartError::NoChip { wanted, found }) => {
                tracing::warn!(%wanted, %found, "no GPIO chip: the lines are simulated");
                Ok(Box::new(Simulated::new()))
            }
            // A chip that is there but closed to us is a mistake to tell, not a board without GPIO.
            Err(error) => Err(error),
        },
    }
}
