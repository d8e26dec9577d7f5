//! Who asks, and whose mails they may see: everyone who may send sees their own, who may read or manage mail sees all.

use axum::extract::FromRequestParts;
use http::request::Parts;
use pistack_api::right::{ManageMail, ReadMail, Right, SendMail};
use pistack_api::token::{AccessClaims, Level};
use pistack_kit::guard::May;
use pistack_kit::problem::Problem;

use crate::compose::Author;
use crate::outbox::Owner;

/// May send.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    pub(super) owner: Owner,
    pub(super) author: Author,
}

/// May read all mails, or their own.
#[derive(Debug, Clone)]
pub(super) struct Reader(pub(super) Owner);

/// May manage all mails, or their own.
#[derive(Debug, Clone)]
pub(super) struct Manager(pub(super) Owner);

fn owner(claims: &AccessClaims, sees_all: bool) -> Owner {
    Owner {
        id: claims.sub.clone(),
        name: claims.nam.clone(),
        sees_all,
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Sender {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = May::<SendMail>::from_request_parts(parts, state).await?;
        let claims = caller.claims();
        Ok(Self {
            owner: owner(claims, false),
            author: if claims.lvl >= Level::Admin {
                Author::Admin
            } else {
                Author::User
            },
        })
    }
}

async fn all_or_own<R: Right, S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Owner, Problem> {
    if let Ok(caller) = May::<R>::from_request_parts(parts, state).await {
        return Ok(owner(caller.claims(), true));
    }
    let caller = May::<SendMail>::from_request_parts(parts, state).await?;
    Ok(owner(caller.claims(), false))
}

impl<S: Send + Sync> FromRequestParts<S> for Reader {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        all_or_own::<ReadMail, S>(parts, state).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Manager {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        all_or_own::<ManageMail, S>(parts, state).await.map(Self)
    }
}
