//! Who calls, as a type that a handler receives. The level is the account's present one, never only what a token
//! says.
//!
//! | type | lets in |
//! | --- | --- |
//! | [`Actor`] | anyone signed in, with whatever credential |
//! | [`Reach`] | the same, with a token whose scope has the right; whose account may be touched, `accounts` decides |
//! | [`Manage`] | Admin and Root, with a token whose scope has the right |
//! | [`Person`] | a login: no API token |
//! | [`RecentPerson`] | a login that was proved within the last ten minutes: for what is dangerous |
//! | [`RecentAdmin`] | the same of Admin and Root |

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::WWW_AUTHENTICATE;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use pistack_api::right::{Lack, Object, Right, RightInfo};
use pistack_api::token::{AccessClaims, Level, Via};
use pistack_kit::guard::{Refusal, read_bearer, refusal};
use pistack_kit::problem::Problem;

use crate::directory::User;
use crate::error::{Error, requires};
use crate::reauth::RECENT;
use crate::state::Auth;

/// Anyone signed in.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    /// The account as it is now.
    pub user: Arc<User>,
    /// The token's claims.
    pub claims: AccessClaims,
}

/// Anyone signed in whose token may be used for `R`.
#[derive(Debug, Clone)]
pub(crate) struct Reach<R> {
    /// Who.
    pub actor: Actor,
    right: PhantomData<R>,
}

/// Admin or Root, with a token that may be used for `R`.
#[derive(Debug, Clone)]
pub(crate) struct Manage<R> {
    /// Who.
    pub actor: Actor,
    right: PhantomData<R>,
}

/// A login, not an API token.
#[derive(Debug, Clone)]
pub(crate) struct Person(pub Actor);

/// A login that was proved within the last ten minutes.
#[derive(Debug, Clone)]
pub(crate) struct RecentPerson(pub Actor);

/// Admin or Root, by a login that was proved within the last ten minutes.
#[derive(Debug, Clone)]
pub(crate) struct RecentAdmin(pub Actor);

impl Actor {
    /// The bearer of a token, if it holds.
    pub(crate) fn of_token(auth: &Auth, token: &str) -> Result<Self, Error> {
        let claims = auth.guard.verify(token).inspect_err(|refusal| {
            if *refusal == Refusal::Legacy {
                auth.is_legacy(token);
            }
        })?;
        let user = auth
            .directory
            .get(&claims.sub)
            .filter(|user| user.epoch == claims.ep)
            .ok_or(Refusal::Invalid)?;
        Ok(Self { user, claims })
    }

    fn of_request(parts: &Parts, auth: &Auth) -> Result<Self, Error> {
        // Auth says `invalid or expired token` to no token as well, as the original did.
        let token = read_bearer(&parts.headers).ok_or(Refusal::Invalid)?;
        Self::of_token(auth, &token)
    }

    /// Refuses an API token.
    fn require_person(&self) -> Result<(), Error> {
        if self.claims.via == Via::Session {
            return Ok(());
        }
        Err(
            Problem::new(StatusCode::FORBIDDEN, "forbidden", "forbidden: requires a login")
                .detail("An API token cannot do this. Log in.")
                .into(),
        )
    }

    /// Refuses an API token, and a login that was last proved more than ten minutes ago (RFC 9470).
    pub(crate) fn require_recent(&self, auth: &Auth) -> Result<(), Error> {
        self.require_person()?;
        let age = |at: i64| auth.clock.unix().saturating_sub(at);
        let by_claim = self
            .claims
            .auth_time
            .is_some_and(|at| (0..=RECENT.as_secs() as i64).contains(&age(at)));
        if by_claim || auth.authentications.recent(&self.claims.sid).is_some() {
            return Ok(());
        }
        let challenge = HeaderValue::from_static(
            r#"Bearer realm="pistack", error="insufficient_user_authentication", max_age="600""#,
        );
        Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "reauthentication-required",
            "reauthentication required",
        )
        .detail(
            "This takes a login not older than ten minutes: POST /api/auth/session/reauth, or log in again.",
        )
        .header(WWW_AUTHENTICATE, challenge)
        .into())
    }

    /// Refuses a token whose scope lacks the right. A person with a limited login still reaches the own account.
    pub(crate) fn require_scope(&self, right: RightInfo, target: &str) -> Result<(), Error> {
        let own = self.claims.via == Via::Session && self.user.id == target;
        if own || self.claims.scope_covers(right, Object::Named(target)) {
            return Ok(());
        }
        Err(refusal(right, Lack::Scope, target).into())
    }
}

impl<R: Right> Reach<R> {
    /// Refuses where the token's scope does not extend to this account.
    pub(crate) fn require(&self, target: &str) -> Result<(), Error> {
        self.actor.require_scope(R::INFO, target)
    }
}

impl FromRequestParts<Arc<Auth>> for Actor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, auth: &Arc<Auth>) -> Result<Self, Problem> {
        Ok(Self::of_request(parts, auth)?)
    }
}

impl<R: Right> FromRequestParts<Arc<Auth>> for Reach<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, auth: &Arc<Auth>) -> Result<Self, Problem> {
        let actor = Actor::of_request(parts, auth)?;
        // For any account at all; for which, the handler asks.
        if actor.claims.via == Via::Token && !actor.claims.scope_covers(R::INFO, Object::Some) {
            return Err(refusal(R::INFO, Lack::Scope, "*"));
        }
        Ok(Self {
            actor,
            right: PhantomData,
        })
    }
}

impl<R: Right> FromRequestParts<Arc<Auth>> for Manage<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, auth: &Arc<Auth>) -> Result<Self, Problem> {
        let actor = Actor::of_request(parts, auth)?;
        if actor.user.level < Level::Admin {
            return Err(refusal_of_level::<R>());
        }
        if !actor.claims.scope_covers(R::INFO, Object::Every) {
            return Err(refusal(R::INFO, Lack::Scope, "*"));
        }
        Ok(Self {
            actor,
            right: PhantomData,
        })
    }
}

fn refusal_of_level<R: Right>() -> Problem {
    Problem::from(requires(Level::Admin)).with("required_right", R::INFO.text("*"))
}

impl FromRequestParts<Arc<Auth>> for Person {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, auth: &Arc<Auth>) -> Result<Self, Problem> {
        let actor = Actor::of_request(parts, auth)?;
        actor.require_person()?;
        Ok(Self(actor))
    }
}

impl FromRequestParts<Arc<Auth>> for RecentPerson {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, auth: &Arc<Auth>) -> Result<Self, Problem> {
        let actor = Actor::of_request(parts, auth)?;
        actor.require_recent(auth)?;
        Ok(Self(actor))
    }
}

impl FromRequestParts<Arc<Auth>> for RecentAdmin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, auth: &Arc<Auth>) -> Result<Self, Problem> {
        let actor = Actor::of_request(parts, auth)?;
        actor.require_person()?;
        if actor.user.level < Level::Admin {
            return Err(requires(Level::Admin).into());
        }
        actor.require_recent(auth)?;
        Ok(Self(actor))
    }
}

/// Where a request comes from.
impl FromRequestParts<Arc<Auth>> for crate::sessions::Origin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, auth: &Arc<Auth>) -> Result<Self, Self::Rejection> {
        let device = parts
            .headers
            .get(http::header::USER_AGENT)
            .and_then(|value| value.to_str().ok());
        let address = crate::client_address::of(parts, &auth.config.trusted_proxies);
        Ok(Self::new(address, device.unwrap_or_default()))
    }
}
