//! The queue of messages: what waits for a channel, in order, and what becomes of it.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{History, HistoryError, MOST_WAITING, NewDelivery};
use crate::channel::message::Message;
use crate::config::Severity;

/// A message that waits.
#[derive(Debug, Clone)]
pub struct Due {
    /// Its number.
    pub id: i64,
    /// The channels that get it, one after the other, if this one fails.
    pub chain: Vec<String>,
    /// When it was put in.
    pub created: i64,
    /// Not before this time.
    pub due: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// True if a person sent it.
    pub manual: bool,
    /// The message.
    pub message: Message,
}

/// A message that the other side took.
#[derive(Debug, Clone)]
pub struct SentMessage {
    /// Its number.
    pub id: i64,
    /// The channel that sent it.
    pub channel: String,
    /// The channels that get it, one after the other, if this one turns out to have failed.
    pub chain: Vec<String>,
    /// True if a person sent it.
    pub manual: bool,
    /// The message.
    pub message: Message,
}

/// What waits for a channel, in figures.
#[derive(Debug, Clone, Default)]
pub struct Crowd {
    /// The newest of them.
    pub last: i64,
    /// How many messages.
    pub rows: i64,
    /// How many they stand for.
    pub total: i64,
    /// Since when.
    pub since: i64,
    /// By rule, the most frequent first, ten at most.
    pub by_rule: Vec<(String, i64)>,
    /// The newest titles, five at most, newest first.
    pub latest: Vec<String>,
    /// The gravest.
    pub severity: Severity,
}

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Taken by the other side.
    Sent,
    /// Given up.
    Failed,
    /// The fallback has it now.
    HandedOver,
    /// Told as a part of a digest.
    InDigest,
}

impl Fate {
    /// The state's name in the history.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::HandedOver => "handed_over",
            Self::InDigest => "in_digest",
        }
    }
}

fn severity_of(number: i64) -> Severity {
    match number {
        0 => Severity::Info,
        1 => Severity::Warning,
        _ => Severity::Critical,
    }
}

/// Puts a message in. Where too many wait already, it is counted on the newest one of its rule.
pub(super) async fn insert(
    connection: &mut sqlx::SqliteConnection,
    firing: Option<i64>,
    new: &NewDelivery,
    now: i64,
) -> Result<(), HistoryError> {
    let waiting: (i64,) =
        sqlx::query_as("SELECT count(*) FROM delivery WHERE channel = $1 AND state = 'waiting'")
            .bind(&new.channel)
            .fetch_one(&mut *connection)
            .await?;
    if waiting.0 >= MOST_WAITING {
        sqlx::query(
            "UPDATE delivery SET count = count + $1 WHERE id = (SELECT id FROM delivery \
             WHERE channel = $2 AND state = 'waiting' ORDER BY (rule = $3) DESC, id DESC LIMIT 1)",
        )
        .bind(new.message.count as i64)
        .bind(&new.channel)
        .bind(&new.message.rule)
        .execute(&mut *connection)
        .await?;
        return Ok(());
    }
    write(connection, firing, new, now, None).await
}

