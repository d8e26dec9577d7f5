//! Time as a parameter: the only place that reads the system's clocks.
//!
//! A board without a clock of its own begins in 1970, or at the time it was switched off, until a time server answers.
//! [`Clock::kept`] never goes back behind what an earlier run has seen, and [`Clock::trust`] says whether the time is
//! known to be right. Whatever only needs durations takes [`Clock::monotonic`].

mod record;
mod trust;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use record::Kept;
pub use record::Record;
pub use trust::Trust;

/// Between two moments for regular work that has none of its own. They are the same for every process of the board, so
/// that the processor sleeps in between, and what such work needs of memory is needed for a moment only.
pub const BEAT: Duration = Duration::from_secs(10);
/// So long after a beat, what others do with it is done: the time for work that looks at theirs.
pub const AFTER_BEAT: Duration = Duration::from_millis(300);

/// A source of time. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Kept(Arc<Kept>),
    Manual(Arc<Manual>),
}

/// Milliseconds, moved by the test.
#[derive(Debug)]
struct Manual {
    monotonic: AtomicI64,
    /// Wall time less monotonic time.
    offset: AtomicI64,
}

impl Clock {
    /// The system's clocks as they are.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// The system's clocks, but while they cannot be trusted never earlier than the record in `path` allows: what an
    /// earlier run saw and the time that this machine is up since. All processes that read one record agree.
    pub fn kept(path: &Path) -> Self {
        Self(Source::Kept(Arc::new(Kept::open(path))))
    }

    /// A clock that stands still until [`Clock::advance`] moves it; for tests.
    pub fn manual(unix_seconds: i64) -> Self {
        Self(Source::Manual(Arc::new(Manual {
            monotonic: AtomicI64::new(unix_seconds * 1000),
            offset: AtomicI64::new(0),
        })))
    }

    /// Moves a manual clock on. The system's clock ignores it.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(manual) = &self.0 {
            manual
                .monotonic
                .fetch_add(by.as_millis() as i64, Ordering::SeqCst);
        }
    }

    /// Sets a manual clock's wall time, as a time server does: monotonic time does not notice. The system's clock
    /// ignores it.
    pub fn set_wall(&self, unix_seconds: i64) {
        if let Source::Manual(manual) = &self.0 {
            let monotonic = manual.monotonic.load(Ordering::SeqCst);
            manual
                .offset
                .store(unix_seconds * 1000 - monotonic, Ordering::SeqCst);
        }
    }

    /// Wall time, seconds since 1970.
    pub fn unix(&self) -> i64 {
        self.wall().as_secs() as i64
    }

    /// Wall time since 1970.
    pub fn wall(&self) -> Duration {
        match &self.0 {
            Source::System => system_wall(),
            Source::Kept(kept) => kept.wall(),
            Source::Manual(manual) => {
                let millis = manual.monotonic.load(Ordering::SeqCst) + manual.offset.load(Ordering::SeqCst);
                Duration::from_millis(millis.max(0) as u64)
            }
        }
    }

    /// Monotonic time since an arbitrary start; never steps back.
    pub fn monotonic(&self) -> Duration {
        match &self.0 {
            Source::System | Source::Kept(_) => system_monotonic(),
            Source::Manual(manual) => {
                Duration::from_millis(manual.monotonic.load(Ordering::SeqCst).max(0) as u64)
            }
        }
    }

    /// Time of the kernel's `CLOCK_MONOTONIC`, by which it stamps GPIO edges. A manual clock gives its monotonic time.
    pub fn kernel_monotonic(&self) -> Duration {
        match &self.0 {
            Source::System | Source::Kept(_) => kernel_monotonic(),
            Source::Manual(_) => self.monotonic(),
        }
    }

    /// Time until the next [`BEAT`].
    pub fn until_beat(&self) -> Duration {
        let past = self.kernel_monotonic().as_nanos() % BEAT.as_nanos();
        BEAT.saturating_sub(Duration::from_nanos(past as u64))
    }

    /// Whether the wall time is known to be right. A manual clock is trusted from 2025 on.
    pub fn trust(&self) -> Trust {
        match &self.0 {
            Source::System => trust::of_system(system_wall()),
            Source::Kept(kept) => kept.trust(),
            Source::Manual(_) => trust::of_date(self.wall()),
        }
    }

    /// Takes the person's word that the clock is right, for a board that has no time server. Only a kept clock listens.
    pub fn take_word(&self) {
        if let Source::Kept(kept) = &self.0 {
            kept.take_word();
        }
    }

    /// The record to be written, so that a later run does not go back behind this time. `None` for a clock that is not
    /// kept.
    pub fn record(&self) -> Option<Record> {
        match &self.0 {
            Source::Kept(kept) => Some(kept.record()),
            Source::System | Source::Manual(_) => None,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the wall clock"
)]
fn system_wall() -> Duration {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the monotonic clock"
)]
fn system_monotonic() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

fn kernel_monotonic() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(now.tv_sec.try_into().unwrap_or(0), now.tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_are_ten_seconds_apart() {
        let clock = Clock::manual(1000);
        let first = clock.until_beat();
        assert!(first > Duration::ZERO && first <= BEAT);
        clock.advance(first);
        assert_eq!(clock.until_beat(), BEAT);
        clock.advance(Duration::from_secs(3));
        assert_eq!(clock.until_beat(), Duration::from_secs(7));
    }

    #[test]
    fn a_manual_clock_steps_without_monotonic_time() {
        let clock = Clock::manual(1000);
        assert_eq!((clock.unix(), clock.monotonic().as_secs()), (1000, 1000));
        assert_eq!(clock.trust(), Trust::Untrusted);
        clock.set_wall(1_800_000_000);
        clock.advance(Duration::from_secs(5));
        assert_eq!((clock.unix(), clock.monotonic().as_secs()), (1_800_000_005, 1005));
        assert!(clock.trust().is_trusted());
    }

    #[test]
    fn without_a_record_a_kept_clock_is_the_systems() {
        let home = tempfile::tempdir().unwrap();
        let (kept, system) = (Clock::kept(&home.path().join("clock.json")), Clock::system());
        assert!(kept.unix().abs_diff(system.unix()) <= 1);
        assert!(kept.record().unwrap().unix.abs_diff(system.unix()) <= 1);
        assert_eq!(system.record(), None);
    }
}
