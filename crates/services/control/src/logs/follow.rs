//! What comes from now on: a stream of server-sent events, each some lines ready for the page. The id is the places in
//! all sources, so that a page that reconnects goes on where it stopped.

use std::time::Duration;

use axum::response::Response;
use futures_util::stream;
use pistack_kit::sse::{self, SseEvent};
use regex::bytes::Regex;
use tokio::time::{Instant, sleep_until};

use super::line;
use super::source::Source;
use crate::error::Failure;
use crate::identity::Person;
use crate::routes::logs::{Chunk, Row};
use crate::state::Dashboard;
use crate::upstream::supervisor;
use crate::view;

/// How often the logs are looked at.
const LOOK: Duration = Duration::from_millis(700);
/// While nothing comes, ever more seldom, up to this.
const LONGEST_LOOK: Duration = Duration::from_secs(3);
/// Bytes of one source in one message.
const MOST: u32 = 64 * 1024;
/// How often the right to look is checked, at least.
const CHECK: Duration = Duration::from_secs(2);

/// An open page.
struct Follower {
    dashboard: Dashboard,
    person: Person,
    sources: Vec<Source>,
    expression: Option<Regex>,
    places: Vec<u64>,
    styles: Vec<super::ansi::Style>,
    pause: Duration,
}

/// Opens the stream from these places on.
pub(crate) fn follow(
    dashboard: &Dashboard,
    person: Person,
    sources: Vec<Source>,
    places: Vec<u64>,
    expression: Option<Regex>,
) -> Response {
    let follower = Follower {
        dashboard: dashboard.clone(),
        person,
        styles: vec![super::ansi::Style::default(); sources.len()],
        sources,
        expression,
        places,
        pause: LOOK,
    };
    let events = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((event, follower))
    });
    sse::response(events, &dashboard.context.lifecycle)
}

impl Follower {
    /// The next message; `None` ends the stream.
    async fn next(&mut self) -> Option<SseEvent> {
        loop {
            sleep_until(Instant::now() + self.pause.min(CHECK)).await;
            self.dashboard.context.guard.verify(&self.person.token).ok()?;
            let mut rows = Vec::new();
            let mut anew = false;
            for number in 0..self.sources.len() {
                match self.look(number, &mut rows).await {
                    Ok(began_anew) => anew |= began_anew,
                    Err(Failure::SignIn | Failure::Forbidden) => return None,
                    // A service that is away for a moment is waited for.
                    Err(_) => {}
                }
            }
            if rows.is_empty() && !anew {
                self.pause = (self.pause * 2).min(LONGEST_LOOK);
                continue;
            }
            self.pause = LOOK;
            let chunk = Chunk {
                v: &self.person.visit,
                several: self.sources.len() > 1,
                older: None,
                newer: None,
                here: None,
                rows,
            };
            let places: Vec<String> = self.places.iter().map(u64::to_string).collect();
            return Some(SseEvent {
                id: Some(places.join(".")),
                event: anew.then(|| "anew".to_owned()),
                data: view::text(&chunk).ok()?,
            });
        }
    }

    /// What one source has gained; true if its log was begun anew.
    async fn look(&mut self, number: usize, rows: &mut Vec<Row>) -> Result<bool, Failure> {
        let source = &self.sources[number];
        let place = self.places[number];
        let piece = supervisor::log_after(
            &self.dashboard,
            &self.person.token,
            &source.program,
            source.channel,
            place,
            MOST,
        )
        .await?;
        if piece.offset < place {
            self.places[number] = 0;
            return Ok(true);
        }
        let full = piece.offset - place >= u64::from(MOST);
        let lines = line::lines(&piece.data, place, piece.offset, true, false);
        // A line that has no end yet waits for it, unless it fills everything.
        self.places[number] = match lines.last() {
            Some(last) => last.end,
            None if full => piece.offset,
            None => place,
        };
        let label = source.label();
        for line in lines {
            rows.push(Row::new(
                number,
                &label,
                &line,
                &mut self.styles[number],
                self.expression.as_ref(),
            ));
        }
        if full {
            self.pause = Duration::from_millis(50);
        }
        Ok(false)
    }
}
