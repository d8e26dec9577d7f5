//! The GPIO page's stream: rows and pins that changed. It follows the io service's own events, and after each (and
//! whatever follows within a moment) reads the lines again in the person's name.

use std::time::Duration;

use axum::response::Response;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::{FOUND, Messages, lost, respond};
use crate::error::Failure;
use crate::gpio::{ChangedGpio, Shown};
use crate::identity::Person;
use crate::routes::look_at_gpio;
use crate::state::Dashboard;
use crate::upstream::changes::Changes;
use crate::upstream::io;
use crate::view;

/// A line that chatters is looked at this often at most.
const SETTLE: Duration = Duration::from_millis(40);
/// How often the person's right to look is checked.
const CHECK: Duration = Duration::from_secs(2);
/// Between two attempts to reach the io service.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LONGEST_RETRY: Duration = Duration::from_secs(4);

/// Opens the stream for a person.
pub(crate) fn gpio(dashboard: &Dashboard, person: Person) -> Response {
    let mut check = interval(CHECK);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let messages = Gpio {
        dashboard: dashboard.clone(),
        person,
        check,
        events: None,
        settled: None,
        retry_at: Instant::now(),
        retry: FIRST_RETRY,
        seen: None,
        lost: false,
    };
    respond(dashboard, messages)
}

struct Gpio {
    dashboard: Dashboard,
    person: Person,
    check: Interval,
    events: Option<Changes>,
    /// Set by an event; when it is over, look.
    settled: Option<Instant>,
    retry_at: Instant,
    retry: Duration,
    seen: Option<Shown>,
    lost: bool,
}

enum Step {
    Check,
    Look,
    Event,
    Connected(Changes),
    Away(Failure),
}

impl Messages for Gpio {
    async fn next(&mut self) -> Option<(Option<u64>, String)> {
        loop {
            let pieces = match self.step().await {
                Step::Check if self.dashboard.context.guard.verify(&self.person.token).is_err() => {
                    return None;
                }
                Step::Check => continue,
                Step::Event => {
                    self.settled.get_or_insert_with(|| Instant::now() + SETTLE);
                    continue;
                }
                Step::Connected(events) => {
                    (self.events, self.retry) = (Some(events), FIRST_RETRY);
                    self.settled = Some(Instant::now());
                    continue;
                }
                Step::Away(failure) => self.away(&failure)?,
                Step::Look => {
                    self.settled = None;
                    match look_at_gpio(&self.dashboard, &self.person).await {
                        Ok(shown) => self.now(shown).ok()?,
                        Err(failure) => self.away(&failure)?,
                    }
                }
            };
            if !pieces.is_empty() {
                return Some((None, pieces));
            }
        }
    }
}

impl Gpio {
    async fn step(&mut self) -> Step {
        let settled = self.settled;
        tokio::select! {
            _ = self.check.tick() => Step::Check,
            () = sleep_until(settled.unwrap_or_else(Instant::now)), if settled.is_some() => Step::Look,
            step = advance(&mut self.events, &self.dashboard, &self.person.token, self.retry_at) => step,
        }
    }

    /// What the page is told once when the service goes away; `None` where the person may not look any more.
    fn away(&mut self, failure: &Failure) -> Option<String> {
        if matches!(failure, Failure::SignIn | Failure::Forbidden) {
            return None;
        }
        self.events = None;
        self.retry_at = Instant::now() + self.retry;
        self.retry = (self.retry * 2).min(LONGEST_RETRY);
        if std::mem::replace(&mut self.lost, true) {
            return Some(String::new());
        }
        lost(&self.person.visit).ok()
    }

    /// The pieces that bring the page to `shown`. The first look sends everything: what changed since the page was
    /// drawn, or while the stream was away, is among it.
    fn now(&mut self, shown: Shown) -> Result<String, Failure> {
        let mut pieces = String::new();
        if std::mem::take(&mut self.lost) {
            pieces += FOUND;
        }
        let before = self.seen.replace(shown);
        let Some(shown) = &self.seen else {
            return Ok(pieces);
        };
        let rows: Vec<_> = shown
            .rows
            .iter()
            .filter(|row| before.as_ref().is_none_or(|before| !before.rows.contains(row)))
            .collect();
        let pins: Vec<_> = shown
            .pins
            .iter()
            .filter(|pin| before.as_ref().is_none_or(|before| !before.pins.contains(pin)))
            .collect();
        let stop = before
            .as_ref()
            .is_none_or(|before| before.stopped != shown.stopped)
            .then_some(shown);
        if rows.is_empty() && pins.is_empty() && stop.is_none() {
            return Ok(pieces);
        }
        let said = if before.is_some() {
            let words: Vec<_> = rows
                .iter()
                .map(|row| format!("{}: {}", row.name, row.look.word))
                .collect();
            words.join(", ")
        } else {
            String::new()
        };
        pieces += &view::text(&ChangedGpio {
            v: &self.person.visit,
            rows,
            pins,
            stop,
            said,
        })?;
        Ok(pieces)
    }
}

/// Connects where there is no connection, else waits for an event.
async fn advance(
    events: &mut Option<Changes>,
    dashboard: &Dashboard,
    token: &str,
    retry_at: Instant,
) -> Step {
    if let Some(open) = events {
        if open.next().await.is_some() {
            return Step::Event;
        }
        *events = None;
        return Step::Away(Failure::Down(pistack_api::service::Service::Io));
    }
    sleep_until(retry_at).await;
    match io::events(dashboard, token).await {
        Ok(open) => Step::Connected(open),
        Err(failure) => Step::Away(failure),
    }
}
