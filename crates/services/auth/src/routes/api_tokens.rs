//! `/api/auth/token`: API tokens, made, listed and revoked by their owner.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use http::StatusCode;
use pistack_api::problem::ProblemBody;
use pistack_api::token::Level;
use pistack_kit::extract::{Json, Query};
use pistack_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::user::{RemovedAnswer, parse_id, reach};
use crate::actor::{Person, RecentPerson};
use crate::api_tokens::{self, Wanted};
use crate::error::Error;
use crate::sessions::Origin;
use crate::state::Auth;
use crate::store::api_tokens::ApiTokenRow;

/// A token to make.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewTokenBody {
    /// What it is for.
    #[schema(example = "garden script", min_length = 1, max_length = 64)]
    name: String,
    /// The rights it is limited to; it never has more than its owner.
    #[schema(example = json!(["gpio:relay1:write", "info:*"]), min_items = 1, max_items = 64)]
    scope: Vec<String>,
    /// Days until it ends, 1 to 366; 90 unless given.
    #[serde(default = "ninety")]
    #[schema(minimum = 1, maximum = 366, default = 90)]
    expires_in_days: i64,
}

const fn ninety() -> i64 {
    90
}

/// A token without its text.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenView {
    /// Its id.
    id: String,
    /// What it is for.
    name: String,
    /// The rights it is limited to.
    scope: Vec<String>,
    /// When it was made, seconds since 1970.
    created_at: i64,
    /// When it ends, seconds since 1970.
    expires_at: i64,
    /// Last use, at most five minutes old.
    last_used_at: Option<i64>,
}

/// A token with its text, which is shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewTokenAnswer {
    /// The token: send it as `Authorization: Bearer pst_...`.
    #[schema(example = "pst_...")]
    token: String,
    #[serde(flatten)]
    view: TokenView,
}

impl From<ApiTokenRow> for TokenView {
    fn from(row: ApiTokenRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            scope: row.scope.split_ascii_whitespace().map(str::to_owned).collect(),
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// Whose tokens.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OwnerQuery {
    /// A user's UUID, for Admin and Root; the caller's own unless given.
    user: Option<String>,
}

/// Makes an API token. Takes a login of the last ten minutes.
#[utoipa::path(
    post,
    path = "/api/auth/token/add",
    tag = "token",
    request_body = NewTokenBody,
    responses(
        (status = 201, description = "Made. The text is shown this once.", body = NewTokenAnswer),
        (status = 400, description = "`invalid payload` or `invalid scope`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`too many tokens`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create_token(
    State(auth): State<Arc<Auth>>,
    RecentPerson(actor): RecentPerson,
    origin: Origin,
    Json(body): Json<NewTokenBody>,
) -> Result<(StatusCode, Answer<NewTokenAnswer>), Problem> {
    let wanted = Wanted {
        name: body.name,
        scope: body.scope,
        days: body.expires_in_days,
    };
    let (row, token) = api_tokens::create(&auth, &actor.user, &origin, wanted).await?;
    let view = row.into();
    Ok((StatusCode::CREATED, Answer(NewTokenAnswer { token, view })))
}

/// Lists API tokens, newest first.
#[utoipa::path(
    get,
    path = "/api/auth/token/list",
    tag = "token",
    params(OwnerQuery),
    responses(
        (status = 200, description = "The tokens, without their texts.", body = Vec<TokenView>),
        (status = 404, description = "`not found`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_tokens(
    State(auth): State<Arc<Auth>>,
    Person(actor): Person,
    Query(query): Query<OwnerQuery>,
) -> Result<Answer<Vec<TokenView>>, Problem> {
    let owner = match &query.user {
        Some(id) => reach(&auth, &actor.user, id)?,
        None => Arc::clone(&actor.user),
    };
    let tokens = api_tokens::list(&auth, &owner.id).await?;
    Ok(Answer(tokens.into_iter().map(TokenView::from).collect()))
}

/// Revokes an API token: the own, or anybody's for Admin and Root. It ends within a second, everywhere.
#[utoipa::path(
    delete,
    path = "/api/auth/token/{id}",
    tag = "token",
    params(("id" = String, Path, description = "The token's id.")),
    responses(
        (status = 200, description = "Revoked.", body = RemovedAnswer),
        (status = 404, description = "`not found`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_token(
    State(auth): State<Arc<Auth>>,
    Person(actor): Person,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Answer<RemovedAnswer>, Problem> {
    let id = parse_id(&id)?;
    let may_end =
        |row: &ApiTokenRow| row.user_id == actor.user.id || manages(&auth, &actor.user, &row.user_id);
    if !api_tokens::revoke(&auth, &actor.user, &origin, &id, may_end).await? {
        return Err(Error::NotFound.into());
    }
    Ok(Answer(RemovedAnswer::new()))
}

fn manages(auth: &Auth, actor: &crate::directory::User, owner: &str) -> bool {
    let owner = auth.directory.get(owner);
    actor.level == Level::Root
        || actor.level == Level::Admin && owner.is_none_or(|owner| owner.level < Level::Root)
}
