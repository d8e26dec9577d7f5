//! The home page's stream: rows, summary, and what changed in words.

use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::time::Duration;

use axum::response::Response;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::pulse::{Beat, Pulse};
use super::{FOUND, Messages, lost, respond};
use crate::error::Failure;
use crate::identity::Person;
use crate::process::filter::Filter;
use crate::process::{Row, Summary, Table};
use crate::state::Dashboard;
use crate::upstream::programs::{Programs, programs};
use crate::view::{self, ChangedRow, ChangedSummary, ChangedTable, ChangedUse, Changes};

/// How often the figures of programs are looked at; the info service makes new ones every ten seconds.
const FIGURES: Duration = Duration::from_secs(10);

/// Opens the stream for a person.
pub(crate) fn home(dashboard: &Dashboard, person: Person, filter: Filter) -> Response {
    let messages = Home {
        dashboard: dashboard.clone(),
        pulse: Pulse::new(dashboard, &person),
        seen: Seen::new(person, filter),
        figures: figures(),
    };
    respond(dashboard, messages)
}

struct Home {
    dashboard: Dashboard,
    pulse: Pulse,
    seen: Seen,
    /// When to look at what programs take.
    figures: Interval,
}

fn figures() -> Interval {
    let mut figures = interval_at(Instant::now() + FIGURES, FIGURES);
    figures.set_missed_tick_behavior(MissedTickBehavior::Delay);
    figures
}

impl Messages for Home {
    async fn next(&mut self) -> Option<(Option<u64>, String)> {
        loop {
            let beat = tokio::select! {
                beat = self.pulse.next() => beat,
                // Without its list of programs there is nothing to add figures to.
                _ = self.figures.tick(), if !self.seen.lost => Beat::Look,
            };
            let pieces = match beat {
                Beat::Over => return None,
                Beat::Lost => self.seen.lost(),
                Beat::Look => match programs(&self.dashboard, &self.seen.person).await {
                    Ok(programs) => self.seen.now(&programs),
                    Err(Failure::SignIn | Failure::Forbidden) => return None,
                    Err(_) => self.seen.lost(),
                },
            };
            match pieces {
                Ok(pieces) if pieces.is_empty() => {}
                Ok(pieces) => return Some((None, pieces)),
                Err(_) => return None,
            }
        }
    }
}

/// What the page shows at this moment.
struct Seen {
    person: Person,
    filter: Filter,
    rows: Option<Vec<SeenRow>>,
    summary: Option<Summary>,
    lost: bool,
}

/// What of a row decides whether it is sent again. Pages stay open for days, and rows are long.
#[derive(Debug, PartialEq, Eq)]
struct SeenRow {
    id: u64,
    state: u64,
    figures: u64,
    word: &'static str,
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl SeenRow {
    fn new(row: &Row) -> Self {
        Self {
            id: hash_of(&row.id),
            state: row.state_hash(),
            figures: hash_of(&row.use_of),
            word: row.look.word,
        }
    }
}

impl Seen {
    fn new(person: Person, filter: Filter) -> Self {
        Self {
            person,
            filter,
            rows: None,
            summary: None,
            lost: false,
        }
    }

    fn lost(&mut self) -> Result<String, Failure> {
        if std::mem::replace(&mut self.lost, true) {
            return Ok(String::new());
        }
        lost(&self.person.visit)
    }

    /// The pieces that bring the page from what it shows to what there is now.
    fn now(&mut self, programs: &Programs) -> Result<String, Failure> {
        let visit = &self.person.visit;
        let table = Table::new(&programs.list, &programs.usage, &self.filter, &self.person);
        let shown = || table.groups.iter().flat_map(|group| &group.rows);
        let rows: Vec<SeenRow> = shown().map(SeenRow::new).collect();
        let mut pieces = String::new();
        if std::mem::take(&mut self.lost) {
            pieces += FOUND;
        }
        match &self.rows {
            Some(old) if old.iter().map(|row| row.id).eq(rows.iter().map(|row| row.id)) => {
                let mut said = Vec::new();
                for ((old, new), row) in old.iter().zip(&rows).zip(shown()) {
                    if old.state == new.state {
                        if old.figures != new.figures {
                            pieces += &view::text(&ChangedUse { row })?;
                        }
                        continue;
                    }
                    pieces += &view::text(&ChangedRow {
                        v: visit,
                        row,
                        table_acts: table.may_act,
                    })?;
                    if old.word != new.word {
                        said.push(visit.t.changed_to(&row.name, row.look.word));
                    }
                }
                if !said.is_empty() {
                    pieces += &view::text(&Changes {
                        text: said.join(", "),
                    })?;
                }
            }
            _ => {
                pieces += &view::text(&ChangedTable {
                    v: visit,
                    table: &table,
                })?;
            }
        }
        if self.summary.as_ref() != Some(&table.summary) {
            pieces += &view::text(&ChangedSummary {
                v: visit,
                table: &table,
            })?;
        }
        self.rows = Some(rows);
        self.summary = Some(table.summary);
        Ok(pieces)
    }
}
