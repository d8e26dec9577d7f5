//! The statements of the history.

use std::time::Duration;

use pistack_kit::database::Pool;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::sampler::{Metric, Minute};
use crate::storage::WrittenDay;

/// Minutes kept: thirty days, and a little. By number, not by date: a clock that jumps must not throw anything away.
const KEPT_MINUTES: i64 = 30 * 24 * 60 + 24 * 60;
/// Hours of bytes written that are kept, for each disk that is ever seen: more than a year.
const KEPT_HOURS: i64 = 400 * 24;
/// So many commits go by before it is looked for what is too old.
const PRUNE_EVERY: u32 = 60;
/// A wall clock that is off by less is left alone: it is slewed all the time.
const SLACK: i64 = 2;

/// A start of the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Boot {
    id: i64,
    /// When it was, seconds since 1970.
    began: i64,
    /// The clock was known to be right then.
    trusted: bool,
    is_stored: bool,
    commits: u32,
}

impl Boot {
    /// Takes a better time in. One that is known to be right gives way only to another such one.
    pub(crate) fn correct(&mut self, began: i64, trusted: bool) {
        let is_better = trusted || !self.trusted;
        if is_better && ((began - self.began).abs() > SLACK || trusted != self.trusted) {
            self.began = began;
            self.trusted = trusted;
            self.is_stored = false;
        }
    }
}

/// The row of this start. A container may start anew without its machine doing so: then the name is known, but its
/// minutes lie ahead of the uptime, and it is another start.
pub(super) async fn find_boot(
    pool: &Pool,
    name: &str,
    began: i64,
    trusted: bool,
    uptime: Duration,
) -> sqlx::Result<Boot> {
    let known = sqlx::query(
        "SELECT id, began, trusted, (SELECT max(minute) FROM minutes WHERE boot = boots.id) AS last
         FROM boots WHERE name = ? ORDER BY id DESC LIMIT 1",
    )
    .bind(name)
    .fetch_optional(pool)
    .await?;
    let minute = (uptime.as_secs() / 60) as i64;
    if let Some(row) = known {
        let last: Option<i64> = row.try_get("last")?;
        if !name.is_empty() && last.is_none_or(|last| last <= minute) {
            let mut boot = Boot {
                id: row.try_get("id")?,
                began: row.try_get("began")?,
                trusted: row.try_get("trusted")?,
                is_stored: true,
                commits: 0,
            };
            boot.correct(began, trusted);
            return Ok(boot);
        }
    }
    let id = sqlx::query_scalar("INSERT INTO boots (name, began, trusted) VALUES (?, ?, ?) RETURNING id")
        .bind(name)
        .bind(began)
        .bind(trusted)
        .fetch_one(pool)
        .await?;
    Ok(Boot {
        id,
        began,
        trusted,
        is_stored: true,
        commits: 0,
    })
}

/// Stores everything in one transaction. A minute that an earlier run of the service began is joined with this one's
/// part of it.
pub(super) async fn store(pool: &Pool, boot: &mut Boot, taken: &crate::sampler::Taken) -> sqlx::Result<()> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    if !boot.is_stored {
        sqlx::query("UPDATE boots SET began = ?, trusted = ? WHERE id = ?")
            .bind(boot.began)
            .bind(boot.trusted)
            .bind(boot.id)
            .execute(&mut *transaction)
            .await?;
    }
    for minute in &taken.minutes {
        let mut query = sqlx::query(JOIN_MINUTE)
            .bind(boot.id)
            .bind(minute.number)
            .bind(i64::from(minute.samples));
        for value in minute.values {
            query = query.bind(value.is_finite().then_some(f64::from(value)));
        }
        query.execute(&mut *transaction).await?;
    }
    for ((hour, disk), bytes) in &taken.written {
        sqlx::query(
            "INSERT INTO written (boot, hour, disk, bytes) VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes",
        )
        .bind(boot.id)
        .bind(hour)
        .bind(disk)
        .bind(bytes.cast_signed())
        .execute(&mut *transaction)
        .await?;
    }
    let is_due = boot.commits.is_multiple_of(PRUNE_EVERY);
    if is_due {
        prune(&mut transaction, boot.id).await?;
    }
    transaction.commit().await?;
    boot.commits = boot.commits.wrapping_add(1);
    boot.is_stored = true;
    Ok(())
}

