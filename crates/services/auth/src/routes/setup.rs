//! `/api/auth/setup`: the first account of an installation.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use pistack_api::auth::TokenAnswer;
use pistack_api::problem::ProblemBody;
use pistack_kit::extract::Json;
use pistack_kit::problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::login;
use crate::sessions::{self, Origin};
use crate::setup::{Setup, set_up};
use crate::state::Auth;

/// The first account.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SetupBody {
    /// The code that was printed at the first start.
    #[schema(example = "K7QF-2M9X-ABCD-EFGH")]
    code: String,
    /// Name of the Root account; `root` unless given.
    #[serde(default = "root")]
    #[schema(example = "root", min_length = 1, max_length = 64)]
    name: String,
    /// Its password.
    #[schema(max_length = 128)]
    password: String,
}

fn root() -> String {
    "root".to_owned()
}

/// Makes the first account, of level Root, against the one-time setup code.
#[utoipa::path(
    post,
    path = "/api/auth/setup",
    tag = "setup",
    security(()),
    request_body = SetupBody,
    responses(
        (status = 201, description = "Made, and logged in.", body = TokenAnswer),
        (status = 403, description = "`invalid setup code`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`already set up`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many failures; `Retry-After` says how long to wait.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too many passwords at once; `Retry-After` says how long to wait.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create_setup(
    State(auth): State<Arc<Auth>>,
    origin: Origin,
    Json(body): Json<SetupBody>,
) -> Result<(StatusCode, Answer<TokenAnswer>), Problem> {
    let setup = Setup {
        code: &body.code,
        name: &body.name,
        password: Zeroizing::new(body.password),
        address: origin.address,
    };
    let user = set_up(&auth, setup).await?;
    login::welcome(&auth, &user, &origin);
    Ok((
        StatusCode::CREATED,
        Answer(sessions::begin(&auth, &user, &origin).await?),
    ))
}
