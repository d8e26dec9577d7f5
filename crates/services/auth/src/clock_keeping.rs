//! A board without a clock of its own: sessions begun before a time server answered live on when the clock is set.
//!
//! While the clock is untrusted, everything that is written carries a wrong time, and only that: what an earlier run
//! wrote with the right time lies outside of the span. At the step, those times are moved by as much as the clock was.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use pistack_kit::clock::{Clock, Record};
use pistack_kit::paths::write_atomic;
use tokio::sync::Mutex;

use crate::error::Error;
use crate::state::Auth;
use crate::store::{self, Store};

/// Wall time that moves further than this against monotonic time was set, in seconds.
const STEP_SECONDS: i64 = 60;
/// The latest time is written down this often.
const RECORD_EVERY: Duration = Duration::from_mins(10);
/// Since when the clock is untrusted; kept in the database, so that a restart in between does not matter.
const SINCE: &str = "clock_untrusted_since";

/// Times that move with the clock: table, column, and what follows from that column.
const MOVED: [(&str, &str, &[&str]); 9] = [
    ("refresh_tokens", "used_at", &[]),
    ("refresh_tokens", "issued_at", &["expires_at"]),
    ("refresh_families", "last_used_at", &[]),
    ("refresh_families", "ended_at", &[]),
    ("refresh_families", "created_at", &["expires_at"]),
    ("cookie_sessions", "last_seen_at", &[]),
    ("cookie_sessions", "created_at", &["expires_at"]),
    ("api_tokens", "created_at", &["expires_at"]),
    ("known_devices", "created_at", &["expires_at"]),
];

/// What was last seen of the clock.
#[derive(Debug)]
pub(crate) struct TimeKeeper {
    clock: Clock,
    path: PathBuf,
    /// Wall time less monotonic time, in seconds; read without the lock on every request.
    offset: AtomicI64,
    /// Since when the clock is untrusted.
    since: Mutex<Option<i64>>,
    recorded_at: AtomicI64,
}

impl TimeKeeper {
    /// Looks at the clock for the first time, and moves what an earlier run wrote at a wrong time if the clock was set
    /// in between.
    pub(crate) async fn open(clock: &Clock, path: PathBuf, store: &Store) -> Result<Self, Error> {
        let mut since = read_since(store).await?;
        let now = clock.unix();
        if let Some(from) = since.filter(|_| clock.trust().is_trusted()) {
            let expected = Record::read(&path)
                .zip(clock.record())
                .map_or(now, |(old, current)| old.earliest(&current.boot, current.uptime));
            if (now - expected).abs() > STEP_SECONDS {
                shift(store, from, expected, now - expected).await?;
            }
            since = None;
            write_since(store, None).await?;
        } else if since.is_none() && !clock.trust().is_trusted() {
            since = Some(now);
            write_since(store, since).await?;
        }
        if since.is_some() {
            tracing::warn!(
                unix = now,
                "THE CLOCK CANNOT BE TRUSTED: no time server has set it yet. Logins work and last; one-time codes do not \
                 until the time is right. A board that has no time server: [auth] clock_is_right = true"
            );
        }
        let keeper = Self {
            offset: AtomicI64::new(offset(clock)),
            clock: clock.clone(),
            path,
            since: Mutex::new(since),
            recorded_at: AtomicI64::new(clock.monotonic().as_secs() as i64),
        };
        keeper.record().await;
        Ok(keeper)
    }

    /// Writes the latest time down, if it is time to.
    async fn record_sometimes(&self) {
        let (now, last) = (
            self.clock.monotonic().as_secs() as i64,
            self.recorded_at.load(Ordering::Relaxed),
        );
        if now - last >= RECORD_EVERY.as_secs() as i64 {
            self.recorded_at.store(now, Ordering::Relaxed);
            self.record().await;
        }
    }

    /// Writes the latest time down. A failure (a full disk) only costs minutes at the next start.
    pub(crate) async fn record(&self) {
        let Some(record) = self.clock.record() else { return };
        let path = self.path.clone();
        let text = serde_json::to_vec(&record).expect("numbers and texts are JSON");
        let written = tokio::task::spawn_blocking(move || write_atomic(&path, &text, 0o600)).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(%error, "cannot write down the time");
        }
    }
}

/// Looks whether the clock was set, and moves what was written at the wrong time. Belongs before every judgement on
/// whether something stored has expired; costs two readings of the clock when nothing happened.
pub(crate) async fn settle(auth: &Arc<Auth>) -> Result<(), Error> {
    let keeper = &auth.time;
    let seen = keeper.offset.load(Ordering::Acquire);
    if (offset(&keeper.clock) - seen).abs() <= STEP_SECONDS {
        return Ok(());
    }
    let mut since = keeper.since.lock().await;
    let (seen, now) = (keeper.offset.load(Ordering::Acquire), offset(&keeper.clock));
    let by = now - seen;
    if by.abs() <= STEP_SECONDS {
        // Another request was first.
        return Ok(());
    }
    let expected = keeper.clock.monotonic().as_secs() as i64 + seen;
    tracing::warn!(
        seconds = by,
        trust = keeper.clock.trust().as_str(),
        "THE CLOCK WAS SET; sessions begun while it was wrong live on"
    );
    if let Some(from) = *since {
        shift(&auth.store, from, expected, by).await?;
        auth.cookies.clear();
    }
    *since = (!keeper.clock.trust().is_trusted()).then(|| keeper.clock.unix());
    write_since(&auth.store, *since).await?;
    keeper.offset.store(now, Ordering::Release);
    keeper.record().await;
    Ok(())
}

/// What belongs to the clock now and then: notices a step and a clock that became trusted, writes the time down.
pub(crate) async fn look(auth: &Arc<Auth>) -> Result<(), Error> {
    settle(auth).await?;
    let keeper = &auth.time;
    let mut since = keeper.since.lock().await;
    if since.is_some() && keeper.clock.trust().is_trusted() {
        *since = None;
        write_since(&auth.store, None).await?;
        tracing::info!(trust = keeper.clock.trust().as_str(), "the clock is right now");
    }
    drop(since);
    keeper.record_sometimes().await;
    Ok(())
}

fn offset(clock: &Clock) -> i64 {
    clock.wall().as_secs() as i64 - clock.monotonic().as_secs() as i64
}

/// Moves every time between `from` and `until` by `by` seconds.
async fn shift(store: &Store, from: i64, until: i64, by: i64) -> Result<(), Error> {
    let mut tx = store.begin().await?;
    for (table, column, following) in MOVED {
        let mut also = String::new();
        for column in following {
            let _ = write!(also, ", {column} = {column} + $3");
        }
        let statement = format!(
            "UPDATE {table} SET {column} = {column} + $3{also} WHERE {column} >= $1 AND {column} <= $2"
        );
        // Names of our own, no text from outside.
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(from)
            .bind(until + STEP_SECONDS)
            .bind(by)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn read_since(store: &Store) -> Result<Option<i64>, Error> {
    let text = store::meta(&mut *store.read().await?, SINCE).await?;
    Ok(text.and_then(|text| text.parse().ok()))
}

async fn write_since(store: &Store, since: Option<i64>) -> Result<(), Error> {
    let mut tx = store.begin().await?;
    let text = since.map_or_else(String::new, |since| since.to_string());
    store::set_meta(&mut tx, SINCE, &text).await?;
    tx.commit().await?;
    Ok(())
}
