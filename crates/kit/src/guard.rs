//! The guard before every handler: who calls, and may they. Tokens are verified here, without a hop; keys and
//! revocations come from auth's feed.
//!
//! A handler takes the right that it needs as a parameter: [`Caller`] (anyone signed in), [`AdminCaller`]
//! (Admin or Root) or [`RootCaller`]. The service adds the [`Guard`] to the request's extensions.

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use pistack_api::service::Service;
use pistack_api::token::{AccessClaims, Jwks, Level, Revocation};

use crate::clock::Clock;
use crate::lifecycle::Lifecycle;
use crate::problem::Problem;

/// Keys and revocations as this process knows them.
#[derive(Debug)]
pub struct Guard {
    audience: Service,
    clock: Clock,
    // keys, revoked sessions and epochs behind a std RwLock; freshness of the feed
}

impl Guard {
    /// A guard for `audience` that knows no key yet: every token is 503 until keys come.
    pub fn new(audience: Service, clock: Clock) -> Arc<Self> {
        Arc::new(Self { audience, clock })
    }

    /// Replaces the key set (auth does it for itself; the feed does it for the others).
    pub fn set_keys(&self, _keys: &Jwks) {
        todo!()
    }

    /// Adds a revocation; expired ones are forgotten.
    pub fn revoke(&self, _revocation: &Revocation) {
        todo!()
    }

    /// Follows auth's feed over its unix socket until the process stops: reconnects with growing delay
    /// (0.05 s to 2 s), starts from the cached keys in `cache` and keeps them up to date.
    pub fn follow(self: &Arc<Self>, _auth_socket: PathBuf, _cache: PathBuf, _lifecycle: &Lifecycle) {
        todo!()
    }

    /// Verifies an access token: signature, `typ`, issuer, audience, expiry (leeway 5 s), revocation.
    pub fn verify(&self, _token: &str) -> Result<AccessClaims, Refusal> {
        let _ = (&self.audience, &self.clock);
        todo!()
    }
}

/// Why a caller is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No bearer token at all.
    #[error("missing bearer token")]
    Missing,
    /// Wrong, expired, revoked or not for this service.
    #[error("invalid or expired token")]
    Invalid,
    /// A token of the original; the holder has to log in again.
    #[error("invalid or expired token")]
    Legacy,
    /// No keys: auth has not been reached since this process started.
    #[error("auth service unreachable")]
    NoKeys,
    /// Good token, not enough rights. Carries the level that is needed.
    #[error("forbidden: requires {0}")]
    Forbidden(Level),
}

impl From<Refusal> for Problem {
    /// 401 with `WWW-Authenticate: Bearer ...`, 403 or 503.
    fn from(_refusal: Refusal) -> Self {
        todo!()
    }
}

/// Reads the bearer token as leniently as the original: surrounding white space, `Bearer%20`, repeated
/// `Bearer `, quotes around the token, any case of the scheme.
pub fn read_bearer(_headers: &HeaderMap) -> Option<String> {
    todo!()
}

/// Anyone signed in. Missing or bad tokens are refused with `invalid or expired token` (auth's wording) by
/// [`Caller`]; [`AdminCaller`] and [`RootCaller`] say `missing bearer token` where there is none.
#[derive(Debug, Clone)]
pub struct Caller(pub AccessClaims);

/// Admin or Root.
#[derive(Debug, Clone)]
pub struct AdminCaller(pub AccessClaims);

/// Root only.
#[derive(Debug, Clone)]
pub struct RootCaller(pub AccessClaims);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;
    async fn from_request_parts(_parts: &mut http::request::Parts, _state: &S) -> Result<Self, Problem> {
        todo!()
    }
}
impl<S: Send + Sync> FromRequestParts<S> for AdminCaller {
    type Rejection = Problem;
    async fn from_request_parts(_parts: &mut http::request::Parts, _state: &S) -> Result<Self, Problem> {
        todo!()
    }
}
impl<S: Send + Sync> FromRequestParts<S> for RootCaller {
    type Rejection = Problem;
    async fn from_request_parts(_parts: &mut http::request::Parts, _state: &S) -> Result<Self, Problem> {
        todo!()
    }
}
