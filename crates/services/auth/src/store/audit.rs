//! Statements on the record of what happened.

use super::Connection;
use crate::error::Error;

/// Entries kept.
pub(crate) const CAPACITY: i64 = 10_000;
/// Seconds for which an entry is kept at most.
pub(crate) const KEEP_SECONDS: i64 = 90 * 24 * 3600;
/// Pruned once in so many entries, so that not every one costs a deletion.
const PRUNE_EVERY: i64 = 64;

/// One entry as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its number; grows.
    pub seq: i64,
    /// First time, seconds since 1970.
    pub at: i64,
    /// Last time, for equal failures that were folded into one entry.
    pub last_at: i64,
    /// `trusted` or `untrusted`.
    pub clock: String,
    /// The run of the machine.
    pub boot: String,
    /// What.
    pub kind: String,
    /// `done` or `refused`.
    pub outcome: String,
    /// Who.
    pub actor_id: Option<String>,
    /// Who, by the name of that time.
    pub actor_name: Option<String>,
    /// The account that it was about.
    pub subject: Option<String>,
    /// From where.
    pub address: String,
    /// With what.
    pub device: String,
    /// Particulars.
    pub detail: String,
    /// How often.
    pub times: i64,
}

impl<'r> sqlx::FromRow<'r, sqlx::any::AnyRow> for Row {
    fn from_row(row: &'r sqlx::any::AnyRow) -> sqlx::Result<Self> {
        use sqlx::Row as _;
        Ok(Self {
            seq: row.try_get("seq")?,
            at: row.try_get("at")?,
            last_at: row.try_get("last_at")?,
            clock: row.try_get("clock")?,
            boot: row.try_get("boot")?,
            kind: row.try_get("kind")?,
            outcome: row.try_get("outcome")?,
            actor_id: row.try_get("actor_id")?,
            actor_name: row.try_get("actor_name")?,
            subject: row.try_get("subject")?,
            address: row.try_get("address")?,
            device: row.try_get("device")?,
            detail: row.try_get("detail")?,
            times: row.try_get("times")?,
        })
    }
}

/// Adds an entry and gives it its number. Belongs into a write transaction.
pub(crate) async fn insert(connection: &mut Connection, row: &Row) -> Result<i64, Error> {
    let newest: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(seq), 0) FROM audit")
        .fetch_one(&mut *connection)
        .await?;
    let seq = newest + 1;
    sqlx::query(
        "INSERT INTO audit (seq, at, last_at, clock, boot, kind, outcome, actor_id, actor_name, subject, address, \
         device, detail, times) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(seq)
    .bind(row.at)
    .bind(row.last_at)
    .bind(&row.clock)
    .bind(&row.boot)
    .bind(&row.kind)
    .bind(&row.outcome)
    .bind(row.actor_id.as_deref())
    .bind(row.actor_name.as_deref())
    .bind(row.subject.as_deref())
    .bind(&row.address)
    .bind(&row.device)
    .bind(&row.detail)
    .bind(row.times)
    .execute(&mut *connection)
    .await?;
    if seq % PRUNE_EVERY == 0 {
        prune(connection, seq, row.at).await?;
    }
    Ok(seq)
}

/// Says that the entry happened more often.
pub(crate) async fn fold(
    connection: &mut Connection,
    seq: i64,
    times: i64,
    last_at: i64,
) -> Result<(), Error> {
    sqlx::query("UPDATE audit SET times = $2, last_at = $3 WHERE seq = $1")
        .bind(seq)
        .bind(times)
        .bind(last_at)
        .execute(connection)
        .await?;
    Ok(())
}

async fn prune(connection: &mut Connection, newest: i64, now: i64) -> Result<(), Error> {
    sqlx::query("DELETE FROM audit WHERE seq <= $1 OR last_at < $2")
        .bind(newest - CAPACITY)
        .bind(now - KEEP_SECONDS)
        .execute(connection)
        .await?;
    Ok(())
}

/// Which entries to read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Only older ones than this number.
    pub before: Option<i64>,
    /// Only of this kind; with `*` at the end, only those that begin so.
    pub kind: Option<String>,
    /// Only by or about this account.
    pub user: Option<String>,
    /// Only `done` or `refused`.
    pub outcome: Option<String>,
    /// At most so many.
    pub limit: i64,
}

/// Entries, newest first.
pub(crate) async fn read(connection: &mut Connection, filter: &Filter) -> Result<Vec<Row>, Error> {
    let (kind, prefix) = match filter.kind.as_deref() {
        None => ("", ""),
        Some(kind) => match kind.strip_suffix('*') {
            Some(prefix) => ("", prefix),
            None => (kind, ""),
        },
    };
    let length = i64::try_from(prefix.chars().count()).unwrap_or(i64::MAX);
    let rows = sqlx::query_as(
        "SELECT * FROM audit WHERE seq < $1 AND ($2 = '' OR kind = $2) \
         AND ($3 = '' OR SUBSTR(kind, 1, CAST($4 AS INTEGER)) = $3) \
         AND ($5 = '' OR actor_id = $5 OR subject = $5) AND ($6 = '' OR outcome = $6) \
         ORDER BY seq DESC LIMIT $7",
    )
    .bind(filter.before.unwrap_or(i64::MAX))
    .bind(kind)
    .bind(prefix)
    .bind(length)
    .bind(filter.user.as_deref().unwrap_or_default())
    .bind(filter.outcome.as_deref().unwrap_or_default())
    .bind(filter.limit)
    .fetch_all(connection)
    .await?;
    Ok(rows)
}
