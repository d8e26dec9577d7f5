//! The listener protocol: `READY`, an event, `RESULT`, again. Deciding happens between event and result, acting does
//! not: actions go to the outbox, which never makes the supervisor wait.

use std::io;

use pistack_api::event::Event;
use pistack_api::listener::{BadHeader, Header, READY, RESULT_OK};
use pistack_kit::clock::Clock;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::act::Outbox;
use crate::decide::Decider;

/// A payload longer than this is no supervisor's.
const MOST_CHARACTERS: usize = 16 * 1024 * 1024;

/// One conversation with the supervisor.
#[derive(Debug)]
pub struct Session<R, W> {
    input: R,
    output: W,
    decider: Decider,
    outbox: Outbox,
    clock: Clock,
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
    pub fn new(input: R, output: W, decider: Decider, outbox: Outbox, clock: Clock) -> Self {
        Self {
            input,
            output,
            decider,
            outbox,
            clock,
        }
    }

    /// Goes on until the supervisor closes its side.
    pub async fn run(mut self) -> Result<(), SessionError> {
        loop {
            self.write(READY).await?;
            let Some(event) = self.read_event().await? else {
                return Ok(());
            };
            log(&event);
            for firing in self.decider.decide(self.clock.monotonic(), &event) {
                tracing::info!(rule = firing.rule, event = event.name, "rule fires");
                self.outbox.put(firing);
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

/// One line an event, as the original's event logger wrote them: name, then the payload's pairs.
fn log(event: &Event) {
    let pairs: Vec<String> = event
        .fields
        .iter()
        .map(|(key, value)| format!("{key}:{}", value.as_str().unwrap_or_default()))
        .collect();
    tracing::info!("{} {}", event.name, pairs.join(" "));
}

#[cfg(test)]
mod tests;
