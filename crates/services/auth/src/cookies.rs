//! Dashboard sessions: an opaque cookie, exchanged for short access tokens.
//!
//! An exchange happens in memory; the database sees the first one after a start and a note of the last use
//! every five minutes, to spare the card.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pistack_api::auth::{CookieSession, ExchangedToken};
use pistack_api::token::Revocation;
use pistack_kit::random;

use crate::clock_keeping;
use crate::directory::User;
use crate::error::Error;
use crate::opaque;
use crate::sessions::Origin;
use crate::state::Auth;
use crate::store::cookies::{self, CookieRow};
use crate::store::{revocations, users};

/// Life of an exchanged token in seconds.
pub(crate) const TOKEN_SECONDS: i64 = 300;
/// A session unused for so long is over.
const IDLE_SECONDS: i64 = 12 * 3600;
/// A session is over after so long in any case.
const ABSOLUTE_SECONDS: i64 = 7 * 24 * 3600;
/// The last use is written down at most so often.
const WRITE_EVERY_SECONDS: i64 = 300;
/// Sessions held in memory.
const CAPACITY: usize = 1024;

/// Sessions in memory by the cookie's hash.
#[derive(Debug, Default)]
pub(crate) struct CookieCache {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Raised whenever sessions end, so that one read from the database before is not held after.
    turn: u64,
    sessions: HashMap<String, Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    row: CookieRow,
    /// When the last use was written down.
    written_at: i64,
}

impl CookieCache {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session, or the turn at which it is missing.
    fn get(&self, hash: &str) -> Result<CookieRow, u64> {
        let held = self.held();
        held.sessions
            .get(hash)
            .map(|entry| entry.row.clone())
            .ok_or(held.turn)
    }

    fn put(&self, hash: &str, row: CookieRow, turn: u64) {
        let mut held = self.held();
        if held.turn != turn {
            return;
        }
        if held.sessions.len() >= CAPACITY {
            let oldest = held
                .sessions
                .iter()
                .min_by_key(|(_, entry)| entry.row.last_seen_at);
            if let Some(oldest) = oldest.map(|(hash, _)| hash.clone()) {
                held.sessions.remove(&oldest);
            }
        }
        let written_at = row.last_seen_at;
        held.sessions.insert(hash.to_owned(), Entry { row, written_at });
    }

    /// Notes a use. True if it is time to write it down.
    fn touch(&self, hash: &str, now: i64) -> bool {
        let mut held = self.held();
        let Some(entry) = held.sessions.get_mut(hash) else {
            return false;
        };
        entry.row.last_seen_at = now;
        let due = (now - entry.written_at).abs() >= WRITE_EVERY_SECONDS;
        if due {
            entry.written_at = now;
        }
        due
    }

    fn remove(&self, hash: &str) {
        let mut held = self.held();
        held.turn += 1;
        held.sessions.remove(hash);
    }

    pub(crate) fn clear(&self) {
        let mut held = self.held();
        held.turn += 1;
        held.sessions.clear();
    }
}

/// Begins a session for a user whose password was just checked.
pub(crate) async fn begin(auth: &Arc<Auth>, user: &User, origin: &Origin) -> Result<CookieSession, Error> {
    if user.must_change {
        return Err(Error::MustChange);
    }
    clock_keeping::settle(auth).await?;
    let (cookie, now) = (opaque::fresh(), auth.clock.unix());
    let row = CookieRow {
        sid: random::uuid().to_string(),
        user_id: user.id.clone(),
        epoch: user.epoch,
        last_seen_at: now,
        expires_at: now + ABSOLUTE_SECONDS,
    };
    auth.authentications.note(&row.sid);
    let hash = opaque::hash(&cookie);
    let turn = auth.cookies.held().turn;
    match store_session(auth, user, origin, &hash, &row).await {
        Err(error) if error.is_disk_full() => {
            // Somebody has to be able to look: this session lives in memory until the next restart.
            tracing::error!(user = %user.id, "THE DISK IS FULL: this dashboard session is not stored");
            auth.cookies.put(&hash, row, turn);
        }
        stored => {
            if stored? {
                auth.cookies.clear();
            }
        }
    }
    Ok(CookieSession {
        cookie,
        max_age: ABSOLUTE_SECONDS,
        user: user.public(),
        device_token: None,
    })
}

