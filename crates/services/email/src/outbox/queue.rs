//! What is to be sent next, and what a start finds.

use super::{Outbox, Tx};
use crate::config::LostAnswer;
use crate::error::Error;

/// A mail to send.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) seq: i64,
    pub(crate) id: String,
    pub(crate) once: bool,
    /// Tries so far.
    pub(crate) tries: i64,
    /// Milliseconds since 1970.
    pub(crate) created_ms: i64,
    /// Whether `created_ms` can be believed.
    pub(crate) dated: bool,
    /// Those it still has to reach: position, address.
    pub(crate) recipients: Vec<(i64, String)>,
    pub(crate) raw: Vec<u8>,
}

/// What comes next.
#[derive(Debug)]
pub(crate) enum Next {
    /// This mail, now.
    Mail(Box<Job>),
    /// Something at this time (milliseconds since 1970).
    At(i64),
    /// Nothing waits.
    Nothing,
}

/// Sequence, id, once, tries, accepted, dated, the mail.
type JobRow = (i64, String, i64, i64, i64, i64, Vec<u8>);

impl Outbox {
    /// The first mail, in the order of acceptance, whose time has come.
    pub(crate) async fn next(&self) -> Result<Next, Error> {
        let due: Option<String> = sqlx::query_scalar(
            "SELECT id FROM messages INDEXED BY messages_pending \
             WHERE next_ms IS NOT NULL AND next_ms <= $1 ORDER BY seq LIMIT 1",
        )
        .bind(self.now_ms())
        .fetch_optional(&self.pool)
        .await?;
        if let Some(id) = due {
            return Ok(self
                .job(&id)
                .await?
                .map_or(Next::Nothing, |job| Next::Mail(Box::new(job))));
        }
        let at: Option<i64> = sqlx::query_scalar(
            "SELECT next_ms FROM messages WHERE next_ms IS NOT NULL ORDER BY next_ms LIMIT 1",
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(at.map_or(Next::Nothing, Next::At))
    }

    /// The mail of that id with all that is needed to send it. `None` when it, or its text, is gone.
    pub(crate) async fn job(&self, id: &str) -> Result<Option<Job>, Error> {
        let row: Option<JobRow> = sqlx::query_as(
            "SELECT messages.seq, id, once, tries, created_ms, dated, raw FROM messages \
             JOIN bodies ON bodies.seq = messages.seq WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        let Some((seq, id, once, tries, created_ms, dated, raw)) = row else {
            return Ok(None);
        };
        let recipients: Vec<(i64, String)> = sqlx::query_as(
            "SELECT position, address FROM recipients WHERE seq = $1 AND state = 'waiting' ORDER BY position",
        )
        .bind(seq)
        .fetch_all(&self.pool)
        .await?;
        Ok(Some(Job {
            seq,
            id,
            once: once != 0,
            tries,
            created_ms,
            dated: dated != 0,
            recipients,
            raw,
        }))
    }

    /// Marks that the mail's end is about to leave for these recipients. False: it was removed meanwhile.
    pub(crate) async fn mark_sending(&self, seq: i64, positions: &[i64]) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        let mut marked = 0;
        for position in positions {
            marked += sqlx::query(
                "UPDATE recipients SET state = 'sending' WHERE seq = $1 AND position = $2 AND state = 'waiting'",
            )
            .bind(seq)
            .bind(position)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        }
        if marked != positions.len() as u64 {
            tx.rollback().await?;
            return Ok(false);
        }
        sqlx::query("UPDATE messages SET state = 'sending' WHERE seq = $1")
            .bind(seq)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// What the last run left half done. Returns how many mails are undecided because of it.
    pub(crate) async fn recover(&self) -> Result<usize, Error> {
        let now = self.now_ms();
        let resend = self.config.lost_answer == LostAnswer::Resend;
        let mut tx = self.begin().await?;
        let cut: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT seq, once FROM messages WHERE state = 'sending' OR (once = 1 AND state = 'waiting')",
        )
        .fetch_all(&mut *tx)
        .await?;
        let mut undecided = 0;
        for (seq, once) in cut {
            let again = resend && once == 0;
            let lost = sqlx::query(
                "UPDATE recipients SET state = $2, text = 'the service ended before the server''s answer came' \
                 WHERE seq = $1 AND state = 'sending'",
            )
            .bind(seq)
            .bind(if again { "waiting" } else { "undecided" })
            .execute(&mut *tx)
            .await?
            .rows_affected();
            if once != 0 {
                // Its sender was told nothing, and will ask again.
                sqlx::query(
                    "UPDATE recipients SET state = 'dead', text = 'the service ended before it was sent' \
                     WHERE seq = $1 AND state = 'waiting'",
                )
                .bind(seq)
                .execute(&mut *tx)
                .await?;
            }
            undecided += usize::from(lost > 0);
            sqlx::query("UPDATE messages SET lost_answers = lost_answers + $2 WHERE seq = $1")
                .bind(seq)
                .bind(i64::from(lost > 0))
                .execute(&mut *tx)
                .await?;
            self.settle(&mut tx, seq, now, None).await?;
        }
        self.not_later_than_the_cap(&mut tx, now).await?;
        tx.commit().await?;
        Ok(undecided)
    }

    /// A clock that went back over a restart must not make a mail wait for years.
    async fn not_later_than_the_cap(&self, tx: &mut Tx, now: i64) -> Result<(), Error> {
        let latest = now + self.config.retry.cap.0.as_millis() as i64;
        sqlx::query(
            "UPDATE messages SET next_ms = $1 WHERE next_ms > $1 AND (not_before_ms IS NULL OR not_before_ms <= $2)",
        )
        .bind(latest)
        .bind(now)
        .execute(&mut **tx)
        .await?;
        // A time of death that was reckoned from an impossible date.
        if self.clock.trust().is_trusted() {
            sqlx::query(
                "UPDATE messages SET expires_ms = $1, dated = 1 WHERE next_ms IS NOT NULL AND dated = 0",
            )
            .bind(now + self.life_ms())
            .execute(&mut **tx)
            .await?;
        }
        Ok(())
    }

    /// The wall clock was set: what waits keeps its age and its turn. Times that somebody named stay as they are.
    pub(crate) async fn shift(&self, by_ms: i64) -> Result<(), Error> {
        sqlx::query(
            "UPDATE messages SET expires_ms = expires_ms + $1, \
             next_ms = CASE WHEN not_before_ms IS NOT NULL AND tries = 0 THEN next_ms ELSE next_ms + $1 END \
             WHERE next_ms IS NOT NULL",
        )
        .bind(by_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
