//! `/api/auth/session`: login, refresh, validate, logout, me.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use bytes::Bytes;
use http::HeaderMap;
use pistack_api::auth::{PublicUser, TokenAnswer, ValidateAnswer};
use pistack_api::problem::ProblemBody;
use pistack_kit::extract::Json;
use pistack_kit::guard::read_bearer;
use pistack_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::actor::Actor;
use crate::error::Error;
use crate::login::{self, Attempt};
use crate::sessions::{self, Origin};
use crate::state::Auth;

/// The body of a login.
#[derive(Deserialize, ToSchema)]
pub(crate) struct LoginBody {
    /// Login name, in any case.
    #[schema(example = "root")]
    name: String,
    /// Password.
    password: String,
    /// Six digits of the authenticator, or a recovery code; asked for by 401 `second-factor-required`.
    otp: Option<String>,
    /// What an earlier login gave to this device: then the failures of others do not slow it down.
    device_token: Option<String>,
    /// True to be given a `device_token`.
    #[serde(default)]
    remember_device: bool,
    /// A new password, for an account that has to choose one (403 `password_change_required`).
    #[schema(max_length = 128)]
    new_password: Option<String>,
}

/// The answer to a login.
#[derive(Serialize, ToSchema)]
pub(crate) struct LoginAnswer {
    #[serde(flatten)]
    tokens: TokenAnswer,
    /// For the device to keep for a year and to show at the next login; only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<String>,
}

/// The user behind a token, and what is granted beyond the level.
#[derive(Serialize, ToSchema)]
pub(crate) struct MeAnswer {
    #[serde(flatten)]
    user: PublicUser,
    /// Rights beyond the level; only where there are some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    grants: Vec<String>,
    /// The only rights that the token carries; only where it is limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<Vec<String>>,
}

/// The body of a refresh.
#[derive(Deserialize, ToSchema)]
pub(crate) struct RefreshBody {
    /// The refresh token of the last answer.
    refresh_token: String,
}

/// The body of a logout. May be left out when the refresh token comes as bearer.
#[derive(Deserialize, ToSchema)]
#[expect(
    dead_code,
    reason = "describes the body; it is read more leniently than serde would"
)]
pub(crate) struct LogoutBody {
    /// The refresh token to end.
    refresh_token: Option<String>,
}

/// The answer to a logout.
#[derive(Serialize, ToSchema)]
pub(crate) struct LogoutAnswer {
    /// Always true in a 200.
    revoked: bool,
}

