//! What happened, on disk: every firing with why, every delivery with its fate, and the queue of those under way.
//!
//! One file, `db/rules.sqlite3`, opened when there is something to write or to look up, so that a process whose rules
//! never fire holds no database. One alert costs two or three transactions. A damaged file is moved aside: rules and
//! messages matter more than their history.

mod held;
mod queue;
mod views;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use pistack_kit::clock::Clock;
use pistack_kit::database::{self, DatabaseError, Durability, Migration, Pool};
use tokio::sync::OnceCell;

use crate::channel::message::Message;
use crate::firing::Firing;
use held::HeldCounts;

pub use queue::{Crowd, Due, Fate, SentMessage};
pub use views::{DeliveryQuery, DeliveryView, FiringView, HeldView, Page, ResultView};

const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "history",
    sql: include_str!("../migrations/0001_history.sql"),
}];
/// What is older than this is forgotten, in seconds.
const KEEP: i64 = 30 * 24 * 3600;
/// So many firings and so many deliveries are kept.
const MOST_ROWS: i64 = 10_000;
/// After so many written firings the old ones are looked for.
const PRUNE_EVERY: u32 = 200;
/// So many messages may wait for one channel; more are counted on the newest of their rule.
pub const MOST_WAITING: i64 = 1_000;

/// The history could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file cannot be used.
    #[error(transparent)]
    Open(#[from] DatabaseError),
    /// A statement failed.
    #[error("the history cannot be read or written: {0}")]
    Statement(#[from] sqlx::Error),
    /// What was written is not what we write.
    #[error("the history holds something that was not written by pistack: {0}")]
    Content(#[from] serde_json::Error),
}

/// Handle on the history.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    clock: Clock,
    pool: OnceCell<Pool>,
    written: AtomicU32,
    held: Mutex<HeldCounts>,
}

/// A message on its way into the queue.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// Name of the channel.
    pub channel: String,
    /// The channels that get it, one after the other, if this one fails.
    pub chain: Vec<String>,
    /// True if a person sent it: no limit and no quiet hours.
    pub manual: bool,
    /// The message.
    pub message: Message,
}

impl History {
    /// The history in `path`. Nothing is opened yet.
    pub fn new(path: PathBuf, clock: Clock) -> Self {
        Self {
            path,
            clock,
            pool: OnceCell::new(),
            written: AtomicU32::new(0),
            held: Mutex::default(),
        }
    }

    /// Whether there is anything to look at: no file, no history.
    pub fn exists(&self) -> bool {
        self.pool.initialized() || self.path.exists()
    }

    async fn pool(&self) -> Result<&Pool, HistoryError> {
        self.pool
            .get_or_try_init(async || match self.open().await {
                Err(DatabaseError::Corrupt { path, reason }) => {
                    tracing::error!(path = %path.display(), reason, "the history is damaged; it is moved aside");
                    self.move_aside();
                    Ok(self.open().await?)
                }
                other => Ok(other?),
            })
            .await
    }

    async fn open(&self) -> Result<Pool, DatabaseError> {
        database::open(&self.path, Durability::Full, 1, MIGRATIONS).await
    }

    fn move_aside(&self) {
        for suffix in ["", "-wal", "-shm"] {
            let from = format!("{}{suffix}", self.path.display());
            // One that is not there need not be moved; one that cannot be moved shows when it is opened again.
            let _ = std::fs::rename(&from, format!("{}.damaged{suffix}", self.path.display()));
        }
    }

    /// Writes a firing and its messages, in one transaction. Gives the firing's number.
    pub async fn record(
        &self,
        firing: Option<&Firing>,
        messages: &[NewDelivery],
    ) -> Result<i64, HistoryError> {
        let now = self.clock.unix();
        let mut transaction = self.pool().await?.begin().await?;
        let id = match firing {
            Some(firing) => Some(insert_firing(&mut transaction, firing, now).await?),
            None => None,
        };
        for message in messages {
            queue::insert(&mut transaction, id, message, now).await?;
        }
        self.take_held().write(&mut transaction).await?;
        let written = self.written.fetch_add(1, Ordering::Relaxed);
        if written.is_multiple_of(PRUNE_EVERY) {
            prune(&mut transaction, now).await?;
        }
        transaction.commit().await?;
        Ok(id.unwrap_or_default())
    }

    /// Writes what became of a firing's actions.
    pub async fn finish_firing(&self, id: i64, results: &[ResultView]) -> Result<(), HistoryError> {
        sqlx::query("UPDATE firing SET results = $1 WHERE id = $2")
            .bind(serde_json::to_string(results)?)
            .bind(id)
            .execute(self.pool().await?)
            .await?;
        Ok(())
    }

    /// Closes the file.
    pub async fn close(&self) {
        if let Some(pool) = self.pool.get() {
            pool.close().await;
        }
    }
}

async fn insert_firing(
    connection: &mut sqlx::SqliteConnection,
    firing: &Firing,
    now: i64,
) -> Result<i64, HistoryError> {
    let mut event = firing.event.clone();
    event.data = crate::channel::message::one_line(&event.data, 500);
    let row: (i64,) = sqlx::query_as(
        "INSERT INTO firing (at, rule, kind, key, severity, count, since, why, event, results) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '[]') RETURNING id",
    )
    .bind(now)
    .bind(&firing.rule)
    .bind(firing.kind.name())
    .bind(&firing.key)
    .bind(firing.severity.name())
    .bind(firing.count as i64)
    .bind(firing.since)
    .bind(&firing.why)
    .bind(serde_json::to_string(&event)?)
    .fetch_one(connection)
    .await?;
    Ok(row.0)
}

/// Forgets what is old, or too much. What still waits stays.
async fn prune(connection: &mut sqlx::SqliteConnection, now: i64) -> Result<(), HistoryError> {
    for statement in [
        "DELETE FROM firing WHERE at < $1 OR id <= (SELECT coalesce(max(id), 0) FROM firing) - $2",
        "DELETE FROM delivery WHERE state <> 'waiting' AND \
         (created < $1 OR id <= (SELECT coalesce(max(id), 0) FROM delivery) - $2)",
        "DELETE FROM held WHERE last < $1 OR $2 < 0",
    ] {
        sqlx::query(statement)
            .bind(now - KEEP)
            .bind(MOST_ROWS)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
