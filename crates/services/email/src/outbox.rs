//! The outbox: every mail that was accepted, on disk before its sender is told.
//!
//! One transaction takes a mail in, one marks that its end is about to leave, one records what became of it
//! (`synchronous=FULL`: each survives a power cut). A mail that is marked when the service starts was cut off between
//! the mark and the answer: nobody can know whether the server took it, so it is undecided.

mod accept;
mod bounces;
mod given_up;
mod manage;
mod outcome;
mod prune;
mod queue;
mod read;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use pistack_api::service::Service;
use pistack_kit::clock::Clock;
use pistack_kit::database::{self, Durability, Migration, Pool};
use pistack_kit::service::Context;
use sqlx::{Sqlite, Transaction};
use tokio::sync::Notify;

use crate::config::Config;
use crate::error::{Error, StartError};

pub(crate) use accept::{Key, Wanted};
pub(crate) use bounces::{Bounce, BounceReport};
pub(crate) use given_up::GivenUp;
pub(crate) use outcome::Tried;
pub(crate) use queue::{Job, Next};
pub(crate) use read::{AttemptView, Filter, MessagePage, MessageView, Status};

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "outbox",
        sql: include_str!("../migrations/0001_outbox.sql"),
    },
    Migration {
        version: 2,
        name: "given up",
        sql: include_str!("../migrations/0002_given_up.sql"),
    },
];

/// Pages of the write-ahead log after which they go into the file (SQLite's own default, 1000, is 4 MB of a disk that
/// may be nearly full, in which what was deleted is of no use).
const SMALL_LOG: &str = "PRAGMA wal_autocheckpoint = 128";

type Tx = Transaction<'static, Sqlite>;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The user's id, or `pistack`.
    pub(crate) id: String,
    /// The user's name.
    pub(crate) name: String,
    /// Whether everybody's mails are theirs to see.
    pub(crate) sees_all: bool,
}

impl Owner {
    /// The stack's own processes.
    pub(crate) fn stack() -> Self {
        Self {
            id: "pistack".to_owned(),
            name: "pistack".to_owned(),
            sees_all: true,
        }
    }
}

/// The open outbox. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    pool: Pool,
    clock: Clock,
    config: Arc<Config>,
    changed: Arc<Notify>,
    gave_up: Arc<Notify>,
    pruned: Arc<prune::LastTime>,
}

impl Outbox {
    /// Opens or makes it.
    pub(crate) async fn open(context: &Context, config: &Arc<Config>) -> Result<Self, StartError> {
        context.paths.create()?;
        let path = context.paths.database(Service::Email);
        // One connection: changes wait for each other in order.
        let pool = database::open(&path, Durability::Full, 1, MIGRATIONS).await?;
        Ok(Self {
            pool,
            clock: context.clock.clone(),
            config: Arc::clone(config),
            changed: Arc::default(),
            gave_up: Arc::default(),
            pruned: Arc::default(),
        })
    }

    /// Resolves when there may be something new to send.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Says that there may be.
    pub(crate) fn wake(&self) {
        self.changed.notify_one();
    }

    /// Closes the file; the write-ahead log is folded in.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// After a full disk: what was written ahead goes into the file, and its place is given back, as far as there is
    /// room for that.
    pub(crate) async fn make_room(&self) -> Result<(), Error> {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_optional(&self.pool)
            .await?;
        Ok(())
    }

    async fn begin(&self) -> Result<Tx, Error> {
        // Asked for each time, because a connection that lost its transaction to a full disk is replaced by a new one.
        sqlx::query(SMALL_LOG).fetch_optional(&self.pool).await?;
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    fn now_ms(&self) -> i64 {
        self.clock.wall().as_millis() as i64
    }

    fn life_ms(&self) -> i64 {
        self.config.retry.life.0.as_millis() as i64
    }
}
