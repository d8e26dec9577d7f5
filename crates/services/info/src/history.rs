//! Thirty days by the minute, in the service's own database, with one commit a minute at most.
//!
//! A row is a minute of a start of the kernel (`boot_id`), counted by its uptime, and only the start carries a wall time.
//! A clock that begins in 1970, or jumps, moves that one number: no row is lost, doubled or written anew. What cannot be
//! stored waits in memory. A damaged file is moved aside: the figures go on, the past is lost.

mod rows;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pistack_kit::clock::Clock;
use pistack_kit::database::{self, DatabaseError, Durability, Migration, Pool};
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

pub(crate) use rows::Boot;

use crate::read::files::Tree;
use crate::sampler::{EVERY, Metric, Sampler};
use crate::storage::WrittenDay;

const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "minutes and bytes written",
    sql: "CREATE TABLE boots (
              id INTEGER PRIMARY KEY,
              name TEXT NOT NULL,
              began INTEGER NOT NULL,
              trusted INTEGER NOT NULL
          );
          CREATE TABLE minutes (
              boot INTEGER NOT NULL REFERENCES boots (id) ON DELETE CASCADE,
              minute INTEGER NOT NULL,
              samples INTEGER NOT NULL,
              cpu REAL, memory REAL, temperature REAL, load REAL, disk REAL, net_rx REAL, net_tx REAL,
              PRIMARY KEY (boot, minute)
          ) WITHOUT ROWID;
          CREATE TABLE written (
              boot INTEGER NOT NULL REFERENCES boots (id) ON DELETE CASCADE,
              hour INTEGER NOT NULL,
              disk TEXT NOT NULL,
              bytes INTEGER NOT NULL,
              PRIMARY KEY (boot, hour, disk)
          ) WITHOUT ROWID;",
}];

/// A span of time that can be asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, ToSchema)]
pub(crate) enum Range {
    /// The last hour, in steps of two seconds.
    #[default]
    #[serde(rename = "1h")]
    Hour,
    /// The last day, by the minute.
    #[serde(rename = "24h")]
    Day,
    /// The last seven days, in steps of ten minutes.
    #[serde(rename = "7d")]
    Week,
    /// The last thirty days, by the hour.
    #[serde(rename = "30d")]
    Month,
}

impl Range {
    /// Whole length and length of a step, seconds.
    const fn seconds(self) -> (i64, i64) {
        match self {
            Self::Hour => (3600, EVERY.as_secs() as i64),
            Self::Day => (86_400, 60),
            Self::Week => (7 * 86_400, 600),
            Self::Month => (30 * 86_400, 3600),
        }
    }
}

/// Values over time.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Series {
    /// Between two values, seconds.
    #[schema(example = 60)]
    pub(crate) step_s: i64,
    /// When the first value was, seconds since 1970.
    #[schema(example = 1_795_000_000)]
    pub(crate) from: i64,
    /// The values of each metric that was asked for, all of one length; `null` where nothing is known.
    #[schema(value_type = Object, example = json!({"cpu": [7.5, null, 8.1]}))]
    #[serde(rename = "series")]
    pub(crate) values: serde_json::Map<String, serde_json::Value>,
}

/// The history's file, opened at first need.
#[derive(Debug)]
pub(crate) struct History {
    path: PathBuf,
    clock: Clock,
    tree: Tree,
    open: Mutex<Option<Arc<Opened>>>,
}

#[derive(Debug)]
struct Opened {
    pool: Pool,
    boot: Mutex<Boot>,
}

impl History {
    /// Nothing is opened yet.
    pub(crate) fn new(path: PathBuf, clock: &Clock, tree: &Tree) -> Self {
        Self {
            path,
            clock: clock.clone(),
            tree: tree.clone(),
            open: Mutex::default(),
        }
    }

    /// Stores every completed minute in one transaction. What cannot be stored is given back to the sampler.
    pub(crate) async fn store(&self, sampler: &Sampler) {
        let taken = sampler.take_minutes();
        if taken.minutes.is_empty() && taken.written.is_empty() {
            return;
        }
        let stored = async {
            let opened = self.opened(sampler).await?;
            let mut boot = opened.boot.lock().await;
            let began = self.began(sampler);
            boot.correct(began, self.clock.trust().is_trusted());
            rows::store(&opened.pool, &mut boot, &taken)
                .await
                .map_err(|source| DatabaseError::Other {
                    path: self.path.clone(),
                    source,
                })
        };
        if let Err(error) = stored.await {
            tracing::warn!(%error, "the history cannot be stored; it waits in memory");
            sampler.give_back(taken);
        }
    }

    /// When the kernel started, by what the wall clock says now.
    fn began(&self, sampler: &Sampler) -> i64 {
        let sample = sampler.latest();
        let up = sample.uptime.unwrap_or(sample.at);
        let since = self.clock.monotonic().saturating_sub(sample.at);
        self.clock.unix() - up.saturating_add(since).as_secs() as i64
    }

