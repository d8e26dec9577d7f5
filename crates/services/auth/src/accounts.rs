//! The rules of accounts: who may do what to whom, and what ends sessions. Used by the service and the console
//! alike, each call inside one transaction.

use pistack_api::token::{Level, Revocation};
use pistack_kit::guard::Refusal;
use pistack_kit::random;
use uuid::Uuid;

use crate::directory::User;
use crate::error::{Error, requires};
use crate::store::{self, Connection, cookies, refresh, revocations, rights, users};

/// Longest name, in characters.
const NAME_MAX_LENGTH: usize = 64;
/// The epoch of a new account.
pub(crate) const FIRST_EPOCH: i64 = 1;

/// The id of an installation's first Root, the same everywhere (it was so in the original).
pub(crate) fn root_id() -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_DNS, b"auth_service:root").to_string()
}

/// Says whether a text may be a login name.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let fits = !name.is_empty()
        && name.trim() == name
        && name.chars().count() <= NAME_MAX_LENGTH
        && !name.chars().any(char::is_control);
    if fits {
        Ok(())
    } else {
        Err(Error::InvalidPayload(
            "A name has 1 to 64 characters, no control characters, and no space at either end.",
        ))
    }
}

/// Says whether a text can be an address to write to. Only what would break a mail's header is refused: whether it
/// exists, the mail server knows.
pub(crate) fn check_email(email: &str) -> Result<(), Error> {
    let parts = email.split_once('@');
    let fits = email.len() <= 254
        && parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        && email
            .chars()
            .all(|c| !c.is_control() && !c.is_whitespace() && !"<>,;\"()".contains(c));
    if fits {
        Ok(())
    } else {
        Err(Error::InvalidPayload("An address looks like anna@example.org."))
    }
}

/// Who asks for a change.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asker<'a> {
    /// A signed-in user.
    User(&'a User),
    /// Whoever sits at the console: may do all that keeps the installation usable.
    Console,
}

impl Asker<'_> {
    /// Refuses those who may not make or become `level`.
    pub(crate) fn may_grant(self, level: Level) -> Result<(), Error> {
        match self {
            Asker::User(user) if user.level < Level::Root && level == Level::Root => {
                Err(requires(Level::Root))
            }
            Asker::User(user) if user.level < Level::Admin => Err(requires(Level::Admin)),
            Asker::User(_) | Asker::Console => Ok(()),
        }
    }

    /// Refuses those who may not touch the account `id` at all, known or not.
    pub(crate) fn may_reach(self, id: &str) -> Result<(), Error> {
        match self {
            Asker::User(user) if user.level < Level::Admin && user.id != id => Err(requires(Level::Admin)),
            Asker::User(_) | Asker::Console => Ok(()),
        }
    }

    /// Refuses an asker whose password or level changed, or whose account went, while the request was on its way
    /// (hashing takes its time).
    pub(crate) async fn still_holds(self, tx: &mut Connection) -> Result<(), Error> {
        let Asker::User(asker) = self else { return Ok(()) };
        let now = users::by_id(tx, &asker.id).await?;
        if now.is_some_and(|now| now.epoch == asker.epoch) {
            Ok(())
        } else {
            Err(Refusal::Invalid.into())
        }
    }

    /// All that can be said before a password is hashed for nothing: [`change`] asks the same again.
    pub(crate) fn may_change(self, target: &User, level: Option<Level>) -> Result<(), Error> {
        self.may_reach(&target.id)?;
        self.may_manage(target)?;
        level.map_or(Ok(()), |level| self.may_grant(level))
    }

    /// Refuses an Admin who would touch a Root.
    fn may_manage(self, target: &User) -> Result<(), Error> {
        match self {
            Asker::User(user)
                if user.level < Level::Root && target.level == Level::Root && user.id != target.id =>
            {
                Err(requires(Level::Root))
            }
            Asker::User(_) | Asker::Console => Ok(()),
        }
    }
}

/// When a change happens and until when older tokens could still be valid; seconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// Now.
    pub now: i64,
    /// The `until` of revocations made now.
    pub until: i64,
}

/// What to change; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change {
    /// A new name.
    pub name: Option<String>,
    /// The hash of a new password.
    pub hash: Option<String>,
    /// A new level.
    pub level: Option<Level>,
}

/// Makes the first account: Root, with the id that is the same everywhere.
pub(crate) async fn create_first(
    tx: &mut Connection,
    moment: Moment,
    name: &str,
    hash: &str,
) -> Result<User, Error> {
    if users::count(tx).await? > 0 {
        return Err(Error::AlreadySetUp);
    }
    let user = User {
        id: root_id(),
        name: name.to_owned(),
        level: Level::Root,
        epoch: FIRST_EPOCH,
        disabled: false,
        must_change: false,
    };
    users::insert(tx, &user, hash, moment.now).await?;
    store::raise_generation(tx).await?;
    Ok(user)
}

