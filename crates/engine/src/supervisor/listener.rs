//! The protocol of one event listener: what it writes, what that means
//! (`PEventListenerDispatcher` in supervisord's `supervisor/dispatchers.py`).
//!
//! ```text
//! ACKNOWLEDGED --"READY\n"--> READY --event sent--> BUSY --"RESULT n\n" + n bytes--> ACKNOWLEDGED
//! ```
//! Anything else leads to UNKNOWN, where a listener gets no more events until it is started again.

use super::event_buffer::{EventBuffer, Queued};
use super::outbox::Outbox;
use super::payload;
use crate::config::model::LogLevel;
use crate::config::values;
use crate::io::ProcessId;

const READY_TOKEN: &[u8] = b"READY\n";
/// Length of `RESULT `. supervisord skips as many bytes without looking at them.
const RESULT_TOKEN_LEN: usize = 7;
/// A result line is longer than this only if it is none.
const LONGEST_RESULT_LINE: usize = 64 * 1024;
/// The result that means "done".
const OK: &[u8] = b"OK";

/// State of a listener, with supervisord's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListenerState {
    /// Can take an event.
    Ready,
    /// Has an event.
    Busy,
    /// Has dealt with an event, or has just started.
    Acknowledged,
    /// Broke the protocol.
    Unknown,
}

impl ListenerState {
    const fn name(self) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::Busy => "BUSY",
            Self::Acknowledged => "ACKNOWLEDGED",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// The body of a result: counted, and kept only as far as the comparison with `OK` needs it.
#[derive(Debug)]
struct ResultBody {
    left: u64,
    head: Vec<u8>,
}

/// One listener of a pool.
#[derive(Debug)]
pub(super) struct Listener {
    /// Its process.
    pub(super) process: ProcessId,
    /// Its name.
    pub(super) name: String,
    state: ListenerState,
    unread: Vec<u8>,
    body: Option<ResultBody>,
    event: Option<Queued>,
    /// It has closed its standard input.
    deaf: bool,
}

impl Listener {
    /// A listener that has yet to say READY.
    pub(super) fn new(process: ProcessId, name: &str) -> Self {
        Self {
            process,
            name: name.to_owned(),
            state: ListenerState::Acknowledged,
            unread: Vec::new(),
            body: None,
            event: None,
            deaf: false,
        }
    }

    /// Whether it can take an event, as far as the protocol goes.
    pub(super) fn is_ready(&self) -> bool {
        self.state == ListenerState::Ready && !self.deaf
    }

    /// It has been sent an event.
    pub(super) fn take(&mut self, event: Queued) {
        self.state = ListenerState::Busy;
        self.event = Some(event);
    }

    /// Its process ended: the next one starts afresh. The event it was busy with goes back.
    pub(super) fn died(&mut self, buffer: &mut EventBuffer, out: &mut Outbox) {
        self.state = ListenerState::Acknowledged;
        self.unread = Vec::new();
        self.body = None;
        self.deaf = false;
        self.reject(buffer, out);
    }

    /// It closed its standard input while it lives: the event that could not be sent is for another one, and its state
    /// is what it was before. supervisord offers it every event again and again; here it gets none until it is started
    /// anew, which looks the same from outside.
    pub(super) fn stopped_listening(&mut self, buffer: &mut EventBuffer, out: &mut Outbox) {
        self.deaf = true;
        if self.state != ListenerState::Busy {
            return;
        }
        self.state = ListenerState::Ready;
        if let Some(queued) = &self.event {
            let text = format!(
                "epipe occurred while sending event {} to listener {}, listener state unchanged",
                queued.event.serial, self.name
            );
            out.log(LogLevel::Debug, text);
        }
        self.reject(buffer, out);
    }

