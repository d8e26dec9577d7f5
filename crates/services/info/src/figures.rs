//! The board's figures as rules use them: temperature, shares in per cent, processor ticks, the firmware's warnings.

use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::board;

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
    /// The firmware's bits, as `vcgencmd get_throttled` shows them.
    pub(crate) throttled: Option<u32>,
}

/// Where a Raspberry Pi's firmware driver shows its bits.
const THROTTLED: &str = "sys/devices/platform/soc/soc:firmware/get_throttled";

/// Reads all figures below `sysroot`, and those of the file system that holds `state_dir`.
pub(crate) fn read(sysroot: &Path, state_dir: &Path) -> Figures {
    let board = board::read(sysroot, state_dir);
    let share = |used: u64, all: u64| (all > 0).then(|| used as f64 * 100.0 / all as f64);
    Figures {
        temperature: board.cpu_temperature,
        memory: board
            .memory
            .as_ref()
            .and_then(|memory| share(memory.total.saturating_sub(memory.available), memory.total)),
        disk: board
            .disk
            .as_ref()
            .and_then(|disk| share(disk.total.saturating_sub(disk.available), disk.total)),
        disk_read_only: board.disk.as_ref().map(|disk| disk.read_only),
        load: board.load.map(|[minute, ..]| minute),
        uptime: board.uptime_s,
        cpu_ticks: fs::read_to_string(sysroot.join("proc/stat"))
            .ok()
            .and_then(|text| ticks(&text)),
        throttled: fs::read_to_string(sysroot.join(THROTTLED))
            .ok()
            .and_then(|text| bits(&text)),
    }
}

/// The first line: user, nice, system, idle, iowait, irq, softirq, steal; guest time is part of user time.
fn ticks(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let numbers: Vec<u64> = line
        .split_whitespace()
        .take(8)
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    let all: u64 = numbers.iter().sum();
    let idle = numbers.get(3)? + numbers.get(4).unwrap_or(&0);
    Some((all - idle, all))
}

/// Written in hexadecimal, with or without `0x`.
fn bits(text: &str) -> Option<u32> {
    let text = text.trim();
    u32::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_a_board() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("proc/stat", "cpu  100 10 40 800 50 0 0 0 7 0\ncpu0 1 2 3 4\n");
        put("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 250 kB\n");
        put("proc/loadavg", "0.5 0.4 0.3 1/200 999\n");
        put(THROTTLED, "50005\n");
        let figures = read(root.path(), root.path());
        assert_eq!(figures.cpu_ticks, Some((150, 1000)));
        assert_eq!(figures.memory, Some(75.0));
        assert_eq!(figures.load, Some(0.5));
        assert_eq!(figures.throttled, Some(0x50005));
        assert_eq!(figures.temperature, None);
        assert!(figures.disk.is_some_and(|disk| (0.0..=100.0).contains(&disk)));
    }

    #[test]
    fn what_is_not_there_is_absent() {
        assert_eq!(
            (ticks(""), ticks("cpu  a b c d"), ticks("cpu  1 2")),
            (None, None, None)
        );
        assert_eq!((bits("0x0"), bits("x"), bits("")), (Some(0), None, None));
    }
}
