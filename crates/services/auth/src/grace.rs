//! The half minute in which a refresh token may be presented again: two tabs that refresh at once, or an answer
//! that was lost on the way, are no theft.
//!
//! A successor is never kept in the clear: it is a keyed hash of the token that it follows, under a key that
//! lives in this process's memory only. Whoever presents the old token in time makes it come out again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pistack_kit::clock::Clock;
use pistack_kit::random;
use ring::hmac;

use crate::opaque;

/// How long a used token yields its successor again.
pub(crate) const GRACE: Duration = Duration::from_secs(30);

/// The tokens that were exchanged within the last half minute.
#[derive(Debug)]
pub(crate) struct Grace {
    clock: Clock,
    key: hmac::Key,
    /// Wall time at which this process started, seconds since 1970.
    started: i64,
    /// Hash of a used token to the monotonic time of its use.
    used: Mutex<HashMap<String, Duration>>,
}

impl Grace {
    /// A fresh key, no token.
    pub(crate) fn new(clock: Clock) -> Self {
        let mut secret = [0; opaque::BYTES];
        random::fill(&mut secret);
        let started = clock.unix();
        Self {
            clock,
            key: hmac::Key::new(hmac::HMAC_SHA256, &secret),
            started,
            used: Mutex::default(),
        }
    }

    /// The successor of a token: 256 bits that only this process can compute, always the same for one token.
    pub(crate) fn successor(&self, token: &str) -> String {
        opaque::encode(hmac::sign(&self.key, token.as_bytes()).as_ref())
    }

    /// Notes that the token with this hash was exchanged just now.
    pub(crate) fn note(&self, hash: &str) {
        let now = self.clock.monotonic();
        let mut used = self.used();
        used.retain(|_, at| now.saturating_sub(*at) <= GRACE);
        used.insert(hash.to_owned(), now);
    }

    /// True while the token with this hash may be presented again.
    pub(crate) fn covers(&self, hash: &str) -> bool {
        let now = self.clock.monotonic();
        self.used()
            .get(hash)
            .is_some_and(|at| now.saturating_sub(*at) <= GRACE)
    }

    /// True for a use just before this process started: its successor is lost with the old key, yet to present
    /// it again is no sign of theft.
    pub(crate) fn was_cut_short(&self, used_at: i64) -> bool {
        let grace = GRACE.as_secs() as i64;
        used_at <= self.started && self.clock.unix().saturating_sub(used_at) <= grace
    }

    fn used(&self) -> MutexGuard<'_, HashMap<String, Duration>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_one_successor_that_others_cannot_compute() {
        let (one, two) = (Grace::new(Clock::manual(1000)), Grace::new(Clock::manual(1000)));
        assert_eq!(one.successor("a"), one.successor("a"));
        assert_ne!(one.successor("a"), one.successor("b"));
        assert_ne!(one.successor("a"), two.successor("a"));
        assert!(opaque::is_well_formed(&one.successor("a")));
    }

    #[test]
    fn it_lasts_half_a_minute_and_forgets() {
        let clock = Clock::manual(1000);
        let grace = Grace::new(clock.clone());
        grace.note("a");
        clock.advance(GRACE);
        assert!(grace.covers("a") && !grace.covers("b"));
        clock.advance(Duration::from_secs(1));
        assert!(!grace.covers("a"));
        grace.note("b");
        assert_eq!(grace.used().len(), 1);
    }

    #[test]
    fn a_restart_is_told_from_a_theft() {
        let clock = Clock::manual(1000);
        let grace = Grace::new(clock.clone());
        assert!(grace.was_cut_short(990));
        assert!(!grace.was_cut_short(960));
        clock.advance(Duration::from_secs(25));
        assert!(!grace.was_cut_short(990));
        assert!(
            !grace.was_cut_short(1010),
            "used in this process: the grace notes know better"
        );
    }
}
