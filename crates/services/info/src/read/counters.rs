//! Counters that only ever grow: `/proc/net/dev` and `/proc/diskstats` (proc(5), the kernel's iostats.rst). A counter
//! that went back began anew, and then there is no rate.

use std::collections::BTreeMap;

/// What went through a network interface since it came up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    /// Bytes received.
    pub(crate) rx_bytes: u64,
    /// Packets received.
    pub(crate) rx_packets: u64,
    /// Packets received broken.
    pub(crate) rx_errors: u64,
    /// Packets received and thrown away.
    pub(crate) rx_dropped: u64,
    /// Bytes sent.
    pub(crate) tx_bytes: u64,
    /// Packets sent.
    pub(crate) tx_packets: u64,
    /// Packets that could not be sent.
    pub(crate) tx_errors: u64,
    /// Packets thrown away before they were sent.
    pub(crate) tx_dropped: u64,
}

/// What a disk did since it came up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DiskWork {
    /// Reads done.
    pub(crate) reads: u64,
    /// Bytes read.
    pub(crate) read_bytes: u64,
    /// Writes done.
    pub(crate) writes: u64,
    /// Bytes written.
    pub(crate) written_bytes: u64,
    /// Milliseconds with something to do.
    pub(crate) busy_ms: u64,
}

/// Sectors in these files are of 512 bytes, whatever the disk's own are.
const SECTOR: u64 = 512;

/// Reads `/proc/net/dev`: a line an interface, two lines of heading.
pub(crate) fn net_dev(text: &str) -> BTreeMap<&str, Traffic> {
    let line = |line| {
        // The name may hold a colon (an alias), so that the last one before the numbers counts.
        let (name, rest): (&str, &str) = str::rsplit_once(line, ':')?;
        let mut numbers = [0_u64; 16];
        for (place, word) in numbers.iter_mut().zip(rest.split_ascii_whitespace()) {
            *place = word.parse().ok()?;
        }
        let name = name.trim();
        (!name.is_empty() && rest.split_ascii_whitespace().count() >= 12).then_some((
            name,
            Traffic {
                rx_bytes: numbers[0],
                rx_packets: numbers[1],
                rx_errors: numbers[2],
                rx_dropped: numbers[3],
                tx_bytes: numbers[8],
                tx_packets: numbers[9],
                tx_errors: numbers[10],
                tx_dropped: numbers[11],
            },
        ))
    };
    text.lines().filter_map(line).collect()
}

/// Reads `/proc/diskstats`: a line a disk and a line a partition.
pub(crate) fn diskstats(text: &str) -> BTreeMap<&str, DiskWork> {
    let line = |line| {
        let mut words = str::split_ascii_whitespace(line).skip(2);
        let name = words.next()?;
        let mut numbers = [0_u64; 10];
        for place in &mut numbers {
            *place = words.next()?.parse().ok()?;
        }
        Some((
            name,
            DiskWork {
                reads: numbers[0],
                read_bytes: numbers[2].saturating_mul(SECTOR),
                writes: numbers[4],
                written_bytes: numbers[6].saturating_mul(SECTOR),
                busy_ms: numbers[9],
            },
        ))
    };
    text.lines().filter_map(line).collect()
}

/// What a counter grew by; `None` when it began anew.
pub(crate) fn grown(now: u64, before: u64) -> Option<u64> {
    now.checked_sub(before)
}

/// Growth a second; `None` when it began anew or no time went by.
pub(crate) fn rate(now: u64, before: u64, seconds: f64) -> Option<f64> {
    let grown = grown(now, before)?;
    (seconds > 0.0).then(|| grown as f64 / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_and_disks() {
        let text = "Inter-|   Receive\n face |bytes packets\n    lo: 5 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n\
                    eth0:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n";
        let interfaces = net_dev(text);
        assert_eq!(interfaces.len(), 2);
        let eth0 = interfaces["eth0"];
        assert_eq!((eth0.rx_bytes, eth0.rx_errors, eth0.tx_bytes), (1, 3, 9));
        assert_eq!((eth0.tx_errors, eth0.tx_dropped), (11, 12));

        let text = " 179 0 mmcblk0 10 1 2000 5 20 2 4000 6 0 77 11 0 0 0 0\n 179 1 mmcblk0p1 1\n";
        let disks = diskstats(text);
        assert_eq!(disks.len(), 1);
        assert_eq!(disks["mmcblk0"].written_bytes, 4000 * 512);
        assert_eq!((disks["mmcblk0"].reads, disks["mmcblk0"].busy_ms), (10, 77));
    }

    #[test]
    fn rates_only_of_counters_that_grew() {
        assert_eq!(rate(30, 10, 2.0), Some(10.0));
        assert_eq!((rate(5, 10, 2.0), rate(5, 5, 0.0)), (None, None));
    }
}
