//! `/api/auth/user/overview` and what an Admin does about another's account beside changing it: sessions and pauses.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use pistack_api::problem::ProblemBody;
use pistack_api::right::{ManageUser, ReadUser, Right as _};
use pistack_api::token::Level;
use pistack_kit::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::session_list::{EndedAnswer, SessionView, view};
use super::user::reach;
use crate::accounts::Asker;
use crate::actor::{Actor, Manage, Person, RecentAdmin};
use crate::audit::Event;
use crate::error::{Error, requires};
use crate::own_sessions;
use crate::sessions::Origin;
use crate::state::Auth;
use crate::store::{second_factors, session_list, users};

/// An account as whoever manages accounts sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PersonView {
    /// Its id, a UUID.
    id: String,
    /// Login name.
    #[schema(example = "anna")]
    name: String,
    /// `Root`, `Admin` or `User`.
    #[schema(value_type = String, example = "User")]
    level: Level,
    /// Where the person is told of what happens to the account.
    #[schema(example = "anna@example.org")]
    email: Option<String>,
    /// True for an account that is closed.
    disabled: bool,
    /// True until the person has chosen a password of its own.
    must_change_password: bool,
    /// True once the second factor is on.
    second_factor: bool,
    /// Live sessions.
    sessions: usize,
    /// Rights beyond the level, in their long spelling.
    #[schema(example = json!(["gpio:relay1:write"]))]
    grants: Vec<String>,
    /// True if these are the only rights.
    limited: bool,
    /// Whether the caller may change the account.
    manageable: bool,
}

/// The answer to an unlocking.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnlockedAnswer {
    /// Always true in a 200.
    unlocked: bool,
}

/// Lists accounts with how they stand. Takes Admin or Root.
#[utoipa::path(
    get,
    path = "/api/auth/user/overview",
    tag = "user",
    responses((status = 200, description = "All accounts, by name.", body = Vec<PersonView>))
)]
pub(crate) async fn list_people(
    State(auth): State<Arc<Auth>>,
    Manage { actor, .. }: Manage<ReadUser>,
) -> Result<Answer<Vec<PersonView>>, Problem> {
    let asker = Asker::User(&actor.user);
    let mut connection = auth.store.read().await.map_err(Problem::from)?;
    let mut people = Vec::new();
    for public in auth.directory.search("") {
        let Some(user) = auth.directory.find(&public.id) else {
            continue;
        };
        let now = auth.clock.unix();
        let sessions = session_list::of_user(&mut connection, &user.id, user.epoch, now).await?;
        let factor = second_factors::find(&mut connection, &user.id).await?;
        let rights = auth.rights.get(&user.id);
        people.push(PersonView {
            email: users::email(&mut connection, &user.id).await?,
            disabled: user.disabled,
            must_change_password: user.must_change,
            second_factor: factor.is_some_and(|factor| factor.confirmed_at.is_some()),
            sessions: sessions.len(),
            grants: rights
                .grants
                .split_ascii_whitespace()
                .map(str::to_owned)
                .collect(),
            limited: rights.limited,
            manageable: asker.may_change(&user, None).is_ok(),
            id: public.id,
            name: public.name,
            level: public.level,
        });
    }
    Ok(Answer(people))
}

fn require_root(actor: &Actor) -> Result<(), Error> {
    if actor.user.level < Level::Root {
        return Err(requires(Level::Root));
    }
    Ok(())
}

