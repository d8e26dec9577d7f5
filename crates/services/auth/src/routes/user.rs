//! `/api/auth/user`: add, list, read, change, remove.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use http::StatusCode;
use pistack_api::auth::PublicUser;
use pistack_api::problem::ProblemBody;
use pistack_api::token::Level;
use pistack_kit::extract::{Json, Query};
use pistack_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::accounts::{self, Asker, Change};
use crate::actor::{Actor, AdminActor};
use crate::directory::User;
use crate::error::Error;
use crate::password::policy;
use crate::state::Auth;
use crate::store::users::fold;

/// A user to add.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewUserBody {
    /// Login name; unique without regard to case.
    #[schema(example = "anna", min_length = 1, max_length = 64)]
    name: String,
    /// Password.
    #[schema(example = "correct horse battery staple", max_length = 128)]
    password: String,
    /// `Root`, `Admin` or `User`, in any case; `User` unless given.
    #[schema(example = "User")]
    level: Option<String>,
}

/// What to change; at least one member.
#[derive(Deserialize, ToSchema)]
pub(crate) struct UserPatchBody {
    /// A new login name.
    #[schema(min_length = 1, max_length = 64)]
    name: Option<String>,
    /// A new password; ends the user's sessions.
    #[schema(max_length = 128)]
    password: Option<String>,
    /// Another level; ends the user's sessions.
    level: Option<String>,
}

/// Which users to list.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Part of the name, in any case; all users unless given.
    #[serde(default)]
    q: String,
}

/// The answer to a removal.
#[derive(Serialize, ToSchema)]
pub(crate) struct RemovedAnswer {
    /// Always true in a 200.
    removed: bool,
}

fn parse_level(text: &str) -> Result<Level, Error> {
    text.parse().map_err(|_| Error::InvalidLevel)
}

/// An id in any spelling of a UUID; what is none names nobody.
fn parse_id(text: &str) -> Result<String, Error> {
    Uuid::parse_str(text)
        .map(|id| id.to_string())
        .map_err(|_| Error::NotFound)
}

/// Adds a user. Takes Admin or Root; only a Root makes a Root.
#[utoipa::path(
    post,
    path = "/api/auth/user/add",
    tag = "user",
    request_body = NewUserBody,
    responses(
        (status = 201, description = "Added.", body = PublicUser),
        (status = 400, description = "`invalid payload`, `invalid level`, or what is wrong with the password", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`user exists`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too many passwords at once; `Retry-After` says how long to wait.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create_user(
    State(auth): State<Arc<Auth>>,
    AdminActor(actor): AdminActor,
    Json(body): Json<NewUserBody>,
) -> Result<(StatusCode, Answer<PublicUser>), Problem> {
    let level = body.level.as_deref().map_or(Ok(Level::User), parse_level)?;
    let asker = Asker::User(&actor);
    asker.may_grant(level)?;
    accounts::check_name(&body.name)?;
    let taken = auth
        .directory
        .search(&body.name)
        .iter()
        .any(|user| fold(&user.name) == fold(&body.name));
    if taken {
        return Err(Error::UserExists.into());
    }
    policy::check(&body.password, &body.name, auth.config.password_min_length)?;
    let hash = auth.hasher.hash(Zeroizing::new(body.password)).await?;
    let mut change = auth.begin_change().await?;
    let user = accounts::create(&mut change.tx, auth.moment(), asker, &body.name, &hash, level).await?;
    auth.finish_change(change, None).await?;
    tracing::info!(by = %actor.id, user = %user.id, level = %user.level, "user added");
    Ok((StatusCode::CREATED, Answer(user.public())))
}

/// Lists users. Takes Admin or Root.
#[utoipa::path(
    get,
    path = "/api/auth/user/list",
    tag = "user",
    params(ListQuery),
    responses((status = 200, description = "Users whose name contains `q`, by name.", body = Vec<PublicUser>))
)]
pub(crate) async fn list_users(
    State(auth): State<Arc<Auth>>,
    _admin: AdminActor,
    Query(query): Query<ListQuery>,
) -> Answer<Vec<PublicUser>> {
    Answer(auth.directory.search(&query.q))
}