    /// It wrote `bytes`. An event that it rejects goes back.
    pub(super) fn wrote(&mut self, bytes: &[u8], buffer: &mut EventBuffer, out: &mut Outbox) {
        if self.state == ListenerState::Unknown {
            return;
        }
        self.unread.extend_from_slice(bytes);
        while !self.unread.is_empty() {
            let progress = match self.state {
                ListenerState::Acknowledged => self.expect_ready(out),
                ListenerState::Ready => {
                    self.enter(ListenerState::Unknown, out);
                    false
                }
                ListenerState::Busy => self.expect_result(buffer, out),
                ListenerState::Unknown => false,
            };
            if !progress {
                break;
            }
        }
        if self.state == ListenerState::Unknown || self.unread.is_empty() {
            self.unread = Vec::new();
        }
    }

    fn expect_ready(&mut self, out: &mut Outbox) -> bool {
        if self.unread.len() < READY_TOKEN.len() {
            return false;
        }
        if self.unread.starts_with(READY_TOKEN) {
            self.unread.drain(..READY_TOKEN.len());
            self.enter(ListenerState::Ready, out);
        } else {
            self.enter(ListenerState::Unknown, out);
        }
        true
    }

    fn expect_result(&mut self, buffer: &mut EventBuffer, out: &mut Outbox) -> bool {
        if self.body.is_none() && !self.expect_result_line(buffer, out) {
            return false;
        }
        let Some(body) = &mut self.body else { return true };
        let taken = usize::try_from(body.left)
            .unwrap_or(usize::MAX)
            .min(self.unread.len());
        let wanted = (OK.len() + 1).saturating_sub(body.head.len());
        body.head.extend(self.unread[..taken].iter().take(wanted));
        body.left -= taken as u64;
        let complete = body.left == 0;
        self.unread.drain(..taken);
        if complete {
            self.finish_result(buffer, out);
        }
        complete
    }

    /// `false` when the line is not there yet.
    fn expect_result_line(&mut self, buffer: &mut EventBuffer, out: &mut Outbox) -> bool {
        let end = self.unread.iter().position(|&byte| byte == b'\n');
        if end.is_none() && self.unread.len() <= LONGEST_RESULT_LINE {
            return false;
        }
        let line: Vec<u8> = self.unread[..end.unwrap_or(self.unread.len())].to_vec();
        let left = line.get(RESULT_TOKEN_LEN..).and_then(length);
        if let (Some(end), Some(left)) = (end, left) {
            self.unread.drain(..=end);
            self.body = Some(ResultBody {
                left,
                head: Vec::new(),
            });
        } else {
            let text = payload::text_or_repr(&line);
            out.log(
                LogLevel::Warn,
                format!("{}: bad result line: '{text}'", self.name),
            );
            self.enter(ListenerState::Unknown, out);
            self.reject(buffer, out);
        }
        true
    }

    /// supervisord's default result handler: `OK` is done, anything else is a rejection.
    fn finish_result(&mut self, buffer: &mut EventBuffer, out: &mut Outbox) {
        let accepted = self.body.take().is_some_and(|body| body.head == OK);
        if accepted {
            out.log(LogLevel::Debug, format!("{}: event was processed", self.name));
            self.event = None;
        } else {
            out.log(LogLevel::Warn, format!("{}: event was rejected", self.name));
        }
        self.enter(ListenerState::Acknowledged, out);
        self.reject(buffer, out);
    }

    /// The event that it still has goes back.
    fn reject(&mut self, buffer: &mut EventBuffer, out: &mut Outbox) {
        if let Some(event) = self.event.take() {
            buffer.requeue(event, out);
        }
    }

    fn enter(&mut self, state: ListenerState, out: &mut Outbox) {
        out.log(
            LogLevel::Debug,
            format!("{}: {} -> {}", self.name, self.state.name(), state.name()),
        );
        self.state = state;
        if state == ListenerState::Unknown {
            let text = format!(
                "{}: has entered the UNKNOWN state and will no longer receive events, this usually indicates the \
                 process violated the eventlistener protocol",
                self.name
            );
            out.log(LogLevel::Warn, text);
        }
    }
}

/// The length in a result line, read as Python reads it. supervisord's parser runs wild on negative ones; here they
/// are no lengths.
fn length(bytes: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(bytes).ok()?;
    u64::try_from(values::integer(text).ok()?).ok()
}
