//! The stream of a program's page: its state, and its log as it grows.

use std::time::Duration;

use axum::response::Response;
use tokio::time::{Instant, sleep_until};

use super::pulse::{Beat, Pulse};
use super::{FOUND, Messages, lost, respond};
use crate::error::Failure;
use crate::identity::Person;
use crate::inert;
use crate::process::Row;
use crate::state::Dashboard;
use crate::upstream::supervisor::{self, Channel, LogPiece};
use crate::view::{self, ChangedState, Changes, LogMore, Notice};

/// How often the log of an open page is looked at.
const LOOK_AT_LOG: Duration = Duration::from_secs(1);
/// Most bytes of a log in one message.
const MAX_PIECE: u32 = 64 * 1024;

/// What a page follows.
#[derive(Debug)]
pub(crate) struct Follow {
    /// `group:name`
    pub(crate) name: String,
    pub(crate) channel: Channel,
    /// The log is shown up to here.
    pub(crate) offset: u64,
}

/// Opens the stream for a person.
pub(crate) fn program(dashboard: &Dashboard, person: Person, follow: Follow) -> Response {
    let messages = Program {
        dashboard: dashboard.clone(),
        pulse: Pulse::new(dashboard, &person),
        person,
        follow,
        log_at: Instant::now() + LOOK_AT_LOG,
        seen: None,
        lost: false,
    };
    respond(dashboard, messages)
}

struct Program {
    dashboard: Dashboard,
    pulse: Pulse,
    person: Person,
    follow: Follow,
    log_at: Instant,
    /// The state that the page shows: its number and its word.
    seen: Option<(u64, &'static str)>,
    lost: bool,
}

impl Messages for Program {
    async fn next(&mut self) -> Option<(Option<u64>, String)> {
        loop {
            let beat = tokio::select! {
                beat = self.pulse.next() => Some(beat),
                () = sleep_until(self.log_at) => None,
            };
            let pieces = match beat {
                Some(Beat::Over) => return None,
                Some(Beat::Lost) => self.lost(),
                Some(Beat::Look) => self.state().await,
                None => self.log().await,
            };
            match pieces {
                Ok(pieces) if pieces.is_empty() => {}
                // The id lets a reconnecting page go on where it stopped.
                Ok(pieces) => return Some((Some(self.follow.offset), pieces)),
                Err(_) => return None,
            }
        }
    }
}

impl Program {
    fn lost(&mut self) -> Result<String, Failure> {
        if std::mem::replace(&mut self.lost, true) {
            return Ok(String::new());
        }
        lost(&self.person.visit)
    }

    /// The state card, if it changed.
    async fn state(&mut self) -> Result<String, Failure> {
        let visit = &self.person.visit;
        let info = match supervisor::find(&self.dashboard, &self.person.token, &self.follow.name).await {
            Ok(info) => info,
            Err(Failure::NotFound) => {
                self.seen = None;
                return view::text(&Notice {
                    v: visit,
                    class: "warn",
                    icon: "info",
                    text: visit.t.error_not_found_text.to_owned(),
                    undo: String::new(),
                });
            }
            Err(failure @ (Failure::SignIn | Failure::Forbidden)) => return Err(failure),
            Err(_) => return self.lost(),
        };
        let row = Row::of_page(&info, &self.person).with_log_file(&info, self.follow.channel);
        let mut pieces = String::new();
        if std::mem::take(&mut self.lost) {
            pieces += FOUND;
        }
        let now = (row.state_number(), row.look.word);
        if self.seen != Some(now) {
            pieces += &view::text(&ChangedState { v: visit, row: &row })?;
        }
        if self.seen.is_some_and(|(_, word)| word != row.look.word) {
            pieces += &view::text(&Changes {
                text: visit.t.changed_to(&row.name, row.look.word),
            })?;
        }
        self.seen = Some(now);
        Ok(pieces)
    }

    /// What the log has gained. A service that is away for a moment is no reason to say anything: the state
    /// says it.
    async fn log(&mut self) -> Result<String, Failure> {
        self.log_at = Instant::now() + LOOK_AT_LOG;
        let Follow {
            name,
            channel,
            offset,
        } = &self.follow;
        let (dashboard, token) = (&self.dashboard, &self.person.token);
        let piece = match supervisor::log_after(dashboard, token, name, *channel, *offset, MAX_PIECE).await {
            Ok(piece) => piece,
            Err(Failure::SignIn) => return Err(Failure::SignIn),
            Err(_) => return Ok(String::new()),
        };
        let begun_anew = piece.overflow && piece.data.is_empty();
        if begun_anew {
            let bytes = dashboard.config.log_bytes;
            let Ok(tail) = supervisor::log_tail(dashboard, token, name, *channel, bytes).await else {
                return Ok(String::new());
            };
            return self.show(&tail, "innerHTML");
        }
        if piece.overflow {
            self.log_at = Instant::now();
        }
        if piece.data.is_empty() {
            return Ok(String::new());
        }
        self.show(&piece, "beforeend")
    }

    fn show(&mut self, piece: &LogPiece, swap: &str) -> Result<String, Failure> {
        self.follow.offset = piece.offset;
        view::text(&LogMore {
            swap,
            text: inert::log(&piece.data),
        })
    }
}
