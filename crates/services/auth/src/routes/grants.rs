//! `/api/auth/user/{id}/grants`: rights beyond the level.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use pistack_api::problem::ProblemBody;
use pistack_api::right::{ManageUser, ReadUser, Right as _};
use pistack_kit::extract::Json;
use pistack_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::user::reach;
use crate::actor::{Reach, RecentAdmin};
use crate::grants;
use crate::privileges::UserRights;
use crate::sessions::Origin;
use crate::state::Auth;

/// Rights to grant, in place of those granted before.
#[derive(Deserialize, ToSchema)]
pub(crate) struct GrantsBody {
    /// Rights as `AREA:OBJECT:ACTION`; `*` stands for any, also at the end of an object.
    #[schema(example = json!(["process:camera:restart", "gpio:relay1:write"]), max_items = 64)]
    grants: Vec<String>,
    /// True to take away what the level gives: then these rights are the only ones.
    #[serde(default)]
    limited: bool,
}

/// Rights as granted.
#[derive(Serialize, ToSchema)]
pub(crate) struct GrantsAnswer {
    /// In their long spelling, sorted.
    #[schema(example = json!(["gpio:relay1:write", "process:camera:restart"]))]
    grants: Vec<String>,
    /// True if these are the only rights.
    limited: bool,
}

impl From<UserRights> for GrantsAnswer {
    fn from(rights: UserRights) -> Self {
        Self {
            grants: rights
                .grants
                .split_ascii_whitespace()
                .map(str::to_owned)
                .collect(),
            limited: rights.limited,
        }
    }
}

/// Reads what a user is granted. Admin and Root read everyone's, a User its own.
#[utoipa::path(
    get,
    path = "/api/auth/user/{id}/grants",
    tag = "user",
    params(("id" = String, Path, description = "The user's UUID.")),
    responses(
        (status = 200, description = "What is granted.", body = GrantsAnswer),
        (status = 404, description = "`not found`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read_grants(
    State(auth): State<Arc<Auth>>,
    caller: Reach<ReadUser>,
    Path(id): Path<String>,
) -> Result<Answer<GrantsAnswer>, Problem> {
    let target = reach(&auth, &caller.actor.user, &id)?;
    caller.require(&target.id)?;
    Ok(Answer(auth.rights.get(&target.id).into()))
}

/// Grants a user rights beyond the level, or limits it to some. Takes a login of the last ten minutes, Admin or Root;
/// nobody grants what is above the own level.
#[utoipa::path(
    put,
    path = "/api/auth/user/{id}/grants",
    tag = "user",
    params(("id" = String, Path, description = "The user's UUID.")),
    request_body = GrantsBody,
    responses(
        (status = 200, description = "What is granted now.", body = GrantsAnswer),
        (status = 400, description = "`invalid scope`: what is wrong with a right", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`not found`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "A Root cannot be limited.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn update_grants(
    State(auth): State<Arc<Auth>>,
    RecentAdmin(actor): RecentAdmin,
    origin: Origin,
    Path(id): Path<String>,
    Json(body): Json<GrantsBody>,
) -> Result<Answer<GrantsAnswer>, Problem> {
    let target = reach(&auth, &actor.user, &id)?;
    actor.require_scope(ManageUser::INFO, &target.id)?;
    let rights = grants::set(&auth, &actor.user, &target, &origin, &body.grants, body.limited).await?;
    Ok(Answer(rights.into()))
}
