//! Databases: SQLite files, opened with WAL, checked, migrated; broken ones named, never overwritten.
//!
//! [`open`] is for what always lies in a file. [`portable`] offers the same statements on such a file or on a
//! PostgreSQL server; [`backup`] keeps copies of a file and puts one back.

pub mod backup;
pub mod portable;

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use sqlx::SqlitePool as Pool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection};

/// How much a power cut may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// `synchronous=FULL`: a committed transaction survives a power cut. Users, tokens, mail.
    Full,
    /// `synchronous=NORMAL`: the newest may be lost, the file stays sound. History.
    Normal,
}

/// One step of a schema: version (1, 2, ...), a name, SQL.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Grows by one.
    pub version: i64,
    /// A few words.
    pub name: &'static str,
    /// The statements.
    pub sql: &'static str,
}

/// The database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// Not a database, or damaged.
    #[error(
        "{}: the database is damaged ({reason}). It was left untouched. Move it aside and start again, or \
         restore a copy; a new, empty one is made where there is none",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// Made by a newer pistack.
    #[error("{}: made by a newer pistack (schema {found}, this one knows {known}). Update pistack", path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Version in the file.
        found: i64,
        /// Newest version known here.
        known: i64,
    },
    /// The server cannot be used.
    #[error(
        "the database {place}: {source}. Look at the address in DATABASE_URL and whether the server runs"
    )]
    Server {
        /// Host and name, without the password.
        place: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// Anything else.
    #[error("{}: {source}", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
}

/// How long a statement waits for another connection's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// Prepared statements kept by a connection; ours are few and each costs memory.
const STATEMENTS: usize = 32;

/// Opens (or makes, mode 0600) the file, runs `PRAGMA quick_check`, applies the missing migrations.
/// At most `connections` connections; idle ones cost memory, so 1 or 2.
pub async fn open(
    path: &Path,
    durability: Durability,
    connections: u32,
    migrations: &[Migration],
) -> Result<Pool, DatabaseError> {
    let fault = |error: sqlx::Error| classify(path, error);
    let found = examine(path, migrations).await?;
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A local file's connection does not go bad by itself.
        .test_before_acquire(false)
        // Except after a full disk: SQLite has ended the transaction by itself, sqlx still counts it, and every later
        // BEGIN would be refused. Such a connection is closed and a new one made.
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options(path, durability))
        .await
        .map_err(fault)?;
    for migration in migrations.iter().filter(|migration| migration.version > found) {
        apply(&pool, migration).await.map_err(fault)?;
    }
    Ok(pool)
}

/// Makes the file where there is none, checks it, and gives the version of its schema.
async fn examine(path: &Path, migrations: &[Migration]) -> Result<i64, DatabaseError> {
    let fault = |error: sqlx::Error| classify(path, error);
    prepare_file(path).map_err(|error| fault(error.into()))?;
    // Checked on a connection that changes nothing yet: switching to WAL writes to the file.
    let mut checking = plain(path).connect().await.map_err(fault)?;
    check(&mut checking, path).await?;
    let found = version(&mut checking).await.map_err(fault)?;
    checking.close().await.map_err(fault)?;
    let known = migrations.last().map_or(0, |migration| migration.version);
    if found > known {
        return Err(DatabaseError::TooNew {
            path: path.to_owned(),
            found,
            known,
        });
    }
    Ok(found)
}

/// A connection that sets nothing.
fn plain(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
}

fn options(path: &Path, durability: Durability) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match durability {
            Durability::Full => SqliteSynchronous::Full,
            Durability::Normal => SqliteSynchronous::Normal,
        })
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS)
        // Negative: KiB. SQLite's own default is 2 MiB a connection.
        .pragma("cache_size", "-512")
        .pragma("mmap_size", "0")
        .pragma("temp_store", "MEMORY")
        // Deleted secrets are overwritten, not only forgotten.
        .pragma("secure_delete", "ON")
}

/// Makes the file where there is none, so that it is closed to others from the first byte on (SQLite gives the
/// `-wal` and `-shm` files beside it the same mode).
fn prepare_file(path: &Path) -> io::Result<()> {
    if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let mode = std::fs::metadata(path)?.permissions().mode();
            if mode & 0o077 != 0 {
                std::fs::set_permissions(path, Permissions::from_mode(mode & 0o700))?;
            }
            Ok(())
        }
        Err(error) => Err(error),
    }
}

async fn check(connection: &mut SqliteConnection, path: &Path) -> Result<(), DatabaseError> {
    let result: Result<String, _> = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(connection)
        .await;
    match result {
        Ok(text) if text == "ok" => Ok(()),
        Ok(reason) => Err(DatabaseError::Corrupt {
            path: path.to_owned(),
            reason,
        }),
        Err(error) => Err(classify(path, error)),
    }
}

async fn version(connection: &mut SqliteConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(connection)
        .await
}

/// Applies one step with the new version number in one transaction, unless somebody else has done so meanwhile.
async fn apply(pool: &Pool, migration: &Migration) -> sqlx::Result<()> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    if version(&mut transaction).await? >= migration.version {
        return transaction.rollback().await;
    }
    sqlx::raw_sql(migration.sql).execute(&mut *transaction).await?;
    // A pragma takes no parameter; the number is our own.
    let mark = format!("PRAGMA user_version = {}", migration.version);
    sqlx::raw_sql(AssertSqlSafe(mark))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    tracing::info!(
        version = migration.version,
        name = migration.name,
        "database schema brought up to date"
    );
    Ok(())
}

/// SQLITE_CORRUPT and SQLITE_NOTADB mean a damaged file (sqlite.org/rescode.html; the low byte is the code).
fn classify(path: &Path, error: sqlx::Error) -> DatabaseError {
    const CORRUPT: i32 = 11;
    const NOT_A_DATABASE: i32 = 26;
    let path = path.to_owned();
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .and_then(|code| code.parse::<i32>().ok());
    match code.map(|code| code & 0xff) {
        Some(CORRUPT | NOT_A_DATABASE) => {
            let reason = error
                .as_database_error()
                .map_or_else(String::new, |error| error.message().to_owned());
            DatabaseError::Corrupt { path, reason }
        }
        _ => DatabaseError::Other { path, source: error },
    }
}

#[cfg(test)]
mod tests;
