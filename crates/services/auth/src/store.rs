//! The database: statements only, no rule. Every function takes the connection or transaction it works in, so
//! that the rules decide what happens together.

pub(crate) mod api_tokens;
pub(crate) mod audit;
pub(crate) mod cookies;
pub(crate) mod known;
pub(crate) mod refresh;
pub(crate) mod revocations;
pub(crate) mod rights;
pub(crate) mod second_factors;
pub(crate) mod session_list;
pub(crate) mod users;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use pistack_api::service::Service;
use pistack_kit::database::portable::{Database, Kind};
use pistack_kit::database::{DatabaseError, Durability, Migration, backup};
use pistack_kit::paths::StatePaths;
use sqlx::Any;
use sqlx::pool::PoolConnection;

use crate::config::Config;
use crate::error::Error;

/// A write transaction.
pub(crate) type Tx = pistack_kit::database::portable::Tx;
/// What statements run on.
pub(crate) type Connection = pistack_kit::database::portable::Connection;

/// Time for which ended and expired sessions stay, so that a clock that is a little off does no harm.
const PRUNE_MARGIN_SECONDS: i64 = 24 * 3600;

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "accounts",
        sql: include_str!("../migrations/0001_accounts.sql"),
    },
    Migration {
        version: 2,
        name: "rights and factors",
        sql: include_str!("../migrations/0002_rights_and_factors.sql"),
    },
    Migration {
        version: 3,
        name: "people",
        sql: include_str!("../migrations/0003_people.sql"),
    },
];

/// The open database.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    database: Database,
    /// The file, unless it lies on a server.
    file: Option<PathBuf>,
    /// What was put back in place of a damaged file at this start.
    restored: Option<Restored>,
}

/// A copy that took the place of a damaged or lost file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Restored {
    /// The copy.
    pub copy: PathBuf,
    /// Where the damaged file lies now; `None` when it was gone.
    pub aside: Option<PathBuf>,
}

/// Where the database lies, if it is a file.
pub(crate) fn path(paths: &StatePaths, config: &Config) -> PathBuf {
    match &config.db_dir {
        Some(dir) => dir.join("auth.sqlite3"),
        None => paths.database(Service::Auth),
    }
}

impl Store {
    /// Opens or makes it. One connection: writes wait for each other in order, and none is lost.
    ///
    /// A file that is damaged, empty or gone is replaced by its newest good copy, where there is one: an installation
    /// that has had accounts never falls back to the state before the first.
    pub(crate) async fn open(paths: &StatePaths, config: &Config) -> Result<Self, Error> {
        if let Some(address) = &config.database_url {
            return Ok(Self {
                database: Database::open_server(address.expose(), MIGRATIONS).await?,
                file: None,
                restored: None,
            });
        }
        let path = path(paths, config);
        let mut restored = None;
        if is_empty(&path) {
            restored = restore(&path).await?;
        }
        let database = match Database::open_file(&path, Durability::Full, MIGRATIONS).await {
            Err(error @ DatabaseError::Corrupt { .. }) => {
                tracing::error!(%error, "the database of accounts is damaged");
                restored = restore(&path).await?;
                if restored.is_none() {
                    return Err(error.into());
                }
                Database::open_file(&path, Durability::Full, MIGRATIONS).await?
            }
            opened => opened?,
        };
        let store = Self {
            database,
            file: Some(path),
            restored,
        };
        if store.restored.is_some() {
            store.end_all_sessions().await?;
        }
        Ok(store)
    }

    /// Begins a write transaction. The lock is taken at once, because a read that turns into a write fails when the
    /// console has written in between.
    pub(crate) async fn begin(&self) -> Result<Tx, Error> {
        Ok(self.database.begin().await?)
    }

    /// A connection for reading.
    pub(crate) async fn read(&self) -> Result<PoolConnection<Any>, Error> {
        Ok(self.database.acquire().await?)
    }

    /// Closes it; a file's write-ahead log is folded in.
    pub(crate) async fn close(&self) {
        self.database.close().await;
    }

    /// The file; `None` on a server.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file
            .as_deref()
            .filter(|_| self.database.kind() == Kind::File)
    }

    /// Size and time of the last write of the file and of its write-ahead log: every transaction of any process moves
    /// one of them. `None` on a server, and where they cannot be told.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        let file = self.file()?;
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        Some([written(file)?, written(Path::new(&log)).unwrap_or_default()])
    }

    /// What was put back at this start.
    pub(crate) fn restored(&self) -> Option<&Restored> {
        self.restored.as_ref()
    }

    /// A copy may be a day old: whoever was signed out or got a new level since then must not be back in by an old
    /// token. Everybody logs in anew.
    async fn end_all_sessions(&self) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        for statement in [
            // More than any number of changes in the time that the copy does not know of.
            "UPDATE users SET epoch = epoch + 1000",
            "DELETE FROM refresh_tokens",
            "DELETE FROM refresh_families",
            "DELETE FROM cookie_sessions",
        ] {
            sqlx::query(statement).execute(&mut *tx).await?;
        }
        raise_generation(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Length and time of the last write of the database's file and of its write-ahead log; see [`Store::stamp`].
pub(crate) type Stamp = [(u64, i64, i64); 2];

fn written(path: &Path) -> Option<(u64, i64, i64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.mtime(), metadata.mtime_nsec()))
}

/// True for no file, and for one without content: SQLite would make a new, empty database of either.
fn is_empty(path: &Path) -> bool {
    std::fs::metadata(path).map_or(true, |metadata| metadata.len() == 0)
}

async fn restore(path: &Path) -> Result<Option<Restored>, Error> {
    let Some((copy, aside)) = backup::restore(path).await? else {
        return Ok(None);
    };
    tracing::error!(
        database = %path.display(),
        copy = %copy.path.display(),
        damaged = %aside.as_ref().map_or_else(|| "(there was none)".to_owned(), |path| path.display().to_string()),
        "THE DATABASE OF ACCOUNTS WAS RESTORED FROM A COPY. Changes since that copy are lost, and everyone has to \
         log in again. The damaged file was kept; look at the disk: cards that do this once do it again"
    );
    Ok(Some(Restored {
        copy: copy.path,
        aside,
    }))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_write_of_any_process_changes_the_stamp_and_a_read_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let paths = StatePaths::new(directory.path());
        let config = Config::default();
        let ours = Store::open(&paths, &config).await.unwrap();
        let console = Store::open(&paths, &config).await.unwrap();
        let before = ours.stamp();
        assert!(before.is_some());
        generation(&mut ours.read().await.unwrap()).await.unwrap();
        assert_eq!(ours.stamp(), before);
        let mut tx = console.begin().await.unwrap();
        raise_generation(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_ne!(ours.stamp(), before);
        console.close().await;
        ours.close().await;
    }
}
