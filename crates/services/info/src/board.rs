//! What the board is and how it fares, in one answer.
//!
//! Each fact that is not to be had is `null`: a PC has no device tree, a container no temperature.

use std::path::Path;

use pistack_kit::clock::Clock;
use serde::Serialize;
use utoipa::ToSchema;

use crate::read::cpu;
use crate::read::files::Tree;
use crate::read::identity::{self, HardwareClock};
use crate::read::memory::Memory;
use crate::sampler::Sample;

/// Facts of the board.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Board {
    /// The board's or computer's name.
    #[schema(example = "Raspberry Pi 4 Model B Rev 1.5")]
    pub(crate) model: Option<String>,
    /// Its serial number.
    #[schema(example = "10000000abcdef01")]
    pub(crate) serial: Option<String>,
    /// The operating system.
    #[schema(example = "Debian GNU/Linux 12 (bookworm)")]
    pub(crate) os: Option<String>,
    /// The kernel's release.
    #[schema(example = "6.1.0-18-arm64")]
    pub(crate) kernel: Option<String>,
    /// The processor architecture that this program was built for.
    #[schema(example = "aarch64")]
    pub(crate) architecture: &'static str,
    /// Host name.
    pub(crate) hostname: Option<String>,
    /// Seconds since the start of the kernel.
    pub(crate) uptime_s: Option<u64>,
    /// When the kernel started, seconds since 1970.
    pub(crate) boot_time: Option<i64>,
    /// Load averages of 1, 5 and 15 minutes.
    pub(crate) load: Option<[f64; 3]>,
    /// Processors.
    pub(crate) cpus: Option<usize>,
    /// CPU temperature, °C.
    pub(crate) cpu_temperature: Option<f64>,
    /// Main memory and swap.
    pub(crate) memory: Option<Memory>,
    /// The file system that holds the state directory.
    pub(crate) disk: Option<Disk>,
    /// The clock.
    pub(crate) time: Time,
    /// An update waits for a restart of the system.
    pub(crate) reboot_required: bool,
}

/// A file system, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Disk {
    /// The directory asked about.
    pub(crate) path: String,
    /// Its size.
    pub(crate) total: u64,
    /// What may still be written without being root.
    pub(crate) available: u64,
    /// May not be written: on a card, a sign that it is dying.
    pub(crate) read_only: bool,
}

/// The board's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Time {
    /// Seconds since 1970.
    pub(crate) unix: i64,
    /// How well that is known: `synchronised` (a time server has set it), `hardware` (it agrees with the hardware
    /// clock), `word` (a person said so), `assumed` (nothing could tell), `untrusted`.
    #[schema(example = "synchronised")]
    pub(crate) trust: &'static str,
    /// The service that asks time servers.
    #[schema(example = "systemd-timesyncd")]
    pub(crate) keeper: Option<&'static str>,
    /// The hardware clock, where there is one.
    pub(crate) hardware: Option<HardwareClock>,
}

/// Gathers all facts.
pub(crate) fn read(tree: &Tree, state_dir: &Path, sample: &Sample, clock: &Clock) -> Board {
    let cpus = sample.cores.len();
    Board {
        model: identity::model(tree),
        serial: identity::serial(tree),
        os: identity::os_name(tree),
        kernel: tree.line("proc/sys/kernel/osrelease"),
        architecture: std::env::consts::ARCH,
        hostname: tree.line("proc/sys/kernel/hostname"),
        uptime_s: sample.now.uptime_s,
        boot_time: tree.text("proc/stat").and_then(|text| cpu::boot_time(&text)),
        load: sample.now.load,
        cpus: (cpus > 0).then_some(cpus),
        cpu_temperature: sample.cpu_celsius,
        memory: sample.now.memory,
        disk: sample.room.map(|room| Disk {
            path: state_dir.display().to_string(),
            total: room.total,
            available: room.available,
            read_only: room.read_only,
        }),
        time: Time {
            unix: clock.unix(),
            trust: clock.trust().as_str(),
            keeper: identity::time_keeper(tree),
            hardware: identity::hardware_clock(tree),
        },
        reboot_required: identity::needs_restart(tree),
    }
}
