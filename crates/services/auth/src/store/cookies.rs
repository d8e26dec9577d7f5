//! Statements on dashboard sessions.

use super::Connection;
use crate::error::Error;

/// Sessions kept per user; beyond it the ones seen longest ago end.
const SESSIONS_PER_USER: i64 = 50;

/// A dashboard session as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CookieRow {
    /// The name of the session in tokens.
    pub sid: String,
    /// Whose.
    pub user_id: String,
    /// The user's epoch at login.
    pub epoch: i64,
    /// Last use, at most five minutes old.
    pub last_seen_at: i64,
    /// End at the latest.
    pub expires_at: i64,
}

/// Looks a session up by the cookie's hash.
pub(crate) async fn find(connection: &mut Connection, hash: &str) -> Result<Option<CookieRow>, Error> {
    let row: Option<(String, String, i64, i64, i64)> = sqlx::query_as(
        "SELECT sid, user_id, epoch, last_seen_at, expires_at FROM cookie_sessions WHERE hash = $1",
    )
    .bind(hash)
    .fetch_optional(connection)
    .await?;
    Ok(
        row.map(|(sid, user_id, epoch, last_seen_at, expires_at)| CookieRow {
            sid,
            user_id,
            epoch,
            last_seen_at,
            expires_at,
        }),
    )
}

/// The hash of a session's cookie, by its name in tokens.
pub(crate) async fn hash_of(connection: &mut Connection, sid: &str) -> Result<Option<String>, Error> {
    if sid.contains('\0') {
        // PostgreSQL takes no NUL in a text.
        return Ok(None);
    }
    Ok(
        sqlx::query_scalar("SELECT hash FROM cookie_sessions WHERE sid = $1")
            .bind(sid)
            .fetch_optional(connection)
            .await?,
    )
}

/// Begins a session, and ends the user's surplus ones. True if there were any.
pub(crate) async fn insert(
    connection: &mut Connection,
    hash: &str,
    row: &CookieRow,
    device: &str,
    address: &str,
) -> Result<bool, Error> {
    sqlx::query(
        "INSERT INTO cookie_sessions \
         (hash, sid, user_id, epoch, device, address, created_at, last_seen_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)",
    )
    .bind(hash)
    .bind(&row.sid)
    .bind(&row.user_id)
    .bind(row.epoch)
    .bind(device)
    .bind(address)
    .bind(row.last_seen_at)
    .bind(row.expires_at)
    .execute(&mut *connection)
    .await?;
    let surplus = sqlx::query(
        "DELETE FROM cookie_sessions WHERE sid IN \
         (SELECT sid FROM cookie_sessions WHERE user_id = $1 AND sid <> $2 \
          ORDER BY last_seen_at DESC LIMIT 1000000 OFFSET $3)",
    )
    .bind(&row.user_id)
    .bind(&row.sid)
    .bind(SESSIONS_PER_USER - 1)
    .execute(connection)
    .await?;
    Ok(surplus.rows_affected() > 0)
}

/// Notes the last use.
pub(crate) async fn seen(connection: &mut Connection, hash: &str, now: i64) -> Result<(), Error> {
    sqlx::query("UPDATE cookie_sessions SET last_seen_at = $2 WHERE hash = $1")
        .bind(hash)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes a session.
pub(crate) async fn delete(connection: &mut Connection, hash: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM cookie_sessions WHERE hash = $1")
        .bind(hash)
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes all sessions of a user.
pub(crate) async fn delete_all(connection: &mut Connection, user: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM cookie_sessions WHERE user_id = $1")
        .bind(user)
        .execute(connection)
        .await?;
    Ok(())
}
