//! The guard before every handler: who calls, and may they. Tokens are verified here, without a hop; keys and
//! revocations come from auth's feed.
//!
//! A handler takes the right that it needs as a parameter: [`May`] or [`MayOn`] with one of the rights in
//! `pistack_api::right`, or just a level: [`Caller`] (anyone signed in), [`AdminCaller`] (Admin or Root),
//! [`RootCaller`]. The service adds the [`Guard`] to the request's extensions.

mod feed;
mod identity;
mod rights;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::extract::FromRequestParts;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use pistack_api::right::{Object, RightInfo};
use pistack_api::service::Service;
use pistack_api::token::{AccessClaims, Jwks, Level, Revocation};
use tokio::sync::watch;

use crate::clock::{AFTER_BEAT, Clock};
use crate::lifecycle::Lifecycle;
use crate::problem::Problem;
use crate::token::{self, Opened, PublicKey};

pub use identity::{IDENTITY_HEADERS, write_identity};
pub use rights::{May, MayOn, refusal};

/// How far two clocks of one machine may seem apart, in seconds.
const LEEWAY: i64 = 5;
/// How long rights above User are still granted without a feed that would tell of revocations.
const STALE_AFTER: Duration = Duration::from_secs(30);

/// Keys and revocations as this process knows them.
#[derive(Debug)]
pub struct Guard {
    audience: Service,
    clock: Clock,
    known: RwLock<Known>,
    /// Told of every change to `known`.
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Known {
    issuer: String,
    keys: HashMap<String, PublicKey>,
    /// Ended sessions, each with the time after which its tokens have expired anyway.
    sessions: HashMap<String, i64>,
    /// Lowest epoch still good of a user, likewise.
    epochs: HashMap<String, (i64, i64)>,
    feed: Feed,
}

impl Known {
    /// In time and not revoked.
    fn still(&self, claims: &AccessClaims, now: i64) -> bool {
        let in_time = claims.iat <= now + LEEWAY && now < claims.exp.saturating_add(LEEWAY);
        let epoch = self.epochs.get(&claims.sub);
        in_time
            && !self.sessions.contains_key(&claims.sid)
            && epoch.is_none_or(|(epoch, _)| claims.ep >= *epoch)
    }
}

/// Whether this process hears of revocations.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Feed {
    /// Auth itself: it revokes in its own process.
    #[default]
    NotNeeded,
    /// Connected.
    Live,
    /// Cut off since this time of the monotonic clock.
    Lost(Duration),
}

