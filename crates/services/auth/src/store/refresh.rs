//! Statements on refresh families and their tokens.

use super::Connection;
use crate::error::Error;

/// Live families kept per user; beyond it the ones used longest ago end. Far above what people have, a bound
/// for scripts that log in anew each time.
const FAMILIES_PER_USER: i64 = 1000;

/// A login.
#[derive(Debug)]
pub(crate) struct NewFamily<'a> {
    /// The `sid`.
    pub id: &'a str,
    /// Whose.
    pub user_id: &'a str,
    /// The user's epoch at login.
    pub epoch: i64,
    /// `User-Agent`.
    pub device: &'a str,
    /// Client address.
    pub address: &'a str,
    /// Login time.
    pub now: i64,
    /// End at the latest.
    pub expires_at: i64,
}

/// A token and its family.
#[derive(Debug)]
pub(crate) struct Found {
    /// The family, which is the `sid`.
    pub family: String,
    /// Whose.
    pub user_id: String,
    /// The user's epoch at login.
    pub epoch: i64,
    /// When the token was exchanged.
    pub used_at: Option<i64>,
    /// Hash of the token it was exchanged for.
    pub successor: Option<String>,
    /// When the token expires.
    pub expires_at: i64,
    /// When the family expires.
    pub family_expires_at: i64,
    /// True once the family is ended.
    pub ended: bool,
}

/// A row of [`find`].
type Row = (
    String,
    String,
    i64,
    Option<i64>,
    Option<String>,
    i64,
    i64,
    Option<i64>,
);

/// Looks a token up by hash.
pub(crate) async fn find(connection: &mut Connection, hash: &str) -> Result<Option<Found>, Error> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT f.id, f.user_id, f.epoch, t.used_at, t.successor, t.expires_at, f.expires_at, f.ended_at \
         FROM refresh_tokens t JOIN refresh_families f ON f.id = t.family_id WHERE t.hash = $1",
    )
    .bind(hash)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(
        |(family, user_id, epoch, used_at, successor, expires_at, family_expires_at, ended_at)| Found {
            family,
            user_id,
            epoch,
            used_at,
            successor,
            expires_at,
            family_expires_at,
            ended: ended_at.is_some(),
        },
    ))
}

/// Begins a family, and ends the user's surplus ones.
pub(crate) async fn insert_family(connection: &mut Connection, family: &NewFamily<'_>) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO refresh_families (id, user_id, epoch, device, address, created_at, last_used_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $6, $7)",
    )
    .bind(family.id)
    .bind(family.user_id)
    .bind(family.epoch)
    .bind(family.device)
    .bind(family.address)
    .bind(family.now)
    .bind(family.expires_at)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE refresh_families SET ended_at = $2, ended_why = 'surplus' WHERE id IN \
         (SELECT id FROM refresh_families WHERE user_id = $1 AND ended_at IS NULL AND id <> $3 \
          ORDER BY last_used_at DESC LIMIT 1000000 OFFSET $4)",
    )
    .bind(family.user_id)
    .bind(family.now)
    .bind(family.id)
    .bind(FAMILIES_PER_USER - 1)
    .execute(connection)
    .await?;
    Ok(())
}

/// Adds a token to a family.
pub(crate) async fn insert_token(
    connection: &mut Connection,
    family: &str,
    hash: &str,
    parent: Option<&str>,
    now: i64,
    expires_at: i64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO refresh_tokens (hash, family_id, parent, issued_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(hash)
    .bind(family)
    .bind(parent)
    .bind(now)
    .bind(expires_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Marks a token as exchanged.
pub(crate) async fn mark_used(
    connection: &mut Connection,
    hash: &str,
    family: &str,
    successor: &str,
    now: i64,
) -> Result<(), Error> {
    sqlx::query("UPDATE refresh_tokens SET used_at = $2, successor = $3 WHERE hash = $1")
        .bind(hash)
        .bind(now)
        .bind(successor)
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE refresh_families SET last_used_at = $2 WHERE id = $1")
        .bind(family)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Ends a family.
pub(crate) async fn end(connection: &mut Connection, family: &str, now: i64, why: &str) -> Result<(), Error> {
    sqlx::query(
        "UPDATE refresh_families SET ended_at = $2, ended_why = $3 WHERE id = $1 AND ended_at IS NULL",
    )
    .bind(family)
    .bind(now)
    .bind(why)
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends all families of a user.
pub(crate) async fn end_all(
    connection: &mut Connection,
    user: &str,
    now: i64,
    why: &str,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE refresh_families SET ended_at = $2, ended_why = $3 WHERE user_id = $1 AND ended_at IS NULL",
    )
    .bind(user)
    .bind(now)
    .bind(why)
    .execute(connection)
    .await?;
    Ok(())
}
