//! Changing an account over HTTP: what each member of a PATCH takes, and what is noted of it.

use std::sync::Arc;

use pistack_api::token::Level;

use crate::accounts::{self, Asker, Change};
use crate::actor::Actor;
use crate::audit::Event;
use crate::directory::User;
use crate::error::{Error, requires};
use crate::own_password;
use crate::password::{Password, policy};
use crate::sessions::Origin;
use crate::state::Auth;
use crate::store::users;

/// Longest mail address (RFC 5321, section 4.5.3.1.3, less the brackets).
const EMAIL_LENGTH: usize = 254;

/// What is to be changed.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// A new name.
    pub name: Option<String>,
    /// A new password.
    pub password: Option<Password>,
    /// The present password of somebody who changes the own one.
    pub current_password: Option<Password>,
    /// Another level.
    pub level: Option<Level>,
    /// A new address; empty for none.
    pub email: Option<String>,
    /// Close or open the account.
    pub disabled: Option<bool>,
}

/// Changes an account. What could be used to keep a stolen session takes a login of the last ten minutes.
pub(crate) async fn change(
    auth: &Arc<Auth>,
    actor: &Actor,
    target: &User,
    origin: &Origin,
    wanted: Wanted,
) -> Result<User, Error> {
    let is_dangerous = wanted.level.is_some() || wanted.email.is_some() || wanted.disabled.is_some();
    if !is_dangerous && wanted.name.is_none() && wanted.password.is_none() {
        return Err(Error::NothingToUpdate);
    }
    let asker = Asker::User(&actor.user);
    asker.may_change(target, wanted.level)?;
    check_forms(auth, target, &wanted)?;
    if wanted.disabled.is_some() && actor.user.level < Level::Admin {
        return Err(requires(Level::Admin));
    }
    if is_dangerous {
        actor.require_recent(auth)?;
    }
    let what = said(&wanted);
    let hash = match wanted.password {
        Some(password) => {
            prove(auth, actor, target, wanted.current_password).await?;
            Some(auth.hasher.hash(password).await?)
        }
        None => None,
    };
    let fields = Change {
        name: wanted.name,
        hash,
        level: wanted.level,
    };
    let moment = auth.moment();
    let mut change = auth.begin_change().await?;
    let (mut user, mut revocation) =
        accounts::change(&mut change.tx, moment, asker, &target.id, &fields).await?;
    if let Some(email) = &wanted.email {
        let email = Some(email.as_str()).filter(|email| !email.is_empty());
        users::set_email(&mut change.tx, &user.id, email).await?;
    }
    if let Some(disabled) = wanted.disabled {
        let closed = accounts::disable(&mut change.tx, moment, Asker::Console, &user.id, disabled).await?;
        user = closed.0;
        revocation = closed.1.or(revocation);
    }
    auth.finish_change(change, revocation).await?;
    auth.audit.record(
        Event::new("user.change")
            .by(&actor.user)
            .about(&user.id)
            .from(origin)
            .detail(&what),
    );
    Ok(user)
}

/// The own password takes the present one, or a fresh login; another's takes a fresh login.
async fn prove(
    auth: &Arc<Auth>,
    actor: &Actor,
    target: &User,
    current: Option<Password>,
) -> Result<(), Error> {
    if actor.user.id != target.id {
        return actor.require_recent(auth);
    }
    let recent = actor.require_recent(auth).is_ok();
    own_password::prove(auth, &actor.user, recent, current).await
}

fn check_forms(auth: &Auth, target: &User, wanted: &Wanted) -> Result<(), Error> {
    if let Some(name) = &wanted.name {
        accounts::check_name(name)?;
    }
    if let Some(password) = &wanted.password {
        let name = wanted.name.as_ref().unwrap_or(&target.name);
        policy::check(password, name, auth.config.password_min_length)?;
    }
    match &wanted.email {
        Some(email) if !email.is_empty() && !is_address(email) => {
            Err(Error::InvalidPayload("`email` is no mail address."))
        }
        _ => Ok(()),
    }
}

/// Roughly an address (RFC 5321, section 4.1.2); the mail service judges it more closely.
fn is_address(text: &str) -> bool {
    let plain = text.len() <= EMAIL_LENGTH && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let parts = text.rsplit_once('@');
    plain
        && parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        && !text.contains(['<', '>', ','])
}

/// What was changed, for the record; never a password.
fn said(wanted: &Wanted) -> String {
    let mut words = Vec::new();
    if let Some(name) = &wanted.name {
        words.push(format!("name {name}"));
    }
    if wanted.password.is_some() {
        words.push("password".to_owned());
    }
    if let Some(level) = wanted.level {
        words.push(format!("level {level}"));
    }
    if wanted.email.is_some() {
        words.push("email".to_owned());
    }
    match wanted.disabled {
        Some(true) => words.push("closed".to_owned()),
        Some(false) => words.push("opened".to_owned()),
        None => {}
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["anna@example.org", "a+b@localhost", "ż@ż.pl"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "anna",
            "@x",
            "anna@",
            "a b@x",
            "a@x\r\nBcc: b@x",
            "<a@x>",
            "a@x,b@x",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
        assert!(!is_address(&format!("{}@x", "a".repeat(300))));
    }
}
