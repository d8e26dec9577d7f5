//! Who looks at a page: the bearer token that the gateway made of the cookie, or the cookie itself where no
//! gateway stands before us.

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use pistack_api::auth::COOKIE;
use pistack_api::service::Service;
use pistack_api::token::{AccessClaims, Level};
use pistack_kit::guard::{Refusal, read_bearer};

use crate::error::Failure;
use crate::state::Dashboard;
use crate::visit::{Visit, Who, cookie};

/// Somebody signed in. A handler that takes one is out of reach for everyone else.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) visit: Visit,
    pub(crate) claims: AccessClaims,
    /// The bearer token, for calls to other services in this person's name.
    pub(crate) token: String,
}

impl Person {
    /// May see programs.
    pub(crate) fn sees_programs(&self) -> bool {
        self.claims.lvl >= Level::Admin
    }

    /// May start and stop programs.
    pub(crate) fn controls_programs(&self) -> bool {
        self.claims.lvl >= Level::Root
    }
}

impl FromRequestParts<Dashboard> for Person {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, dashboard: &Dashboard) -> Result<Self, Failure> {
        let mut visit = Visit::read(parts, dashboard);
        let (token, claims) = match identify(&parts.headers, dashboard).await {
            Ok(found) => found,
            Err(Failure::SignIn) if setup_required(dashboard).await? => return Err(Failure::SetUp),
            Err(failure) => return Err(failure),
        };
        visit.who = Some(Who {
            name: crate::inert::line(&claims.nam),
            level: claims.lvl,
        });
        Ok(Self { visit, claims, token })
    }
}

/// The token of a request and what it says.
pub(crate) async fn identify(
    headers: &HeaderMap,
    dashboard: &Dashboard,
) -> Result<(String, AccessClaims), Failure> {
    let token = match (read_bearer(headers), cookie(headers, COOKIE)) {
        (Some(token), _) => token,
        (None, Some(cookie)) => {
            crate::upstream::auth::exchange(dashboard, cookie)
                .await?
                .access_token
        }
        (None, None) => return Err(Failure::SignIn),
    };
    match dashboard.context.guard.verify(&token) {
        Ok(claims) => Ok((token, claims)),
        Err(Refusal::NoKeys) => Err(Failure::Down(Service::Auth)),
        Err(Refusal::Forbidden(_)) => Err(Failure::Forbidden),
        Err(Refusal::Missing | Refusal::Invalid | Refusal::Legacy) => Err(Failure::SignIn),
    }
}

/// True while there is no account at all.
pub(crate) async fn setup_required(dashboard: &Dashboard) -> Result<bool, Failure> {
    Ok(crate::upstream::auth::state(dashboard).await?.setup_required)
}