/// Writes a row: one that waits, or one that has come to its end already.
async fn write(
    connection: &mut sqlx::SqliteConnection,
    firing: Option<i64>,
    new: &NewDelivery,
    now: i64,
    ended: Option<(Fate, &str)>,
) -> Result<(), HistoryError> {
    let (state, detail) = ended.map_or(("waiting", ""), |(fate, detail)| (fate.name(), detail));
    sqlx::query(
        "INSERT INTO delivery (firing, channel, state, created, due, attempts, count, severity, manual, chain, rule, \
         title, message, finished, detail) VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(firing)
    .bind(&new.channel)
    .bind(state)
    .bind(now)
    .bind(i64::from(ended.is_some()))
    .bind(new.message.count as i64)
    .bind(new.message.severity as i64)
    .bind(i64::from(new.manual))
    .bind(serde_json::to_string(&new.chain)?)
    .bind(&new.message.rule)
    .bind(&new.message.title)
    .bind(serde_json::to_string(&new.message)?)
    .bind(ended.map(|_| now))
    .bind(detail)
    .execute(connection)
    .await?;
    Ok(())
}

fn due(row: &SqliteRow) -> Result<Due, HistoryError> {
    let mut message: Message = serde_json::from_str(row.try_get("message")?)?;
    message.count = row.try_get::<i64, _>("count")? as u64;
    Ok(Due {
        id: row.try_get("id")?,
        chain: serde_json::from_str(row.try_get("chain")?)?,
        created: row.try_get("created")?,
        due: row.try_get("due")?,
        attempts: row.try_get::<i64, _>("attempts")? as u32,
        manual: row.try_get::<i64, _>("manual")? != 0,
        message,
    })
}

impl History {
    /// The next message for a channel: the oldest that waits and is at least this grave, or was sent by a person.
    pub async fn head(&self, channel: &str, at_least: Option<Severity>) -> Result<Option<Due>, HistoryError> {
        let lowest = at_least.map_or(i64::MAX, |severity| severity as i64);
        let row = sqlx::query(
            "SELECT id, chain, created, due, attempts, manual, message, count FROM delivery \
             WHERE channel = $1 AND state = 'waiting' AND (severity >= $2 OR manual = 1) ORDER BY id LIMIT 1",
        )
        .bind(channel)
        .bind(lowest)
        .fetch_optional(self.pool().await?)
        .await?;
        row.as_ref().map(due).transpose()
    }

    /// The channels for which something waits.
    pub async fn waiting_channels(&self) -> Result<Vec<String>, HistoryError> {
        let rows: Vec<(String,)> =
            sqlx::query_as("SELECT DISTINCT channel FROM delivery WHERE state = 'waiting'")
                .fetch_all(self.pool().await?)
                .await?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    /// What waits for a channel but for what people sent, in figures.
    pub async fn crowd(&self, channel: &str) -> Result<Crowd, HistoryError> {
        let pool = self.pool().await?;
        let whole: (i64, i64, i64, i64, i64) = sqlx::query_as(
            "SELECT coalesce(max(id), 0), count(*), coalesce(sum(count), 0), coalesce(min(created), 0), \
             coalesce(max(severity), 0) FROM delivery WHERE channel = $1 AND state = 'waiting' AND manual = 0",
        )
        .bind(channel)
        .fetch_one(pool)
        .await?;
        let by_rule = sqlx::query_as(
            "SELECT rule, sum(count) AS times FROM delivery WHERE channel = $1 AND state = 'waiting' AND manual = 0 \
             GROUP BY rule ORDER BY times DESC, rule LIMIT 10",
        )
        .bind(channel)
        .fetch_all(pool)
        .await?;
        let latest: Vec<(String,)> = sqlx::query_as(
            "SELECT title FROM delivery WHERE channel = $1 AND state = 'waiting' AND manual = 0 \
             ORDER BY id DESC LIMIT 5",
        )
        .bind(channel)
        .fetch_all(pool)
        .await?;
        Ok(Crowd {
            last: whole.0,
            rows: whole.1,
            total: whole.2,
            since: whole.3,
            by_rule,
            latest: latest.into_iter().map(|row| row.0).collect(),
            severity: severity_of(whole.4),
        })
    }

    /// When messages went out on a channel since a time, people's own left out: for its limit.
    pub async fn sent_since(&self, channel: &str, since: i64) -> Result<Vec<i64>, HistoryError> {
        let rows: Vec<(i64,)> = sqlx::query_as(
            "SELECT finished FROM delivery WHERE channel = $1 AND state = 'sent' AND manual = 0 AND finished >= $2 \
             ORDER BY finished",
        )
        .bind(channel)
        .bind(since)
        .fetch_all(self.pool().await?)
        .await?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    /// A message that was sent, by its own id.
    pub async fn sent(&self, message_id: &str) -> Result<Option<SentMessage>, HistoryError> {
        let row = sqlx::query(
            "SELECT id, channel, chain, manual, message FROM delivery WHERE state = 'sent' \
             AND json_extract(message, '$.id') = $1 ORDER BY id DESC LIMIT 1",
        )
        .bind(message_id)
        .fetch_optional(self.pool().await?)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(SentMessage {
            id: row.try_get("id")?,
            channel: row.try_get("channel")?,
            chain: serde_json::from_str(row.try_get("chain")?)?,
            manual: row.try_get::<i64, _>("manual")? != 0,
            message: serde_json::from_str(row.try_get("message")?)?,
        }))
    }

    /// One message has come to its end.
    pub async fn finish(&self, id: i64, fate: Fate, detail: &str) -> Result<(), HistoryError> {
        sqlx::query(
            "UPDATE delivery SET state = $1, finished = $2, detail = $3, attempts = attempts + 1 WHERE id = $4",
        )
        .bind(fate.name())
        .bind(self.clock.unix())
        .bind(detail)
        .bind(id)
        .execute(self.pool().await?)
        .await?;
        Ok(())
    }

    /// One message is tried again later.
    pub async fn postpone(&self, id: i64, due: i64, detail: &str) -> Result<(), HistoryError> {
        sqlx::query("UPDATE delivery SET due = $1, attempts = attempts + 1, detail = $2 WHERE id = $3")
            .bind(due)
            .bind(detail)
            .bind(id)
            .execute(self.pool().await?)
            .await?;
        Ok(())
    }

    /// A message is left to the next channel of its chain.
    pub async fn hand_over(&self, id: i64, next: &NewDelivery, detail: &str) -> Result<(), HistoryError> {
        let now = self.clock.unix();
        let mut transaction = self.pool().await?.begin().await?;
        let firing: (Option<i64>,) = sqlx::query_as("SELECT firing FROM delivery WHERE id = $1")
            .bind(id)
            .fetch_one(&mut *transaction)
            .await?;
        sqlx::query(
            "UPDATE delivery SET state = 'handed_over', finished = $1, detail = $2, attempts = attempts + 1 \
             WHERE id = $3",
        )
        .bind(now)
        .bind(detail)
        .bind(id)
        .execute(&mut *transaction)
        .await?;
        insert(&mut transaction, firing.0, next, now).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Everything that waited for a channel up to `last` was told (or given up, or left to another channel) in one
    /// digest. `Sent` writes the digest itself as sent and the others as parts of it.
    pub async fn finish_crowd(
        &self,
        channel: &str,
        last: i64,
        digest: &NewDelivery,
        fate: Fate,
        detail: &str,
    ) -> Result<(), HistoryError> {
        let now = self.clock.unix();
        let mut transaction = self.pool().await?.begin().await?;
        let parts = if fate == Fate::Sent { Fate::InDigest } else { fate };
        sqlx::query(
            "UPDATE delivery SET state = $1, finished = $2, detail = $3 \
             WHERE channel = $4 AND state = 'waiting' AND manual = 0 AND id <= $5",
        )
        .bind(parts.name())
        .bind(now)
        .bind(detail)
        .bind(channel)
        .bind(last)
        .execute(&mut *transaction)
        .await?;
        match fate {
            Fate::Sent => write(&mut transaction, None, digest, now, Some((Fate::Sent, detail))).await?,
            Fate::HandedOver => insert(&mut transaction, None, digest, now).await?,
            Fate::Failed | Fate::InDigest => {}
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Writes a message that was sent, or not, without having waited: a person's test.
    pub async fn record_attempt(
        &self,
        new: &NewDelivery,
        fate: Fate,
        detail: &str,
    ) -> Result<(), HistoryError> {
        let mut connection = self.pool().await?.acquire().await?;
        write(
            &mut connection,
            None,
            new,
            self.clock.unix(),
            Some((fate, detail)),
        )
        .await
    }

    /// Gives up what waits for a channel that is no longer there.
    pub async fn abandon(&self, channel: &str) -> Result<(), HistoryError> {
        sqlx::query(
            "UPDATE delivery SET state = 'failed', finished = $1, detail = 'the channel was removed' \
             WHERE channel = $2 AND state = 'waiting'",
        )
        .bind(self.clock.unix())
        .bind(channel)
        .execute(self.pool().await?)
        .await?;
        Ok(())
    }

    /// Puts a message that was given up back into the queue. Gives its channel; `None` if there is no such message, or
    /// it was not given up.
    pub async fn revive(&self, id: i64) -> Result<Option<String>, HistoryError> {
        let row: Option<(String,)> = sqlx::query_as(
            "UPDATE delivery SET state = 'waiting', due = $1, created = $1, finished = NULL, manual = 1 \
             WHERE id = $2 AND state IN ('failed', 'handed_over') RETURNING channel",
        )
        .bind(self.clock.unix())
        .bind(id)
        .fetch_optional(self.pool().await?)
        .await?;
        Ok(row.map(|row| row.0))
    }
}