    async fn opened(&self, sampler: &Sampler) -> Result<Arc<Opened>, DatabaseError> {
        let mut open = self.open.lock().await;
        if let Some(opened) = &*open {
            return Ok(Arc::clone(opened));
        }
        let pool = match database::open(&self.path, Durability::Normal, 1, MIGRATIONS).await {
            Err(DatabaseError::Corrupt { path, reason }) => {
                tracing::error!(path = %path.display(), reason, "the history is damaged; it is moved aside");
                move_aside(&path).map_err(|error| DatabaseError::Other {
                    path,
                    source: error.into(),
                })?;
                database::open(&self.path, Durability::Normal, 1, MIGRATIONS).await?
            }
            other => other?,
        };
        let uptime = sampler.latest().uptime.unwrap_or_default();
        let name = self
            .tree
            .line("proc/sys/kernel/random/boot_id")
            .unwrap_or_default();
        let trusted = self.clock.trust().is_trusted();
        let boot = rows::find_boot(&pool, &name, self.began(sampler), trusted, uptime)
            .await
            .map_err(|source| DatabaseError::Other {
                path: self.path.clone(),
                source,
            })?;
        let opened = Arc::new(Opened {
            pool,
            boot: Mutex::new(boot),
        });
        *open = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Values of `metrics` over `range`. The last hour comes from memory, everything else from the file and what waits
    /// to be stored. A file that cannot be read leaves its values unknown.
    pub(crate) async fn series(&self, range: Range, metrics: &[Metric], sampler: &Sampler) -> Series {
        let (span, step) = range.seconds();
        if range == Range::Hour {
            return self.hour(step, metrics, sampler);
        }
        let now = self.clock.unix();
        // Whole steps, so that asking again a moment later draws the same curve.
        let from = (now - span).div_euclid(step) * step + step;
        let mut slots = Slots::new(from, step, (span / step) as usize);
        match self.opened(sampler).await {
            Ok(opened) => {
                if let Err(error) = rows::read(&opened.pool, from, |at, row| slots.add(at, row)).await {
                    tracing::warn!(%error, "the history cannot be read");
                }
            }
            Err(error) => tracing::warn!(%error, "the history cannot be read"),
        }
        let began = self.began(sampler);
        for minute in sampler.pending_minutes() {
            slots.add(began + minute.number * 60, &minute);
        }
        Series {
            step_s: step,
            from,
            values: metrics
                .iter()
                .map(|metric| (metric.name().to_owned(), slots.means(*metric)))
                .collect(),
        }
    }

    fn hour(&self, step: i64, metrics: &[Metric], sampler: &Sampler) -> Series {
        let mut from = Duration::ZERO;
        let values = metrics
            .iter()
            .map(|metric| {
                let (first, values) = sampler.hour(*metric);
                from = first;
                (metric.name().to_owned(), values.into_iter().map(json).collect())
            })
            .collect();
        let age = self.clock.monotonic().saturating_sub(from).as_secs() as i64;
        Series {
            step_s: step,
            from: self.clock.unix() - age,
            values,
        }
    }

    /// Bytes written by disk and day, of the last thirty days, oldest first.
    pub(crate) async fn written(&self, sampler: &Sampler) -> Vec<WrittenDay> {
        let days = async {
            let opened = self.opened(sampler).await?;
            rows::written(&opened.pool, self.clock.unix() - 30 * 86_400)
                .await
                .map_err(|source| DatabaseError::Other {
                    path: self.path.clone(),
                    source,
                })
        };
        days.await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the history cannot be read");
            Vec::new()
        })
    }

    /// Closes the file; the write-ahead log is folded in.
    pub(crate) async fn close(&self) {
        if let Some(opened) = self.open.lock().await.take() {
            opened.pool.close().await;
        }
    }
}

/// Renames the file and what SQLite keeps beside it.
fn move_aside(path: &std::path::Path) -> std::io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".damaged{suffix}"));
        match std::fs::rename(&name, &aside) {
            Err(error) if suffix.is_empty() || error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error);
            }
            _ => {}
        }
    }
    Ok(())
}

/// To two places behind the point: more is noise, and a third of the answer's length.
fn json(value: Option<f32>) -> serde_json::Value {
    value.map_or(serde_json::Value::Null, |value| {
        serde_json::Value::from((f64::from(value) * 100.0).round() / 100.0)
    })
}

/// Means of minutes in steps of a range.
struct Slots {
    from: i64,
    step: i64,
    sums: Vec<[(f64, u32); Metric::ALL.len()]>,
}

impl Slots {
    fn new(from: i64, step: i64, count: usize) -> Self {
        Self {
            from,
            step,
            sums: vec![[(0.0, 0); Metric::ALL.len()]; count],
        }
    }

    fn add(&mut self, at: i64, minute: &crate::sampler::Minute) {
        let Ok(slot) = usize::try_from((at - self.from).div_euclid(self.step)) else {
            return;
        };
        let Some(sums) = self.sums.get_mut(slot) else {
            return;
        };
        for ((sum, count), value) in sums.iter_mut().zip(minute.values) {
            if value.is_finite() {
                *sum += f64::from(value) * f64::from(minute.samples);
                *count += minute.samples;
            }
        }
    }

    fn means(&self, metric: Metric) -> serde_json::Value {
        self.sums
            .iter()
            .map(|sums| sums[metric as usize])
            .map(|(sum, count)| json((count > 0).then(|| (sum / f64::from(count)) as f32)))
            .collect()
    }
}

#[cfg(test)]
mod tests;