/// Reads a user. Takes Admin or Root; everyone reads itself.
#[utoipa::path(
    get,
    path = "/api/auth/user/{id}",
    tag = "user",
    params(("id" = String, Path, description = "The user's UUID.")),
    responses(
        (status = 200, description = "The user.", body = PublicUser),
        (status = 404, description = "`not found`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read_user(
    State(auth): State<Arc<Auth>>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Answer<PublicUser>, Problem> {
    Ok(Answer(reach(&auth, &actor.user, &id)?.public()))
}

/// Changes name, password or level. Root changes all, Admin everyone but Root, a User its own name and
/// password. A new password or level ends the user's sessions.
#[utoipa::path(
    patch,
    path = "/api/auth/user/{id}",
    tag = "user",
    params(("id" = String, Path, description = "The user's UUID.")),
    request_body = UserPatchBody,
    responses(
        (status = 200, description = "The user as it is now.", body = PublicUser),
        (status = 400, description = "`nothing to update`, `invalid payload`, `invalid level`, or what is wrong with the password", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`not found`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`user exists`, or it is the last Root", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too many passwords at once; `Retry-After` says how long to wait.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn update_user(
    State(auth): State<Arc<Auth>>,
    actor: Actor,
    Path(id): Path<String>,
    Json(body): Json<UserPatchBody>,
) -> Result<Answer<PublicUser>, Problem> {
    let target = reach(&auth, &actor.user, &id)?;
    let asker = Asker::User(&actor.user);
    let level = body.level.as_deref().map(parse_level).transpose()?;
    if body.name.is_none() && body.password.is_none() && level.is_none() {
        return Err(Error::NothingToUpdate.into());
    }
    asker.may_change(&target, level)?;
    if let Some(name) = &body.name {
        accounts::check_name(name)?;
    }
    let hash = match body.password {
        Some(password) => {
            let name = body.name.as_ref().unwrap_or(&target.name);
            policy::check(&password, name, auth.config.password_min_length)?;
            Some(auth.hasher.hash(Zeroizing::new(password)).await?)
        }
        None => None,
    };
    let wanted = Change {
        name: body.name,
        hash,
        level,
    };
    let mut change = auth.begin_change().await?;
    let (user, revocation) =
        accounts::change(&mut change.tx, auth.moment(), asker, &target.id, &wanted).await?;
    let sessions_ended = revocation.is_some();
    auth.finish_change(change, revocation).await?;
    tracing::info!(by = %actor.user.id, user = %user.id, sessions_ended, "user changed");
    Ok(Answer(user.public()))
}

/// Removes a user and ends its sessions. Root removes all but the last Root, Admin everyone but Root, a User
/// itself.
#[utoipa::path(
    delete,
    path = "/api/auth/user/{id}",
    tag = "user",
    params(("id" = String, Path, description = "The user's UUID.")),
    responses(
        (status = 200, description = "Removed.", body = RemovedAnswer),
        (status = 404, description = "`not found`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It is the last Root.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_user(
    State(auth): State<Arc<Auth>>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Answer<RemovedAnswer>, Problem> {
    let target = reach(&auth, &actor.user, &id)?;
    let mut change = auth.begin_change().await?;
    let asker = Asker::User(&actor.user);
    let (user, revocation) = accounts::remove(&mut change.tx, auth.moment(), asker, &target.id).await?;
    auth.finish_change(change, Some(revocation)).await?;
    tracing::info!(by = %actor.user.id, user = %user.id, "user removed");
    Ok(Answer(RemovedAnswer { removed: true }))
}

/// The user with this id, if the actor may know of it: a User hears 403 of every id but its own.
fn reach(auth: &Auth, actor: &Arc<User>, id: &str) -> Result<Arc<User>, Error> {
    let id = parse_id(id);
    let asked = id.as_deref().unwrap_or_default();
    Asker::User(actor).may_reach(asked)?;
    auth.directory.get(&id?).ok_or(Error::NotFound)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn levels_are_parsed_whatever_their_case() {
        for text in ["ROOT", "root", " Root "] {
            assert_eq!(parse_level(text).unwrap(), Level::Root);
        }
        for text in ["", "Boss", "Ro ot", "root\u{0}", "ｒｏｏｔ"] {
            assert!(parse_level(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn only_uuids_are_ids(text in ".{0,80}") {
            if let Ok(id) = parse_id(&text) {
                prop_assert_eq!(id.len(), 36);
                prop_assert_eq!(parse_id(&id).unwrap(), id);
            }
        }
    }
}
