//! `/api/auth/user`: add, list, read, change, remove.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use http::StatusCode;
use pistack_api::auth::PublicUser;
use pistack_api::problem::ProblemBody;
use pistack_api::right::{ManageUser, ReadUser, Right as _};
use pistack_api::token::Level;
use pistack_kit::extract::{Json, Query};
use pistack_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::accounts::{self, Asker};
use crate::actor::{Manage, Reach, RecentPerson};
use crate::audit::Event;
use crate::directory::User;
use crate::error::Error;
use crate::password::policy;
use crate::sessions::Origin;
use crate::state::Auth;
use crate::store::users::fold;
use crate::user_change::{self, Wanted};

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
    /// The caller's present password: needed for a new one of its own, unless the login is not older than ten
    /// minutes.
    #[schema(max_length = 128)]
    current_password: Option<String>,
    /// Where the user is told of what happens to the account; empty for nowhere.
    #[schema(example = "anna@example.org", max_length = 254)]
    email: Option<String>,
    /// True closes the account and ends its sessions, false opens it again. For Admin and Root.
    disabled: Option<bool>,
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

impl RemovedAnswer {
    /// It was there and is gone.
    pub(crate) const fn new() -> Self {
        Self { removed: true }
    }
}

fn parse_level(text: &str) -> Result<Level, Error> {
    text.parse().map_err(|_| Error::InvalidLevel)
}

/// An id in any spelling of a UUID; what is none names nobody.
pub(crate) fn parse_id(text: &str) -> Result<String, Error> {
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
    Manage { actor, .. }: Manage<ManageUser>,
    origin: Origin,
    Json(body): Json<NewUserBody>,
) -> Result<(StatusCode, Answer<PublicUser>), Problem> {
    let level = body.level.as_deref().map_or(Ok(Level::User), parse_level)?;
    let asker = Asker::User(&actor.user);
    asker.may_grant(level)?;
    if level > Level::User {
        // Whoever makes others powerful stays when the session that did it is over.
        actor.require_recent(&auth)?;
    }
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
    let detail = format!("{} ({})", user.name, user.level);
    auth.audit.record(
        Event::new("user.add")
            .by(&actor.user)
            .about(&user.id)
            .from(&origin)
            .detail(&detail),
    );
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
    _: Manage<ReadUser>,
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
    caller: Reach<ReadUser>,
    Path(id): Path<String>,
) -> Result<Answer<PublicUser>, Problem> {
    let target = reach(&auth, &caller.actor.user, &id)?;
    caller.require(&target.id)?;
    Ok(Answer(target.public()))
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
        (status = 401, description = "`reauthentication required` for what is dangerous, or `invalid credentials`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`user exists`, or it is the last Root", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too many passwords at once; `Retry-After` says how long to wait.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn update_user(
    State(auth): State<Arc<Auth>>,
    caller: Reach<ManageUser>,
    origin: Origin,
    Path(id): Path<String>,
    Json(body): Json<UserPatchBody>,
) -> Result<Answer<PublicUser>, Problem> {
    let actor = &caller.actor;
    let target = reach(&auth, &actor.user, &id)?;
    caller.require(&target.id)?;
    let level = body.level.as_deref().map(parse_level).transpose()?;
    let user = user_change::change(&auth, actor, &target, &origin, body.wanted(level)).await?;
    Ok(Answer(user.public()))
}

impl UserPatchBody {
    fn wanted(self, level: Option<Level>) -> Wanted {
        Wanted {
            name: self.name,
            password: self.password.map(Zeroizing::new),
            current_password: self.current_password.map(Zeroizing::new),
            level,
            email: self.email,
            disabled: self.disabled,
        }
    }
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
    RecentPerson(actor): RecentPerson,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Answer<RemovedAnswer>, Problem> {
    let target = reach(&auth, &actor.user, &id)?;
    actor.require_scope(ManageUser::INFO, &target.id)?;
    let mut change = auth.begin_change().await?;
    let asker = Asker::User(&actor.user);
    let (user, revocation) = accounts::remove(&mut change.tx, auth.moment(), asker, &target.id).await?;
    auth.finish_change(change, Some(revocation)).await?;
    auth.audit.record(
        Event::new("user.remove")
            .by(&actor.user)
            .about(&user.id)
            .from(&origin)
            .detail(&user.name),
    );
    Ok(Answer(RemovedAnswer::new()))
}

/// The user with this id, if the actor may know of it: a User hears 403 of every id but its own.
pub(crate) fn reach(auth: &Auth, actor: &Arc<User>, id: &str) -> Result<Arc<User>, Error> {
    let id = parse_id(id);
    let asked = id.as_deref().unwrap_or_default();
    Asker::User(actor).may_reach(asked)?;
    auth.directory.find(&id?).ok_or(Error::NotFound)
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
