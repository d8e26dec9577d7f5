//! When a person last proved who it is: what is dangerous takes a proof not older than ten minutes.
//!
//! Kept in memory and in monotonic time: setting the clock has no effect, and after a restart the password is asked
//! for once more.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pistack_kit::clock::Clock;

/// How long a proof counts.
pub(crate) const RECENT: Duration = Duration::from_mins(10);
/// Sessions remembered at once; about 100 bytes each.
const CAPACITY: usize = 4096;

/// The proofs of the last ten minutes.
#[derive(Debug)]
pub(crate) struct Authentications {
    clock: Clock,
    /// By session: monotonic and wall time of the proof.
    at: Mutex<HashMap<String, (Duration, i64)>>,
}

impl Authentications {
    /// None yet.
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            at: Mutex::default(),
        }
    }

    /// The person behind the session `sid` has just proved who it is.
    pub(crate) fn note(&self, sid: &str) {
        let now = self.clock.monotonic();
        let mut at = self.at();
        if at.len() >= CAPACITY {
            at.retain(|_, (then, _)| now.saturating_sub(*then) <= RECENT);
        }
        if at.len() >= CAPACITY {
            let oldest = at
                .iter()
                .min_by_key(|(_, (then, _))| *then)
                .map(|(sid, _)| sid.clone());
            oldest.and_then(|sid| at.remove(&sid));
        }
        at.insert(sid.to_owned(), (now, self.clock.unix()));
    }

    /// The wall time of a proof that still counts, in seconds since 1970.
    pub(crate) fn recent(&self, sid: &str) -> Option<i64> {
        let now = self.clock.monotonic();
        let at = self.at();
        let (then, wall) = at.get(sid)?;
        (now.saturating_sub(*then) <= RECENT).then_some(*wall)
    }

    fn at(&self) -> MutexGuard<'_, HashMap<String, (Duration, i64)>> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_counts_for_ten_minutes() {
        let clock = Clock::manual(1000);
        let proofs = Authentications::new(clock.clone());
        assert_eq!(proofs.recent("a"), None);
        proofs.note("a");
        clock.advance(RECENT);
        assert_eq!((proofs.recent("a"), proofs.recent("b")), (Some(1000), None));
        clock.advance(Duration::from_secs(1));
        assert_eq!(proofs.recent("a"), None);
    }

    #[test]
    fn memory_is_bounded() {
        let proofs = Authentications::new(Clock::manual(1000));
        for index in 0..CAPACITY + 10 {
            proofs.note(&index.to_string());
        }
        assert_eq!(proofs.at().len(), CAPACITY);
        assert!(proofs.recent(&(CAPACITY + 9).to_string()).is_some());
    }
}
