//! One set of statements for two databases: a SQLite file, or a PostgreSQL server.
//!
//! What keeps them alike: placeholders are `$1`, types are `TEXT` and `BIGINT`, and one writer works at a time. A
//! SQLite file is so by itself; on a server, [`Database::begin`] takes a lock that the transaction's end gives
//! back. A rule that holds on one therefore holds on the other.

use std::path::Path;

use sqlx::any::{Any, AnyConnectOptions, AnyPoolOptions};
use sqlx::pool::PoolConnection;
pub use sqlx::{AnyConnection as Connection, AnyPool};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Transaction};

use super::{ACQUIRE_TIMEOUT, BUSY_TIMEOUT, DatabaseError, Durability, Migration, classify, examine};

/// A transaction on either database.
pub type Tx = Transaction<'static, Any>;

/// The key of the lock that makes writers wait for each other on a server, the same in every process (any constant
/// does, the database is ours).
const WRITER: i64 = 0x7069_7374_6163_6b00;

/// Which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A SQLite file.
    File,
    /// A PostgreSQL server.
    Server,
}

/// An open database.
#[derive(Debug, Clone)]
pub struct Database {
    pool: AnyPool,
    kind: Kind,
}

impl Database {
    /// Opens (or makes, mode 0600) a SQLite file, runs `PRAGMA quick_check`, applies the missing migrations. One
    /// connection: whoever comes second waits.
    pub async fn open_file(
        path: &Path,
        durability: Durability,
        migrations: &[Migration],
    ) -> Result<Self, DatabaseError> {
        let fault = |error: sqlx::Error| classify(path, error);
        let found = examine(path, migrations).await?;
        let synchronous = match durability {
            Durability::Full => "FULL",
            Durability::Normal => "NORMAL",
        };
        // The same settings as `open` makes, which cannot be said in an address. Negative cache size: KiB.
        let settings = format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA foreign_keys = ON; \
             PRAGMA busy_timeout = {}; PRAGMA cache_size = -512; PRAGMA mmap_size = 0; \
             PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON;",
            BUSY_TIMEOUT.as_millis()
        );
        let pool = pool(&address_of(path).map_err(fault)?, Kind::File, settings)
            .await
            .map_err(fault)?;
        let database = Self {
            pool,
            kind: Kind::File,
        };
        database.migrate(found, migrations).await.map_err(fault)?;
        Ok(database)
    }

    /// Opens a database on a PostgreSQL server (`postgres://user@host/name`) and applies the missing migrations.
    pub async fn open_server(address: &str, migrations: &[Migration]) -> Result<Self, DatabaseError> {
        let place = place_of(address);
        let fault = |source: sqlx::Error| DatabaseError::Server {
            place: place.clone(),
            source,
        };
        // A console that was killed in the middle must not keep the service waiting for ever.
        let settings = format!(
            "SET lock_timeout = {}; SET idle_in_transaction_session_timeout = 30000; \
             SET client_min_messages = warning;",
            ACQUIRE_TIMEOUT.as_millis()
        );
        let pool = pool(address, Kind::Server, settings).await.map_err(fault)?;
        let database = Self {
            pool,
            kind: Kind::Server,
        };
        let found = database.server_version().await.map_err(fault)?;
        let known = migrations.last().map_or(0, |migration| migration.version);
        if found > known {
            return Err(DatabaseError::TooNew {
                path: place.into(),
                found,
                known,
            });
        }
        database.migrate(found, migrations).await.map_err(fault)?;
        Ok(database)
    }

    /// Which of the two it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Begins a write transaction, when the one before has ended. The lock is taken at once: a read that turns into
    /// a write would fail when somebody else has written in between.
    pub async fn begin(&self) -> sqlx::Result<Tx> {
        if self.kind == Kind::File {
            return self.pool.begin_with("BEGIN IMMEDIATE").await;
        }
        let mut tx = self.pool.begin().await?;
        sqlx::query("SELECT 1 WHERE pg_advisory_xact_lock($1) IS NULL")
            .bind(WRITER)
            .execute(&mut *tx)
            .await?;
        Ok(tx)
    }

    /// A connection for reading.
    pub async fn acquire(&self) -> sqlx::Result<PoolConnection<Any>> {
        self.pool.acquire().await
    }

    /// Closes it; a file's write-ahead log is folded in.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn server_version(&self) -> sqlx::Result<i64> {
        let mut tx = self.begin().await?;
        tx.execute("CREATE TABLE IF NOT EXISTS pistack_schema (version BIGINT NOT NULL)")
            .await?;
        let found = self.version(&mut tx).await?;
        tx.commit().await?;
        Ok(found)
    }

    async fn version(&self, connection: &mut Connection) -> sqlx::Result<i64> {
        let statement = match self.kind {
            Kind::File => "PRAGMA user_version",
            Kind::Server => "SELECT COALESCE(MAX(version), 0) FROM pistack_schema",
        };
        sqlx::query_scalar(statement).fetch_one(connection).await
    }

    /// Applies each missing step with its number in one transaction, unless somebody else has done so meanwhile.
    async fn migrate(&self, found: i64, migrations: &[Migration]) -> sqlx::Result<()> {
        for migration in migrations.iter().filter(|migration| migration.version > found) {
            let mut tx = self.begin().await?;
            if self.version(&mut tx).await? >= migration.version {
                tx.rollback().await?;
                continue;
            }
            sqlx::raw_sql(migration.sql).execute(&mut *tx).await?;
            // A pragma takes no parameter; the number is our own.
            let mark = match self.kind {
                Kind::File => format!("PRAGMA user_version = {}", migration.version),
                Kind::Server => format!("INSERT INTO pistack_schema VALUES ({})", migration.version),
            };
            sqlx::raw_sql(AssertSqlSafe(mark)).execute(&mut *tx).await?;
            tx.commit().await?;
            tracing::info!(
                version = migration.version,
                name = migration.name,
                "database schema brought up to date"
            );
        }
        Ok(())
    }
}

