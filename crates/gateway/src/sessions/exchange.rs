//! Asking auth what a cookie or an API token is worth.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use pistack_api::auth::{CookieExchange, ExchangedToken};
use pistack_api::service::Service;
use pistack_api::token::AccessClaims;

use super::SignedIn;
use crate::body::{BoxError, RequestBody};
use crate::upstream::{Ask, Upstreams};

/// An exchange may take this long, with the wait for an auth service that is restarting.
const DEADLINE: Duration = Duration::from_secs(10);
/// A token is not used in the last seconds of its life, so that it cannot expire on its way.
const MARGIN: Duration = Duration::from_secs(30);
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// What a request brings along.
pub(crate) enum Credential {
    /// The dashboard's cookie.
    Cookie(String),
    /// An API token, `pst_...`.
    Token(String),
}

impl Credential {
    /// The text. Cookies never look like API tokens, so one table holds both.
    pub(super) fn secret(&self) -> &str {
        match self {
            Self::Cookie(secret) | Self::Token(secret) => secret,
        }
    }

    fn question(&self) -> CookieExchange {
        match self {
            Self::Cookie(cookie) => CookieExchange {
                cookie: cookie.clone(),
                ..CookieExchange::default()
            },
            Self::Token(token) => CookieExchange {
                token: token.clone(),
                ..CookieExchange::default()
            },
        }
    }
}

/// Who it is, by what name the feed will say that it is over, and how long the answer holds. `None` = it is worth
/// nothing.
pub(super) async fn ask(
    upstreams: &Upstreams,
    credential: &Credential,
) -> Result<Option<(SignedIn, String, Duration)>, BoxError> {
    let Some(token) = tokio::time::timeout(DEADLINE, call(upstreams, credential)).await?? else {
        return Ok(None);
    };
    let mut authorization = HeaderValue::try_from(format!("Bearer {}", token.access_token))?;
    authorization.set_sensitive(true);
    let life = Duration::from_secs(token.expires_in.unsigned_abs()).saturating_sub(MARGIN);
    let claims = claims(&token)?;
    Ok(Some((SignedIn::new(authorization, claims), token.sid, life)))
}

/// The token's claims. Auth has signed it this moment and sent it over its own socket: there is nothing to verify.
fn claims(token: &ExchangedToken) -> Result<AccessClaims, BoxError> {
    let payload = token.access_token.split('.').nth(1).unwrap_or_default();
    let read = URL_SAFE_NO_PAD.decode(payload).ok();
    if let Some(claims) = read.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return Ok(claims);
    }
    // What cannot be read may hold a limit, so it gives no right; services read the token themselves.
    let user = &token.user;
    let claims = serde_json::json!({
        "typ": "access", "jti": "", "sub": user.id, "nam": user.name, "lvl": user.level, "sid": token.sid, "ep": 0,
        "iss": "", "aud": [], "iat": 0, "exp": 0, "scope": "",
    });
    Ok(serde_json::from_value(claims)?)
}

async fn call(upstreams: &Upstreams, credential: &Credential) -> Result<Option<ExchangedToken>, BoxError> {
    let body = Bytes::from(serde_json::to_vec(&credential.question())?);
    let json = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let ask = Ask {
        method: &Method::POST,
        path: &PathAndQuery::from_static("/internal/exchange"),
        headers: &json,
        host: &HeaderValue::from_static("localhost"),
        forwarded: None,
        websocket: false,
    };
    let auth = upstreams.service(Service::Auth);
    let response = auth.ask_with(&ask, RequestBody::Full(Some(body))).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES)
        .collect()
        .await?
        .to_bytes();
    match status {
        StatusCode::OK => Ok(Some(serde_json::from_slice(&body)?)),
        // 401 is the answer for a session that is over; any other 4xx means that this is no credential of ours.
        status if status.is_client_error() => Ok(None),
        status => Err(format!("auth answered {status}").into()),
    }
}
