//! The readers of what anybody may send, by name, for coverage-guided fuzzing from outside of this crate.

use std::net::IpAddr;

use http::HeaderMap;
use pistack_api::right::Grant;

use crate::password::werkzeug::Werkzeug;
use crate::{api_tokens, client_address, totp, verify};

/// The client's address in an `X-Forwarded-For` header that came over the gateway's socket.
pub fn forwarded_for(header: &str, trusted: &[IpAddr]) -> Option<IpAddr> {
    client_address::resolve(None, header, trusted)
}

/// The dashboard's cookie among all that a browser sent, and the way to the login page.
pub fn cookie_and_way_back(headers: &HeaderMap) -> (Option<String>, String) {
    let cookie = verify::cookie(headers).map(str::to_owned);
    (cookie, verify::login_address(headers))
}

/// True for a password hash in the original's format that can be verified within bounds.
pub fn is_werkzeug_hash(stored: &str) -> bool {
    Werkzeug::parse(stored).is_ok()
}

/// True for text with the form and the checksum of an API token.
pub fn is_api_token(text: &str) -> bool {
    api_tokens::is_well_formed(text)
}

/// The time step of which `code` is the one-time code.
pub fn one_time_step(secret: &[u8], code: &str, now: i64) -> Option<i64> {
    totp::matching_step(secret, code, now)
}

/// A grant in its long spelling, if the text is one.
pub fn grant(text: &str) -> Option<String> {
    Grant::parse(text).ok().map(|grant| grant.to_string())
}
