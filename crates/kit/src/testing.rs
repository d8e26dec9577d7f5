//! Help for tests: tokens signed by a key of the test's own, and conditions instead of sleeping.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use pistack_api::service::Service;
use pistack_api::token::{AccessClaims, Jwks, Level, Via};

use crate::clock::Clock;
use crate::guard::Guard;
use crate::lifecycle::Lifecycle;
use crate::paths::StatePaths;
use crate::service::{Context, Listen};
use crate::token::SigningKey;

/// Issuer of the test's tokens.
const ISSUER: &str = "test";
/// Life of the test's tokens, as of real ones.
const LIFE: i64 = 900;

/// Signs tokens as auth would.
#[derive(Debug)]
pub struct TestAuth {
    key: SigningKey,
}

impl TestAuth {
    /// A fresh key.
    #[expect(clippy::new_without_default, reason = "makes a key: not a default value")]
    pub fn new() -> Self {
        Self {
            key: SigningKey::generate().0,
        }
    }
    /// The key set to give to a guard.
    pub fn keys(&self) -> Jwks {
        Jwks {
            issuer: ISSUER.to_owned(),
            keys: vec![self.key.jwk()],
        }
    }
    /// Claims of a token for all services, good for 15 minutes from `now` (seconds since 1970): user id
    /// `id-of-NAME`, session `session-of-NAME`, epoch 0.
    pub fn claims(&self, name: &str, level: Level, now: i64) -> AccessClaims {
        AccessClaims {
            typ: "access".to_owned(),
            jti: crate::random::uuid().to_string(),
            sub: format!("id-of-{name}"),
            nam: name.to_owned(),
            lvl: level,
            sid: format!("session-of-{name}"),
            ep: 0,
            iss: ISSUER.to_owned(),
            aud: Service::ALL
                .into_iter()
                .map(|service| service.name().to_owned())
                .collect(),
            iat: now,
            exp: now + LIFE,
            auth_time: Some(now),
            via: Via::Session,
            grants: None,
            scope: None,
        }
    }
    /// A token for all services, good for 15 minutes from `now` (seconds since 1970).
    pub fn token(&self, name: &str, level: Level, now: i64) -> String {
        self.sign(&self.claims(name, level, now))
    }
    /// A token with any claims.
    pub fn sign(&self, claims: &AccessClaims) -> String {
        self.key.sign(claims)
    }
}

/// A service's surroundings for a test: state in `directory`, time standing still at 1,700,000,000 unless moved, a guard
/// that knows `auth`'s key, no listener.
pub fn context(service: Service, directory: &Path, auth: &TestAuth) -> Context {
    let clock = Clock::manual(1_700_000_000);
    let guard = Guard::new(service, clock.clone());
    guard.set_keys(&auth.keys());
    Context {
        service,
        listen: Listen::default(),
        paths: StatePaths::new(directory),
        clock,
        lifecycle: Lifecycle::new(),
        guard,
    }
}

/// Waits until `condition` gives a value, 10 s at most.
///
/// # Panics
/// When the time is over; says `what` was waited for.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut condition: impl FnMut() -> F) -> T {
    let polling = async {
        loop {
            if let Some(value) = condition().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let result = tokio::time::timeout(Duration::from_secs(10), polling).await;
    result.unwrap_or_else(|_| panic!("waited 10 s in vain until {what}"))
}
