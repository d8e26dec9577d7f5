//! A pool of event listeners: what it subscribes to, and who gets the next event (`EventListenerPool` in
//! supervisord's `supervisor/process.py`).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::event_buffer::{EventBuffer, Queued};
use super::listener::Listener;
use super::outbox::Outbox;
use crate::config::model::{LogLevel, PoolSpec};
use crate::event::{Event, EventKind};
use crate::io::{Action, ProcessId};

/// A pool of event listeners.
#[derive(Debug)]
pub(super) struct Pool {
    name: String,
    identifier: String,
    kinds: BTreeSet<EventKind>,
    buffer: EventBuffer,
    listeners: Vec<Listener>,
}

impl Pool {
    /// A pool without events. `identifier` is the supervisor's name in headers.
    pub(super) fn new(name: &str, identifier: &str, spec: &PoolSpec, listeners: Vec<Listener>) -> Self {
        Self {
            name: name.to_owned(),
            identifier: identifier.to_owned(),
            kinds: spec.events.iter().copied().collect(),
            buffer: EventBuffer::new(name, spec.buffer_size),
            listeners,
        }
    }

    /// Whether it subscribes to `kind`.
    pub(super) fn wants(&self, kind: EventKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Buffers an event if the pool subscribes to it.
    pub(super) fn accept(&mut self, event: &Arc<Event>, out: &mut Outbox) {
        if self.wants(event.kind) {
            self.buffer.push(event, out);
        }
    }

    /// A listener of this pool wrote to its standard output.
    pub(super) fn wrote(&mut self, process: ProcessId, bytes: &[u8], out: &mut Outbox) {
        if let Some(listener) = self
            .listeners
            .iter_mut()
            .find(|listener| listener.process == process)
        {
            listener.wrote(bytes, &mut self.buffer, out);
        }
    }

    /// A listener of this pool ended; what it was busy with is for another one.
    pub(super) fn died(&mut self, process: ProcessId, out: &mut Outbox) {
        if let Some(listener) = self
            .listeners
            .iter_mut()
            .find(|listener| listener.process == process)
        {
            listener.died(&mut self.buffer, out);
        }
    }

    /// A listener of this pool closed its standard input.
    pub(super) fn stopped_listening(&mut self, process: ProcessId, out: &mut Outbox) {
        if let Some(listener) = self
            .listeners
            .iter_mut()
            .find(|listener| listener.process == process)
        {
            listener.stopped_listening(&mut self.buffer, out);
        }
    }

    /// Sends events, the oldest first, as long as a listener can take one.
    pub(super) fn dispatch(&mut self, is_running: impl Fn(ProcessId) -> bool, out: &mut Outbox) {
        while !self.buffer.is_empty() {
            let ready = |listener: &&mut Listener| listener.is_ready() && is_running(listener.process);
            let Some(listener) = self.listeners.iter_mut().find(ready) else {
                return;
            };
            let Some(queued) = self.buffer.pop() else { return };
            let bytes = envelope(&self.identifier, &self.name, &queued).into_bytes();
            out.act(Action::WriteStdin {
                process: listener.process,
                bytes,
            });
            let text = format!("event {} sent to listener {}", queued.event.serial, listener.name);
            out.log(LogLevel::Debug, text);
            listener.take(queued);
        }
    }
}

/// Header line and payload. `len` counts characters, as supervisord's does: its listeners read text.
fn envelope(identifier: &str, pool: &str, queued: &Queued) -> String {
    let Queued { event, pool_serial } = queued;
    format!(
        "ver:3.0 server:{identifier} serial:{} pool:{pool} poolserial:{pool_serial} eventname:{} len:{}\n{}",
        event.serial,
        event.kind.name(),
        event.payload.chars().count(),
        event.payload
    )
}
