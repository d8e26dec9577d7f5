//! SQLite files: opened with WAL, checked, migrated; broken ones named, never overwritten.

use std::path::{Path, PathBuf};

pub use sqlx::SqlitePool as Pool;

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

/// Opens (or makes, mode 0600) the file, runs `PRAGMA quick_check`, applies the missing migrations.
/// At most `connections` connections; idle ones cost memory, so 1 or 2.
pub async fn open(
    _path: &Path,
    _durability: Durability,
    _connections: u32,
    _migrations: &[Migration],
) -> Result<Pool, DatabaseError> {
    todo!()
}
