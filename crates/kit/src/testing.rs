//! Help for tests: tokens signed by a key of the test's own, and conditions instead of sleeping.

use std::future::Future;
use std::time::Duration;

use pistack_api::token::{AccessClaims, Jwks, Level};

/// Signs tokens as auth would.
#[derive(Debug)]
pub struct TestAuth {
    // an Ed25519 key
}

impl TestAuth {
    /// A fresh key.
    #[expect(clippy::new_without_default, reason = "makes a key: not a default value")]
    pub fn new() -> Self {
        todo!()
    }
    /// The key set to give to a guard.
    pub fn keys(&self) -> Jwks {
        todo!()
    }
    /// A token for all services, good for 15 minutes from `now` (seconds since 1970).
    pub fn token(&self, _name: &str, _level: Level, _now: i64) -> String {
        todo!()
    }
    /// A token with any claims.
    pub fn sign(&self, _claims: &AccessClaims) -> String {
        todo!()
    }
}

/// Waits until `condition` gives a value, 10 s at most.
///
/// # Panics
/// When the time is over; says `what` was waited for.
pub async fn eventually<T, F: Future<Output = Option<T>>>(_what: &str, _condition: impl FnMut() -> F) -> T {
    let _ = Duration::from_secs(10);
    todo!()
}
