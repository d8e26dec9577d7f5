//! Forgetting what is old. Runs beside other work, never on its own: a service with nothing to do sleeps.

use std::sync::atomic::{AtomicI64, Ordering};

use super::Outbox;
use crate::error::Error;

/// Shortest time between two runs.
const EVERY_MS: i64 = 3600 * 1000;
/// Most bounces that are kept.
const MOST_BOUNCES: i64 = 10_000;

/// When it ran last, by the monotonic clock; negative: never.
#[derive(Debug)]
pub(super) struct LastTime(AtomicI64);

impl Default for LastTime {
    fn default() -> Self {
        Self(AtomicI64::new(-1))
    }
}

impl Outbox {
    /// Forgets, unless that was done within the hour. By a clock that cannot be believed nothing is old.
    pub(crate) async fn prune(&self) -> Result<(), Error> {
        let monotonic = self.clock.monotonic().as_millis() as i64;
        let last = self.pruned.0.load(Ordering::Relaxed);
        if !self.clock.trust().is_trusted() || (last >= 0 && monotonic - last < EVERY_MS) {
            return Ok(());
        }
        self.pruned.0.store(monotonic, Ordering::Relaxed);
        let oldest = self.now_ms() - self.config.outbox.keep.0.as_millis() as i64;
        let mut tx = self.begin().await?;
        for statement in [
            "DELETE FROM messages WHERE next_ms IS NULL AND finished_ms < $1",
            "DELETE FROM attempts WHERE at_ms < $1",
            "DELETE FROM bounces WHERE at_ms < $1",
        ] {
            sqlx::query(statement).bind(oldest).execute(&mut *tx).await?;
        }
        sqlx::query(
            "DELETE FROM bodies WHERE seq IN (SELECT seq FROM (SELECT messages.seq AS seq, \
             SUM(messages.size) OVER (ORDER BY messages.seq DESC) AS total FROM messages \
             JOIN bodies ON bodies.seq = messages.seq WHERE finished_ms IS NOT NULL AND next_ms IS NULL) \
             WHERE total > $1)",
        )
        .bind(self.config.outbox.max_kept_size.0 as i64)
        .execute(&mut *tx)
        .await?;
        sqlx::query("DELETE FROM bounces WHERE id <= (SELECT COALESCE(MAX(id), 0) FROM bounces) - $1")
            .bind(MOST_BOUNCES)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}