/// Lists another's sessions, the one used last first. Takes Root.
#[utoipa::path(
    get,
    path = "/api/auth/user/{id}/sessions",
    tag = "user",
    params(("id" = String, Path, description = "The user's UUID.")),
    responses(
        (status = 200, description = "The sessions.", body = Vec<SessionView>),
        (status = 404, description = "`not found`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_sessions_of_user(
    State(auth): State<Arc<Auth>>,
    Person(actor): Person,
    Path(id): Path<String>,
) -> Result<Answer<Vec<SessionView>>, Problem> {
    require_root(&actor)?;
    let target = reach(&auth, &actor.user, &id)?;
    actor.require_scope(ReadUser::INFO, &target.id)?;
    let rows = own_sessions::list(&auth, &target).await?;
    Ok(Answer(
        rows.into_iter().map(|row| view(row, &actor.claims.sid)).collect(),
    ))
}

/// Signs one session of another out. Takes Root and a login of the last ten minutes.
#[utoipa::path(
    delete,
    path = "/api/auth/user/{id}/sessions/{sid}",
    tag = "user",
    params(
        ("id" = String, Path, description = "The user's UUID."),
        ("sid" = String, Path, description = "The session's id."),
    ),
    responses(
        (status = 200, description = "Signed out.", body = EndedAnswer),
        (status = 404, description = "`not found`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_session_of_user(
    State(auth): State<Arc<Auth>>,
    RecentAdmin(actor): RecentAdmin,
    origin: Origin,
    Path((id, sid)): Path<(String, String)>,
) -> Result<Answer<EndedAnswer>, Problem> {
    end(&auth, &actor, &origin, &id, Some(sid)).await
}

/// Signs another out everywhere. Takes Root and a login of the last ten minutes.
#[utoipa::path(
    delete,
    path = "/api/auth/user/{id}/sessions",
    tag = "user",
    params(("id" = String, Path, description = "The user's UUID.")),
    responses(
        (status = 200, description = "Signed out.", body = EndedAnswer),
        (status = 404, description = "`not found`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_sessions_of_user(
    State(auth): State<Arc<Auth>>,
    RecentAdmin(actor): RecentAdmin,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Answer<EndedAnswer>, Problem> {
    end(&auth, &actor, &origin, &id, None).await
}

async fn end(
    auth: &Arc<Auth>,
    actor: &Actor,
    origin: &Origin,
    id: &str,
    sid: Option<String>,
) -> Result<Answer<EndedAnswer>, Problem> {
    require_root(actor)?;
    let target = reach(auth, &actor.user, id)?;
    actor.require_scope(ManageUser::INFO, &target.id)?;
    let one = sid.is_some();
    let sids: Vec<_> = match sid {
        Some(sid) => vec![sid],
        None => own_sessions::list(auth, &target)
            .await?
            .into_iter()
            .map(|row| row.sid)
            .collect(),
    };
    let ended = own_sessions::end_all(auth, &target, &sids).await?;
    if one && ended == 0 {
        return Err(Error::NotFound.into());
    }
    let detail = format!("{ended} of {}", target.name);
    auth.audit.record(
        Event::new("session.end")
            .by(&actor.user)
            .about(&target.id)
            .from(origin)
            .detail(&detail),
    );
    Ok(Answer(EndedAnswer::new(ended)))
}

/// Forgets an account's failed logins, so that its pause is over. Takes Admin or Root and a login of the last ten
/// minutes; only a Root does it to a Root.
#[utoipa::path(
    post,
    path = "/api/auth/user/{id}/unlock",
    tag = "user",
    params(("id" = String, Path, description = "The user's UUID.")),
    responses(
        (status = 200, description = "Forgotten.", body = UnlockedAnswer),
        (status = 404, description = "`not found`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn unlock_user(
    State(auth): State<Arc<Auth>>,
    RecentAdmin(actor): RecentAdmin,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Answer<UnlockedAnswer>, Problem> {
    let target = reach(&auth, &actor.user, &id)?;
    Asker::User(&actor.user).may_change(&target, None)?;
    actor.require_scope(ManageUser::INFO, &target.id)?;
    auth.throttle.unlock(&target.name);
    auth.audit.record(
        Event::new("user.unlock")
            .by(&actor.user)
            .about(&target.id)
            .from(&origin)
            .detail(&target.name),
    );
    Ok(Answer(UnlockedAnswer { unlocked: true }))
}
