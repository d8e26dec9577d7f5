//! Events for subscribers outside of the listener pools: a ring of JSON lines that any number of readers follow at
//! their own pace. A reader that is too slow misses the oldest; nobody waits for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use pistack_api::event::Event as WireEvent;
use pistack_engine::event::Event;
use pistack_engine::io::Exit;
use tokio::sync::watch;

/// Events kept.
const EVENTS: usize = 1000;
/// Bytes kept: log events can be large.
const BYTES: usize = 1 << 20;

#[derive(Debug, Default)]
struct Ring {
    lines: VecDeque<(u64, Bytes)>,
    bytes: usize,
}

/// The ring, shared between the supervisor that writes and the connections that read.
#[derive(Debug, Clone)]
pub(crate) struct Events {
    ring: Arc<Mutex<Ring>>,
    /// Serial after the last event; also wakes readers.
    next: watch::Sender<u64>,
}

impl Events {
    /// An empty ring.
    pub(crate) fn new() -> Self {
        Self {
            ring: Arc::default(),
            next: watch::Sender::new(0),
        }
    }

    /// Adds an event.
    pub(crate) fn add(&self, event: &Event) {
        let serial = event.serial;
        let (mut fields, data) = WireEvent::split_payload(&event.payload);
        match event.exit {
            Some(Exit::Code(code)) => fields.insert("exitstatus".to_owned(), code.to_string().into()),
            Some(Exit::Signal(signal) | Exit::Core(signal)) => {
                fields.insert("signal".to_owned(), signal.to_string().into())
            }
            None => None,
        };
        let at = event.at.as_secs() as i64;
        let wire = WireEvent {
            serial,
            name: event.kind.name().to_owned(),
            at,
            fields,
            data,
        };
        // texts and numbers always serialise; a line that did not would be left out
        let Ok(mut line) = serde_json::to_vec(&wire) else {
            return;
        };
        line.push(b'\n');
        {
            let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
            ring.bytes += line.len();
            ring.lines.push_back((serial, line.into()));
            while ring.lines.len() > EVENTS || (ring.bytes > BYTES && ring.lines.len() > 1) {
                let dropped = ring.lines.pop_front().map_or(0, |(_, line)| line.len());
                ring.bytes -= dropped;
            }
        }
        self.next.send_replace(serial + 1);
    }

    /// A reader: of what comes from now on, or also of the past after a serial. A serial that is yet to come is of an
    /// earlier daemon: its reader gets all that there is.
    pub(crate) fn subscribe(&self, after: Option<u64>) -> Subscriber {
        let next = *self.next.borrow();
        let from = match after {
            None => next,
            Some(after) if after >= next => 0,
            Some(after) => after + 1,
        };
        Subscriber {
            ring: Arc::clone(&self.ring),
            changed: self.next.subscribe(),
            from,
        }
    }
}

/// One reader's place in the ring.
#[derive(Debug)]
pub(crate) struct Subscriber {
    ring: Arc<Mutex<Ring>>,
    changed: watch::Receiver<u64>,
    from: u64,
}

impl Subscriber {
    /// Waits for more lines; `None` when the daemon ends.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        loop {
            self.changed.mark_unchanged();
            if let Some(lines) = self.lines() {
                return Some(lines);
            }
            self.changed.changed().await.ok()?;
        }
    }

    /// All lines not yet seen, at most about 64 KiB at once.
    fn lines(&mut self) -> Option<Bytes> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let first = ring.lines.partition_point(|(serial, _)| *serial < self.from);
        let mut out = Vec::new();
        for (serial, line) in ring.lines.range(first..) {
            out.extend_from_slice(line);
            self.from = serial + 1;
            if out.len() >= 64 << 10 {
                break;
            }
        }
        (!out.is_empty()).then(|| out.into())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pistack_engine::event::EventKind;

    use super::*;

    fn event(serial: u64, payload: &str) -> Event {
        Event {
            serial,
            kind: EventKind::Tick5,
            payload: payload.into(),
            at: Duration::from_secs(9),
            exit: None,
        }
    }

    fn serials(lines: &Bytes) -> Vec<u64> {
        lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice::<WireEvent>(line).unwrap().serial)
            .collect()
    }

    #[tokio::test]
    async fn an_event_tells_how_the_process_ended() {
        let events = Events::new();
        let mut reader = events.subscribe(None);
        for exit in [Exit::Code(127), Exit::Signal(9), Exit::Core(11)] {
            events.add(&Event {
                exit: Some(exit),
                ..event(1, "processname:a expected:0")
            });
        }
        let lines = reader.next().await.unwrap();
        let read: Vec<WireEvent> = lines
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect();
        let told: Vec<_> = read
            .iter()
            .map(|event| {
                (
                    event.field("expected"),
                    event.field("exitstatus"),
                    event.field("signal"),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (Some("0"), Some("127"), None),
                (Some("0"), None, Some("9")),
                (Some("0"), None, Some("11"))
            ]
        );
    }

    #[tokio::test]
    async fn a_reader_gets_the_past_that_it_asks_for_and_what_comes() {
        let events = Events::new();
        for serial in 0..3 {
            events.add(&event(serial, "when:5"));
        }
        let mut all = events.subscribe(Some(0));
        assert_eq!(serials(&all.next().await.unwrap()), [1, 2]);
        let mut live = events.subscribe(None);
        assert!(futures_util::poll!(std::pin::pin!(live.next())).is_pending());
        events.add(&event(10, "when:5"));
        assert_eq!(serials(&live.next().await.unwrap()), [10]);
        assert_eq!(serials(&all.next().await.unwrap()), [10]);
        let mut stranger = events.subscribe(Some(5000));
        assert_eq!(serials(&stranger.next().await.unwrap()), [0, 1, 2, 10]);
        drop(events);
        assert_eq!(all.next().await, None);
    }

    #[tokio::test]
    async fn the_ring_is_bounded_in_events_and_bytes() {
        let events = Events::new();
        for serial in 0..1500 {
            events.add(&event(serial, "x"));
        }
        let mut reader = events.subscribe(Some(3));
        let first = serials(&reader.next().await.unwrap());
        assert_eq!(first.first(), Some(&500));
        let large = "y".repeat(700_000);
        events.add(&event(1500, &large));
        events.add(&event(1501, &large));
        let mut reader = events.subscribe(Some(0));
        assert_eq!(serials(&reader.next().await.unwrap()), [1501]);
    }
}
