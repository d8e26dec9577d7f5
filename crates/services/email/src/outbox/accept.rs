//! Taking a mail in.

use pistack_api::mail::Accepted;

use super::{Outbox, Owner, Tx};
use crate::compose::Composed;
use crate::error::Error;

/// How long a key stands for its first request.
const KEY_LIFE_MS: i64 = 7 * 24 * 3600 * 1000;

/// A request's `Idempotency-Key`, and the hash of the request.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) key: String,
    pub(crate) hash: String,
}

/// How a mail wants to be treated.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// Tried at once by the caller itself, and never again.
    pub(crate) once: bool,
    /// Shown to nobody.
    pub(crate) sensitive: bool,
    pub(crate) key: Option<Key>,
}

impl Outbox {
    /// The answer that a request with this key was given before.
    pub(crate) async fn replay(&self, owner: &Owner, key: &Key) -> Result<Option<Accepted>, Error> {
        let mut tx = self.begin().await?;
        let known = self.known(&mut tx, owner, key).await?;
        tx.rollback().await?;
        Ok(known)
    }

    /// Writes the mail down. When this returns, it survives whatever happens to this process and its board. False: a
    /// request with this key was accepted before, and nothing was written.
    pub(crate) async fn accept(
        &self,
        mail: &Composed,
        owner: &Owner,
        wanted: &Wanted,
    ) -> Result<(Accepted, bool), Error> {
        let now = self.now_ms();
        let mut tx = self.begin().await?;
        if let Some(key) = &wanted.key {
            if let Some(before) = self.known(&mut tx, owner, key).await? {
                tx.rollback().await?;
                return Ok((before, false));
            }
            sqlx::query(
                "INSERT INTO idempotency (owner, key, hash, id, message_id, created_ms) VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(&owner.id)
            .bind(&key.key)
            .bind(&key.hash)
            .bind(&mail.id)
            .bind(&mail.message_id)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        }
        self.has_room(&mut tx, mail.raw.len()).await?;
        self.insert(&mut tx, mail, owner, wanted, now).await?;
        tx.commit().await?;
        if !wanted.once {
            self.wake();
        }
        Ok((
            Accepted {
                id: mail.id.clone(),
                message_id: mail.message_id.clone(),
                state: "waiting".to_owned(),
            },
            true,
        ))
    }

    async fn known(&self, tx: &mut Tx, owner: &Owner, key: &Key) -> Result<Option<Accepted>, Error> {
        // While the clock cannot be believed no key is too old.
        let oldest = if self.clock.trust().is_trusted() {
            self.now_ms() - KEY_LIFE_MS
        } else {
            i64::MIN
        };
        sqlx::query("DELETE FROM idempotency WHERE created_ms < $1")
            .bind(oldest)
            .execute(&mut **tx)
            .await?;
        let row: Option<(String, String, String, Option<String>)> = sqlx::query_as(
            "SELECT idempotency.hash, idempotency.id, idempotency.message_id, messages.state FROM idempotency \
             LEFT JOIN messages ON messages.id = idempotency.id WHERE idempotency.owner = $1 AND idempotency.key = $2",
        )
        .bind(&owner.id)
        .bind(&key.key)
        .fetch_optional(&mut **tx)
        .await?;
        match row {
            None => Ok(None),
            Some((hash, ..)) if hash != key.hash => Err(Error::KeyReused),
            Some((_, id, message_id, state)) => Ok(Some(Accepted {
                id,
                message_id,
                state: state.unwrap_or_else(|| "removed".to_owned()),
            })),
        }
    }

    async fn has_room(&self, tx: &mut Tx, size: usize) -> Result<(), Error> {
        let (count, sum): (i64, i64) =
            sqlx::query_as("SELECT COUNT(*), COALESCE(SUM(size), 0) FROM messages WHERE next_ms IS NOT NULL")
                .fetch_one(&mut **tx)
                .await?;
        let limits = &self.config.outbox;
        if count >= i64::from(limits.max_waiting) {
            return Err(Error::QueueFull(format!("{count} mails wait")));
        }
        if sum as u64 + size as u64 > limits.max_waiting_size.0 {
            return Err(Error::QueueFull(format!("the mails that wait have {sum} bytes")));
        }
        Ok(())
    }

    async fn insert(
        &self,
        tx: &mut Tx,
        mail: &Composed,
        owner: &Owner,
        wanted: &Wanted,
        now: i64,
    ) -> Result<(), Error> {
        let next = mail.not_before_ms.map_or(now, |time| time.max(now));
        let seq: i64 = sqlx::query_scalar(
            "INSERT INTO messages (id, message_id, owner, owner_name, once, sensitive, state, subject, size, created_ms, \
             dated, not_before_ms, next_ms, expires_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7, $8, $9, $10, $11, $12, $13) RETURNING seq",
        )
        .bind(&mail.id)
        .bind(&mail.message_id)
        .bind(&owner.id)
        .bind(&owner.name)
        .bind(i64::from(wanted.once))
        .bind(i64::from(wanted.sensitive))
        .bind(&mail.subject)
        .bind(mail.raw.len() as i64)
        .bind(now)
        .bind(i64::from(self.clock.trust().is_trusted()))
        .bind(mail.not_before_ms)
        .bind((!wanted.once).then_some(next))
        .bind(next + self.life_ms())
        .fetch_one(&mut **tx)
        .await?;
        // The content is made of texts and numbers alone: it can always be written.
        let content =
            serde_json::to_string(&mail.content).map_err(|error| Error::Store(error.to_string()))?;
        sqlx::query("INSERT INTO bodies (seq, raw, content) VALUES ($1, $2, $3)")
            .bind(seq)
            .bind(&mail.raw)
            .bind(content)
            .execute(&mut **tx)
            .await?;
        for (position, recipient) in mail.recipients.iter().enumerate() {
            sqlx::query(
                "INSERT INTO recipients (seq, position, kind, address, state) VALUES ($1, $2, $3, $4, 'waiting')",
            )
            .bind(seq)
            .bind(position as i64)
            .bind(recipient.kind)
            .bind(&recipient.address)
            .execute(&mut **tx)
            .await?;
        }
        Ok(())
    }
}
