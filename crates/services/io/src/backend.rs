//! The two ways to reach lines: the kernel's GPIO character device, and memory. Thin on purpose: what may be done is
//! decided in `board`.

mod chardev;
mod edges;
mod request;
mod simulated;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pistack_kit::clock::Clock;
use serde::Serialize;
use tokio::sync::mpsc;
use utoipa::ToSchema;

pub(crate) use chardev::Chardev;
pub(crate) use simulated::Simulated;

use crate::config::{BackendChoice, Bias, Config, Direction, Drive, EdgeChoice, Lines};
use crate::error::StartError;

/// Labels of the header's chip on Raspberry Pi 5, 4 and the earlier ones. On all three, offset n is BCM n.
const HEADER_LABELS: [&str; 3] = ["pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835"];
/// Edges on their way from the kernel to the board. When it is full the kernel keeps them, and counts what it drops.
pub(crate) const EDGES_ON_THE_WAY: usize = 256;

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

/// A line: its chip (0 is the header's, or the one of `[io]`) and its offset there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) chip: u8,
    pub(crate) offset: u32,
}

/// A GPIO chip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ChipInfo {
    /// Its device.
    #[schema(example = "/dev/gpiochip0")]
    pub(crate) path: String,
    /// Its label.
    #[schema(example = "pinctrl-rp1")]
    pub(crate) label: String,
    /// Number of lines; 0 while it is not there.
    #[schema(example = 54)]
    pub(crate) lines: u32,
}

/// How a line is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Shown by `gpioinfo`.
    pub(crate) consumer: String,
    /// Direction and first level.
    pub(crate) mode: Mode,
    /// Low voltage means 1.
    pub(crate) active_low: bool,
    /// Pull resistor.
    pub(crate) bias: Bias,
    /// How an output is driven.
    pub(crate) drive: Drive,
    /// Which edges of an input are told.
    pub(crate) edge: EdgeChoice,
    /// How long a level must last.
    pub(crate) debounce: Duration,
    /// Not to be taken together with others, since it may be reconfigured or released alone.
    pub(crate) alone: bool,
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

/// What the kernel says of a line, without touching it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LineInfo {
    /// The kernel's name.
    pub(crate) name: String,
    /// Who has it.
    pub(crate) holder: Option<String>,
}

/// An edge as the kernel tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawEdge {
    /// Where.
    pub(crate) place: Place,
    /// From 0 to 1, with active_low taken into account.
    pub(crate) rising: bool,
    /// `CLOCK_MONOTONIC` in nanoseconds.
    pub(crate) mono_ns: u64,
    /// Number of this edge on its line since it was taken, from 1.
    pub(crate) line_seqno: u32,
}

/// Where edges go.
pub(crate) type EdgeSender = mpsc::Sender<RawEdge>;

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

/// Lines by their places. A taken line stays ours until it is released. Handles are shared: the PWM thread writes while
/// the board reads.
pub(crate) trait Backend: fmt::Debug + Send + Sync {
    /// Which one this is.
    fn kind(&self) -> Kind;
    /// The chips. The first is the one of `[io]`.
    fn chips(&self) -> Vec<ChipInfo>;
    /// Number of lines of the first chip that may be driven without a line in the configuration.
    fn open_lines(&self) -> u32;
    /// Takes lines, outputs of one chip together; answers in the same order.
    fn take(&self, wanted: &[(Place, Settings)]) -> Vec<Result<(), BackendError>>;
    /// Changes how a line that was taken alone is used, without letting go of it.
    fn reconfigure(&self, place: Place, settings: &Settings) -> Result<(), BackendError>;
    /// Lets go of a line that was taken alone.
    fn release(&self, place: Place);
    /// Drives lines taken as outputs: one call into the kernel for all that were taken together.
    fn write(&self, levels: &[(Place, bool)]) -> Result<(), BackendError>;
    /// Level of a taken line.
    fn read(&self, place: Place) -> Result<bool, BackendError>;
    /// A line that is not ours, without changing it.
    fn peek(&self, place: Place) -> Result<Peek, BackendError>;
    /// What the kernel says of it.
    fn info(&self, place: Place) -> Result<LineInfo, BackendError>;
    /// Pulls a simulated input from outside; false for real chips.
    fn pull(&self, _place: Place, _high: bool) -> bool {
        false
    }
}

/// Opens what the configuration asks for. Without `edges`, none are told.
pub(crate) fn open(
    config: &Config,
    lines: &Lines,
    edges: Option<EdgeSender>,
    clock: &Clock,
) -> Result<Arc<dyn Backend>, StartError> {
    let mut others: Vec<&str> = lines.values().filter_map(|line| line.chip.as_deref()).collect();
    others.dedup();
    let simulated = |edges| Arc::new(Simulated::new(&others, edges, clock.clone()));
    match config.backend {
        BackendChoice::Simulated => Ok(simulated(edges)),
        BackendChoice::Chardev => Ok(Arc::new(Chardev::open(&config.chip, &others, edges)?)),
        BackendChoice::Auto => match Chardev::open(&config.chip, &others, edges.clone()) {
            Ok(chip) => Ok(Arc::new(chip)),
            Err(StartError::NoChip { wanted, found }) => {
                tracing::warn!(%wanted, %found, "no GPIO chip: the lines are simulated");
                Ok(simulated(edges))
            }
            // A chip that is there but closed to us is a mistake to tell, not a board without GPIO.
            Err(error) => Err(error),
        },
    }
}
