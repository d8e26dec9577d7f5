//! Statements on users.

use pistack_api::token::Level;

use super::Connection;
use crate::directory::User;
use crate::error::Error;

/// Columns of a user.
type Row = (String, String, String, i64, i64, i64);

/// The form of a name under which it is unique. No name holds a NUL, and PostgreSQL takes none in a text: whoever
/// asks for such a name finds nobody.
pub(crate) fn fold(name: &str) -> String {
    name.to_lowercase().replace('\0', "\u{fffd}")
}

fn user((id, name, level, epoch, disabled, must_change): Row) -> Result<User, Error> {
    let level: Level = level
        .parse()
        .map_err(|_| Error::Stored(format!("the level `{level}`")))?;
    Ok(User {
        id,
        name,
        level,
        epoch,
        disabled: disabled != 0,
        must_change: must_change != 0,
    })
}

/// All users, by folded name.
pub(crate) async fn all(connection: &mut Connection) -> Result<Vec<User>, Error> {
    let rows: Vec<Row> = sqlx::query_as("SELECT id, name, level, epoch, disabled, must_change FROM users")
        .fetch_all(connection)
        .await?;
    // Sorted here: each database has an order of letters of its own.
    let mut users: Vec<User> = rows.into_iter().map(user).collect::<Result<_, _>>()?;
    users.sort_by_key(|user| fold(&user.name));
    Ok(users)
}

/// One user.
pub(crate) async fn by_id(connection: &mut Connection, id: &str) -> Result<Option<User>, Error> {
    let row: Option<Row> =
        sqlx::query_as("SELECT id, name, level, epoch, disabled, must_change FROM users WHERE id = $1")
            .bind(id)
            .fetch_optional(connection)
            .await?;
    row.map(user).transpose()
}

/// One user, by name in any case.
pub(crate) async fn by_name(connection: &mut Connection, name: &str) -> Result<Option<User>, Error> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, name, level, epoch, disabled, must_change FROM users WHERE name_folded = $1",
    )
    .bind(fold(name))
    .fetch_optional(connection)
    .await?;
    row.map(user).transpose()
}

/// A user and the stored password hash.
pub(crate) async fn credentials(
    connection: &mut Connection,
    name: &str,
) -> Result<Option<(User, String)>, Error> {
    let row: Option<(String, String, String, i64, i64, i64, String)> = sqlx::query_as(
        "SELECT id, name, level, epoch, disabled, must_change, password_hash FROM users WHERE name_folded = $1",
    )
    .bind(fold(name))
    .fetch_optional(connection)
    .await?;
    row.map(|(id, name, level, epoch, disabled, must_change, hash)| {
        Ok((user((id, name, level, epoch, disabled, must_change))?, hash))
    })
    .transpose()
}

/// How many users there are.
pub(crate) async fn count(connection: &mut Connection) -> Result<i64, Error> {
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM users")
        .fetch_one(connection)
        .await?)
}

/// How many of level Root can log in.
pub(crate) async fn count_roots(connection: &mut Connection) -> Result<i64, Error> {
    Ok(
        sqlx::query_scalar("SELECT COUNT(*) FROM users WHERE level = 'Root' AND disabled = 0")
            .fetch_one(connection)
            .await?,
    )
}

/// Adds a user.
pub(crate) async fn insert(
    connection: &mut Connection,
    user: &User,
    hash: &str,
    now: i64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO users (id, name, name_folded, password_hash, level, epoch, created_at, password_changed_at, \
         disabled, must_change) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)",
    )
    .bind(&user.id)
    .bind(&user.name)
    .bind(fold(&user.name))
    .bind(hash)
    .bind(user.level.as_str())
    .bind(user.epoch)
    .bind(now)
    .bind(i64::from(user.disabled))
    .bind(i64::from(user.must_change))
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes name, level, epoch and whether the account is closed.
pub(crate) async fn update(connection: &mut Connection, user: &User) -> Result<(), Error> {
    sqlx::query(
        "UPDATE users SET name = $2, name_folded = $3, level = $4, epoch = $5, disabled = $6 WHERE id = $1",
    )
    .bind(&user.id)
    .bind(&user.name)
    .bind(fold(&user.name))
    .bind(user.level.as_str())
    .bind(user.epoch)
    .bind(i64::from(user.disabled))
    .execute(connection)
    .await?;
    Ok(())
}

/// Where the person is written to.
pub(crate) async fn email(connection: &mut Connection, id: &str) -> Result<Option<String>, Error> {
    let row: Option<Option<String>> = sqlx::query_scalar("SELECT email FROM users WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    Ok(row.flatten())
}

/// Sets where the person is written to.
pub(crate) async fn set_email(
    connection: &mut Connection,
    id: &str,
    email: Option<&str>,
) -> Result<(), Error> {
    sqlx::query("UPDATE users SET email = $2 WHERE id = $1")
        .bind(id)
        .bind(email)
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes a new password.
pub(crate) async fn set_password(
    connection: &mut Connection,
    id: &str,
    hash: &str,
    now: i64,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE users SET password_hash = $2, password_changed_at = $3, must_change = 0 WHERE id = $1",
    )
    .bind(id)
    .bind(hash)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Replaces the hash of the same password, unless the password was changed meanwhile (a new epoch).
pub(crate) async fn rehash(connection: &mut Connection, user: &User, hash: &str) -> Result<(), Error> {
    sqlx::query("UPDATE users SET password_hash = $3 WHERE id = $1 AND epoch = $2")
        .bind(&user.id)
        .bind(user.epoch)
        .bind(hash)
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes a user.
pub(crate) async fn delete(connection: &mut Connection, id: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM users WHERE id = $1")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}
