//! Statements on what people may beyond their level.

use std::collections::HashMap;

use super::Connection;
use crate::error::Error;
use crate::privileges::UserRights;

/// Everyone who has grants or is limited, by the user's id.
pub(crate) async fn all(connection: &mut Connection) -> Result<HashMap<String, UserRights>, Error> {
    let rows: Vec<(String, String, i64)> = sqlx::query_as("SELECT user_id, grants, limited FROM user_rights")
        .fetch_all(connection)
        .await?;
    let rights = |(user, grants, limited): (String, String, i64)| {
        let limited = limited != 0;
        (user, UserRights { grants, limited })
    };
    Ok(rows.into_iter().map(rights).collect())
}

/// Writes one person's.
pub(crate) async fn set(connection: &mut Connection, user: &str, rights: &UserRights) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO user_rights (user_id, grants, limited) VALUES ($1, $2, $3) \
         ON CONFLICT (user_id) DO UPDATE SET grants = excluded.grants, limited = excluded.limited",
    )
    .bind(user)
    .bind(&rights.grants)
    .bind(i64::from(rights.limited))
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets what hangs on an account that is removed: grants, API tokens, second factor, devices and places.
pub(crate) async fn forget(connection: &mut Connection, user: &str) -> Result<(), Error> {
    for statement in [
        "DELETE FROM user_rights WHERE user_id = $1",
        "DELETE FROM api_tokens WHERE user_id = $1",
        "DELETE FROM second_factors WHERE user_id = $1",
        "DELETE FROM recovery_codes WHERE user_id = $1",
        "DELETE FROM known_devices WHERE user_id = $1",
        "DELETE FROM known_places WHERE user_id = $1",
    ] {
        sqlx::query(statement)
            .bind(user)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
