//! Mails of the rules that were given up, until the rules know it.

use super::{Outbox, Tx};
use crate::error::Error;

/// How the rules' keys begin (`Idempotency-Key` of a message to a mail channel).
const KEYS_OF_RULES: &str = "rules-";

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GivenUp {
    pub(crate) seq: i64,
    /// The key with which the rules put it in.
    pub(crate) key: String,
    /// Why.
    pub(crate) reason: String,
}

impl Outbox {
    /// Within the transaction that gives a mail up: notes it, if the rules sent it.
    pub(super) async fn note_given_up(&self, tx: &mut Tx, seq: i64) -> Result<(), Error> {
        let noted = sqlx::query(
            "INSERT OR REPLACE INTO given_up (seq, key, reason) \
             SELECT messages.seq, idempotency.key, COALESCE(messages.error, \
             (SELECT text FROM recipients WHERE recipients.seq = messages.seq AND state = 'dead' LIMIT 1), '') \
             FROM messages JOIN idempotency ON idempotency.id = messages.id AND idempotency.owner = messages.owner \
             WHERE messages.seq = $1 AND messages.owner = 'pistack' AND substr(idempotency.key, 1, $2) = $3",
        )
        .bind(seq)
        .bind(KEYS_OF_RULES.len() as i64)
        .bind(KEYS_OF_RULES)
        .execute(&mut **tx)
        .await?;
        if noted.rows_affected() > 0 {
            self.gave_up.notify_one();
        }
        Ok(())
    }

    /// Resolves when there may be one more.
    pub(crate) async fn has_given_up(&self) {
        self.gave_up.notified().await;
    }

    /// All of which the rules do not know yet.
    pub(crate) async fn given_up(&self) -> Result<Vec<GivenUp>, Error> {
        let rows: Vec<(i64, String, String)> =
            sqlx::query_as("SELECT seq, key, reason FROM given_up ORDER BY seq")
                .fetch_all(&self.pool)
                .await?;
        let all = rows.into_iter();
        Ok(all
            .map(|(seq, key, reason)| GivenUp { seq, key, reason })
            .collect())
    }

    /// The rules know of this one.
    pub(crate) async fn forget_given_up(&self, seq: i64) -> Result<(), Error> {
        sqlx::query("DELETE FROM given_up WHERE seq = $1")
            .bind(seq)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