/// The mean of two parts, by their number of samples; a part without a value does not count.
const JOIN_MINUTE: &str = "INSERT INTO minutes
    (boot, minute, samples, cpu, memory, temperature, load, disk, net_rx, net_tx)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET
      cpu = coalesce((cpu * samples + excluded.cpu * excluded.samples) / (samples + excluded.samples), cpu, excluded.cpu),
      memory = coalesce((memory * samples + excluded.memory * excluded.samples) / (samples + excluded.samples), memory, excluded.memory),
      temperature = coalesce((temperature * samples + excluded.temperature * excluded.samples) / (samples + excluded.samples), temperature, excluded.temperature),
      load = coalesce((load * samples + excluded.load * excluded.samples) / (samples + excluded.samples), load, excluded.load),
      disk = coalesce((disk * samples + excluded.disk * excluded.samples) / (samples + excluded.samples), disk, excluded.disk),
      net_rx = coalesce((net_rx * samples + excluded.net_rx * excluded.samples) / (samples + excluded.samples), net_rx, excluded.net_rx),
      net_tx = coalesce((net_tx * samples + excluded.net_tx * excluded.samples) / (samples + excluded.samples), net_tx, excluded.net_tx),
      samples = samples + excluded.samples";

/// Throws the oldest away, oldest start first.
async fn prune(transaction: &mut sqlx::Transaction<'_, sqlx::Sqlite>, current: i64) -> sqlx::Result<()> {
    for statement in [
        "DELETE FROM minutes WHERE (boot, minute) IN
           (SELECT boot, minute FROM minutes ORDER BY boot DESC, minute DESC LIMIT -1 OFFSET ?)",
        "DELETE FROM written WHERE (boot, hour) IN
           (SELECT boot, hour FROM (SELECT DISTINCT boot, hour FROM written)
            ORDER BY boot DESC, hour DESC LIMIT -1 OFFSET ?)",
    ] {
        let kept = if statement.contains("minutes") {
            KEPT_MINUTES
        } else {
            KEPT_HOURS
        };
        sqlx::query(statement)
            .bind(kept)
            .execute(&mut **transaction)
            .await?;
    }
    sqlx::query(
        "DELETE FROM boots WHERE id <> ? AND id NOT IN (SELECT boot FROM minutes)
         AND id NOT IN (SELECT boot FROM written)",
    )
    .bind(current)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Gives every minute from `from` on to `each`, with its wall time. Row by row: thirty days need not fit in memory.
pub(super) async fn read(pool: &Pool, from: i64, mut each: impl FnMut(i64, &Minute)) -> sqlx::Result<()> {
    use futures_util::TryStreamExt as _;
    let mut rows = sqlx::query(
        "SELECT boots.began + minute * 60 AS at, minute, samples,
                cpu, memory, temperature, load, disk, net_rx, net_tx
         FROM boots JOIN minutes ON minutes.boot = boots.id
         WHERE minute >= (? - boots.began) / 60",
    )
    .bind(from)
    .fetch(pool);
    while let Some(row) = rows.try_next().await? {
        let (at, minute) = minute_of(&row)?;
        each(at, &minute);
    }
    Ok(())
}

fn minute_of(row: &SqliteRow) -> sqlx::Result<(i64, Minute)> {
    let mut values = [f32::NAN; Metric::ALL.len()];
    for (value, metric) in values.iter_mut().zip(Metric::ALL) {
        *value = row
            .try_get::<Option<f64>, _>(metric.name())?
            .map_or(f32::NAN, |value| value as f32);
    }
    let minute = Minute {
        number: row.try_get("minute")?,
        samples: u32::try_from(row.try_get::<i64, _>("samples")?).unwrap_or(1),
        values,
    };
    Ok((row.try_get("at")?, minute))
}

/// Bytes written by disk and UTC day since `from`.
pub(super) async fn written(pool: &Pool, from: i64) -> sqlx::Result<Vec<WrittenDay>> {
    sqlx::query(
        "SELECT disk, date(boots.began + hour * 3600, 'unixepoch') AS day, sum(bytes) AS bytes
         FROM written JOIN boots ON boots.id = written.boot
         WHERE boots.began + hour * 3600 >= ?
         GROUP BY disk, day ORDER BY disk, day",
    )
    .bind(from)
    .fetch_all(pool)
    .await?
    .iter()
    .map(|row| {
        Ok(WrittenDay {
            disk: row.try_get("disk")?,
            day: row.try_get("day")?,
            bytes: row.try_get::<i64, _>("bytes")?.max(0).cast_unsigned(),
        })
    })
    .collect()
}
