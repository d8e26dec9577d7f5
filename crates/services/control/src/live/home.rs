//! The home page's stream: rows, summary, and what changed in words.

use axum::response::Response;
use pistack_api::process::ProcessInfo;

use super::pulse::{Beat, Pulse};
use super::{FOUND, Messages, lost, respond};
use crate::error::Failure;
use crate::identity::Person;
use crate::process::{Row, Summary, Table};
use crate::state::Dashboard;
use crate::upstream::supervisor;
use crate::view::{self, ChangedRow, ChangedSummary, ChangedTable, Changes};

/// Opens the stream for a person.
pub(crate) fn home(dashboard: &Dashboard, person: Person) -> Response {
    let messages = Home {
        dashboard: dashboard.clone(),
        pulse: Pulse::new(dashboard, &person),
        seen: Seen::new(person),
    };
    respond(dashboard, messages)
}

struct Home {
    dashboard: Dashboard,
    pulse: Pulse,
    seen: Seen,
}

impl Messages for Home {
    async fn next(&mut self) -> Option<(Option<u64>, String)> {
        loop {
            let pieces = match self.pulse.next().await {
                Beat::Over => return None,
                Beat::Lost => self.seen.lost(),
                Beat::Look => match supervisor::list(&self.dashboard, &self.seen.person.token).await {
                    Ok(list) => self.seen.now(&list),
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
    rows: Option<Vec<Row>>,
    summary: Option<Summary>,
    lost: bool,
}

impl Seen {
    fn new(person: Person) -> Self {
        Self {
            person,
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

    /// The pieces that bring the page from what it shows to `list`.
    fn now(&mut self, list: &[ProcessInfo]) -> Result<String, Failure> {
        let visit = &self.person.visit;
        let table = Table::new(list, &self.person);
        let rows: Vec<Row> = table
            .groups
            .iter()
            .flat_map(|group| &group.rows)
            .cloned()
            .collect();
        let mut pieces = String::new();
        if std::mem::take(&mut self.lost) {
            pieces += FOUND;
        }
        let ids = |rows: &[Row]| rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>();
        match &self.rows {
            Some(old) if ids(old) == ids(&rows) => {
                let changed = old.iter().zip(&rows).filter(|(old, new)| old.differs(new));
                let mut said = Vec::new();
                for (old, row) in changed {
                    pieces += &view::text(&ChangedRow { v: visit, row })?;
                    if old.look != row.look {
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
