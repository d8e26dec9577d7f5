//! Rights that a handler receives: [`May`] for a whole area, [`MayOn`] for one thing in it. A handler that takes
//! neither, nor one of the levels ([`super::Caller`] ...), lets everybody in; the golden list of all operations finds
//! such a one.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use http::request::Parts;
use pistack_api::right::{Lack, Object, Right, RightInfo};
use pistack_api::token::{AccessClaims, Level};

use super::{Guard, Refusal, admit_right};
use crate::problem::Problem;

/// A caller who has the right `R` everywhere: by level, or by a grant of the whole area.
#[derive(Debug, Clone)]
pub struct May<R> {
    claims: AccessClaims,
    right: PhantomData<R>,
}

impl<R: Right> May<R> {
    /// Who it is.
    pub fn claims(&self) -> &AccessClaims {
        &self.claims
    }
}

/// A caller who has the right `R` to something. To what, the handler asks with [`MayOn::on`] as soon as it knows the
/// thing; only that tells who the caller is.
#[derive(Debug, Clone)]
pub struct MayOn<R> {
    claims: AccessClaims,
    right: PhantomData<R>,
}

impl<R: Right> MayOn<R> {
    /// Who it is, if the right extends to `object`; else 403.
    pub fn on(&self, object: &str) -> Result<&AccessClaims, Problem> {
        self.on_any(&[object])
    }

    /// The same for a thing that goes by several names. The first is the one a refusal tells.
    pub fn on_any(&self, names: &[&str]) -> Result<&AccessClaims, Problem> {
        if names.iter().any(|name| self.covers(name)) {
            return Ok(&self.claims);
        }
        let object = names.first().copied().unwrap_or("*");
        let lack = self.claims.may(R::INFO, Object::Named(object)).err();
        Err(refusal(R::INFO, lack.unwrap_or(Lack::Level), object))
    }

    /// True if the right extends to `object`.
    pub fn covers(&self, object: &str) -> bool {
        self.claims.may(R::INFO, Object::Named(object)).is_ok()
    }

    /// True if the right extends to all objects, so that nothing needs to be left out.
    pub fn covers_all(&self) -> bool {
        self.claims.may(R::INFO, Object::Every).is_ok()
    }
}

impl<R: Right, S: Send + Sync> FromRequestParts<S> for May<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let claims = admit_right(parts, R::INFO, Object::Every)?;
        Ok(Self {
            claims,
            right: PhantomData,
        })
    }
}

impl<R: Right, S: Send + Sync> FromRequestParts<S> for MayOn<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let claims = admit_right(parts, R::INFO, Object::Some)?;
        Ok(Self {
            claims,
            right: PhantomData,
        })
    }
}

impl Guard {
    /// Who sent a request with this token, if that caller has the right.
    pub(super) fn admit_to(
        &self,
        token: Option<&str>,
        right: RightInfo,
        object: Object<'_>,
    ) -> Result<AccessClaims, Problem> {
        // As `Caller` and `AdminCaller` say it.
        let missing = if right.level == Level::User {
            Refusal::Invalid
        } else {
            Refusal::Missing
        };
        let claims = self.verify(token.ok_or(missing)?)?;
        if let Err(lack) = claims.may(right, object) {
            return Err(refusal(right, lack, "*"));
        }
        // Somebody who was put out may read on for a while where nobody can tell us; and do nothing else.
        if self.is_stale() && !right.is_reading() {
            return Err(Refusal::NoKeys.into());
        }
        Ok(claims)
    }
}

/// 403, with the right that is missing.
pub fn refusal(right: RightInfo, lack: Lack, object: &str) -> Problem {
    let problem = Problem::from(Refusal::Forbidden(right.level)).with("required_right", right.text(object));
    match lack {
        Lack::Level => problem,
        Lack::Scope => problem.detail("The person may, but this token is limited to other rights."),
    }
}

#[cfg(test)]
mod tests;
