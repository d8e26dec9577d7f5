//! Statements on devices that are to be remembered and places that were seen.

use super::Connection;
use crate::error::Error;

/// Devices kept per person; beyond it the oldest go.
const DEVICES_PER_USER: i64 = 20;
/// Places kept per person; beyond it the ones seen longest ago go.
const PLACES_PER_USER: i64 = 50;

/// Whose device it is.
pub(crate) async fn device_owner(
    connection: &mut Connection,
    hash: &str,
    now: i64,
) -> Result<Option<String>, Error> {
    Ok(
        sqlx::query_scalar("SELECT user_id FROM known_devices WHERE hash = $1 AND expires_at > $2")
            .bind(hash)
            .bind(now)
            .fetch_optional(connection)
            .await?,
    )
}

/// Remembers a device.
pub(crate) async fn add_device(
    connection: &mut Connection,
    hash: &str,
    user: &str,
    now: i64,
    expires_at: i64,
) -> Result<(), Error> {
    sqlx::query("INSERT INTO known_devices (hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(hash)
        .bind(user)
        .bind(now)
        .bind(expires_at)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "DELETE FROM known_devices WHERE hash IN \
         (SELECT hash FROM known_devices WHERE user_id = $1 AND hash <> $2 \
          ORDER BY created_at DESC LIMIT 1000000 OFFSET $3)",
    )
    .bind(user)
    .bind(hash)
    .bind(DEVICES_PER_USER - 1)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes a login from a place. Gives how many places were known and whether this one was among them.
pub(crate) async fn visit(
    connection: &mut Connection,
    user: &str,
    place: &str,
    now: i64,
) -> Result<(i64, bool), Error> {
    let known: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM known_places WHERE user_id = $1")
        .bind(user)
        .fetch_one(&mut *connection)
        .await?;
    let seen = sqlx::query("UPDATE known_places SET seen_at = $3 WHERE user_id = $1 AND place = $2")
        .bind(user)
        .bind(place)
        .bind(now)
        .execute(&mut *connection)
        .await?;
    if seen.rows_affected() > 0 {
        return Ok((known, true));
    }
    sqlx::query("INSERT INTO known_places (user_id, place, seen_at) VALUES ($1, $2, $3)")
        .bind(user)
        .bind(place)
        .bind(now)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "DELETE FROM known_places WHERE user_id = $1 AND place <> $2 AND place IN \
         (SELECT place FROM known_places WHERE user_id = $1 AND place <> $2 \
          ORDER BY seen_at DESC LIMIT 1000000 OFFSET $3)",
    )
    .bind(user)
    .bind(place)
    .bind(PLACES_PER_USER - 1)
    .execute(connection)
    .await?;
    Ok((known, false))
}
