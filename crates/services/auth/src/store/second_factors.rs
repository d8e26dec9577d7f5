//! Statements on second factors: TOTP secrets (sealed) and recovery codes (hashed).

use super::Connection;
use crate::error::Error;

/// A person's TOTP secret as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FactorRow {
    /// The secret, sealed.
    pub sealed: String,
    /// When the first right code was given; until then it guards nothing.
    pub confirmed_at: Option<i64>,
    /// The newest time step of which a code was taken.
    pub last_step: i64,
}

/// A person's factor, confirmed or not.
pub(crate) async fn find(connection: &mut Connection, user: &str) -> Result<Option<FactorRow>, Error> {
    let row: Option<(String, Option<i64>, i64)> =
        sqlx::query_as("SELECT sealed, confirmed_at, last_step FROM second_factors WHERE user_id = $1")
            .bind(user)
            .fetch_optional(connection)
            .await?;
    Ok(row.map(|(sealed, confirmed_at, last_step)| FactorRow {
        sealed,
        confirmed_at,
        last_step,
    }))
}

/// Begins anew with a secret that is not confirmed.
pub(crate) async fn begin(
    connection: &mut Connection,
    user: &str,
    sealed: &str,
    now: i64,
) -> Result<(), Error> {
    remove(connection, user).await?;
    sqlx::query("INSERT INTO second_factors (user_id, sealed, created_at) VALUES ($1, $2, $3)")
        .bind(user)
        .bind(sealed)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Confirms it. False if it was confirmed already, or is gone.
pub(crate) async fn confirm(connection: &mut Connection, user: &str, now: i64) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE second_factors SET confirmed_at = $2 WHERE user_id = $1 AND confirmed_at IS NULL",
    )
    .bind(user)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes a code of `step`. False if one of this or a later step was taken before.
pub(crate) async fn take_step(connection: &mut Connection, user: &str, step: i64) -> Result<bool, Error> {
    let done = sqlx::query("UPDATE second_factors SET last_step = $2 WHERE user_id = $1 AND last_step < $2")
        .bind(user)
        .bind(step)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes the secret and the recovery codes. True if there was a secret.
pub(crate) async fn remove(connection: &mut Connection, user: &str) -> Result<bool, Error> {
    sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1")
        .bind(user)
        .execute(&mut *connection)
        .await?;
    let done = sqlx::query("DELETE FROM second_factors WHERE user_id = $1")
        .bind(user)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Puts these recovery codes in place of all others.
pub(crate) async fn set_codes(
    connection: &mut Connection,
    user: &str,
    hashes: &[String],
) -> Result<(), Error> {
    sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1")
        .bind(user)
        .execute(&mut *connection)
        .await?;
    for hash in hashes {
        sqlx::query("INSERT INTO recovery_codes (hash, user_id) VALUES ($1, $2)")
            .bind(hash)
            .bind(user)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Uses a recovery code up. False if there is none such.
pub(crate) async fn take_code(connection: &mut Connection, user: &str, hash: &str) -> Result<bool, Error> {
    let done = sqlx::query("DELETE FROM recovery_codes WHERE hash = $1 AND user_id = $2")
        .bind(hash)
        .bind(user)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Recovery codes left.
pub(crate) async fn count_codes(connection: &mut Connection, user: &str) -> Result<i64, Error> {
    Ok(
        sqlx::query_scalar("SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1")
            .bind(user)
            .fetch_one(connection)
            .await?,
    )
}
