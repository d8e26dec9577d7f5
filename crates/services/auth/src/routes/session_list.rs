//! `/api/auth/session`: a person's own sessions: list, sign out one or all others, prove who it is once more.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use pistack_api::problem::ProblemBody;
use pistack_kit::extract::Json;
use pistack_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::actor::Person;
use crate::audit::Event;
use crate::login::{self, Attempt};
use crate::own_sessions;
use crate::sessions::Origin;
use crate::state::Auth;
use crate::store::session_list::SessionRow;

/// One session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    /// Its id.
    sid: String,
    /// `dashboard` (a browser's cookie) or `api` (refresh tokens).
    kind: &'static str,
    /// What the client called itself at login.
    #[schema(example = "Mozilla/5.0 (X11; Linux x86_64)")]
    device: String,
    /// From where the login came; `local` for this machine.
    #[schema(example = "192.168.1.7")]
    address: String,
    /// Login, seconds since 1970.
    created_at: i64,
    /// Last use, at most five minutes old.
    last_used_at: i64,
    /// End at the latest.
    expires_at: i64,
    /// True for the one that asks.
    current: bool,
}

/// How many were ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndedAnswer {
    /// Sessions ended.
    ended: usize,
}

impl EndedAnswer {
    /// So many were ended.
    pub(crate) const fn new(ended: usize) -> Self {
        Self { ended }
    }
}

/// Proof of who it is.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ReauthBody {
    /// The password.
    #[schema(max_length = 128)]
    password: String,
    /// A code of the authenticator or a recovery code, where the second factor is on.
    otp: Option<String>,
}

/// A token that says that the proof is fresh.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReauthAnswer {
    /// Ed25519 JWT for the same session.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Life in seconds.
    expires_in: i64,
}

/// A session as it is told; `current` is the one that asks.
pub(crate) fn view(row: SessionRow, current: &str) -> SessionView {
    SessionView {
        current: row.sid == current,
        sid: row.sid,
        kind: if row.dashboard { "dashboard" } else { "api" },
        device: row.device,
        address: row.address,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        expires_at: row.expires_at,
    }
}

/// Lists the caller's sessions, the one used last first.
#[utoipa::path(
    get,
    path = "/api/auth/session/list",
    tag = "session",
    responses((status = 200, description = "The sessions.", body = Vec<SessionView>))
)]
pub(crate) async fn list_sessions(
    State(auth): State<Arc<Auth>>,
    Person(actor): Person,
) -> Result<Answer<Vec<SessionView>>, Problem> {
    let rows = own_sessions::list(&auth, &actor.user).await?;
    Ok(Answer(
        rows.into_iter().map(|row| view(row, &actor.claims.sid)).collect(),
    ))
}

/// Signs one of the caller's sessions out. Its tokens end within a second, everywhere.
#[utoipa::path(
    delete,
    path = "/api/auth/session/{sid}",
    tag = "session",
    params(("sid" = String, Path, description = "The session's id.")),
    responses(
        (status = 200, description = "Signed out.", body = EndedAnswer),
        (status = 404, description = "`not found`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_session(
    State(auth): State<Arc<Auth>>,
    Person(actor): Person,
    origin: Origin,
    Path(sid): Path<String>,
) -> Result<Answer<EndedAnswer>, Problem> {
    own_sessions::end(&auth, &actor.user, &origin, &sid).await?;
    Ok(Answer(EndedAnswer { ended: 1 }))
}

/// Signs all of the caller's sessions out but the one that asks.
#[utoipa::path(
    post,
    path = "/api/auth/session/end_others",
    tag = "session",
    responses((status = 200, description = "Signed out.", body = EndedAnswer))
)]
pub(crate) async fn end_other_sessions(
    State(auth): State<Arc<Auth>>,
    Person(actor): Person,
    origin: Origin,
) -> Result<Answer<EndedAnswer>, Problem> {
    let ended = own_sessions::end_others(&auth, &actor.user, &origin, &actor.claims.sid).await?;
    Ok(Answer(EndedAnswer { ended }))
}

/// Proves who it is once more: for ten minutes, what is dangerous is allowed. Throttled like a login.
#[utoipa::path(
    post,
    path = "/api/auth/session/reauth",
    tag = "session",
    request_body = ReauthBody,
    responses(
        (status = 200, description = "Proved. The answer's token says so; cookies and tokens of the session go on.", body = ReauthAnswer),
        (status = 401, description = "`invalid credentials`, `second factor required` or `invalid second factor`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many failures; `Retry-After` says how long to wait.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn reauth_session(
    State(auth): State<Arc<Auth>>,
    Person(actor): Person,
    origin: Origin,
    Json(body): Json<ReauthBody>,
) -> Result<Answer<ReauthAnswer>, Problem> {
    let attempt = Attempt {
        name: &actor.user.name,
        password: Zeroizing::new(body.password),
        otp: body.otp.as_deref(),
        device_token: None,
        new_password: None,
        origin: &origin,
    };
    let user = login::authenticate(&auth, attempt).await?;
    let sid = &actor.claims.sid;
    auth.authentications.note(sid);
    auth.audit
        .record(Event::new("reauth").by(&user).about(&user.id).from(&origin));
    // Not beyond the token that was shown: it may be one of a session that ends soon.
    let expires_in = (actor.claims.exp - auth.clock.unix()).max(1);
    let access_token = auth
        .issuer
        .access(&user, sid, expires_in, auth.privileges(&user, sid));
    Ok(Answer(ReauthAnswer {
        access_token,
        token_type: "Bearer",
        expires_in,
    }))
}
