//! Somebody who is signed in, and how an application is told.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use pistack_api::token::AccessClaims;

const USER: HeaderName = HeaderName::from_static("x-auth-user");
const ID: HeaderName = HeaderName::from_static("x-auth-id");
const LEVEL: HeaderName = HeaderName::from_static("x-auth-level");
const METHOD: HeaderName = HeaderName::from_static("x-auth-method");
/// What of a name is written as it is. Other letters are percent-encoded: fields are ASCII, and programs differ in
/// what they make of the rest.
const ODD: &AsciiSet = &CONTROLS.add(b'%');

/// Somebody who is signed in.
#[derive(Debug)]
pub(crate) struct SignedIn {
    /// For services of the stack: `Bearer ...`.
    pub(crate) authorization: HeaderValue,
    pub(crate) claims: AccessClaims,
    /// The login name, as a field says it.
    pub(crate) name: HeaderValue,
}

impl SignedIn {
    pub(crate) fn new(authorization: HeaderValue, claims: AccessClaims) -> Self {
        let name = HeaderValue::try_from(utf8_percent_encode(&claims.nam, ODD).to_string());
        Self {
            authorization,
            name: name.unwrap_or_else(|_| HeaderValue::from_static("-")),
            claims,
        }
    }

    /// Tells an application who it is. What the client itself said of that was taken off before.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        headers.insert(USER, self.name.clone());
        if let Ok(id) = HeaderValue::from_str(&self.claims.sub) {
            headers.insert(ID, id);
        }
        let level = self.claims.lvl.as_str().to_ascii_lowercase();
        if let Ok(level) = HeaderValue::try_from(level) {
            headers.insert(LEVEL, level);
        }
        headers.insert(METHOD, HeaderValue::from_static(self.claims.via.as_str()));
    }
}
