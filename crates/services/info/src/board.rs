//! What the board is and how it fares, from `/proc`, `/sys` and `/etc/os-release`.
//!
//! Each fact that is not to be had is `null`: a PC has no device tree, a container no temperature.

use std::fs;
use std::path::Path;

use serde::Serialize;
use utoipa::ToSchema;

/// Basic facts.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Board {
    /// The board's or computer's name.
    #[schema(example = "Raspberry Pi 4 Model B Rev 1.5")]
    pub(crate) model: Option<String>,
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
}

/// Main memory and swap, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Memory {
    /// All of it.
    pub(crate) total: u64,
    /// What programs may still take.
    pub(crate) available: u64,
    /// Swap.
    pub(crate) swap_total: u64,
    /// Unused swap.
    pub(crate) swap_free: u64,
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

/// Reads all facts below `sysroot`, and those of the file system that holds `state_dir`.
pub(crate) fn read(sysroot: &Path, state_dir: &Path) -> Board {
    let text = |path: &str| line_of(sysroot, path);
    Board {
        model: text("proc/device-tree/model").or_else(|| text("sys/devices/virtual/dmi/id/product_name")),
        os: os_name(sysroot),
        kernel: text("proc/sys/kernel/osrelease"),
        architecture: std::env::consts::ARCH,
        hostname: text("proc/sys/kernel/hostname"),
        uptime_s: text("proc/uptime").and_then(|line| Some(first_number(&line)? as u64)),
        load: text("proc/loadavg").and_then(|line| load(&line)),
        cpus: cpus(sysroot),
        cpu_temperature: cpu_temperature(sysroot),
        memory: fs::read_to_string(sysroot.join("proc/meminfo"))
            .ok()
            .and_then(|text| memory(&text)),
        disk: disk(state_dir),
    }
}

/// The first line of a file; the device tree's strings end in a NUL.
fn line_of(sysroot: &Path, path: &str) -> Option<String> {
    let text = fs::read_to_string(sysroot.join(path)).ok()?;
    let line = text.lines().next()?.trim_matches(['\0', ' ', '\t']);
    (!line.is_empty()).then(|| line.to_owned())
}

fn first_number(line: &str) -> Option<f64> {
    line.split_whitespace().next()?.parse().ok()
}

fn os_name(sysroot: &Path) -> Option<String> {
    // os-release(5): the second place is the vendor's copy.
    let text = ["etc/os-release", "usr/lib/os-release"]
        .iter()
        .find_map(|path| fs::read_to_string(sysroot.join(path)).ok())?;
    let value = |key: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        Some(line.trim().trim_matches(['"', '\'']).to_owned())
    };
    value("PRETTY_NAME").or_else(|| value("NAME"))
}

fn load(line: &str) -> Option<[f64; 3]> {
    let mut numbers = line.split_whitespace().map(str::parse);
    Some([
        numbers.next()?.ok()?,
        numbers.next()?.ok()?,
        numbers.next()?.ok()?,
    ])
}

fn cpus(sysroot: &Path) -> Option<usize> {
    let stat = fs::read_to_string(sysroot.join("proc/stat")).ok()?;
    let is_cpu = |line: &&str| {
        line.strip_prefix("cpu")
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    Some(stat.lines().filter(is_cpu).count()).filter(|count| *count > 0)
}

fn memory(meminfo: &str) -> Option<Memory> {
    let bytes = |key: &str| {
        let line = meminfo
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        line.split_whitespace()
            .next()?
            .parse::<u64>()
            .ok()
            .map(|kib| kib * 1024)
    };
    Some(Memory {
        total: bytes("MemTotal")?,
        // Kernels before 3.14 do not say; free memory is the cautious answer.
        available: bytes("MemAvailable").or_else(|| bytes("MemFree"))?,
        swap_total: bytes("SwapTotal").unwrap_or(0),
        swap_free: bytes("SwapFree").unwrap_or(0),
    })
}

/// The thermal zone of the CPU, else a `hwmon` chip of it. Both give thousandths of a degree.
fn cpu_temperature(sysroot: &Path) -> Option<f64> {
    let zone = find(
        sysroot,
        "sys/class/thermal",
        "thermal_zone",
        "type",
        "temp",
        |kind| kind.contains("cpu") || kind.contains("soc") || kind == "x86_pkg_temp",
    );
    let hwmon = || {
        find(
            sysroot,
            "sys/class/hwmon",
            "hwmon",
            "name",
            "temp1_input",
            |name| matches!(name, "cpu_thermal" | "coretemp" | "k10temp" | "zenpower"),
        )
    };
    zone.or_else(hwmon).map(|thousandths| thousandths / 1000.0)
}

/// The number in `value_file` of the first entry below `class` whose `name_file` is wanted.
fn find(
    sysroot: &Path,
    class: &str,
    prefix: &str,
    name_file: &str,
    value_file: &str,
    wanted: impl Fn(&str) -> bool,
) -> Option<f64> {
    let mut entries: Vec<_> = fs::read_dir(sysroot.join(class))
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(prefix))
        .collect();
    entries.sort_unstable();
    entries.iter().find_map(|entry| {
        let name = line_of(sysroot, &format!("{class}/{entry}/{name_file}"))?;
        if !wanted(&name) {
            return None;
        }
        line_of(sysroot, &format!("{class}/{entry}/{value_file}"))
            .as_deref()
            .and_then(first_number)
    })
}

fn disk(path: &Path) -> Option<Disk> {
    let stat = rustix::fs::statvfs(path).ok()?;
    Some(Disk {
        path: path.display().to_string(),
        total: stat.f_blocks.saturating_mul(stat.f_frsize),
        available: stat.f_bavail.saturating_mul(stat.f_frsize),
        read_only: stat.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
    })
}

#[cfg(test)]
mod tests;
