//! Changing one's own password: with a login, or while signed in.

use std::sync::Arc;

use pistack_kit::guard::Refusal;

use crate::accounts::{self, Asker, Change};
use crate::directory::User;
use crate::error::Error;
use crate::password::{Password, Verdict, policy};
use crate::state::Auth;
use crate::store::users;
use crate::throttle::Key;

/// After a good login: sets the password that came with it. Whoever must change it and sent none is refused.
pub(crate) async fn renew(auth: &Arc<Auth>, user: User, new: Option<Password>) -> Result<User, Error> {
    let Some(new) = new else {
        return if user.must_change {
            Err(Error::MustChange)
        } else {
            Ok(user)
        };
    };
    policy::check(&new, &user.name, auth.config.password_min_length)?;
    let wanted = Change {
        hash: Some(auth.hasher.hash(new).await?),
        ..Change::default()
    };
    let mut change = auth.begin_change().await?;
    let asker = Asker::User(&user);
    let (renewed, revocation) =
        accounts::change(&mut change.tx, auth.moment(), asker, &user.id, &wanted).await?;
    auth.finish_change(change, revocation).await?;
    tracing::info!(user = %renewed.id, "password changed with a login");
    Ok(renewed)
}

/// Before one's own password is changed: the present one is needed, unless it was given within the last minutes. A
/// stolen access token alone must not take an account over.
pub(crate) async fn prove(
    auth: &Arc<Auth>,
    user: &User,
    recent: bool,
    current: Option<Password>,
) -> Result<(), Error> {
    let Some(current) = current else {
        return if recent {
            Ok(())
        } else {
            Err(Error::CurrentPasswordNeeded)
        };
    };
    // Guesses here are slowed down like guesses at a login.
    let keys = Key::login(&user.name, None);
    auth.throttle.check(&keys)?;
    let permit = auth.hasher.permit().await?;
    auth.throttle.check(&keys)?;
    let known = users::credentials(&mut *auth.store.read().await?, &user.name).await?;
    let (found, stored) = known.ok_or(Refusal::Invalid)?;
    if found.id != user.id {
        return Err(Refusal::Invalid.into());
    }
    let (permit, verdict) = auth.hasher.verify(permit, current, Some(stored)).await?;
    let right = matches!(verdict, Verdict::Right { .. });
    if right {
        auth.throttle.succeeded(&keys);
    } else {
        auth.throttle.failed(&keys);
    }
    drop(permit);
    if right {
        Ok(())
    } else {
        Err(Error::InvalidCredentials)
    }
}
