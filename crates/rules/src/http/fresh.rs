//! A login not older than ten minutes, for what is dangerous (RFC 9470). A rule may run commands with the rights of this
//! process: a stolen session alone must not be enough to make one.

use std::time::Duration;

use bytes::Bytes;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, Request, StatusCode};
use pistack_api::token::{AccessClaims, Via};
use pistack_kit::client::Client;
use pistack_kit::problem::Problem;

/// How long a proof counts, in seconds.
const RECENT: i64 = 600;
/// How long auth may take to answer.
const WITHIN: Duration = Duration::from_secs(3);

/// Refuses an API token, and a login that was last proved more than ten minutes ago. The token may be older than the
/// last proof: then auth knows.
pub(super) async fn require_recent(claims: &AccessClaims, now: i64, auth: &Client) -> Result<(), Problem> {
    if claims.via != Via::Session {
        return Err(
            Problem::new(StatusCode::FORBIDDEN, "forbidden", "forbidden: requires a login")
                .detail("An API token cannot do this. Log in."),
        );
    }
    let is_recent = |at: i64| (0..=RECENT).contains(&now.saturating_sub(at));
    if claims.auth_time.is_some_and(is_recent) {
        return Ok(());
    }
    let plain = claims
        .sid
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if plain && ask(&claims.sid, auth).await? {
        return Ok(());
    }
    let challenge = HeaderValue::from_static(
        r#"Bearer realm="pistack", error="insufficient_user_authentication", max_age="600""#,
    );
    Err(Problem::new(
        StatusCode::UNAUTHORIZED,
        "reauthentication-required",
        "reauthentication required",
    )
    .detail("This takes a login not older than ten minutes: POST /api/auth/session/reauth, or log in again.")
    .header(WWW_AUTHENTICATE, challenge))
}

async fn ask(sid: &str, auth: &Client) -> Result<bool, Problem> {
    let request = Request::get(format!("/internal/recent/{sid}"))
        .body(Bytes::new())
        .map_err(|error| Problem::internal(&error))?;
    let answer = auth.send(request, WITHIN).await.map_err(|error| {
        tracing::warn!(%error, "auth could not be asked for a recent login");
        Problem::unavailable("the login service does not answer")
    })?;
    Ok(answer.status() == StatusCode::NO_CONTENT)
}
