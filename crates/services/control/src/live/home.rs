//! The home page's stream: rows, summary, what changed in words, and the board's card.

use axum::response::Response;
use pistack_kit::clock::AFTER_BEAT;

use super::pulse::{Beat, Pulse};
use super::{FOUND, Messages, lost, respond};
use crate::error::Failure;
use crate::identity::Person;
use crate::process::Table;
use crate::process::filter::Filter;
use crate::process::seen::{SeenTable, number};
use crate::state::Dashboard;
use crate::upstream::info::{self, Fact};
use crate::upstream::programs::{Programs, programs};
use crate::view::{self, ChangedBoard, ChangedRow, ChangedSummary, ChangedTable, ChangedUse, Changes};

/// With which beats the board's card is looked at.
const CARD: u8 = 3;

/// Opens the stream for a person; `shown` is [`SeenTable::number`] of what the page shows, if it says so.
pub(crate) fn home(dashboard: &Dashboard, person: Person, filter: Filter, shown: Option<u64>) -> Response {
    let messages = Home {
        dashboard: dashboard.clone(),
        pulse: Pulse::new(dashboard, &person),
        seen: Seen {
            person,
            filter,
            shown,
            table: None,
            card: None,
            lost: false,
        },
        beats: 0,
    };
    respond(dashboard, messages)
}

struct Home {
    dashboard: Dashboard,
    pulse: Pulse,
    seen: Seen,
    /// Since the card was looked at.
    beats: u8,
}

impl Messages for Home {
    async fn next(&mut self) -> Option<(Option<u64>, String)> {
        loop {
            // All pages look at the same moment, so that the services rest in between.
            let until_figures = self.dashboard.context.clock.until_beat() + AFTER_BEAT;
            let (beat, figures) = tokio::select! {
                beat = self.pulse.next() => (beat, false),
                // Without its list of programs there is nothing to add figures to.
                () = tokio::time::sleep(until_figures), if !self.seen.lost => (Beat::Look, true),
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
            let card = if figures {
                self.card().await
            } else {
                Ok(String::new())
            };
            match (pieces, card) {
                (Ok(pieces), Ok(card)) if pieces.is_empty() && card.is_empty() => {}
                // The id tells what the page shows from now on.
                (Ok(pieces), Ok(card)) => return Some((self.seen.number(), pieces + &card)),
                _ => return None,
            }
        }
    }
}

impl Home {
    /// The board's card, now and then.
    async fn card(&mut self) -> Result<String, Failure> {
        self.beats += 1;
        if self.beats < CARD {
            return Ok(String::new());
        }
        self.beats = 0;
        let facts = info::board(&self.dashboard, &self.seen.person).await;
        self.seen.card(facts)
    }
}

/// What the page shows at this moment.
struct Seen {
    person: Person,
    filter: Filter,
    /// What it said that it shows, until the first look.
    shown: Option<u64>,
    table: Option<SeenTable>,
    card: Option<u64>,
    lost: bool,
}

impl Seen {
    fn number(&self) -> Option<u64> {
        self.table.as_ref().map(SeenTable::number)
    }

    fn lost(&mut self) -> Result<String, Failure> {
        if std::mem::replace(&mut self.lost, true) {
            return Ok(String::new());
        }
        lost(&self.person.visit)
    }

    /// The pieces that bring the page from what it shows to what there is now.
    fn now(&mut self, programs: &Programs) -> Result<String, Failure> {
        let table = Table::new(&programs.list, &programs.usage, &self.filter, &self.person);
        let now = SeenTable::new(&table);
        let mut pieces = String::new();
        if std::mem::take(&mut self.lost) {
            pieces += FOUND;
        }
        let old = self.table.take();
        let told = self.shown.take();
        if told.is_none_or(|told| told != now.number()) {
            match &old {
                Some(old) if old.same_programs(&now) => self.rows(&table, old, &now, &mut pieces)?,
                _ => {
                    pieces += &view::text(&ChangedTable {
                        v: &self.person.visit,
                        table: &table,
                    })?;
                }
            }
            if old.is_none_or(|old| old.summary != now.summary) {
                pieces += &view::text(&ChangedSummary {
                    v: &self.person.visit,
                    table: &table,
                })?;
            }
        }
        self.table = Some(now);
        Ok(pieces)
    }

    /// The rows that differ, and in words those whose state does.
    fn rows(
        &self,
        table: &Table,
        old: &SeenTable,
        now: &SeenTable,
        pieces: &mut String,
    ) -> Result<(), Failure> {
        let visit = &self.person.visit;
        let mut said = Vec::new();
        for ((old, now), row) in old.rows.iter().zip(&now.rows).zip(table.rows()) {
            if old.state == now.state {
                if old.figures != now.figures {
                    *pieces += &view::text(&ChangedUse { row })?;
                }
                continue;
            }
            *pieces += &view::text(&ChangedRow {
                v: visit,
                row,
                table_acts: table.may_act,
            })?;
            if old.word != now.word {
                said.push(visit.t.changed_to(&row.name, row.look.word));
            }
        }
        if !said.is_empty() {
            *pieces += &view::text(&Changes {
                text: said.join(", "),
            })?;
        }
        Ok(())
    }

    /// The card, if it differs from the one that was sent last.
    fn card(&mut self, board: Option<Vec<Fact>>) -> Result<String, Failure> {
        let now = Some(number(&board));
        if std::mem::replace(&mut self.card, now) == now {
            return Ok(String::new());
        }
        view::text(&ChangedBoard {
            v: &self.person.visit,
            board,
            polls: false,
        })
    }
}