/// Writes a session down. True when older ones of the user had to end for it.
async fn store_session(
    auth: &Arc<Auth>,
    user: &User,
    origin: &Origin,
    hash: &str,
    row: &CookieRow,
) -> Result<bool, Error> {
    let mut tx = auth.store.begin().await?;
    auth.prune_sometimes(&mut tx).await?;
    if users::by_id(&mut tx, &user.id)
        .await?
        .is_none_or(|current| current.epoch != user.epoch)
    {
        // The password was changed, or the account removed, while this one was being checked.
        return Err(Error::InvalidCredentials);
    }
    let surplus = cookies::insert(&mut tx, hash, row, &origin.device, &origin.address_text()).await?;
    tx.commit().await?;
    Ok(surplus)
}

/// Exchanges a cookie for a short access token.
pub(crate) async fn exchange(auth: &Arc<Auth>, cookie: &str) -> Result<ExchangedToken, Error> {
    if !opaque::is_well_formed(cookie) {
        return Err(Error::SessionOver);
    }
    clock_keeping::settle(auth).await?;
    let hash = opaque::hash(cookie);
    let row = match auth.cookies.get(&hash) {
        Ok(row) => row,
        Err(turn) => {
            let found = cookies::find(&mut *auth.store.read().await?, &hash).await?;
            let row = found.ok_or(Error::SessionOver)?;
            auth.cookies.put(&hash, row.clone(), turn);
            row
        }
    };
    let now = auth.clock.unix();
    let user = if let Some(user) = current(auth, &row) {
        Some(user)
    } else {
        // Grants may have raised the epoch of the user and of this session just now.
        let row = cookies::find(&mut *auth.store.read().await?, &hash).await?;
        row.and_then(|row| current(auth, &row))
    };
    let in_time = now < row.expires_at && now - row.last_seen_at <= IDLE_SECONDS;
    let Some(user) = user.filter(|_| in_time) else {
        end(auth, cookie).await?;
        return Err(Error::SessionOver);
    };
    if auth.cookies.touch(&hash, now) {
        note_use(auth, hash, now);
    }
    let expires_in = TOKEN_SECONDS.min(row.expires_at - now);
    let access_token = auth
        .issuer
        .access(&user, &row.sid, expires_in, auth.privileges(&user, &row.sid));
    Ok(ExchangedToken {
        access_token,
        expires_in,
        sid: row.sid,
        user: user.public(),
    })
}

/// The session's user, if nothing has ended the user's sessions since.
fn current(auth: &Auth, row: &CookieRow) -> Option<Arc<User>> {
    let user = auth.directory.get(&row.user_id)?;
    (user.epoch == row.epoch).then_some(user)
}

/// Writes the last use down without keeping the caller waiting.
fn note_use(auth: &Arc<Auth>, hash: String, now: i64) {
    let auth = Arc::clone(auth);
    auth.lifecycle.clone().spawn(async move {
        let written = async {
            let mut tx = auth.store.begin().await?;
            cookies::seen(&mut tx, &hash, now).await?;
            Ok::<_, Error>(tx.commit().await?)
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, "cannot note the last use of a session");
        }
    });
}

/// Ends a session. One that is over already is no error.
pub(crate) async fn end(auth: &Arc<Auth>, cookie: &str) -> Result<(), Error> {
    if !opaque::is_well_formed(cookie) {
        return Ok(());
    }
    end_hashed(auth, opaque::hash(cookie)).await
}

/// The same by the session's name in tokens.
pub(crate) async fn end_by_sid(auth: &Arc<Auth>, sid: &str) -> Result<(), Error> {
    let hash = cookies::hash_of(&mut *auth.store.read().await?, sid).await?;
    match hash {
        Some(hash) => end_hashed(auth, hash).await,
        None => Ok(()),
    }
}

async fn end_hashed(auth: &Arc<Auth>, hash: String) -> Result<(), Error> {
    let mut tx = auth.store.begin().await?;
    if let Some(row) = cookies::find(&mut tx, &hash).await? {
        let revocation = Revocation::Session {
            sid: row.sid,
            until: auth.moment().until,
        };
        cookies::delete(&mut tx, &hash).await?;
        revocations::insert(&mut tx, &revocation).await?;
        auth.finish_session(tx, revocation).await?;
    }
    auth.cookies.remove(&hash);
    Ok(())
}
