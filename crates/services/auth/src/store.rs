//! The database: statements only, no rule. Every function takes the connection or transaction it works in, so
//! that the rules decide what happens together.

pub(crate) mod cookies;
pub(crate) mod refresh;
pub(crate) mod revocations;
pub(crate) mod users;

use std::path::PathBuf;

use pistack_api::service::Service;
use pistack_kit::database::{self, Durability, Migration, Pool};
use pistack_kit::paths::StatePaths;
use sqlx::{Sqlite, SqliteConnection, Transaction};

use crate::config::Config;
use crate::error::Error;

/// A write transaction.
pub(crate) type Tx = Transaction<'static, Sqlite>;
/// What statements run on.
pub(crate) type Connection = SqliteConnection;

/// Time for which ended and expired sessions stay, so that a clock that is a little off does no harm.
const PRUNE_MARGIN_SECONDS: i64 = 24 * 3600;

const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "accounts",
    sql: include_str!("../migrations/0001_accounts.sql"),
}];

/// The open database.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pool: Pool,
}

/// Where the database lies.
pub(crate) fn path(paths: &StatePaths, config: &Config) -> PathBuf {
    match &config.db_dir {
        Some(dir) => dir.join("auth.sqlite3"),
        None => paths.database(Service::Auth),
    }
}

impl Store {
    /// Opens or makes it. One connection: writes wait for each other in order, and none is lost.
    pub(crate) async fn open(paths: &StatePaths, config: &Config) -> Result<Self, Error> {
        Ok(Self {
            pool: database::open(&path(paths, config), Durability::Full, 1, MIGRATIONS).await?,
        })
    }

    /// Begins a write transaction. `IMMEDIATE`, because a read that turns into a write fails when the console
    /// has written in between.
    pub(crate) async fn begin(&self) -> Result<Tx, Error> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// A connection for reading.
    pub(crate) async fn read(&self) -> Result<sqlx::pool::PoolConnection<Sqlite>, Error> {
        Ok(self.pool.acquire().await?)
    }

    /// Closes the file; the write-ahead log is folded in.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// A value of the `meta` table.
pub(crate) async fn meta(connection: &mut Connection, key: &str) -> Result<Option<String>, Error> {
    let value = sqlx::query_scalar("SELECT value FROM meta WHERE key = $1").bind(key);
    Ok(value.fetch_optional(connection).await?)
}

/// Writes a value of the `meta` table.
pub(crate) async fn set_meta(connection: &mut Connection, key: &str, value: &str) -> Result<(), Error> {
    sqlx::query("INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = $2")
        .bind(key)
        .bind(value)
        .execute(connection)
        .await?;
    Ok(())
}

/// The number of the last change to users.
pub(crate) async fn generation(connection: &mut Connection) -> Result<i64, Error> {
    let text = meta(connection, "generation").await?.unwrap_or_default();
    text.parse()
        .map_err(|_| Error::Stored(format!("the generation `{text}`")))
}

/// Raises it; belongs into every transaction that changes a user.
pub(crate) async fn raise_generation(connection: &mut Connection) -> Result<(), Error> {
    let next = generation(connection).await? + 1;
    set_meta(connection, "generation", &next.to_string()).await
}

/// Forgets what can have no effect any more.
pub(crate) async fn prune(connection: &mut Connection, now: i64) -> Result<(), Error> {
    let before = now - PRUNE_MARGIN_SECONDS;
    for statement in [
        "DELETE FROM refresh_tokens WHERE expires_at < $1",
        "DELETE FROM refresh_families WHERE expires_at < $1 OR NOT EXISTS \
         (SELECT 1 FROM refresh_tokens WHERE refresh_tokens.family_id = refresh_families.id)",
        "DELETE FROM cookie_sessions WHERE expires_at < $1",
        "DELETE FROM revocations WHERE until < $1",
    ] {
        sqlx::query(statement)
            .bind(before)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
