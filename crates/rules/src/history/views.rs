//! The history as the HTTP side shows it.

use pistack_api::event::Event;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use utoipa::{IntoParams, ToSchema};

use super::{History, HistoryError};
use crate::channel::message::Message;
use crate::reason::{self, Reason};

/// A page has so many entries unless asked otherwise.
const PAGE: i64 = 50;
/// And this many at most.
const MOST_PAGE: i64 = 500;

/// Which part of a list, newest first.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Only of this rule.
    pub rule: Option<String>,
    /// Only entries with a lower number: the last one of the page before.
    pub before: Option<i64>,
    /// So many at most, 500 at the utmost. Default: 50.
    pub limit: Option<i64>,
}

/// Which deliveries, newest first.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeliveryQuery {
    /// Only of this channel.
    pub channel: Option<String>,
    /// Only in this state: `waiting`, `sent`, `failed`, `handed_over` or `in_digest`.
    pub state: Option<String>,
    /// Only entries with a lower number: the last one of the page before.
    pub before: Option<i64>,
    /// So many at most, 500 at the utmost. Default: 50.
    pub limit: Option<i64>,
}

/// What became of one action of a firing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResultView {
    /// The action's key, such as `restart`.
    #[schema(example = "restart")]
    pub action: String,
    /// Whether it worked. Of messages: whether they were put into the queue.
    pub ok: bool,
    /// What came of it; a command's output, or why it failed.
    pub detail: String,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// One firing.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FiringView {
    /// Its number.
    pub id: i64,
    /// When, in seconds since 1970.
    pub at: i64,
    /// The rule.
    #[schema(example = "camera-down")]
    pub rule: String,
    /// `fired`, `digest` or `resolved`.
    #[schema(example = "fired")]
    pub kind: String,
    /// What it was about: the program, line or metric.
    #[schema(example = "camera")]
    pub key: String,
    /// `info`, `warning` or `critical`.
    #[schema(example = "warning")]
    pub severity: String,
    /// Matches that it stands for.
    pub count: i64,
    /// When the first of them was, in seconds since 1970.
    pub since: i64,
    /// Why it fired.
    pub why: String,
    /// The same as codes and values; empty where there are none for it.
    pub reasons: Vec<Reason>,
    /// The event that fired it.
    pub event: Event,
    /// What became of its actions. Empty while they run.
    pub results: Vec<ResultView>,
    /// Its messages.
    pub deliveries: Vec<DeliveryView>,
}

/// One delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeliveryView {
    /// Its number.
    pub id: i64,
    /// The firing behind it; `null` for messages sent by hand and digests.
    pub firing: Option<i64>,
    /// The channel.
    #[schema(example = "phone")]
    pub channel: String,
    /// `waiting`, `sent`, `failed` (given up), `handed_over` (the fallback has it), `in_digest` (told as a part of one).
    #[schema(example = "sent")]
    pub state: String,
    /// When it was put into the queue, in seconds since 1970.
    pub created: i64,
    /// While it waits: not tried before this time.
    pub due: i64,
    /// How often it was tried.
    pub attempts: i64,
    /// How many messages it stands for.
    pub count: i64,
    /// When it came to its end, in seconds since 1970.
    pub finished: Option<i64>,
    /// What the other side said, or why it did not work yet.
    pub detail: String,
    /// Unique id, as the receiver sees it.
    pub message_id: String,
    /// The rule; empty for messages sent by hand.
    pub rule: String,
    /// Title.
    pub title: String,
    /// Text.
    pub text: String,
}

/// Matches that did not become a firing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HeldView {
    /// The rule.
    pub rule: String,
    /// What it was about.
    pub key: String,
    /// Why nothing was done.
    pub why: String,
    /// The same as codes and values; empty where there are none for it.
    pub reasons: Vec<Reason>,
    /// How often.
    pub count: i64,
    /// When first, in seconds since 1970.
    pub first: i64,
    /// When last, in seconds since 1970.
    pub last: i64,
}

const DELIVERY: &str = "SELECT id, firing, channel, state, created, due, attempts, count, finished, detail, rule, \
                        title, message FROM delivery";

fn delivery(row: &SqliteRow) -> Result<DeliveryView, HistoryError> {
    let message: Message = serde_json::from_str(row.try_get("message")?)?;
    Ok(DeliveryView {
        id: row.try_get("id")?,
        firing: row.try_get("firing")?,
        channel: row.try_get("channel")?,
        state: row.try_get("state")?,
        created: row.try_get("created")?,
        due: row.try_get("due")?,
        attempts: row.try_get("attempts")?,
        count: row.try_get("count")?,
        finished: row.try_get("finished")?,
        detail: row.try_get("detail")?,
        message_id: message.id,
        rule: row.try_get("rule")?,
        title: row.try_get("title")?,
        text: message.text,
    })
}

