//! Whether the wall clock is known to be right.

use std::path::Path;
use std::time::Duration;

/// 2025-01-01: earlier than this program. A board without a battery begins in 1970 or when its image was made.
const BUILT_AFTER: u64 = 1_735_689_600;
/// How far a hardware clock and the system's may be apart.
const HARDWARE_MARGIN: u64 = 120;

/// How well the wall clock is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// A time server has set it.
    Synchronised,
    /// It agrees with a hardware clock.
    Hardware,
    /// The person said that it is right.
    Word,
    /// Nothing on this machine could tell, and the date is possible.
    Assumed,
    /// It waits for a time server, or the date is impossible.
    Untrusted,
}

impl Trust {
    /// False while one-time codes, expiry dates and log times may be wrong.
    pub const fn is_trusted(self) -> bool {
        !matches!(self, Self::Untrusted)
    }

    /// One word for it on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Synchronised => "synchronised",
            Self::Hardware => "hardware",
            Self::Word => "word",
            Self::Assumed => "assumed",
            Self::Untrusted => "untrusted",
        }
    }
}

/// By date alone.
pub(super) fn of_date(wall: Duration) -> Trust {
    if wall.as_secs() >= BUILT_AFTER {
        Trust::Assumed
    } else {
        Trust::Untrusted
    }
}

/// By date, time server and hardware clock of this machine.
pub(super) fn of_system(wall: Duration) -> Trust {
    of(wall, Path::new("/"))
}

/// `time-sync.target` may be reached at the time of the last shutdown; the true sign is timesyncd's file
/// (systemd-timesyncd.service(8)).
fn of(wall: Duration, root: &Path) -> Trust {
    if wall.as_secs() < BUILT_AFTER {
        return Trust::Untrusted;
    }
    let timesync = root.join("run/systemd/timesync");
    if timesync.join("synchronized").exists() {
        return Trust::Synchronised;
    }
    let hardware = std::fs::read_to_string(root.join("sys/class/rtc/rtc0/since_epoch"))
        .ok()
        .and_then(|text| text.trim().parse::<u64>().ok());
    match hardware {
        Some(seconds) if seconds.abs_diff(wall.as_secs()) <= HARDWARE_MARGIN => Trust::Hardware,
        // A time server is expected and has not answered.
        _ if timesync.exists() => Trust::Untrusted,
        _ => Trust::Assumed,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const NOW: Duration = Duration::from_hours(500_000);

    #[test]
    fn the_signs_are_read_in_order() {
        let root = tempfile::tempdir().unwrap();
        let (timesync, rtc) = (
            root.path().join("run/systemd/timesync"),
            root.path().join("sys/class/rtc/rtc0"),
        );
        let look = |wall| of(wall, root.path());
        assert_eq!(look(NOW), Trust::Assumed);
        assert_eq!(look(Duration::from_secs(10)), Trust::Untrusted);
        fs::create_dir_all(&timesync).unwrap();
        assert_eq!(look(NOW), Trust::Untrusted, "a time server is expected");
        fs::create_dir_all(&rtc).unwrap();
        fs::write(rtc.join("since_epoch"), "12\n").unwrap();
        assert_eq!(look(NOW), Trust::Untrusted, "a hardware clock without a battery");
        fs::write(rtc.join("since_epoch"), "1800000060\n").unwrap();
        assert_eq!(look(NOW), Trust::Hardware);
        fs::write(timesync.join("synchronized"), "").unwrap();
        assert_eq!(look(NOW), Trust::Synchronised);
        assert_eq!(look(Duration::ZERO), Trust::Untrusted);
    }
}
