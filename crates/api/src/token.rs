//! Access tokens: claims, levels, keys and the feed by which auth tells the others who is out.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a person may do. Parsed without regard to case, always written in one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
pub enum Level {
    /// Reads and changes only itself.
    User,
    /// Manages everyone but Root, reads processes.
    Admin,
    /// May do all.
    Root,
}

impl Level {
    /// The spelling on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Admin => "Admin",
            Self::Root => "Root",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is none of `Root`, `Admin`, `User`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no level; write Root, Admin or User")]
pub struct UnknownLevel(pub String);

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::User, Self::Admin, Self::Root]
            .into_iter()
            .find(|level| level.as_str().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// The claims of an access token (RFC 9068 `at+jwt`), with the original's names among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessClaims {
    /// Always `access`.
    pub typ: String,
    /// This token's id.
    pub jti: String,
    /// The user's id (UUID).
    pub sub: String,
    /// The user's name.
    pub nam: String,
    /// The user's level.
    pub lvl: Level,
    /// The session that the token belongs to; ending the session ends the token.
    pub sid: String,
    /// The user's security epoch; a password or level change raises it and ends older tokens.
    pub ep: i64,
    /// The issuer: this installation's id.
    pub iss: String,
    /// The services that take this token, by their short names.
    pub aud: Vec<String>,
    /// Issued at, seconds since 1970.
    pub iat: i64,
    /// Expires at, seconds since 1970.
    pub exp: i64,
    /// When the person last proved who it is (password, second factor), seconds since 1970; absent after a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// By what kind of credential the token was had.
    #[serde(default, skip_serializing_if = "Via::is_session")]
    pub via: Via,
    /// Rights that the person has beyond the level, separated by spaces; see [`crate::right`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<String>,
    /// Where present, the token is limited to these rights, separated by spaces (RFC 9068 section 2.2.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// By what kind of credential an access token was had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// A person logged in.
    #[default]
    Session,
    /// An API token (`pst_...`) of a person.
    Token,
}

impl Via {
    /// The spelling on the wire and in `X-Auth-Method`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Token => "token",
        }
    }

    /// True for logins.
    pub const fn is_session(&self) -> bool {
        matches!(self, Self::Session)
    }
}

/// One public Ed25519 key (RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Jwk {
    /// Always `OKP`.
    pub kty: String,
    /// Always `Ed25519`.
    pub crv: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// Always `EdDSA`.
    pub alg: String,
    /// Key id.
    pub kid: String,
    /// The public key, base64url without padding.
    pub x: String,
}

/// The public keys of this installation (RFC 7517).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Jwks {
    /// Issuer that the keys sign for; not part of RFC 7517, readers of plain JWKS skip it.
    #[serde(default)]
    pub issuer: String,
    /// The keys, newest first.
    pub keys: Vec<Jwk>,
}

/// What was ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Revocation {
    /// One session.
    Session {
        /// Its `sid`.
        sid: String,
        /// Seconds since 1970 after which no token of the session can be valid any more.
        until: i64,
    },
    /// All tokens of a user whose epoch is lower than the one given.
    User {
        /// The user's id.
        sub: String,
        /// The lowest epoch still good.
        epoch: i64,
        /// Seconds since 1970 after which no older token can be valid any more.
        until: i64,
    },
}

/// One line of auth's feed (`GET /internal/feed`, JSON Lines over its unix socket).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum FeedLine {
    /// The whole state; always the first line of a connection.
    Snapshot {
        /// The keys.
        keys: Jwks,
        /// Everything revoked whose tokens might still be unexpired.
        revoked: Vec<Revocation>,
    },
    /// The keys changed.
    Keys {
        /// The new set.
        keys: Jwks,
    },
    /// Something was revoked.
    Revoked {
        /// What.
        revocation: Revocation,
    },
}
