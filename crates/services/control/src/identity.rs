//! Who looks at a page: the bearer token that the gateway made of the cookie, or the cookie itself where no
//! gateway stands before us.

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use pistack_api::auth::COOKIE;
use pistack_api::right::{
    Object, ReadProcess, RestartProcess, Right as _, RightInfo, StartProcess, StopProcess,
};
use pistack_api::service::Service;
use pistack_api::token::AccessClaims;
use pistack_kit::guard::{Refusal, read_bearer};

use crate::error::Failure;
use crate::state::Dashboard;
use crate::upstream::supervisor::Action;
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
    /// Has a right to at least one thing. The service that does it decides in the end; this decides what a page
    /// shows.
    pub(crate) fn may(&self, right: RightInfo) -> bool {
        self.claims.may(right, Object::Some).is_ok()
    }

    /// Has a right to the thing of this name.
    pub(crate) fn may_on(&self, right: RightInfo, name: &str) -> bool {
        self.claims.may(right, Object::Named(name)).is_ok()
    }

    /// In whose name, in which session and with which rights. Tokens are renewed every few minutes; what they let see
    /// is the same while this is.
    pub(crate) fn session(&self) -> String {
        let AccessClaims {
            sub,
            sid,
            lvl,
            ep,
            aud,
            via,
            grants,
            scope,
            ..
        } = &self.claims;
        format!("{sub} {sid} {lvl:?} {ep} {aud:?} {via:?} {grants:?} {scope:?}")
    }

    /// May see programs.
    pub(crate) fn sees_programs(&self) -> bool {
        self.may(ReadProcess::INFO)
    }

    /// May start, stop or restart at least one program.
    pub(crate) fn acts_on_programs(&self) -> bool {
        [StartProcess::INFO, StopProcess::INFO, RestartProcess::INFO]
            .into_iter()
            .any(|right| self.may(right))
    }

    /// May start, stop or restart a program: `process` and `group:process` both name it.
    pub(crate) fn controls(&self, action: Action, names: [&str; 2]) -> bool {
        let right = match action {
            Action::Start => StartProcess::INFO,
            Action::Stop => StopProcess::INFO,
            Action::Restart => RestartProcess::INFO,
        };
        names.iter().any(|name| self.may_on(right, name))
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
        visit.who = Some(Who::new(&claims));
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
