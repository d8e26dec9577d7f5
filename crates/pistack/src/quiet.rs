//! A service that has gone quiet gives memory back: what requests needed, and code that only the start or a rare
//! request runs. It comes again, from the page cache, when it is used.

use std::time::Duration;

use pistack_kit::lifecycle::Lifecycle;

/// How often a look is taken.
const LOOK: Duration = Duration::from_secs(15);
/// CPU time in between that still counts as quiet.
const QUIET: Duration = Duration::from_millis(150);
/// CPU time since memory was last given back from which on it is worth it again. The look itself takes less.
const WORTH: Duration = Duration::from_millis(3);

/// Looks until the process stops.
pub(crate) async fn watch(lifecycle: Lifecycle) {
    let mut given_at = None;
    let mut before = on_cpu();
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = lifecycle.stopped() => return,
        }
        let now = on_cpu();
        if is_due(before, now, given_at) {
            pistack_daemon::give_back();
            given_at = Some(on_cpu());
        }
        before = now;
    }
}

/// Whether little happened since the last look, and anything since memory was last given back.
fn is_due(before: Duration, now: Duration, given_at: Option<Duration>) -> bool {
    now.saturating_sub(before) <= QUIET && given_at.is_none_or(|given_at| now >= given_at + WORTH)
}

/// CPU time of the process's first thread so far, to the nanosecond: the first number of `schedstat` (proc(5)). The
/// clock ticks of `stat` miss work that is done in less than one.
fn on_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let first = text.split_whitespace().next().and_then(|word| word.parse().ok());
    Duration::from_nanos(first.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_once_after_something_happened() {
        let ms = Duration::from_millis;
        assert!(is_due(ms(10), ms(10), None), "after the start");
        assert!(!is_due(ms(10), ms(11), Some(ms(10))), "nothing happened");
        assert!(!is_due(ms(10), ms(500), Some(ms(10))), "busy");
        assert!(is_due(ms(500), ms(501), Some(ms(10))), "quiet again");
    }

    #[test]
    fn cpu_time_is_read() {
        let before = on_cpu();
        let mut sum = 0_u64;
        while on_cpu() == before {
            sum = sum.wrapping_add(1);
        }
        assert!(on_cpu() > before, "{sum}");
    }
}