/// Makes another account.
pub(crate) async fn create(
    tx: &mut Connection,
    moment: Moment,
    asker: Asker<'_>,
    name: &str,
    hash: &str,
    level: Level,
) -> Result<User, Error> {
    asker.still_holds(tx).await?;
    asker.may_grant(level)?;
    if users::count(tx).await? == 0 {
        return if level == Level::Root {
            create_first(tx, moment, name, hash).await
        } else {
            Err(Error::FirstMustBeRoot)
        };
    }
    if users::by_name(tx, name).await?.is_some() {
        return Err(Error::UserExists);
    }
    let user = User {
        id: random::uuid().to_string(),
        name: name.to_owned(),
        level,
        epoch: FIRST_EPOCH,
        disabled: false,
        must_change: false,
    };
    users::insert(tx, &user, hash, moment.now).await?;
    store::raise_generation(tx).await?;
    Ok(user)
}

/// Changes an account. A new password or another level ends all its sessions: then the revocation to tell of
/// comes with it.
pub(crate) async fn change(
    tx: &mut Connection,
    moment: Moment,
    asker: Asker<'_>,
    id: &str,
    change: &Change,
) -> Result<(User, Option<Revocation>), Error> {
    asker.still_holds(tx).await?;
    asker.may_reach(id)?;
    let mut user = users::by_id(tx, id).await?.ok_or(Error::NotFound)?;
    asker.may_manage(&user)?;
    if let Some(level) = change.level {
        asker.may_grant(level)?;
        let last = user.level == Level::Root && !user.disabled && users::count_roots(tx).await? <= 1;
        if last && level != Level::Root {
            return Err(Error::LastRoot("demoted"));
        }
    }
    if let Some(name) = &change.name {
        let holder = users::by_name(tx, name).await?;
        if holder.is_some_and(|holder| holder.id != user.id) {
            return Err(Error::UserExists);
        }
        user.name.clone_from(name);
    }
    let new_level = change.level.filter(|level| *level != user.level);
    if let Some(hash) = &change.hash {
        users::set_password(tx, &user.id, hash, moment.now).await?;
        user.must_change = false;
    }
    let revocation = if change.hash.is_some() || new_level.is_some() {
        user.level = new_level.unwrap_or(user.level);
        user.epoch += 1;
        let why = if change.hash.is_some() {
            "password"
        } else {
            "level"
        };
        Some(end_sessions(tx, moment, &user.id, user.epoch, why).await?)
    } else {
        None
    };
    users::update(tx, &user).await?;
    store::raise_generation(tx).await?;
    Ok((user, revocation))
}

/// Closes an account and ends its sessions, or opens it again.
pub(crate) async fn disable(
    tx: &mut Connection,
    moment: Moment,
    asker: Asker<'_>,
    id: &str,
    disabled: bool,
) -> Result<(User, Option<Revocation>), Error> {
    asker.still_holds(tx).await?;
    asker.may_grant(Level::User)?;
    let mut user = users::by_id(tx, id).await?.ok_or(Error::NotFound)?;
    asker.may_manage(&user)?;
    if user.disabled == disabled {
        return Ok((user, None));
    }
    if disabled && user.level == Level::Root && users::count_roots(tx).await? <= 1 {
        return Err(Error::LastRoot("disabled"));
    }
    user.disabled = disabled;
    let mut revocation = None;
    if disabled {
        user.epoch += 1;
        revocation = Some(end_sessions(tx, moment, id, user.epoch, "disabled").await?);
    }
    users::update(tx, &user).await?;
    store::raise_generation(tx).await?;
    Ok((user, revocation))
}

/// Removes an account and ends its sessions.
pub(crate) async fn remove(
    tx: &mut Connection,
    moment: Moment,
    asker: Asker<'_>,
    id: &str,
) -> Result<(User, Revocation), Error> {
    asker.still_holds(tx).await?;
    asker.may_reach(id)?;
    let user = users::by_id(tx, id).await?.ok_or(Error::NotFound)?;
    asker.may_manage(&user)?;
    if user.level == Level::Root && !user.disabled && users::count_roots(tx).await? <= 1 {
        return Err(Error::LastRoot("removed"));
    }
    users::delete(tx, id).await?;
    rights::forget(tx, id).await?;
    let revocation = end_sessions(tx, moment, id, user.epoch + 1, "removed").await?;
    store::raise_generation(tx).await?;
    Ok((user, revocation))
}

async fn end_sessions(
    tx: &mut Connection,
    moment: Moment,
    id: &str,
    epoch: i64,
    why: &str,
) -> Result<Revocation, Error> {
    refresh::end_all(tx, id, moment.now, why).await?;
    cookies::delete_all(tx, id).await?;
    let revocation = Revocation::User {
        sub: id.to_owned(),
        epoch,
        until: moment.until,
    };
    revocations::insert(tx, &revocation).await?;
    Ok(revocation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roots_id_is_the_originals() {
        assert_eq!(root_id(), "16601861-02df-58e0-9144-54a4e4a8b567");
    }

    #[test]
    fn names_are_short_and_printable() {
        for name in ["root", "Żaneta Ł.", &"x".repeat(64)] {
            check_name(name).unwrap();
        }
        for name in ["", " ", " root", "root ", "a\nb", "a\u{0}b", &"x".repeat(65)] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }
}
