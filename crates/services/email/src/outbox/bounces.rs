//! What came back: bounces as a mail provider's webhook, or a script beside the mail server, reports them.

use pistack_api::mail::MailState;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::read::time_text;
use super::{Outbox, Owner};
use crate::address;
use crate::error::Error;

/// Bounces of one page.
const PAGE: i64 = 500;
/// Longest reason that is kept.
const LONGEST_REASON: usize = 1000;

/// A mail that came back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub(crate) struct BounceReport {
    /// The mail's id here, or its Message-ID. Without it the newest mail to `recipient` is meant.
    #[serde(default)]
    pub(crate) message: Option<String>,
    /// The address that it did not reach.
    #[schema(example = "anna@example.org")]
    pub(crate) recipient: String,
    /// What it is.
    #[serde(default)]
    pub(crate) kind: BounceKind,
    /// The words of the server that refused it.
    #[serde(default)]
    #[schema(example = "550 5.1.1 no such user")]
    pub(crate) reason: String,
}

/// What kind of bounce.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BounceKind {
    /// It will never arrive.
    #[default]
    Hard,
    /// It has not arrived yet.
    Soft,
    /// The reader called it spam.
    Complaint,
}

/// A bounce that was reported.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Bounce {
    /// Its number.
    pub(crate) id: i64,
    /// The mail's id here; absent when no mail of ours fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// The address that it did not reach.
    pub(crate) recipient: String,
    /// `hard`, `soft` or `complaint`.
    pub(crate) kind: String,
    /// Why.
    pub(crate) reason: String,
    /// When it was reported (RFC 3339).
    pub(crate) at: String,
}

type Row = (i64, Option<String>, String, String, String, i64);

fn view((id, message, recipient, kind, reason, at_ms): Row) -> Bounce {
    Bounce {
        id,
        message,
        recipient,
        kind,
        reason,
        at: time_text(at_ms),
    }
}

impl BounceKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
            Self::Complaint => "complaint",
        }
    }
}

impl Outbox {
    /// Writes a bounce down. A hard one makes the recipient's state `bounced`. Its number.
    pub(crate) async fn bounce(&self, report: &BounceReport) -> Result<i64, Error> {
        let mailbox = address::one(&report.recipient)
            .map_err(|error| Error::Invalid(format!("`recipient`: {error}")))?;
        let recipient = mailbox.email.to_string();
        let reason: String = report
            .reason
            .chars()
            .filter(|one| !address::is_control(*one))
            .take(LONGEST_REASON)
            .collect();
        let now = self.now_ms();
        let mut tx = self.begin().await?;
        let found: Option<(i64, String)> = sqlx::query_as(
            "SELECT messages.seq, id FROM messages JOIN recipients ON recipients.seq = messages.seq \
             WHERE lower(address) = lower($1) AND ($2 = '' OR id = $2 OR message_id = $2 OR message_id = '<' || $2 || '>') \
             ORDER BY messages.seq DESC LIMIT 1",
        )
        .bind(&recipient)
        .bind(report.message.as_deref().unwrap_or_default())
        .fetch_optional(&mut *tx)
        .await?;
        if let (Some((seq, _)), BounceKind::Hard) = (&found, report.kind) {
            let changed = sqlx::query(
                "UPDATE recipients SET state = $3, text = $4 \
                 WHERE seq = $1 AND lower(address) = lower($2) AND state IN ('sent', 'undecided')",
            )
            .bind(seq)
            .bind(&recipient)
            .bind(MailState::Bounced.as_str())
            .bind(&reason)
            .execute(&mut *tx)
            .await?;
            if changed.rows_affected() > 0 {
                self.settle(&mut tx, *seq, now, None).await?;
            }
        }
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO bounces (message, recipient, kind, reason, at_ms) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        )
        .bind(found.map(|(_, id)| id))
        .bind(&recipient)
        .bind(report.kind.as_str())
        .bind(&reason)
        .bind(now)
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(id)
    }

    /// The newest bounces of the mails that this caller may see; those that fit no mail only for who sees all.
    pub(crate) async fn bounces(&self, owner: &Owner) -> Result<Vec<Bounce>, Error> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT bounces.id, message, recipient, kind, reason, at_ms FROM bounces \
             WHERE $1 = 1 OR EXISTS (SELECT 1 FROM messages WHERE messages.id = bounces.message AND owner = $2) \
             ORDER BY bounces.id DESC LIMIT $3",
        )
        .bind(i64::from(owner.sees_all))
        .bind(&owner.id)
        .bind(PAGE)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(view).collect())
    }

    /// The bounces of one mail.
    pub(super) async fn bounces_of(&self, message: &str) -> Result<Vec<Bounce>, Error> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, message, recipient, kind, reason, at_ms FROM bounces WHERE message = $1 ORDER BY id LIMIT $2",
        )
        .bind(message)
        .bind(PAGE)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(view).collect())
    }

    /// Forgets a bounce.
    pub(crate) async fn remove_bounce(&self, id: i64) -> Result<(), Error> {
        let gone = sqlx::query("DELETE FROM bounces WHERE id = $1")
            .bind(id)
            .execute(&self.pool)
            .await?;
        if gone.rows_affected() == 0 {
            return Err(Error::NotFound);
        }
        Ok(())
    }
}
