//! Matches that did not become a firing: counted in memory, written along with the next transaction, so that a crash
//! loop costs no write of its own.

use std::sync::PoisonError;

use indexmap::IndexMap;

use super::{History, HistoryError};
use crate::firing::Held;

/// So many different ones are counted at a time; what is more is counted together.
const MOST: usize = 256;

/// How often, when first, when last.
#[derive(Debug, Clone, Copy)]
struct Count {
    times: i64,
    first: i64,
    last: i64,
}

/// What was not written yet.
#[derive(Debug, Default)]
pub(super) struct HeldCounts(IndexMap<(String, String, String), Count>);

impl HeldCounts {
    fn add(&mut self, held: Held, now: i64) {
        let mut key = (held.rule, held.key, held.why);
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            key = (
                String::new(),
                String::new(),
                "further matches of many rules".to_owned(),
            );
        }
        let count = self.0.entry(key).or_insert(Count {
            times: 0,
            first: now,
            last: now,
        });
        count.times += 1;
        count.last = now;
    }

    /// Writes what was counted.
    pub(super) async fn write(self, connection: &mut sqlx::SqliteConnection) -> Result<(), HistoryError> {
        for ((rule, key, why), count) in self.0 {
            sqlx::query(
                "INSERT INTO held (rule, key, why, count, first, last) VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (rule, key, why) DO UPDATE SET count = held.count + excluded.count, last = excluded.last",
            )
            .bind(rule)
            .bind(key)
            .bind(why)
            .bind(count.times)
            .bind(count.first)
            .bind(count.last)
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}

impl History {
    /// Counts matches that were held back; never waits. They are written with the next firing, or by
    /// [`History::flush_held`]. True if nothing was waiting to be written before.
    pub fn hold(&self, held: Vec<Held>) -> bool {
        let now = self.clock.unix();
        let mut counts = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let first = counts.0.is_empty();
        for held in held {
            counts.add(held, now);
        }
        first && !counts.0.is_empty()
    }

    /// What was counted, and no longer is.
    pub(super) fn take_held(&self) -> HeldCounts {
        std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes what was counted.
    pub async fn flush_held(&self) -> Result<(), HistoryError> {
        let counts = self.take_held();
        if counts.0.is_empty() {
            return Ok(());
        }
        let mut transaction = self.pool().await?.begin().await?;
        counts.write(&mut transaction).await?;
        transaction.commit().await?;
        Ok(())
    }
}
