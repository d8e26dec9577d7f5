//! Logins and refresh families: who gets tokens, and when a family of them ends.
//!
//! A refresh token is good for one use and is followed by its successor (RFC 9700, section 4.14.2). One that
//! is presented again within half a minute yields the same successor; later it is a sign of theft and ends the
//! whole family.

use std::net::IpAddr;
use std::sync::Arc;

use pistack_api::auth::TokenAnswer;
use pistack_api::token::Revocation;
use pistack_kit::random;

use crate::clock_keeping;
use crate::directory::User;
use crate::error::Error;
use crate::notices;
use crate::opaque;
use crate::password::{Password, Verdict};
use crate::state::Auth;
use crate::store::refresh::{self, Found, NewFamily};
use crate::store::{Tx, revocations, users};
use crate::throttle::Key;

/// A family ends after so long in any case, unless refresh tokens are configured to live longer.
const FAMILY_SECONDS: i64 = 180 * 24 * 3600;
/// Longest `User-Agent` kept, in characters.
const DEVICE_LENGTH: usize = 200;

/// Where a session is begun, for throttling and for the list of sessions.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// The client's address; `None` on this machine.
    pub address: Option<IpAddr>,
    /// What the client calls itself.
    pub device: String,
}

impl Origin {
    /// Keeps the printable beginning of `device`.
    pub(crate) fn new(address: Option<IpAddr>, device: &str) -> Self {
        let device = device
            .chars()
            .filter(|c| !c.is_control())
            .take(DEVICE_LENGTH)
            .collect();
        Self { address, device }
    }

    /// The address as stored.
    pub(crate) fn address_text(&self) -> String {
        self.address
            .map_or_else(|| "local".to_owned(), |address| address.to_string())
    }
}

/// Checks name and password, slowed down by `keys`. An unknown user, a closed account and a wrong password differ in
/// nothing, time included.
pub(crate) async fn check_password(
    auth: &Arc<Auth>,
    name: &str,
    password: Password,
    origin: &Origin,
    keys: &[Key],
) -> Result<User, Error> {
    auth.throttle.check(keys)?;
    let permit = auth.hasher.permit().await?;
    // Asked again: those before us in the queue may have been guesses at the same account.
    auth.throttle.check(keys)?;
    let known = users::credentials(&mut *auth.store.read().await?, name).await?;
    let (user, stored) = known.unzip();
    let (permit, verdict) = auth.hasher.verify(permit, password, stored).await?;
    let user = user.filter(|user| !user.disabled);
    let (Some(known), Verdict::Right { rehashed }) = (&user, verdict) else {
        let first = auth.throttle.failed(keys);
        drop(permit);
        if first {
            // Not the name that was typed: people type passwords into that field.
            let account = user.map_or_else(|| "unknown".to_owned(), |user| user.id);
            tracing::warn!(account, address = %origin.address_text(), "failed logins: slowing down");
        }
        return Err(Error::InvalidCredentials);
    };
    auth.throttle.succeeded(keys);
    drop(permit);
    if let Some(hash) = rehashed {
        let kept = async {
            let mut tx = auth.store.begin().await?;
            users::rehash(&mut tx, known, &hash).await?;
            Ok::<_, Error>(tx.commit().await?)
        };
        if let Err(error) = kept.await {
            // A full disk must not keep people out; the next login tries again.
            tracing::warn!(%error, "cannot renew the hash of a password");
        }
    }
    Ok(known.clone())
}

/// Begins a family for a user whose password was just checked.
pub(crate) async fn begin(auth: &Arc<Auth>, user: &User, origin: &Origin) -> Result<TokenAnswer, Error> {
    if user.must_change {
        return Err(Error::MustChange);
    }
    clock_keeping::settle(auth).await?;
    let (family, token) = (random::uuid().to_string(), opaque::fresh());
    match store_family(auth, user, origin, &family, &token).await {
        Err(error) if error.is_disk_full() => {
            // Somebody has to be able to look. The access token is good for its time, the refresh token for nothing.
            tracing::error!(user = %user.id, "THE DISK IS FULL: this login is not stored and ends with its access token");
        }
        stored => stored?,
    }
    auth.authentications.note(&family);
    Ok(auth.answer(user, &family, token))
}

async fn store_family(
    auth: &Arc<Auth>,
    user: &User,
    origin: &Origin,
    family: &str,
    token: &str,
) -> Result<(), Error> {
    let (now, lifetime) = (auth.clock.unix(), auth.config.refresh_token_seconds);
    let mut tx = auth.store.begin().await?;
    auth.prune_sometimes(&mut tx).await?;
    if users::by_id(&mut tx, &user.id)
        .await?
        .is_none_or(|current| current.epoch != user.epoch)
    {
        // The password was changed, or the account removed, while this one was being checked.
        return Err(Error::InvalidCredentials);
    }
    let row = NewFamily {
        id: family,
        user_id: &user.id,
        epoch: user.epoch,
        device: &origin.device,
        address: &origin.address_text(),
        now,
        expires_at: now + FAMILY_SECONDS.max(lifetime),
    };
    refresh::insert_family(&mut tx, &row).await?;
    refresh::insert_token(&mut tx, family, &opaque::hash(token), None, now, now + lifetime).await?;
    Ok(tx.commit().await?)
}

