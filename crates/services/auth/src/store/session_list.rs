//! Statements that show a person's sessions of both kinds, and end single ones.

use super::Connection;
use crate::error::Error;

/// A session as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionRow {
    /// Its name in tokens.
    pub sid: String,
    /// True for one of the dashboard (cookie), false for one with refresh tokens.
    pub dashboard: bool,
    /// What the client called itself at login.
    pub device: String,
    /// From where the login came.
    pub address: String,
    /// Login.
    pub created_at: i64,
    /// Last use: of the cookie, at most five minutes old; or the last refresh.
    pub last_used_at: i64,
    /// End at the latest.
    pub expires_at: i64,
}

type Row = (String, String, String, i64, i64, i64);

fn session(dashboard: bool) -> impl Fn(Row) -> SessionRow {
    move |(sid, device, address, created_at, last_used_at, expires_at)| SessionRow {
        sid,
        dashboard,
        device,
        address,
        created_at,
        last_used_at,
        expires_at,
    }
}

/// A person's live sessions, the one used last first.
pub(crate) async fn of_user(
    connection: &mut Connection,
    user: &str,
    epoch: i64,
    now: i64,
) -> Result<Vec<SessionRow>, Error> {
    let families: Vec<Row> = sqlx::query_as(
        "SELECT id, device, address, created_at, last_used_at, expires_at FROM refresh_families \
         WHERE user_id = $1 AND epoch = $2 AND ended_at IS NULL AND expires_at > $3",
    )
    .bind(user)
    .bind(epoch)
    .bind(now)
    .fetch_all(&mut *connection)
    .await?;
    let cookies: Vec<Row> = sqlx::query_as(
        "SELECT sid, device, address, created_at, last_seen_at, expires_at FROM cookie_sessions \
         WHERE user_id = $1 AND epoch = $2 AND expires_at > $3",
    )
    .bind(user)
    .bind(epoch)
    .bind(now)
    .fetch_all(connection)
    .await?;
    let mut all: Vec<_> = families.into_iter().map(session(false)).collect();
    all.extend(cookies.into_iter().map(session(true)));
    all.sort_by(|one, two| (two.last_used_at, &two.sid).cmp(&(one.last_used_at, &one.sid)));
    Ok(all)
}

/// Ends one session of a person, of whichever kind. False if there is none such.
pub(crate) async fn end(connection: &mut Connection, user: &str, sid: &str, now: i64) -> Result<bool, Error> {
    let family = sqlx::query(
        "UPDATE refresh_families SET ended_at = $3, ended_why = 'signed out' \
         WHERE id = $1 AND user_id = $2 AND ended_at IS NULL",
    )
    .bind(sid)
    .bind(user)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    let cookie = sqlx::query("DELETE FROM cookie_sessions WHERE sid = $1 AND user_id = $2")
        .bind(sid)
        .bind(user)
        .execute(connection)
        .await?;
    Ok(family.rows_affected() + cookie.rows_affected() > 0)
}

/// Lets a person's sessions live on although the epoch was raised.
pub(crate) async fn carry_over(
    connection: &mut Connection,
    user: &str,
    before: i64,
    after: i64,
) -> Result<(), Error> {
    for statement in [
        "UPDATE refresh_families SET epoch = $3 WHERE user_id = $1 AND epoch = $2",
        "UPDATE cookie_sessions SET epoch = $3 WHERE user_id = $1 AND epoch = $2",
    ] {
        sqlx::query(statement)
            .bind(user)
            .bind(before)
            .bind(after)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