/// Logs in with name and password.
#[utoipa::path(
    post,
    path = "/api/auth/session/login",
    tag = "session",
    security(()),
    request_body = LoginBody,
    responses(
        (status = 200, description = "Access and refresh token.", body = LoginAnswer),
        (status = 401, description = "`invalid credentials`, `second factor required` or `invalid second factor`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`password must be changed`: send `new_password` as well", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many failures; `Retry-After` says how long to wait.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too many logins at once; `Retry-After` says how long to wait.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn login_session(
    State(auth): State<Arc<Auth>>,
    origin: Origin,
    Json(body): Json<LoginBody>,
) -> Result<Answer<LoginAnswer>, Problem> {
    let attempt = Attempt {
        name: &body.name,
        password: Zeroizing::new(body.password),
        otp: body.otp.as_deref(),
        device_token: body.device_token.as_deref(),
        new_password: body.new_password.map(Zeroizing::new),
        origin: &origin,
    };
    let user = login::authenticate(&auth, attempt).await?;
    let tokens = sessions::begin(&auth, &user, &origin).await?;
    login::welcome(&auth, &user, &origin);
    let device_token = if body.remember_device {
        Some(login::remember_device(&auth, &user).await?)
    } else {
        None
    };
    Ok(Answer(LoginAnswer { tokens, device_token }))
}

/// Exchanges a refresh token for a new pair. The presented one is dead from then on; presented again within 30
/// seconds it yields the same successor, later it ends the session.
#[utoipa::path(
    post,
    path = "/api/auth/session/refresh",
    tag = "session",
    security(()),
    request_body = RefreshBody,
    responses(
        (status = 200, description = "A new pair of tokens.", body = TokenAnswer),
        (status = 401, description = "`invalid or expired refresh token`, `refresh token revoked or unknown` or `user not found`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn refresh_session(
    State(auth): State<Arc<Auth>>,
    Json(body): Json<RefreshBody>,
) -> Result<Answer<TokenAnswer>, Problem> {
    if body.refresh_token.is_empty() {
        return Err(Error::InvalidPayload("`refresh_token` is empty.").into());
    }
    Ok(Answer(sessions::refresh(&auth, &body.refresh_token).await?))
}

/// Says whether the access token holds, and whose it is.
#[utoipa::path(
    post,
    path = "/api/auth/session/validate",
    tag = "session",
    responses(
        (status = 200, description = "The token holds.", body = ValidateAnswer),
        (status = 401, description = "`invalid or expired token`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn validate_session(actor: Actor) -> Answer<ValidateAnswer> {
    Answer(ValidateAnswer {
        valid: true,
        user: actor.user.public(),
        token: actor.claims,
    })
}

/// Ends the session of a refresh token, given in the body or as bearer.
#[utoipa::path(
    post,
    path = "/api/auth/session/logout",
    tag = "session",
    security((), ("BearerAuth" = [])),
    request_body = Option<LogoutBody>,
    responses(
        (status = 200, description = "Ended, now or earlier.", body = LogoutAnswer),
        (status = 400, description = "`missing refresh token`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "`invalid or expired refresh token`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn logout_session(
    State(auth): State<Arc<Auth>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Answer<LogoutAnswer>, Problem> {
    let body = body
        .map_err(|rejection| Problem::new(rejection.status(), "unreadable_body", "missing refresh token"))?;
    let token = refresh_token(&body, &headers).ok_or(Error::MissingRefresh)?;
    sessions::logout(&auth, &token).await?;
    Ok(Answer(LogoutAnswer { revoked: true }))
}

/// The user behind the access token.
#[utoipa::path(
    get,
    path = "/api/auth/session/me",
    tag = "session",
    responses(
        (status = 200, description = "Who it is.", body = MeAnswer),
        (status = 401, description = "`invalid or expired token`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read_session(actor: Actor) -> Answer<MeAnswer> {
    let words = |list: String| list.split_ascii_whitespace().map(str::to_owned).collect();
    Answer(MeAnswer {
        user: actor.user.public(),
        grants: actor.claims.grants.map(words).unwrap_or_default(),
        scope: actor.claims.scope.map(words),
    })
}

/// Where the original looked: in a JSON body (any other body counts as none), else in the bearer. A body whose
/// token is no text is refused, although there may be a bearer.
fn refresh_token(body: &[u8], headers: &HeaderMap) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    match body.get("refresh_token") {
        None | Some(serde_json::Value::Null) => read_bearer(headers),
        Some(serde_json::Value::String(token)) if token.is_empty() => read_bearer(headers),
        Some(token) => token.as_str().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bearer(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(http::header::AUTHORIZATION, http::HeaderValue::from_static(value))])
    }

    #[test]
    fn the_body_wins_over_the_bearer() {
        let headers = bearer("Bearer b");
        for (body, expected) in [
            (r#"{"refresh_token":"a"}"#, Some("a")),
            (r#"{"refresh_token":""}"#, Some("b")),
            (r#"{"refresh_token":null}"#, Some("b")),
            ("{}", Some("b")),
            ("", Some("b")),
            ("not json", Some("b")),
            ("[1]", Some("b")),
            (r#"{"refresh_token":5}"#, None),
        ] {
            assert_eq!(
                refresh_token(body.as_bytes(), &headers).as_deref(),
                expected,
                "{body}"
            );
        }
        assert_eq!(refresh_token(b"{}", &HeaderMap::new()), None);
    }

    proptest! {
        #[test]
        fn any_body_is_survived(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = refresh_token(&body, &HeaderMap::new());
        }
    }
}
