//! Statements on API tokens.

use super::Connection;
use crate::error::Error;

/// An API token as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiTokenRow {
    /// Its id, the `sid` of what it is exchanged for.
    pub id: String,
    /// Whose.
    pub user_id: String,
    /// What the owner calls it.
    pub name: String,
    /// The rights it is limited to, separated by spaces.
    pub scope: String,
    /// When it was made.
    pub created_at: i64,
    /// When it ends.
    pub expires_at: i64,
    /// Last use, at most five minutes old.
    pub last_used_at: Option<i64>,
}

type Row = (String, String, String, String, i64, i64, Option<i64>);

fn token((id, user_id, name, scope, created_at, expires_at, last_used_at): Row) -> ApiTokenRow {
    ApiTokenRow {
        id,
        user_id,
        name,
        scope,
        created_at,
        expires_at,
        last_used_at,
    }
}

/// By the token's hash.
pub(crate) async fn find(connection: &mut Connection, hash: &str) -> Result<Option<ApiTokenRow>, Error> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, user_id, name, scope, created_at, expires_at, last_used_at FROM api_tokens WHERE hash = $1",
    )
    .bind(hash)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(token))
}

/// By its id.
pub(crate) async fn by_id(connection: &mut Connection, id: &str) -> Result<Option<ApiTokenRow>, Error> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, user_id, name, scope, created_at, expires_at, last_used_at FROM api_tokens WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(token))
}

/// A user's, newest first.
pub(crate) async fn of_user(connection: &mut Connection, user: &str) -> Result<Vec<ApiTokenRow>, Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, user_id, name, scope, created_at, expires_at, last_used_at FROM api_tokens \
         WHERE user_id = $1 ORDER BY created_at DESC, id",
    )
    .bind(user)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(token).collect())
}

/// Adds one.
pub(crate) async fn insert(connection: &mut Connection, hash: &str, row: &ApiTokenRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO api_tokens (id, hash, user_id, name, scope, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&row.id)
    .bind(hash)
    .bind(&row.user_id)
    .bind(&row.name)
    .bind(&row.scope)
    .bind(row.created_at)
    .bind(row.expires_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes the last use.
pub(crate) async fn used(connection: &mut Connection, id: &str, now: i64) -> Result<(), Error> {
    sqlx::query("UPDATE api_tokens SET last_used_at = $2 WHERE id = $1")
        .bind(id)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes one.
pub(crate) async fn delete(connection: &mut Connection, id: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM api_tokens WHERE id = $1")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}
