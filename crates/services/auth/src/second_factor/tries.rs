//! Three tries at a second factor, then a pause until half a minute after the first.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pistack_kit::clock::Clock;

use crate::error::Error;

/// Wrong codes within one window.
const TRIES: u32 = 3;
/// The window: one time step.
const WINDOW: Duration = Duration::from_secs(30);
/// People remembered at once; only those whose password was right come here.
const CAPACITY: usize = 1024;

/// The failures of the last half minute, in monotonic time.
#[derive(Debug)]
pub(crate) struct Tries {
    clock: Clock,
    by_user: Mutex<HashMap<String, (Duration, u32)>>,
}

impl Tries {
    /// None yet.
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            by_user: Mutex::default(),
        }
    }

    /// [`Error::Throttled`] after too many failures.
    pub(crate) fn check(&self, user: &str) -> Result<(), Error> {
        let now = self.clock.monotonic();
        match self.by_user().get(user) {
            Some((since, count)) if *count >= TRIES && now < *since + WINDOW => {
                Err(Error::Throttled((*since + WINDOW).saturating_sub(now)))
            }
            _ => Ok(()),
        }
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, user: &str) {
        let now = self.clock.monotonic();
        let mut by_user = self.by_user();
        if by_user.len() >= CAPACITY {
            by_user.retain(|_, (since, _)| now < *since + WINDOW);
        }
        let entry = by_user.entry(user.to_owned()).or_insert((now, 0));
        if now >= entry.0 + WINDOW {
            *entry = (now, 0);
        }
        entry.1 += 1;
    }

    /// After a right one.
    pub(crate) fn forget(&self, user: &str) {
        self.by_user().remove(user);
    }

    fn by_user(&self) -> MutexGuard<'_, HashMap<String, (Duration, u32)>> {
        self.by_user.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fourth_try_waits_for_the_window_to_end() {
        let clock = Clock::manual(1000);
        let tries = Tries::new(clock.clone());
        for _ in 0..3 {
            tries.check("anna").unwrap();
            tries.failed("anna");
        }
        clock.advance(Duration::from_secs(10));
        assert!(matches!(tries.check("anna"), Err(Error::Throttled(rest)) if rest.as_secs() == 20));
        tries.check("ben").unwrap();
        clock.advance(Duration::from_secs(20));
        tries.check("anna").unwrap();
        tries.failed("anna");
        tries.check("anna").unwrap();
    }
}
