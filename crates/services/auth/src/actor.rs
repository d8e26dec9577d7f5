//! Who calls, as a type that a handler receives: [`Actor`] for anyone signed in, [`AdminActor`] for Admin and
//! Root. The level is the account's present one, never only what a token says.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use pistack_api::token::{AccessClaims, Level};
use pistack_kit::guard::{Refusal, read_bearer};
use pistack_kit::problem::Problem;

use crate::directory::User;
use crate::error::{Error, requires};
use crate::state::Auth;

/// Anyone signed in.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    /// The account as it is now.
    pub user: Arc<User>,
    /// The token's claims.
    pub claims: AccessClaims,
}

/// Admin or Root.
#[derive(Debug, Clone)]
pub(crate) struct AdminActor(pub Arc<User>);

fn identify(parts: &Parts, auth: &Auth) -> Result<Actor, Error> {
    // Auth says `invalid or expired token` to no token as well, as the original did.
    let token = read_bearer(&parts.headers).ok_or(Refusal::Invalid)?;
    let claims = auth.guard.verify(&token).inspect_err(|refusal| {
        if *refusal == Refusal::Legacy {
            auth.is_legacy(&token);
        }
    })?;
    let user = auth
        .directory
        .get(&claims.sub)
        .filter(|user| user.epoch == claims.ep)
        .ok_or(Refusal::Invalid)?;
    Ok(Actor { user, claims })
}

impl FromRequestParts<Arc<Auth>> for Actor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, auth: &Arc<Auth>) -> Result<Self, Problem> {
        Ok(identify(parts, auth)?)
    }
}

impl FromRequestParts<Arc<Auth>> for AdminActor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, auth: &Arc<Auth>) -> Result<Self, Problem> {
        let actor = identify(parts, auth)?;
        if actor.user.level < Level::Admin {
            return Err(requires(Level::Admin).into());
        }
        Ok(Self(actor.user))
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
