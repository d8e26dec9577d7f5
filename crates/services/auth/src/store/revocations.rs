//! Statements on what was ended before its time.

use pistack_api::token::Revocation;

use super::Connection;
use crate::error::Error;

/// `sid`, `sub`, `epoch`, `until`.
type Row = (Option<String>, Option<String>, Option<i64>, i64);

/// Those that may still matter at `now`.
pub(crate) async fn live(connection: &mut Connection, now: i64) -> Result<Vec<Revocation>, Error> {
    let rows: Vec<Row> = sqlx::query_as("SELECT sid, sub, epoch, until FROM revocations WHERE until > $1")
        .bind(now)
        .fetch_all(connection)
        .await?;
    rows.into_iter()
        .map(|row| match row {
            (Some(sid), None, None, until) => Ok(Revocation::Session { sid, until }),
            (None, Some(sub), Some(epoch), until) => Ok(Revocation::User { sub, epoch, until }),
            other => Err(Error::Stored(format!("the revocation {other:?}"))),
        })
        .collect()
}

/// Adds one.
pub(crate) async fn insert(connection: &mut Connection, revocation: &Revocation) -> Result<(), Error> {
    let (sid, sub, epoch, until) = match revocation {
        Revocation::Session { sid, until } => (Some(sid), None, None, until),
        Revocation::User { sub, epoch, until } => (None, Some(sub), Some(epoch), until),
    };
    sqlx::query("INSERT INTO revocations (id, sid, sub, epoch, until) VALUES ($1, $2, $3, $4, $5)")
        .bind(pistack_kit::random::uuid().to_string())
        .bind(sid)
        .bind(sub)
        .bind(epoch)
        .bind(until)
        .execute(connection)
        .await?;
    Ok(())
}
