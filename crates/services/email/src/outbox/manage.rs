//! What people do with mails that lie here: remove them, send them again.

use pistack_api::mail::MailState;

use super::{Outbox, Owner, Tx};
use crate::error::Error;

impl Outbox {
    /// Removes a mail: one that waits is not sent, one that is done is forgotten.
    pub(crate) async fn remove(&self, id: &str, owner: &Owner) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let (seq, state) = self.found(&mut tx, id, owner).await?;
        if state == MailState::Sending {
            tx.rollback().await?;
            return Err(Error::Conflict("the mail is being sent at this moment"));
        }
        sqlx::query("DELETE FROM messages WHERE seq = $1")
            .bind(seq)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Sends a mail again to those it has not reached, at once. One whose last answer was lost may arrive twice; its
    /// Message-ID stays the same.
    pub(crate) async fn retry(&self, id: &str, owner: &Owner) -> Result<MailState, Error> {
        let now = self.now_ms();
        let mut tx = self.begin().await?;
        let (seq, state) = self.found(&mut tx, id, owner).await?;
        let refusal = match state {
            MailState::Sending => Some("the mail is being sent at this moment"),
            MailState::Sent => Some("the mail has been sent"),
            _ => None,
        };
        if let Some(refusal) = refusal {
            tx.rollback().await?;
            return Err(Error::Conflict(refusal));
        }
        let body: Option<i64> = sqlx::query_scalar("SELECT seq FROM bodies WHERE seq = $1")
            .bind(seq)
            .fetch_optional(&mut *tx)
            .await?;
        if body.is_none() {
            tx.rollback().await?;
            return Err(Error::Conflict("the mail's text has been deleted"));
        }
        sqlx::query(
            "UPDATE recipients SET state = 'waiting' WHERE seq = $1 AND state IN ('dead', 'undecided', 'bounced')",
        )
        .bind(seq)
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE messages SET once = 0, not_before_ms = NULL, expires_ms = $2 WHERE seq = $1")
            .bind(seq)
            .bind(now + self.life_ms())
            .execute(&mut *tx)
            .await?;
        let state = self.settle(&mut tx, seq, now, Some(now)).await?;
        tx.commit().await?;
        self.wake();
        Ok(state)
    }

    /// The mail's row, if there is one that this caller may touch.
    pub(super) async fn found(
        &self,
        tx: &mut Tx,
        id: &str,
        owner: &Owner,
    ) -> Result<(i64, MailState), Error> {
        let row: Option<(i64, String)> =
            sqlx::query_as("SELECT seq, state FROM messages WHERE id = $1 AND ($2 = 1 OR owner = $3)")
                .bind(id)
                .bind(i64::from(owner.sees_all))
                .bind(&owner.id)
                .fetch_optional(&mut **tx)
                .await?;
        let (seq, state) = row.ok_or(Error::NotFound)?;
        let state = MailState::of(&state).ok_or_else(|| Error::Store(format!("the state `{state}`")))?;
        Ok((seq, state))
    }
}
