//! When a pipe is read again: as soon as there is something, or after a rest.
//!
//! A child that writes a hundred bytes at a time fills a pipe slower than it is read, so every few lines wake the
//! daemon, and every wake-up costs the child that causes it more than its own write. Such a pipe is made larger and
//! read about every millisecond instead, by a
//! timer: nobody hears of its writes meanwhile. A child that fills the larger pipe within such a rest is read without
//! rests: it would have to wait.

use std::time::Duration;

/// How long a pipe rests: the runtime's timers go by whole milliseconds, so until the one after the next begins at most.
pub(crate) const REST: Duration = Duration::from_micros(100);
/// Bytes that a pipe with rests can hold: what the kernel lets anybody ask for (`fs.pipe-max-size`).
pub(crate) const WIDE: usize = 1 << 20;

/// Over this time reads are counted before anything is decided.
const WINDOW: Duration = Duration::from_millis(1);
/// Reads within the window that are one too many.
const MANY_READS: u64 = 8;
/// Bytes within the window below which rests are not worth while any more.
const FEW_BYTES: u64 = 4096;
/// Bytes within the window above which rests would make the child wait: a rest can be longer than a window.
const MANY_BYTES: u64 = WIDE as u64 / 2;
/// Bytes in a pipe after its rest that mean that the child had to wait, or nearly so.
const NEARLY_FULL: usize = WIDE / 8 * 7;
/// So long there are no rests after that.
const NO_RESTS: Duration = Duration::from_millis(20);

/// One read of a pipe.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Read {
    /// Bytes that it gave.
    pub(crate) count: usize,
    /// Whether the pipe was empty after it: only then there is something to wait for.
    pub(crate) emptied: bool,
}

/// What to do after a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Wait until there is more.
    Wait,
    /// Read on in the next turn: it rested, and there is more.
    More,
    /// Let the pipe rest first.
    Rest,
}

/// How a pipe was read lately.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pace {
    since: Duration,
    reads: u64,
    bytes: u64,
    resting: bool,
    was_full: bool,
    no_rests_until: Duration,
    /// Whether the pipe could be made larger, once that was tried.
    wide: Option<bool>,
}

impl Pace {
    /// Takes note of what the pipe holds at the end of its rest.
    pub(crate) fn after_rest(&mut self, held: usize) {
        self.was_full = held >= NEARLY_FULL;
    }

    /// Takes note of a read at `now` of a monotonic clock, and tells how to go on. `widen` makes the pipe hold
    /// [`WIDE`] bytes and tells whether it does; it is asked once.
    pub(crate) fn after_read(&mut self, now: Duration, read: Read, widen: impl FnOnce() -> bool) -> Next {
        self.reads += 1;
        self.bytes = self.bytes.saturating_add(read.count as u64);
        let elapsed = now.saturating_sub(self.since);
        if self.resting && !read.emptied {
            return Next::More;
        }
        if self.wide == Some(false) || !read.emptied || (elapsed < WINDOW && !self.resting) {
            return Next::Wait;
        }
        let per_window = |count: u64| u128::from(count) * WINDOW.as_nanos() / elapsed.as_nanos().max(1);
        let (reads, bytes) = (per_window(self.reads), per_window(self.bytes));
        let wanted = if std::mem::take(&mut self.was_full) {
            self.no_rests_until = now.saturating_add(NO_RESTS);
            false
        } else if self.resting {
            bytes >= FEW_BYTES.into()
        } else {
            now >= self.no_rests_until && reads >= MANY_READS.into() && bytes <= MANY_BYTES.into()
        };
        self.resting = wanted && *self.wide.get_or_insert_with(widen);
        self.since = now;
        (self.reads, self.bytes) = (0, 0);
        if self.resting { Next::Rest } else { Next::Wait }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(100);

    fn emptying(count: usize) -> Read {
        Read { count, emptied: true }
    }

    /// Reads of `count` bytes every `every`, for `times`; gives the rests among them and what the pace was then.
    fn run(pace: &mut Pace, from: Duration, every: Duration, count: usize, times: u32) -> (u32, Duration) {
        let mut now = from;
        let mut rests = 0;
        for _ in 0..times {
            now += every;
            rests += u32::from(pace.after_read(now, emptying(count), || true) == Next::Rest);
        }
        (rests, now)
    }

    #[test]
    fn small_reads_in_quick_succession_ask_for_rests_until_there_is_little() {
        let mut pace = Pace::default();
        let (rests, now) = run(&mut pace, START, Duration::from_micros(20), 2000, 200);
        assert!(rests >= 2, "{rests}");
        // now with rests: many bytes at each read
        let (rests, now) = run(&mut pace, now, Duration::from_millis(2), 200_000, 50);
        assert_eq!(rests, 50);
        // the flood is over
        let (rests, _) = run(&mut pace, now, Duration::from_millis(100), 300, 10);
        assert_eq!(rests, 0);
    }

    #[test]
    fn a_child_that_would_fill_the_pipe_is_read_at_once() {
        let mut pace = Pace::default();
        let (rests, _) = run(&mut pace, START, Duration::from_micros(20), 60_000, 500);
        assert_eq!(rests, 0);
    }

    #[test]
    fn what_is_left_in_the_pipe_does_not_wait_for_a_rest() {
        let mut pace = Pace::default();
        let (rests, mut now) = run(&mut pace, START, Duration::from_micros(20), 2000, 200);
        assert!(rests >= 2, "{rests}");
        now += Duration::from_millis(2);
        for _ in 0..3 {
            let full = Read {
                count: 65536,
                emptied: false,
            };
            assert_eq!(pace.after_read(now, full, || true), Next::More);
        }
        assert_eq!(pace.after_read(now, emptying(10), || true), Next::Rest);
    }

    #[test]
    fn a_child_that_had_to_wait_is_read_at_once_for_a_while() {
        let mut pace = Pace::default();
        let (rests, now) = run(&mut pace, START, Duration::from_micros(20), 2000, 200);
        assert!(rests >= 2, "{rests}");
        pace.after_rest(WIDE / 2);
        let (rests, now) = run(&mut pace, now, Duration::from_millis(2), WIDE / 2, 1);
        assert_eq!(rests, 1);
        pace.after_rest(WIDE);
        let (rests, now) = run(&mut pace, now, Duration::from_millis(2), WIDE, 1);
        assert_eq!(rests, 0);
        let (rests, now) = run(&mut pace, now, Duration::from_micros(20), 2000, 900);
        assert_eq!(rests, 0);
        let (rests, _) = run(&mut pace, now, Duration::from_micros(20), 2000, 300);
        assert!(rests >= 1);
    }

    #[test]
    fn occasional_lines_are_read_at_once() {
        let mut pace = Pace::default();
        let (rests, _) = run(&mut pace, START, Duration::from_millis(10), 100, 500);
        assert_eq!(rests, 0);
    }

    #[test]
    fn a_pipe_that_stays_small_never_rests_and_is_not_asked_again() {
        let mut pace = Pace::default();
        let mut now = START;
        let mut asked = 0;
        for _ in 0..1000 {
            now += Duration::from_micros(20);
            let next = pace.after_read(now, emptying(2000), || {
                asked += 1;
                false
            });
            assert_eq!(next, Next::Wait);
        }
        assert_eq!(asked, 1);
    }
}
