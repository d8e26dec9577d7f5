//! The high-water mark: the latest time that this installation has seen, kept over power cuts.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::trust::{self, Trust};
use super::{system_monotonic, system_wall};

/// How often an untrusted clock looks for a sign that it became right.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The time as it was at some moment, to be written to disk now and then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Wall time, seconds since 1970.
    pub unix: i64,
    /// Seconds that the machine was up then.
    pub uptime: i64,
    /// Which start of the machine it was: `/proc/sys/kernel/random/boot_id`.
    pub boot: String,
    /// True when the time was known to be right.
    pub trusted: bool,
}

impl Record {
    /// The record in a file; `None` when there is none, or it cannot be read.
    pub fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }

    /// The earliest that it can be when the machine is up for `uptime` seconds since `boot`: what the record says and
    /// the time that has certainly gone by. How long the machine was off in between, nobody knows.
    pub fn earliest(&self, boot: &str, uptime: i64) -> i64 {
        let passed = if self.boot == boot {
            uptime.saturating_sub(self.uptime)
        } else {
            uptime
        };
        self.unix.saturating_add(passed.max(0))
    }
}

/// A clock with a floor.
#[derive(Debug)]
pub(super) struct Kept {
    /// Wall time less monotonic time, at the least, in milliseconds.
    floor: u64,
    /// Once a time server has set the clock it stays trusted.
    synchronised: AtomicBool,
    word: AtomicBool,
    looked_at: AtomicU64,
}

impl Kept {
    pub(super) fn open(path: &Path) -> Self {
        let floor = Record::read(path).map_or(0, |record| {
            let earliest = record.earliest(&boot(), uptime()).max(0) as u64;
            (earliest * 1000).saturating_sub(system_monotonic().as_millis() as u64)
        });
        Self {
            floor,
            synchronised: AtomicBool::new(false),
            word: AtomicBool::new(false),
            looked_at: AtomicU64::new(0),
        }
    }

    pub(super) fn wall(&self) -> Duration {
        let wall = system_wall();
        let floor = Duration::from_millis(self.floor) + system_monotonic();
        // The usual case asks no file system.
        if wall >= floor || self.is_right() {
            wall
        } else {
            floor
        }
    }

    pub(super) fn trust(&self) -> Trust {
        match trust::of_system(system_wall()) {
            Trust::Untrusted if self.word.load(Ordering::Relaxed) => Trust::Word,
            // Before the time that an earlier run has seen: impossible, whatever the date.
            Trust::Assumed if self.is_behind() => Trust::Untrusted,
            trust => trust,
        }
    }

    pub(super) fn take_word(&self) {
        self.word.store(true, Ordering::Relaxed);
    }

    pub(super) fn record(&self) -> Record {
        Record {
            unix: self.wall().as_secs() as i64,
            uptime: uptime(),
            boot: boot(),
            trusted: self.trust().is_trusted(),
        }
    }

    fn is_behind(&self) -> bool {
        // A minute: time servers correct a clock that ran fast by seconds.
        system_wall() + Duration::from_mins(1) < Duration::from_millis(self.floor) + system_monotonic()
    }

    /// True when a time server, the hardware clock or the person stands for the wall time, although an earlier run saw
    /// a later one: then that one was wrong.
    fn is_right(&self) -> bool {
        if self.synchronised.load(Ordering::Relaxed) || self.word.load(Ordering::Relaxed) {
            return true;
        }
        let now = system_monotonic().as_millis() as u64;
        let last = self.looked_at.load(Ordering::Relaxed);
        if last != 0 && now.saturating_sub(last) < LOOK_EVERY.as_millis() as u64 {
            return false;
        }
        self.looked_at.store(now.max(1), Ordering::Relaxed);
        let right = matches!(
            trust::of_system(system_wall()),
            Trust::Synchronised | Trust::Hardware
        );
        self.synchronised.store(right, Ordering::Relaxed);
        right
    }
}

/// Seconds that the machine is up, sleep included (proc_uptime(5)).
fn uptime() -> i64 {
    std::fs::read_to_string("/proc/uptime")
        .ok()
        .and_then(|text| text.split('.').next()?.parse().ok())
        .unwrap_or_default()
}

/// Which start of the machine this is.
fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(unix: i64, uptime: i64, boot: &str) -> Record {
        Record {
            unix,
            uptime,
            boot: boot.to_owned(),
            trusted: true,
        }
    }

    #[test]
    fn time_never_goes_back_behind_the_record() {
        let seen = record(1_800_000_000, 500, "one");
        assert_eq!(
            seen.earliest("one", 700),
            1_800_000_200,
            "the same start of the machine"
        );
        assert_eq!(
            seen.earliest("one", 100),
            1_800_000_000,
            "an uptime that cannot be"
        );
        assert_eq!(seen.earliest("two", 30), 1_800_000_030, "off for an unknown time");
    }

    #[test]
    fn all_processes_that_read_one_record_agree() {
        // One that starts before auth has written its first record of this start of the machine, and one after.
        let before = record(1_800_000_000, 500, "one");
        let first = before.earliest("two", 40);
        let after = record(first, 40, "two");
        assert_eq!(before.earliest("two", 90), after.earliest("two", 90));
    }

    #[test]
    fn a_clock_behind_the_record_takes_the_record_and_is_not_trusted() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("clock.json");
        let ahead = system_wall().as_secs() as i64 + 100_000;
        std::fs::write(&path, serde_json::to_vec(&record(ahead, 0, "another")).unwrap()).unwrap();
        let kept = Kept::open(&path);
        // Where this machine's own clock is vouched for, the record is what was wrong.
        if !matches!(
            trust::of_system(system_wall()),
            Trust::Synchronised | Trust::Hardware
        ) {
            assert!(kept.wall().as_secs() as i64 >= ahead);
            assert_eq!(kept.trust(), Trust::Untrusted);
        }
        kept.take_word();
        assert!(kept.wall().as_secs() as i64 <= ahead - 90_000);
        assert_eq!(Record::read(&home.path().join("none")), None);
        std::fs::write(&path, "{half").unwrap();
        assert_eq!(Record::read(&path), None);
    }

    #[test]
    fn the_machine_says_how_long_it_is_up_and_since_which_start() {
        assert!(uptime() > 0);
        assert_eq!(boot().len(), 36);
    }
}