fn firing(row: &SqliteRow) -> Result<FiringView, HistoryError> {
    let why: String = row.try_get("why")?;
    Ok(FiringView {
        id: row.try_get("id")?,
        at: row.try_get("at")?,
        rule: row.try_get("rule")?,
        kind: row.try_get("kind")?,
        key: row.try_get("key")?,
        severity: row.try_get("severity")?,
        count: row.try_get("count")?,
        since: row.try_get("since")?,
        reasons: reason::read(&why),
        why,
        event: serde_json::from_str(row.try_get("event")?)?,
        results: serde_json::from_str(row.try_get("results")?)?,
        deliveries: Vec::new(),
    })
}

fn page(limit: Option<i64>, before: Option<i64>) -> (i64, i64) {
    (
        limit.unwrap_or(PAGE).clamp(1, MOST_PAGE),
        before.unwrap_or(i64::MAX),
    )
}

impl History {
    /// Firings, newest first, without their deliveries.
    pub async fn firings(&self, query: &Page) -> Result<Vec<FiringView>, HistoryError> {
        if !self.exists() {
            return Ok(Vec::new());
        }
        let (limit, before) = page(query.limit, query.before);
        let rows = sqlx::query(
            "SELECT * FROM firing WHERE id < $1 AND (rule = $2 OR $2 IS NULL) ORDER BY id DESC LIMIT $3",
        )
        .bind(before)
        .bind(&query.rule)
        .bind(limit)
        .fetch_all(self.pool().await?)
        .await?;
        rows.iter().map(firing).collect()
    }

    /// When each rule last fired, in seconds since 1970.
    pub async fn last_fired(&self) -> Result<std::collections::HashMap<String, i64>, HistoryError> {
        if !self.exists() {
            return Ok(std::collections::HashMap::new());
        }
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT rule, max(at) FROM firing WHERE kind = 'fired' GROUP BY rule")
                .fetch_all(self.pool().await?)
                .await?;
        Ok(rows.into_iter().collect())
    }

    /// One firing with its deliveries.
    pub async fn firing(&self, id: i64) -> Result<Option<FiringView>, HistoryError> {
        if !self.exists() {
            return Ok(None);
        }
        let pool = self.pool().await?;
        let row = sqlx::query("SELECT * FROM firing WHERE id = $1")
            .bind(id)
            .fetch_optional(pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let mut view = firing(&row)?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{DELIVERY} WHERE firing = $1 ORDER BY id LIMIT 500"
        )))
        .bind(id)
        .fetch_all(pool)
        .await?;
        view.deliveries = rows.iter().map(delivery).collect::<Result<_, _>>()?;
        Ok(Some(view))
    }

    /// Deliveries, newest first.
    pub async fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<DeliveryView>, HistoryError> {
        if !self.exists() {
            return Ok(Vec::new());
        }
        let (limit, before) = page(query.limit, query.before);
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{DELIVERY} WHERE id < $1 AND (channel = $2 OR $2 IS NULL) AND (state = $3 OR $3 IS NULL) \
             ORDER BY id DESC LIMIT $4"
        )))
        .bind(before)
        .bind(&query.channel)
        .bind(&query.state)
        .bind(limit)
        .fetch_all(self.pool().await?)
        .await?;
        rows.iter().map(delivery).collect()
    }

    /// Matches that did not become a firing, the latest first.
    pub async fn held(&self, query: &Page) -> Result<Vec<HeldView>, HistoryError> {
        if !self.exists() {
            return Ok(Vec::new());
        }
        self.flush_held().await?;
        let rows: Vec<(String, String, String, i64, i64, i64)> = sqlx::query_as(
            "SELECT rule, key, why, count, first, last FROM held WHERE rule = $1 OR $1 IS NULL \
             ORDER BY last DESC, rule, key LIMIT $2",
        )
        .bind(&query.rule)
        .bind(page(query.limit, None).0)
        .fetch_all(self.pool().await?)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(rule, key, why, count, first, last)| HeldView {
                rule,
                key,
                reasons: reason::read(&why),
                why,
                count,
                first,
                last,
            })
            .collect())
    }

    /// The last thing that happened on a channel: an end, or a failed attempt of what still waits.
    pub async fn last_result(&self, channel: &str) -> Result<Option<DeliveryView>, HistoryError> {
        if !self.exists() {
            return Ok(None);
        }
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{DELIVERY} WHERE channel = $1 AND state <> 'in_digest' AND attempts > 0 \
             ORDER BY coalesce(finished, due) DESC, id DESC LIMIT 1"
        )))
        .bind(channel)
        .fetch_optional(self.pool().await?)
        .await?;
        row.as_ref().map(delivery).transpose()
    }
}
