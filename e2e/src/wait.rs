//! Waiting for conditions.

use std::time::{Duration, Instant};

/// How long a condition may take. Generous: the machine may be busy, and a test that waits is not slow.
const DEADLINE: Duration = Duration::from_mins(1);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Looks again and again until `condition` gives a value.
///
/// # Panics
/// After 60 s; says `what` was waited for.
#[expect(clippy::disallowed_methods, reason = "the deadline of a test is real time")]
pub fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(
            began.elapsed() < DEADLINE,
            "waited {} s for {what}",
            DEADLINE.as_secs()
        );
        std::thread::sleep(LOOK);
    }
}