async fn pool(address: &str, kind: Kind, settings: String) -> sqlx::Result<AnyPool> {
    sqlx::any::install_default_drivers();
    let options: AnyConnectOptions = address.parse()?;
    let settings = std::sync::Arc::<str>::from(settings);
    AnyPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A local file's connection does not go bad by itself; a server may be started anew.
        .test_before_acquire(kind == Kind::Server)
        // Except after a full disk: SQLite has ended the transaction by itself, sqlx still counts it, and every later
        // BEGIN would be refused. Such a connection is closed and a new one made.
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
        .after_connect(move |connection, _| {
            let settings = settings.to_string();
            Box::pin(async move {
                sqlx::raw_sql(AssertSqlSafe(settings)).execute(connection).await?;
                Ok(())
            })
        })
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await
}

/// A file's address: all that an address could misread is percent-encoded.
fn address_of(path: &Path) -> sqlx::Result<String> {
    let path = std::path::absolute(path)?;
    let mut address = "sqlite://".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(byte) {
            address.push(char::from(*byte));
        } else {
            address.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(address)
}

/// Host and name, for people; never the password.
fn place_of(address: &str) -> String {
    address.parse::<AnyConnectOptions>().map_or_else(
        |_| "at an address that cannot be read".to_owned(),
        |options| {
            let url = options.database_url;
            format!("{}{}", url.host_str().unwrap_or_default(), url.path())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Migration = Migration {
        version: 1,
        name: "first",
        sql: "CREATE TABLE a (id TEXT PRIMARY KEY NOT NULL, at BIGINT); CREATE INDEX a_at ON a (at);",
    };
    const BROKEN: Migration = Migration {
        version: 2,
        name: "broken",
        sql: "CREATE TABLE half (id BIGINT); CREATE TABLE nonsense (;",
    };

    #[tokio::test]
    async fn a_file_gets_its_settings_however_it_is_named() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a b#c?d%20 ż/auth.sqlite3");
        let database = Database::open_file(&path, Durability::Full, &[FIRST])
            .await
            .unwrap();
        assert!(path.is_file());
        let mut connection = database.acquire().await.unwrap();
        for (pragma, expected) in [
            ("PRAGMA synchronous", 2_i64),
            ("PRAGMA foreign_keys", 1),
            ("PRAGMA user_version", 1),
            ("PRAGMA cache_size", -512),
            ("PRAGMA secure_delete", 1),
            ("PRAGMA busy_timeout", 5000),
        ] {
            let value: i64 = sqlx::query_scalar(pragma)
                .fetch_one(&mut *connection)
                .await
                .unwrap();
            assert_eq!(value, expected, "{pragma}");
        }
        let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        assert_eq!(journal, "wal");
    }

    #[tokio::test]
    async fn a_failed_step_leaves_nothing_and_a_newer_schema_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a.sqlite3");
        let open =
            |migrations: &'static [Migration]| Database::open_file(&path, Durability::Full, migrations);
        assert!(matches!(
            open(&[FIRST, BROKEN]).await,
            Err(DatabaseError::Other { .. })
        ));
        let database = open(&[FIRST]).await.unwrap();
        let half: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE name = 'half'")
            .fetch_one(&mut *database.acquire().await.unwrap())
            .await
            .unwrap();
        assert_eq!((half, database.kind()), (0, Kind::File));
        database.close().await;
        assert!(matches!(
            open(&[]).await,
            Err(DatabaseError::TooNew {
                found: 1,
                known: 0,
                ..
            })
        ));
    }

    /// SQLite ends a transaction itself when its commit finds the disk full; sqlx goes on believing in it.
    #[tokio::test]
    async fn a_connection_that_lost_its_transaction_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a.sqlite3");
        let database = Database::open_file(&path, Durability::Full, &[FIRST])
            .await
            .unwrap();
        let mut tx = database.begin().await.unwrap();
        sqlx::query("ROLLBACK").execute(&mut *tx).await.unwrap();
        drop(tx);
        let mut tx = database.begin().await.unwrap();
        sqlx::query("INSERT INTO a (id, at) VALUES ($1, $2)")
            .bind("x")
            .bind(None::<i64>)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn a_server_is_named_without_its_password() {
        assert_eq!(
            place_of("postgres://anna:hush@db.local:5432/auth"),
            "db.local/auth"
        );
        for address in ["nonsense", "mysql://anna:hush@h/x"] {
            let error = Database::open_server(address, &[FIRST])
                .await
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("DATABASE_URL") && !error.contains("hush"),
                "{error}"
            );
        }
    }
}