/// Exchanges a refresh token for its successor and a new access token.
pub(crate) async fn refresh(auth: &Arc<Auth>, token: &str) -> Result<TokenAnswer, Error> {
    check_form(auth, token)?;
    clock_keeping::settle(auth).await?;
    let (hash, now) = (opaque::hash(token), auth.clock.unix());
    let mut tx = auth.store.begin().await?;
    let found = refresh::find(&mut tx, &hash)
        .await?
        .ok_or(Error::RevokedRefresh)?;
    if is_expired(&found, now) {
        return Err(Error::InvalidRefresh);
    }
    let user = users::by_id(&mut tx, &found.user_id)
        .await?
        .ok_or(Error::UserNotFound)?;
    if found.ended || found.epoch != user.epoch {
        return Err(Error::RevokedRefresh);
    }
    match found.used_at {
        None => rotate(auth, tx, &user, &found, token, now).await,
        Some(used_at) => repeat(auth, tx, &user, &found, token, used_at).await,
    }
}

async fn rotate(
    auth: &Arc<Auth>,
    mut tx: Tx,
    user: &User,
    found: &Found,
    token: &str,
    now: i64,
) -> Result<TokenAnswer, Error> {
    let (hash, successor) = (opaque::hash(token), auth.grace.successor(token));
    let successor_hash = opaque::hash(&successor);
    let expires_at = (now + auth.config.refresh_token_seconds).min(found.family_expires_at);
    refresh::insert_token(
        &mut tx,
        &found.family,
        &successor_hash,
        Some(&hash),
        now,
        expires_at,
    )
    .await?;
    refresh::mark_used(&mut tx, &hash, &found.family, &successor_hash, now).await?;
    // Before the commit: whoever comes next with the same token must find it noted.
    auth.grace.note(&hash);
    tx.commit().await?;
    Ok(auth.answer(user, &found.family, successor))
}

async fn repeat(
    auth: &Arc<Auth>,
    tx: Tx,
    user: &User,
    found: &Found,
    token: &str,
    used_at: i64,
) -> Result<TokenAnswer, Error> {
    let successor = auth.grace.successor(token);
    if auth.grace.covers(&opaque::hash(token))
        && found.successor.as_deref() == Some(&*opaque::hash(&successor))
    {
        return Ok(auth.answer(user, &found.family, successor));
    }
    if !auth.grace.was_cut_short(used_at) {
        tracing::warn!(user = %user.id, sid = %found.family, "a used refresh token came back: the session is ended");
        end_family(auth, tx, &found.family, "reuse").await?;
        notices::refresh_reuse(auth, user, &found.family);
    }
    Err(Error::RevokedRefresh)
}

/// Ends the family of a refresh token. One that is ended already is no error.
pub(crate) async fn logout(auth: &Arc<Auth>, token: &str) -> Result<(), Error> {
    check_form(auth, token)?;
    clock_keeping::settle(auth).await?;
    let mut tx = auth.store.begin().await?;
    let found = refresh::find(&mut tx, &opaque::hash(token))
        .await?
        .ok_or(Error::InvalidRefresh)?;
    if found.ended {
        return Ok(());
    }
    if is_expired(&found, auth.clock.unix()) {
        return Err(Error::InvalidRefresh);
    }
    end_family(auth, tx, &found.family, "logout").await
}

async fn end_family(auth: &Arc<Auth>, mut tx: Tx, family: &str, why: &str) -> Result<(), Error> {
    let moment = auth.moment();
    let revocation = Revocation::Session {
        sid: family.to_owned(),
        until: moment.until,
    };
    refresh::end(&mut tx, family, moment.now, why).await?;
    revocations::insert(&mut tx, &revocation).await?;
    auth.finish_session(tx, revocation).await
}

fn is_expired(found: &Found, now: i64) -> bool {
    now >= found.expires_at.min(found.family_expires_at)
}

fn check_form(auth: &Auth, token: &str) -> Result<(), Error> {
    if opaque::is_well_formed(token) {
        Ok(())
    } else if auth.is_legacy(token) {
        Err(Error::LegacyRefresh)
    } else {
        Err(Error::InvalidRefresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_calls_itself_is_cut_and_cleaned() {
        let origin = Origin::new(None, &format!("curl\r\n\u{1b}[31m/8 {}", "x".repeat(500)));
        assert!(origin.device.starts_with("curl[31m/8 x"));
        assert_eq!(origin.device.chars().count(), DEVICE_LENGTH);
        assert_eq!(origin.address_text(), "local");
    }
}