impl Guard {
    /// A guard for `audience` that knows no key yet: every token is 503 until keys come.
    pub fn new(audience: Service, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            audience,
            clock,
            known: RwLock::default(),
            changed: watch::Sender::new(()),
        })
    }

    /// Replaces the key set (auth does it for itself; the feed does it for the others). A key that is no
    /// Ed25519 signature key is left out.
    pub fn set_keys(&self, keys: &Jwks) {
        let usable = keys
            .keys
            .iter()
            .filter_map(|jwk| Some((jwk.kid.clone(), PublicKey::from_jwk(jwk)?)))
            .collect();
        self.change(|known| {
            known.issuer.clone_from(&keys.issuer);
            known.keys = usable;
        });
    }

    /// Adds a revocation; expired ones are forgotten.
    pub fn revoke(&self, revocation: &Revocation) {
        let oldest = self.clock.unix() - LEEWAY;
        self.change(|known| {
            known.sessions.retain(|_, until| *until >= oldest);
            known.epochs.retain(|_, (_, until)| *until >= oldest);
            match revocation {
                Revocation::Session { sid, until } => {
                    let entry = known.sessions.entry(sid.clone()).or_insert(*until);
                    *entry = (*entry).max(*until);
                }
                Revocation::User { sub, epoch, until } => {
                    let entry = known.epochs.entry(sub.clone()).or_insert((*epoch, *until));
                    *entry = (entry.0.max(*epoch), entry.1.max(*until));
                }
            }
        });
    }

    /// Follows auth's feed over its unix socket until the process stops: reconnects with growing delay
    /// (0.05 s to 2 s), starts from the cached keys in `cache` and keeps them up to date.
    ///
    /// While the feed is away, people with rights above User are let in for another 30 s, then refused (503):
    /// they might have been revoked meanwhile.
    pub fn follow(self: &Arc<Self>, auth_socket: PathBuf, cache: PathBuf, lifecycle: &Lifecycle) {
        self.set_feed(Feed::Lost(self.clock.monotonic()));
        lifecycle.spawn(feed::follow(
            Arc::clone(self),
            auth_socket,
            cache,
            lifecycle.clone(),
        ));
    }

    /// Verifies an access token: signature, `typ`, issuer, audience, expiry (leeway 5 s), revocation.
    pub fn verify(&self, token: &str) -> Result<AccessClaims, Refusal> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let claims = match token::open(token, |kid| known.keys.get(kid)) {
            Opened::Legacy => return Err(Refusal::Legacy),
            Opened::Ours(claims) => claims,
            Opened::Bad if known.keys.is_empty() => return Err(Refusal::NoKeys),
            Opened::Bad => return Err(Refusal::Invalid),
        };
        let for_us = claims.typ == "access"
            && claims.iss == known.issuer
            && claims.aud.iter().any(|audience| audience == self.audience.name());
        let named = !claims.sub.is_empty() && !claims.sid.is_empty();
        if for_us && named && known.still(&claims, self.clock.unix()) {
            Ok(*claims)
        } else {
            Err(Refusal::Invalid)
        }
    }

    /// Whether claims that [`Guard::verify`] let pass are good to this moment: neither expired nor revoked. Cheap enough
    /// to be asked before every piece of a stream.
    pub fn still(&self, claims: &AccessClaims) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.still(claims, self.clock.unix())
    }

    /// Waits until claims that [`Guard::verify`] let pass are good no more. For streams: nothing wakes up before there
    /// is a reason to, but for a look with every beat of the clock, because wall time jumps.
    pub async fn over(&self, claims: &AccessClaims) {
        let mut changed = self.changed.subscribe();
        while self.still(claims) {
            let left = claims
                .exp
                .saturating_add(LEEWAY)
                .saturating_sub(self.clock.unix());
            let left = Duration::from_secs(u64::try_from(left).unwrap_or_default());
            tokio::select! {
                () = tokio::time::sleep(left.min(self.clock.until_beat() + AFTER_BEAT)) => {}
                _ = changed.changed() => {}
            }
        }
    }

    /// Who sent a request, if that caller has `level` or more.
    fn admit(&self, headers: &HeaderMap, level: Level) -> Result<AccessClaims, Refusal> {
        let token = read_bearer(headers).ok_or(Refusal::Missing)?;
        let claims = self.verify(&token)?;
        // A token that is limited to some rights passes only where its right is asked for by name.
        let limited = claims.scope.as_deref().is_some_and(|scope| !is_unlimited(scope));
        if claims.lvl < level || limited {
            return Err(Refusal::Forbidden(level));
        }
        if level > Level::User && self.is_stale() {
            return Err(Refusal::NoKeys);
        }
        Ok(claims)
    }

    fn is_stale(&self) -> bool {
        match self.known.read().unwrap_or_else(PoisonError::into_inner).feed {
            Feed::NotNeeded | Feed::Live => false,
            Feed::Lost(since) => self.clock.monotonic().saturating_sub(since) > STALE_AFTER,
        }
    }

    fn set_feed(&self, feed: Feed) {
        self.change(|known| known.feed = feed);
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner));
        self.changed.send_replace(());
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
    fn from(refusal: Refusal) -> Self {
        let problem = |status, code| Self::new(status, code, refusal.to_string());
        let challenge = |code, value| {
            problem(StatusCode::UNAUTHORIZED, code).header(WWW_AUTHENTICATE, HeaderValue::from_static(value))
        };
        // RFC 6750 section 3.1: no error code where there was no token at all.
        match refusal {
            Refusal::Missing => challenge("missing_token", r#"Bearer realm="pistack""#),
            Refusal::Invalid => challenge("invalid_token", INVALID_TOKEN),
            Refusal::Legacy => challenge("legacy-token", INVALID_TOKEN)
                .detail("This token was made by the system that pistack replaced. Please log in again."),
            Refusal::NoKeys => problem(StatusCode::SERVICE_UNAVAILABLE, "auth_unreachable"),
            Refusal::Forbidden(level) => problem(StatusCode::FORBIDDEN, "forbidden")
                .header(
                    WWW_AUTHENTICATE,
                    HeaderValue::from_static(r#"Bearer error="insufficient_scope""#),
                )
                .with("required_level", level.as_str()),
        }
    }
}

const INVALID_TOKEN: &str = r#"Bearer realm="pistack", error="invalid_token""#;

/// Reads the bearer token as leniently as the original: surrounding white space, `Bearer%20`, repeated
/// `Bearer `, quotes around the token, any case of the scheme. A header without the scheme carries no token.
pub fn read_bearer(headers: &HeaderMap) -> Option<String> {
    let mut rest = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    let mut found = false;
    while let Some(after) = strip_scheme(rest) {
        found = true;
        rest = after;
    }
    let unquoted = ['"', '\'']
        .into_iter()
        .find_map(|quote| rest.strip_prefix(quote)?.strip_suffix(quote))
        .map_or(rest, str::trim);
    (found && !unquoted.is_empty()).then(|| unquoted.to_owned())
}

/// What follows `Bearer ` or `Bearer%20`.
fn strip_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_at_checked("bearer".len())?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let rest = rest
        .strip_prefix("%20")
        .or_else(|| rest.strip_prefix([' ', '\t']))?;
    Some(rest.trim_start())
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

fn admit(parts: &Parts, level: Level) -> Result<AccessClaims, Refusal> {
    let Some(guard) = parts.extensions.get::<Arc<Guard>>() else {
        // Only a router that did not pass through `kit::service` lacks it; closed is the safe answer.
        tracing::error!("no guard in the request's extensions");
        return Err(Refusal::NoKeys);
    };
    guard.admit(&parts.headers, level)
}

/// True for a scope that takes nothing away.
fn is_unlimited(scope: &str) -> bool {
    scope
        .split_ascii_whitespace()
        .any(|grant| grant == "*" || grant == "*:*:*")
}

/// The caller, if it has the right.
fn admit_right(parts: &Parts, right: RightInfo, object: Object<'_>) -> Result<AccessClaims, Problem> {
    let Some(guard) = parts.extensions.get::<Arc<Guard>>() else {
        tracing::error!("no guard in the request's extensions");
        return Err(Refusal::NoKeys.into());
    };
    guard.admit_to(read_bearer(&parts.headers).as_deref(), right, object)
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match admit(parts, Level::User) {
            Ok(claims) => Ok(Self(claims)),
            Err(Refusal::Missing) => Err(Refusal::Invalid.into()),
            Err(refusal) => Err(refusal.into()),
        }
    }
}
impl<S: Send + Sync> FromRequestParts<S> for AdminCaller {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(Self(admit(parts, Level::Admin)?))
    }
}
impl<S: Send + Sync> FromRequestParts<S> for RootCaller {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(Self(admit(parts, Level::Root)?))
    }
}

#[cfg(test)]
mod tests;
