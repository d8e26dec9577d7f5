//! Main memory, swap and pressure: `/proc/meminfo` (proc(5)) and `/proc/pressure/*` (the kernel's psi.rst).

use serde::Serialize;
use utoipa::ToSchema;

/// Main memory and swap, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Memory {
    /// All of it.
    #[schema(example = 1_073_741_824)]
    pub(crate) total: u64,
    /// What programs may still take.
    pub(crate) available: u64,
    /// Swap.
    pub(crate) swap_total: u64,
    /// Unused swap.
    pub(crate) swap_free: u64,
}

impl Memory {
    /// In use, per cent.
    pub(crate) fn used_percent(&self) -> Option<f64> {
        share(self.total.saturating_sub(self.available), self.total)
    }

    /// Swap in use, per cent; `None` without swap.
    pub(crate) fn swap_used_percent(&self) -> Option<f64> {
        share(self.swap_total.saturating_sub(self.swap_free), self.swap_total)
    }
}

/// `part` of `all`, per cent; `None` of nothing.
pub(crate) fn share(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| part as f64 * 100.0 / all as f64)
}

/// Reads `/proc/meminfo`.
pub(crate) fn meminfo(text: &str) -> Option<Memory> {
    let mut memory = Memory::default();
    let (mut total, mut available, mut free) = (None, None, None);
    for line in text.lines() {
        let Some((key, rest)) = line.split_once(':') else {
            continue;
        };
        let bytes = || {
            let kib: u64 = rest.split_ascii_whitespace().next()?.parse().ok()?;
            kib.checked_mul(1024)
        };
        match key {
            "MemTotal" => total = bytes(),
            "MemFree" => free = bytes(),
            "MemAvailable" => available = bytes(),
            "SwapTotal" => memory.swap_total = bytes().unwrap_or(0),
            "SwapFree" => memory.swap_free = bytes().unwrap_or(0),
            _ => {}
        }
    }
    memory.total = total?;
    // Kernels before 3.14 do not say; free memory is the cautious answer.
    memory.available = available.or(free)?;
    Some(memory)
}

/// Shares of time in which work stood still for want of something, per cent, over the last 10, 60 and 300 seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub(crate) struct Stall {
    /// Over 10 seconds.
    #[schema(example = 0.0)]
    pub(crate) avg10: f64,
    /// Over 60 seconds.
    pub(crate) avg60: f64,
    /// Over 300 seconds.
    pub(crate) avg300: f64,
    /// Seconds since the start of the kernel.
    pub(crate) total_s: f64,
}

/// Pressure on one resource.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub(crate) struct Pressure {
    /// Some of the programs stood still.
    pub(crate) some: Stall,
    /// All of them did; `null` where the kernel does not say (for the CPU before 5.13).
    pub(crate) full: Option<Stall>,
}

/// Reads a file of `/proc/pressure`.
pub(crate) fn pressure(text: &str) -> Option<Pressure> {
    let stall = |kind: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(kind))?;
        let value = |key: &str| -> Option<f64> {
            line.split_ascii_whitespace()
                .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))?
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
        };
        Some(Stall {
            avg10: value("avg10")?,
            avg60: value("avg60")?,
            avg300: value("avg300")?,
            total_s: value("total")? / 1e6,
        })
    };
    Some(Pressure {
        some: stall("some ")?,
        full: stall("full "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_in_bytes() {
        let text =
            "MemTotal: 1000 kB\nMemFree: 5 kB\nMemAvailable: 250 kB\nSwapTotal: 100 kB\nSwapFree: 75 kB\n";
        let memory = meminfo(text).unwrap();
        assert_eq!((memory.total, memory.available), (1_024_000, 256_000));
        assert_eq!(
            (memory.used_percent(), memory.swap_used_percent()),
            (Some(75.0), Some(25.0))
        );
        let old = meminfo("MemTotal: 8 kB\nMemFree: 4 kB\n").unwrap();
        assert_eq!((old.available, old.swap_used_percent()), (4096, None));
        for bad in ["", "MemTotal: 1 kB", "MemTotal: x kB\nMemFree: 1 kB", "\u{0}"] {
            assert_eq!(meminfo(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn pressure_of_some_and_all() {
        let text = "some avg10=1.50 avg60=0.10 avg300=0.00 total=2500000\nfull avg10=0.50 avg60=0.00 avg300=0.00 total=1\n";
        let both = pressure(text).unwrap();
        assert_eq!((both.some.avg10, both.some.total_s), (1.5, 2.5));
        assert_eq!(both.full.map(|full| full.avg10), Some(0.5));
        let cpu = pressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n").unwrap();
        assert_eq!(cpu.full, None);
        assert_eq!(
            (pressure(""), pressure("some avg10=x avg60=0 avg300=0 total=0")),
            (None, None)
        );
    }
}
