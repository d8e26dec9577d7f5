//! `/api/auth/second-factor`: turning it on and off, recovery codes.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use pistack_api::problem::ProblemBody;
use pistack_kit::extract::Json;
use pistack_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::user::{RemovedAnswer, reach};
use crate::accounts::Asker;
use crate::actor::{Person, RecentAdmin, RecentPerson};
use crate::second_factor;
use crate::sessions::Origin;
use crate::state::Auth;

/// How it stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct FactorState {
    /// True once the first code was right.
    enabled: bool,
    /// Recovery codes not used yet.
    recovery_codes_left: i64,
    /// How the board's clock is known: one-time codes are refused while it is `untrusted`.
    #[schema(example = "synchronised")]
    clock: &'static str,
}

/// What an authenticator program needs.
#[derive(Serialize, ToSchema)]
pub(crate) struct EnrolmentAnswer {
    /// The secret in base32, to be typed in.
    secret: String,
    /// The same as `otpauth://` address.
    uri: String,
    /// The same as a QR code: an SVG image.
    qr_svg: String,
}

/// A code of the authenticator.
#[derive(Deserialize, ToSchema)]
pub(crate) struct CodeBody {
    /// Six digits.
    #[schema(example = "123456")]
    code: String,
}

/// Recovery codes.
#[derive(Serialize, ToSchema)]
pub(crate) struct CodesAnswer {
    /// Each is good for one login in place of a code. They are shown this once.
    #[schema(example = json!(["K7QF-2M9X-ABCD-EFGH"]))]
    recovery_codes: Vec<String>,
}

/// Says whether the caller's second factor is on.
#[utoipa::path(
    get,
    path = "/api/auth/second-factor",
    tag = "second factor",
    responses((status = 200, description = "How it stands.", body = FactorState))
)]
pub(crate) async fn read_second_factor(
    State(auth): State<Arc<Auth>>,
    Person(actor): Person,
) -> Result<Answer<FactorState>, Problem> {
    let (enabled, recovery_codes_left) = second_factor::state(&auth, &actor.user.id).await?;
    Ok(Answer(FactorState {
        enabled,
        recovery_codes_left,
        clock: auth.clock.trust().as_str(),
    }))
}

/// Begins to turn the second factor on: nothing changes until a code is confirmed. Takes a login of the last ten
/// minutes.
#[utoipa::path(
    post,
    path = "/api/auth/second-factor/begin",
    tag = "second factor",
    responses(
        (status = 200, description = "The secret, for an authenticator program.", body = EnrolmentAnswer),
        (status = 409, description = "It is on already.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn begin_second_factor(
    State(auth): State<Arc<Auth>>,
    RecentPerson(actor): RecentPerson,
) -> Result<Answer<EnrolmentAnswer>, Problem> {
    let enrolment = second_factor::begin(&auth, &actor.user).await?;
    Ok(Answer(EnrolmentAnswer {
        secret: enrolment.secret,
        uri: enrolment.uri,
        qr_svg: enrolment.qr_svg,
    }))
}

/// Turns the second factor on, against the authenticator's first code.
#[utoipa::path(
    post,
    path = "/api/auth/second-factor/confirm",
    tag = "second factor",
    request_body = CodeBody,
    responses(
        (status = 200, description = "It is on. The recovery codes are shown this once.", body = CodesAnswer),
        (status = 401, description = "`invalid second factor`, or the board's clock is not set", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It is on already, or was not begun.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong codes; `Retry-After` says how long to wait.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn confirm_second_factor(
    State(auth): State<Arc<Auth>>,
    RecentPerson(actor): RecentPerson,
    origin: Origin,
    Json(body): Json<CodeBody>,
) -> Result<Answer<CodesAnswer>, Problem> {
    let recovery_codes = second_factor::confirm(&auth, &actor.user, &origin, &body.code).await?;
    Ok(Answer(CodesAnswer { recovery_codes }))
}

/// New recovery codes in place of the old ones. Takes a login of the last ten minutes.
#[utoipa::path(
    post,
    path = "/api/auth/second-factor/codes",
    tag = "second factor",
    responses(
        (status = 200, description = "The new codes, shown this once.", body = CodesAnswer),
        (status = 409, description = "The second factor is off.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn renew_recovery_codes(
    State(auth): State<Arc<Auth>>,
    RecentPerson(actor): RecentPerson,
    origin: Origin,
) -> Result<Answer<CodesAnswer>, Problem> {
    let recovery_codes = second_factor::renew_codes(&auth, &actor.user, &origin).await?;
    Ok(Answer(CodesAnswer { recovery_codes }))
}

/// Turns the caller's second factor off. Takes a login of the last ten minutes.
#[utoipa::path(
    delete,
    path = "/api/auth/second-factor",
    tag = "second factor",
    responses(
        (status = 200, description = "It is off.", body = RemovedAnswer),
        (status = 409, description = "It was off.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_second_factor(
    State(auth): State<Arc<Auth>>,
    RecentPerson(actor): RecentPerson,
    origin: Origin,
) -> Result<Answer<RemovedAnswer>, Problem> {
    second_factor::turn_off(&auth, &actor.user, &actor.user.id, &origin).await?;
    Ok(Answer(RemovedAnswer::new()))
}

/// Turns another's second factor off, for somebody who lost the authenticator and the codes. Takes a login of the
/// last ten minutes, Admin or Root; only a Root does it to a Root.
#[utoipa::path(
    delete,
    path = "/api/auth/user/{id}/second-factor",
    tag = "user",
    params(("id" = String, Path, description = "The user's UUID.")),
    responses(
        (status = 200, description = "It is off.", body = RemovedAnswer),
        (status = 404, description = "`not found`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It was off.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn reset_second_factor(
    State(auth): State<Arc<Auth>>,
    RecentAdmin(actor): RecentAdmin,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Answer<RemovedAnswer>, Problem> {
    let target = reach(&auth, &actor.user, &id)?;
    Asker::User(&actor.user).may_change(&target, None)?;
    second_factor::turn_off(&auth, &actor.user, &target.id, &origin).await?;
    Ok(Answer(RemovedAnswer::new()))
}
