//! The listener protocol: `READY`, an event, `RESULT`, again. Events are handed to the hub, which decides in
//! microseconds and acts at arm's length: the supervisor never waits for an action.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use pistack_api::event::Event;
use pistack_api::listener::{BadHeader, Header, READY, RESULT_OK};
use pistack_kit::clock::Clock;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;

/// A payload longer than this is no supervisor's.
const MOST_CHARACTERS: usize = 16 * 1024 * 1024;

/// One conversation with the supervisor.
#[derive(Debug)]
pub struct Session<R, W> {
    input: R,
    output: W,
    events: mpsc::Sender<Event>,
    clock: Clock,
    journal: Journal,
}

/// The conversation broke down.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// What came is not the protocol; `pistack serve rules` is started by a supervisor, not by hand.
    #[error("{0}. This process is started by the supervisor as an event listener, not by hand")]
    Protocol(#[from] BadHeader),
    /// The payload is too long or no UTF-8.
    #[error("the event's payload cannot be read: {0}")]
    Payload(&'static str),
    /// The pipe broke.
    #[error("the pipe to the supervisor broke: {0}")]
    Pipe(#[from] io::Error),
}

impl<R: AsyncBufRead + Unpin, W: AsyncWrite + Unpin> Session<R, W> {
    /// A conversation over any pair of streams.
    pub fn new(input: R, output: W, events: mpsc::Sender<Event>, clock: Clock) -> Self {
        Self {
            input,
            output,
            events,
            clock,
            journal: Journal::default(),
        }
    }

    /// Goes on until the supervisor closes its side, or nobody takes events any more.
    pub async fn run(mut self) -> Result<(), SessionError> {
        loop {
            self.write(READY).await?;
            let Some(event) = self.read_event().await? else {
                return Ok(());
            };
            if let Some(line) = self.journal.line(self.clock.monotonic(), &event) {
                tracing::info!("{line}");
            }
            if self.events.send(event).await.is_err() {
                return Ok(());
            }
            self.write(RESULT_OK).await?;
        }
    }

    async fn write(&mut self, text: &str) -> io::Result<()> {
        self.output.write_all(text.as_bytes()).await?;
        self.output.flush().await
    }

    /// The next event; `None` at the end of the input.
    async fn read_event(&mut self) -> Result<Option<Event>, SessionError> {
        let mut line = String::new();
        if self.input.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let header = Header::parse(&line)?;
        let payload = self.read_characters(header.len).await?;
        let (fields, data) = Event::split_payload(&payload);
        Ok(Some(Event {
            serial: header.serial,
            name: header.event_name,
            at: self.clock.unix(),
            fields,
            data,
        }))
    }

    /// `len` counts characters (see `pistack_api::listener::Header`), so whole characters are read one by one from
    /// the buffer.
    async fn read_characters(&mut self, count: usize) -> Result<String, SessionError> {
        if count > MOST_CHARACTERS {
            return Err(SessionError::Payload("longer than 16 MiB"));
        }
        let mut bytes = Vec::with_capacity(count);
        for _ in 0..count {
            let first = self.input.read_u8().await?;
            bytes.push(first);
            let more = match first {
                0xC0..0xE0 => 1,
                0xE0..0xF0 => 2,
                0xF0.. => 3,
                _ => 0,
            };
            for _ in 0..more {
                bytes.push(self.input.read_u8().await?);
            }
        }
        String::from_utf8(bytes).map_err(|_| SessionError::Payload("not UTF-8"))
    }
}

/// Lines about one program that are written in a row; a crash loop must not wear the card out.
const LINES_IN_A_ROW: u32 = 20;
/// After so long they are counted anew.
const ROW: Duration = Duration::from_mins(1);
/// Programs that are told apart.
const MOST_PROGRAMS: usize = 1000;

/// What is written to the log about events.
#[derive(Debug, Default)]
struct Journal {
    /// By program: since when, and how many.
    rows: HashMap<String, (Duration, u32)>,
}

impl Journal {
    /// One line an event, as the original's event logger wrote them: name, then the payload's pairs. `None` for what is
    /// left out; the next line that is written says how many those were.
    fn line(&mut self, now: Duration, event: &Event) -> Option<String> {
        let name = event.field("processname").unwrap_or_default();
        if self.rows.len() >= MOST_PROGRAMS && !self.rows.contains_key(name) {
            self.rows.clear();
        }
        let (since, count) = self.rows.entry(name.to_owned()).or_insert((now, 0));
        let mut left_out = 0;
        if now.saturating_sub(*since) >= ROW {
            left_out = count.saturating_sub(LINES_IN_A_ROW);
            (*since, *count) = (now, 0);
        }
        *count += 1;
        if *count > LINES_IN_A_ROW {
            return None;
        }
        let mut line = event.name.clone();
        for (key, value) in &event.fields {
            line.push_str(&format!(" {key}:{}", value.as_str().unwrap_or_default()));
        }
        if left_out > 0 {
            line.push_str(&format!(
                " ({left_out} events of {name} before this one were left out here)"
            ));
        } else if *count == LINES_IN_A_ROW {
            line.push_str(" (what follows within the minute is left out here)");
        }
        Some(line)
    }
}

#[cfg(test)]
mod tests;
