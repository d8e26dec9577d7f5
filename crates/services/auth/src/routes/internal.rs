//! `/internal/...`: calls of the stack's own processes, on the unix socket only.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use pistack_api::auth::{
    AuthState, CookieExchange, CookieLogin, CookieSession, ExchangedToken, SessionEnd, SetupRequest,
};
use pistack_kit::extract::Json;
use pistack_kit::problem::Problem;
use zeroize::Zeroizing;

use crate::api_tokens;
use crate::audit::Event;
use crate::cookies;
use crate::feed::{self, Feed};
use crate::login::{self, Attempt};
use crate::sessions::Origin;
use crate::setup;
use crate::state::Auth;
use crate::unlock::UnlockRequest;

/// `POST /internal/session`: name and password for a cookie.
pub(crate) async fn login(
    State(auth): State<Arc<Auth>>,
    Json(body): Json<CookieLogin>,
) -> Result<Answer<CookieSession>, Problem> {
    let origin = Origin::new(body.address.parse().ok(), &body.device);
    let given = |text: &'_ String| (!text.is_empty()).then(|| text.clone());
    let (otp, device_token) = (given(&body.otp), given(&body.device_token));
    let attempt = Attempt {
        name: &body.name,
        password: Zeroizing::new(body.password),
        otp: otp.as_deref(),
        device_token: device_token.as_deref(),
        new_password: given(&body.new_password).map(Zeroizing::new),
        origin: &origin,
    };
    let user = login::authenticate(&auth, attempt).await?;
    let mut session = cookies::begin(&auth, &user, &origin).await?;
    login::welcome(&auth, &user, &origin);
    if !body.replaces.is_empty() {
        cookies::end_by_sid(&auth, &body.replaces).await?;
    }
    if body.remember_device {
        session.device_token = Some(login::remember_device(&auth, &user).await?);
    }
    Ok(Answer(session))
}

/// `POST /internal/setup`: the setup code for the first account and a cookie.
pub(crate) async fn set_up(
    State(auth): State<Arc<Auth>>,
    Json(body): Json<SetupRequest>,
) -> Result<Answer<CookieSession>, Problem> {
    let origin = Origin::new(body.address.parse().ok(), &body.device);
    let setup = setup::Setup {
        code: &body.code,
        name: &body.name,
        password: Zeroizing::new(body.password),
        address: origin.address,
    };
    let user = setup::set_up(&auth, setup).await?;
    login::welcome(&auth, &user, &origin);
    Ok(Answer(cookies::begin(&auth, &user, &origin).await?))
}

/// `POST /internal/exchange`: a cookie or an API token for a short access token.
pub(crate) async fn exchange(
    State(auth): State<Arc<Auth>>,
    Json(body): Json<CookieExchange>,
) -> Result<Answer<ExchangedToken>, Problem> {
    let exchanged = if body.cookie.is_empty() && !body.token.is_empty() {
        api_tokens::exchange(&auth, &body.token).await?
    } else {
        cookies::exchange(&auth, &body.cookie).await?
    };
    Ok(Answer(exchanged))
}

/// `POST /internal/session/end`: ends a dashboard session, also one that is over already.
pub(crate) async fn end(
    State(auth): State<Arc<Auth>>,
    Json(body): Json<SessionEnd>,
) -> Result<StatusCode, Problem> {
    if body.cookie.is_empty() {
        cookies::end_by_sid(&auth, &body.sid).await?;
    } else {
        cookies::end(&auth, &body.cookie).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /internal/recent/{sid}`: whether the person behind a session has proved who it is within the last ten minutes.
pub(crate) async fn recent(State(auth): State<Arc<Auth>>, Path(sid): Path<String>) -> StatusCode {
    if auth.authentications.recent(&sid).is_some() {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    }
}

/// `GET /internal/state`.
pub(crate) async fn state(State(auth): State<Arc<Auth>>) -> Answer<AuthState> {
    Answer(AuthState {
        setup_required: auth.directory.is_empty(),
        reset_armed: auth.reset.is_armed(),
        clock: auth.clock.trust().as_str().to_owned(),
        restored: auth
            .store
            .restored()
            .map(|restored| restored.copy.display().to_string()),
    })
}

/// `POST /internal/unlock`: the console forgives an account's failed logins.
pub(crate) async fn unlock(State(auth): State<Arc<Auth>>, Json(body): Json<UnlockRequest>) -> StatusCode {
    auth.throttle.unlock(&body.name);
    auth.audit.record(Event::new("user.unlock").detail(&body.name));
    StatusCode::NO_CONTENT
}

/// `POST /internal/reload`: the console changed users.
pub(crate) async fn reload(State(auth): State<Arc<Auth>>) -> Result<StatusCode, Problem> {
    auth.reload().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a feed connection holds on to.
struct Shared(Arc<Auth>);

impl AsRef<Feed> for Shared {
    fn as_ref(&self) -> &Feed {
        &self.0.feed
    }
}

/// `GET /internal/feed`: keys and revocations, without end.
pub(crate) async fn feed(State(auth): State<Arc<Auth>>) -> Response {
    let lifecycle = auth.lifecycle.clone();
    let mut response = feed::body(Shared(auth), lifecycle).into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/jsonl"));
    response
}
