//! How the board fares now: the shape of the last sample.

use serde::Serialize;
use utoipa::ToSchema;

use crate::read::memory::{Memory, Pressure};
use crate::read::sensors::{Fan, Temperature};
use crate::read::throttling::Throttling;

/// The last sample, two seconds old at most. What the board does not have is `null` or an empty list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct Now {
    /// When it was taken, seconds since 1970.
    #[schema(example = 1_795_000_000)]
    pub(crate) at: i64,
    /// Seconds since the start of the kernel.
    #[schema(example = 86_400)]
    pub(crate) uptime_s: Option<u64>,
    /// All processors in use over the last two seconds, per cent.
    #[schema(example = 7.5)]
    pub(crate) cpu_percent: Option<f64>,
    /// Each processor, per cent.
    #[schema(example = json!([5.0, 10.0, 7.5, 7.5]))]
    pub(crate) cores: Vec<Option<f64>>,
    /// CPU temperature, °C.
    #[schema(example = 48.3)]
    pub(crate) cpu_temperature: Option<f64>,
    /// Load averages of 1, 5 and 15 minutes.
    #[schema(example = json!([0.12, 0.2, 0.18]))]
    pub(crate) load: Option<[f64; 3]>,
    /// Main memory and swap.
    pub(crate) memory: Option<Memory>,
    /// Pressure: time in which work stood still.
    pub(crate) psi: Psi,
    /// Every temperature of the board.
    pub(crate) temperatures: Vec<Temperature>,
    /// The firmware's warnings; `null` where nothing tells of them.
    pub(crate) throttling: Option<Throttling>,
    /// Fans.
    pub(crate) fans: Vec<Fan>,
    /// What the physical disks do.
    pub(crate) disk_io: Vec<DiskRate>,
    /// What goes through the interfaces, but for the loopback.
    pub(crate) net: Vec<NetRate>,
}

/// Pressure on the three resources; `null` where the kernel does not measure it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct Psi {
    /// Work that waits for a processor.
    pub(crate) cpu: Option<Pressure>,
    /// Work that waits for memory.
    pub(crate) memory: Option<Pressure>,
    /// Work that waits for disks.
    pub(crate) io: Option<Pressure>,
}

/// One disk's work a second; `null` when its counters began anew.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct DiskRate {
    /// The kernel's name for it.
    #[schema(example = "mmcblk0")]
    pub(crate) name: String,
    /// Bytes read a second.
    pub(crate) read_bytes_s: Option<f64>,
    /// Bytes written a second.
    pub(crate) write_bytes_s: Option<f64>,
    /// Time with something to do, per cent.
    pub(crate) busy_percent: Option<f64>,
}

/// One interface's traffic a second; `null` when its counters began anew.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct NetRate {
    /// Its name.
    #[schema(example = "eth0")]
    pub(crate) name: String,
    /// Belongs to a device, not to a bridge, a tunnel or a container.
    pub(crate) is_physical: bool,
    /// Bytes received a second.
    pub(crate) rx_bytes_s: Option<f64>,
    /// Bytes sent a second.
    pub(crate) tx_bytes_s: Option<f64>,
    /// Packets received a second.
    pub(crate) rx_packets_s: Option<f64>,
    /// Packets sent a second.
    pub(crate) tx_packets_s: Option<f64>,
    /// Packets received broken or thrown away, since the interface came up.
    pub(crate) rx_errors: u64,
    /// Packets that could not be sent, since the interface came up.
    pub(crate) tx_errors: u64,
}

impl Now {
    /// Received and sent a second in all: the physical interfaces, or every one where none is (in a container).
    /// `None` when any of their counters began anew.
    pub(crate) fn totals(&self) -> (Option<f64>, Option<f64>) {
        let any_physical = self.net.iter().any(|one| one.is_physical);
        let sum = |of: fn(&NetRate) -> Option<f64>| {
            let mut counted = self
                .net
                .iter()
                .filter(|one| one.is_physical || !any_physical)
                .map(of)
                .peekable();
            counted.peek()?;
            counted.sum()
        };
        (sum(|one| one.rx_bytes_s), sum(|one| one.tx_bytes_s))
    }
}
