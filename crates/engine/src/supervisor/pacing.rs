//! How fast a program may be restarted after it exited: the guard against crash storms.
//!
//! supervisord restarts an EXITED program on its next loop pass, without any limit. With `startsecs=0` a program
//! that exits at once therefore restarts for ever, as fast as it can die. Here the states stay the same (EXITED,
//! then STARTING); only the time between them grows:
//!
//! - a run of a second or more restarts at once, and is forgotten as a crash;
//! - the first [`FREE_RESTARTS`] shorter runs in a row restart at once too;
//! - after that the delay is 0.25 s, then doubles with each short run, up to 1 s when the exit was expected (a
//!   small job that `autorestart=true` repeats: supervisord's own pace is one a second) and 5 s when it was not.
//!
//! Starting a program by hand forgets its past. Programs with `startsecs` of 1 or more never get here with a short
//! run: they fail while STARTING, and BACKOFF has a delay of its own.

use std::time::Duration;

/// Short runs in a row that restart at once.
pub(super) const FREE_RESTARTS: u32 = 5;
/// Below this a run is short.
const SHORT_RUN: Duration = Duration::from_secs(1);
/// The first delay.
const FIRST_DELAY: Duration = Duration::from_millis(250);
/// The longest delay after expected exits.
const CAP_EXPECTED: Duration = Duration::from_secs(1);
/// The longest delay after other exits.
const CAP_UNEXPECTED: Duration = Duration::from_secs(5);

/// Counts the short runs of one process.
#[derive(Debug, Default)]
pub(super) struct Pacing {
    short_runs: u32,
}

impl Pacing {
    /// The delay until the restart, after a run of `uptime`.
    pub(super) fn after_exit(&mut self, uptime: Duration, expected: bool) -> Duration {
        if uptime >= SHORT_RUN {
            self.short_runs = 0;
            return Duration::ZERO;
        }
        self.short_runs = self.short_runs.saturating_add(1);
        let Some(doublings) = self.short_runs.checked_sub(FREE_RESTARTS + 1) else {
            return Duration::ZERO;
        };
        let cap = if expected { CAP_EXPECTED } else { CAP_UNEXPECTED };
        FIRST_DELAY
            .saturating_mul(2_u32.saturating_pow(doublings))
            .min(cap)
    }

    /// Forgets the past.
    pub(super) fn reset(&mut self) {
        self.short_runs = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(expected: bool, uptime_ms: u64, runs: usize) -> Vec<u128> {
        let mut pacing = Pacing::default();
        (0..runs)
            .map(|_| {
                pacing
                    .after_exit(Duration::from_millis(uptime_ms), expected)
                    .as_millis()
            })
            .collect()
    }

    #[test]
    fn short_runs_restart_ever_later() {
        assert_eq!(
            delays(false, 10, 12),
            [0, 0, 0, 0, 0, 250, 500, 1000, 2000, 4000, 5000, 5000]
        );
        assert_eq!(delays(true, 10, 10), [0, 0, 0, 0, 0, 250, 500, 1000, 1000, 1000]);
    }

    #[test]
    fn runs_of_a_second_restart_at_once_and_are_forgiven() {
        assert_eq!(delays(false, 1000, 20), [0; 20]);
        let mut pacing = Pacing { short_runs: 100 };
        assert_eq!(pacing.after_exit(Duration::ZERO, false), Duration::from_secs(5));
        assert_eq!(pacing.after_exit(Duration::from_secs(1), false), Duration::ZERO);
        assert_eq!(pacing.after_exit(Duration::ZERO, false), Duration::ZERO);
    }

    #[test]
    fn a_long_life_of_crashes_does_not_overflow() {
        let mut pacing = Pacing { short_runs: u32::MAX };
        assert_eq!(pacing.after_exit(Duration::ZERO, false), Duration::from_secs(5));
    }
}
