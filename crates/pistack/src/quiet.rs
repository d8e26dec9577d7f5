//! A service that has gone quiet gives memory back: what requests needed, and code that only the start or a rare
//! request runs. It comes again, from the page cache, when it is used.

use std::time::Duration;

use pistack_kit::lifecycle::Lifecycle;

/// How often a look is taken.
const LOOK: Duration = Duration::from_secs(15);
/// CPU time in between that still counts as quiet, in ticks of 10 ms.
const QUIET: u64 = 15;

/// Looks until the process stops.
pub(crate) async fn watch(lifecycle: Lifecycle) {
    let mut given_at = None;
    let mut before = ticks();
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = lifecycle.stopped() => return,
        }
        let now = ticks();
        if is_due(before, now, given_at) {
            pistack_daemon::give_back();
            given_at = Some(ticks());
        }
        before = now;
    }
}

/// Whether little happened since the last look, and anything since memory was last given back.
fn is_due(before: u64, now: u64, given_at: Option<u64>) -> bool {
    now.saturating_sub(before) <= QUIET && given_at.is_none_or(|given_at| now > given_at + 1)
}

/// CPU time of the process so far (proc(5), `utime` and `stime`).
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is the program's name in brackets and may hold anything.
    let rest = stat.rsplit(')').next().unwrap_or_default();
    let times = rest.split_whitespace().skip(11).take(2);
    times.filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_once_after_something_happened() {
        assert!(is_due(10, 10, None), "after the start");
        assert!(!is_due(10, 10, Some(10)), "nothing happened");
        assert!(!is_due(10, 500, Some(10)), "busy");
        assert!(is_due(500, 501, Some(10)), "quiet again");
    }

    #[test]
    fn cpu_time_is_read() {
        let before = ticks();
        let mut sum = 0_u64;
        while ticks() == before {
            sum = sum.wrapping_add(1);
        }
        assert!(ticks() > before, "{sum}");
    }
}
