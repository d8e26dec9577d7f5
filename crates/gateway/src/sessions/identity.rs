//! Somebody who is signed in, and how an application is told.

use http::header::{HeaderMap, HeaderValue};
use pistack_api::token::AccessClaims;
use pistack_kit::guard::{IDENTITY_HEADERS, write_identity};

/// Somebody who is signed in.
#[derive(Debug)]
pub(crate) struct SignedIn {
    /// For services of the stack: `Bearer ...`.
    pub(crate) authorization: HeaderValue,
    pub(crate) claims: AccessClaims,
    /// `X-Auth-User` and its like, ready to be copied.
    fields: HeaderMap,
}

impl SignedIn {
    pub(crate) fn new(authorization: HeaderValue, claims: AccessClaims) -> Self {
        let mut fields = HeaderMap::with_capacity(IDENTITY_HEADERS.len());
        write_identity(&mut fields, &claims);
        Self {
            authorization,
            claims,
            fields,
        }
    }

    /// The login name, as a field says it.
    pub(crate) fn name(&self) -> Option<HeaderValue> {
        self.fields.get(&IDENTITY_HEADERS[0]).cloned()
    }

    /// Tells an application who it is. What the client itself said of that was taken off before.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.fields {
            headers.insert(name, value.clone());
        }
    }
}
