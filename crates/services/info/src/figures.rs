//! The board's figures as rules use them: temperature, shares in per cent, processor ticks, the firmware's warnings.
//! From the same sample as everything else.

use serde::Serialize;

use crate::sampler::Sample;

/// Figures. What the board does not have is `null`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Figures {
    /// CPU temperature, degrees Celsius.
    pub(crate) temperature: Option<f64>,
    /// Main memory in use, per cent.
    pub(crate) memory: Option<f64>,
    /// The state directory's file system in use, per cent of what may be written without being root.
    pub(crate) disk: Option<f64>,
    /// That file system may not be written.
    pub(crate) disk_read_only: Option<bool>,
    /// Load average of one minute.
    pub(crate) load: Option<f64>,
    /// Seconds since the start of the kernel.
    pub(crate) uptime: Option<u64>,
    /// Busy and all ticks of all processors since the start of the kernel (proc(5), `/proc/stat`).
    pub(crate) cpu_ticks: Option<(u64, u64)>,
    /// The firmware's bits, as `vcgencmd get_throttled` shows them; where only the voltage sensor is there, its one
    /// warning in their place.
    pub(crate) throttled: Option<u32>,
}

/// The figures of a sample.
pub(crate) fn of(sample: &Sample) -> Figures {
    Figures {
        temperature: sample.cpu_celsius,
        memory: sample.now.memory.and_then(|memory| memory.used_percent()),
        disk: sample.room.and_then(|room| room.used_percent()),
        disk_read_only: sample.room.map(|room| room.read_only),
        load: sample.now.load.map(|[minute, ..]| minute),
        uptime: sample.now.uptime_s,
        cpu_ticks: sample.ticks.map(|ticks| (ticks.busy(), ticks.all())),
        throttled: sample
            .now
            .throttling
            .as_ref()
            .map(|state| state.bits.unwrap_or(u32::from(state.under_voltage))),
    }
}
