//! A service that has gone quiet gives memory back: what requests needed, and code that only the start or a rare
//! request runs. It comes again, from the page cache, when it is used.

use std::time::Duration;

use pistack_kit::clock::Clock;
use pistack_kit::lifecycle::Lifecycle;

/// A look is taken so long after every beat of the clock: by then its regular work is done.
const AFTER_BEAT: Duration = Duration::from_secs(1);
/// CPU time between two looks that still counts as quiet.
const QUIET: Duration = Duration::from_millis(100);
/// CPU time since memory was last given back from which on it is worth it again. The look itself takes less.
const WORTH: Duration = Duration::from_millis(3);
/// Pages of files mapped since then from which on it is worth it as well: 1 MiB.
const WORTH_PAGES: u64 = 256;

/// Looks until the process stops.
pub(crate) async fn watch(lifecycle: Lifecycle) {
    let clock = Clock::system();
    let mut given = None;
    let mut before = on_cpu();
    loop {
        tokio::select! {
            () = tokio::time::sleep(clock.until_beat() + AFTER_BEAT) => {}
            () = lifecycle.stopped() => return,
        }
        let now = Usage::now();
        if is_due(before, now, given) {
            pistack_daemon::give_back();
            given = Some(Usage::now());
        }
        before = now.cpu;
    }
}

/// What the process has used.
#[derive(Debug, Clone, Copy)]
struct Usage {
    /// CPU time so far.
    cpu: Duration,
    /// Pages of files that are mapped and present.
    pages: u64,
}

impl Usage {
    fn now() -> Self {
        Self {
            cpu: on_cpu(),
            pages: file_pages(),
        }
    }
}

/// Whether little happened since the last look, and enough since memory was last given back.
fn is_due(before: Duration, now: Usage, given: Option<Usage>) -> bool {
    let is_quiet = now.cpu.saturating_sub(before) <= QUIET;
    is_quiet
        && given.is_none_or(|given| now.cpu >= given.cpu + WORTH || now.pages >= given.pages + WORTH_PAGES)
}

/// CPU time of the process's first thread so far, to the nanosecond: the first number of `schedstat` (proc(5)). The
/// clock ticks of `stat` miss work that is done in less than one.
fn on_cpu() -> Duration {
    Duration::from_nanos(number("/proc/self/schedstat", 0))
}

/// The third number of `statm` (proc(5)).
fn file_pages() -> u64 {
    number("/proc/self/statm", 2)
}

fn number(path: &str, index: usize) -> u64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let word = text.split_whitespace().nth(index);
    word.and_then(|word| word.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_once_after_something_happened() {
        let ms = Duration::from_millis;
        let used = |cpu, pages| Usage { cpu: ms(cpu), pages };
        assert!(is_due(ms(10), used(10, 900), None), "after the start");
        let given = Some(used(10, 100));
        assert!(!is_due(ms(10), used(11, 120), given), "nothing happened");
        assert!(is_due(ms(10), used(11, 400), given), "a little work touched much");
        assert!(!is_due(ms(10), used(500, 900), given), "busy");
        assert!(is_due(ms(500), used(501, 120), given), "quiet again");
    }

    #[test]
    fn usage_is_read() {
        let before = on_cpu();
        let mut sum = 0_u64;
        while on_cpu() == before {
            sum = sum.wrapping_add(1);
        }
        assert!(on_cpu() > before, "{sum}");
        assert!(file_pages() > 0);
    }
}
