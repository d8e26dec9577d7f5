//! Bodies of the auth service: the contract's session and user calls, and the calls that only the stack's
//! own processes make over auth's unix socket (`/internal/...`, never on TCP).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::token::{AccessClaims, Level};

/// A user as everyone may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublicUser {
    /// UUID.
    pub id: String,
    /// Login name.
    pub name: String,
    /// Level.
    pub level: Level,
}

/// The answer to login and refresh.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenAnswer {
    /// Ed25519 JWT, 15 minutes unless configured.
    pub access_token: String,
    /// Opaque; good for one use.
    pub refresh_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: String,
    /// Life of the access token in seconds.
    #[schema(example = 900)]
    pub expires_in: i64,
    /// Who it is.
    pub user: PublicUser,
}

/// The answer to validate.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ValidateAnswer {
    /// Always true in a 200.
    pub valid: bool,
    /// Who it is.
    pub user: PublicUser,
    /// The token's claims.
    pub token: AccessClaims,
}

/// `POST /internal/session`: the dashboard signs a person in. Answers [`CookieSession`], or the same
/// problems as the public login.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CookieLogin {
    /// Login name.
    pub name: String,
    /// Password.
    pub password: String,
    /// The browser's `User-Agent`, for the list of sessions.
    #[serde(default)]
    pub device: String,
    /// The browser's address as the gateway saw it.
    #[serde(default)]
    pub address: String,
    /// A code of the authenticator or a recovery code; empty where none was asked for. 401 `second-factor-required`
    /// asks for one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub otp: String,
    /// What an earlier login gave as [`CookieSession::device_token`]; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub device_token: String,
    /// True to be given a device token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub remember_device: bool,
    /// The `sid` of the session that the browser had until now: it ends, so that a login always begins a new one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub replaces: String,
    /// A new password, for an account that has to choose one (403 `password_change_required`); else empty.
    #[serde(default)]
    pub new_password: String,
}

/// `POST /internal/setup`: the first account of an installation, against the one-time setup code.
/// Answers [`CookieSession`]; 403 `invalid setup code`; 409 `already set up`; 400 for a bad password.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SetupRequest {
    /// The code that `pistack up` printed.
    pub code: String,
    /// Name of the Root account, `root` unless given.
    pub name: String,
    /// Its password.
    pub password: String,
    /// The browser's `User-Agent`.
    #[serde(default)]
    pub device: String,
    /// The browser's address.
    #[serde(default)]
    pub address: String,
}

/// A dashboard session: the cookie's value and whose it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CookieSession {
    /// Opaque value for the `__Host-pistack` cookie.
    pub cookie: String,
    /// Seconds until the session ends at the latest.
    pub max_age: i64,
    /// Whose it is.
    pub user: PublicUser,
    /// For the device to keep for a year and to show at the next login, where that was asked for: a device known so
    /// is not kept out by the guesses of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_token: Option<String>,
}

/// `POST /internal/exchange` turns a cookie, or an API token, into a short access token for all services; 401
/// when the session is over or the token is not good (any more). Exactly one of the two is given.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct CookieExchange {
    /// The cookie's value.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cookie: String,
    /// An API token, `pst_...`; looked at where there is no cookie.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token: String,
}

impl std::fmt::Debug for CookieExchange {
    /// Without the secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = if self.cookie.is_empty() { "token" } else { "cookie" };
        write!(f, "CookieExchange({kind})")
    }
}

/// `POST /internal/session/end` ends a dashboard session, also one that is over already, and answers 204. By
/// its cookie, or by the `sid` of its token: the gateway keeps the cookie from the dashboard.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SessionEnd {
    /// The cookie's value; empty where only the token is known.
    #[serde(default)]
    pub cookie: String,
    /// The session's name in tokens; looked at where there is no cookie.
    #[serde(default)]
    pub sid: String,
}

/// The answer to an exchange.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExchangedToken {
    /// Ed25519 JWT, 5 minutes.
    pub access_token: String,
    /// Life in seconds.
    pub expires_in: i64,
    /// The session, or the API token's id, so that a cache can drop it when the feed says so.
    pub sid: String,
    /// Whose it is.
    pub user: PublicUser,
}

/// `GET /internal/state`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuthState {
    /// True while there is no account at all.
    pub setup_required: bool,
    /// True while the code of the boot partition can be given at the setup call to set a Root's password.
    #[serde(default)]
    pub reset_armed: bool,
    /// How the board's clock is known to be right: `synchronised`, `hardware`, `word`, `assumed`, or `untrusted`.
    #[serde(default)]
    pub clock: String,
    /// The copy that took the place of a damaged or lost database at this start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<String>,
}

/// What every API token begins with, so that leak scanners know it.
pub const API_TOKEN_PREFIX: &str = "pst_";

/// Name of the dashboard's cookie (RFC 6265bis `__Host-` prefix: Secure, no Domain, `Path=/`).
pub const COOKIE: &str = "__Host-pistack";
