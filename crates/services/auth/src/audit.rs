//! The record of who did what, from where, when, and whether the clock could be trusted then.
//!
//! [`Audit::record`] never waits and never fails: entries go through a bounded queue to one writer, which puts all
//! that wait into one transaction. Equal failures are folded into one entry for a minute, so that a stale client or a
//! guesser costs one line a minute and not the card. What the database does not take (a full disk) goes to the log.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pistack_kit::clock::Clock;
use tokio::sync::{mpsc, oneshot};

use crate::directory::User;
use crate::error::Error;
use crate::sessions::Origin;
use crate::store::audit::{self as statements, Row};
use crate::store::{Connection, Store};

/// Entries that may wait for the writer.
const QUEUE: usize = 256;
/// Equal failures within this time are one entry.
const FOLD_WITHIN: Duration = Duration::from_mins(1);
/// Kinds of failures folded at once.
const FOLDS: usize = 256;
/// Longest detail, in characters.
const DETAIL_LENGTH: usize = 300;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Event {
    kind: &'static str,
    refused: bool,
    actor: Option<(String, String)>,
    subject: Option<String>,
    address: String,
    device: String,
    detail: String,
}

impl Event {
    /// Something that was done, on the console unless told otherwise.
    pub(crate) fn new(kind: &'static str) -> Self {
        Self {
            kind,
            refused: false,
            actor: None,
            subject: None,
            address: "console".to_owned(),
            device: String::new(),
            detail: String::new(),
        }
    }

    /// It was refused. Equal refusals are folded.
    #[must_use]
    pub(crate) fn refused(mut self) -> Self {
        self.refused = true;
        self
    }

    /// Who did it.
    #[must_use]
    pub(crate) fn by(mut self, user: &User) -> Self {
        self.actor = Some((user.id.clone(), user.name.clone()));
        self
    }

    /// The id of the account that it was about.
    #[must_use]
    pub(crate) fn about(mut self, id: &str) -> Self {
        self.subject = Some(id.to_owned());
        self
    }

    /// From where and with what.
    #[must_use]
    pub(crate) fn from(mut self, origin: &Origin) -> Self {
        self.address = origin.address_text();
        self.device.clone_from(&origin.device);
        self
    }

    /// Particulars; control characters are left out, so that nobody writes lines of his own into a log.
    #[must_use]
    pub(crate) fn detail(mut self, text: &str) -> Self {
        self.detail = text
            .chars()
            .filter(|c| !c.is_control())
            .take(DETAIL_LENGTH)
            .collect();
        self
    }

    fn row(self, stamp: &Stamp) -> Row {
        let (actor_id, actor_name) = self.actor.unzip();
        Row {
            seq: 0,
            at: stamp.at,
            last_at: stamp.at,
            clock: if stamp.trusted { "trusted" } else { "untrusted" }.to_owned(),
            boot: stamp.boot.to_string(),
            kind: self.kind.to_owned(),
            outcome: if self.refused { "refused" } else { "done" }.to_owned(),
            actor_id,
            actor_name,
            subject: self.subject,
            address: self.address,
            device: self.device,
            detail: self.detail,
            times: 1,
        }
    }
}

/// When something happened.
#[derive(Debug, Clone)]
struct Stamp {
    at: i64,
    trusted: bool,
    boot: Arc<str>,
}

fn stamp(clock: &Clock, boot: &Arc<str>) -> Stamp {
    Stamp {
        at: clock.unix(),
        trusted: clock.trust().is_trusted(),
        boot: Arc::clone(boot),
    }
}

enum Message {
    Event(Event, Stamp),
    Flush(oneshot::Sender<()>),
}

/// Where events are told.
#[derive(Debug)]
pub(crate) struct Audit {
    clock: Clock,
    boot: Arc<str>,
    queue: mpsc::Sender<Message>,
    waiting: Mutex<Option<mpsc::Receiver<Message>>>,
}

impl Audit {
    /// A queue that [`Audit::write`] empties.
    pub(crate) fn new(clock: Clock) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        Self {
            clock,
            boot: boot_id().into(),
            queue,
            waiting: Mutex::new(Some(waiting)),
        }
    }

    /// Notes an event, without waiting. May be called with a transaction open.
    pub(crate) fn record(&self, event: Event) {
        let stamp = stamp(&self.clock, &self.boot);
        if let Err(rejected) = self.queue.try_send(Message::Event(event, stamp))
            && let Message::Event(event, _) = rejected.into_inner()
        {
            tracing::warn!(
                ?event,
                "the audit record cannot keep up; this went to the log only"
            );
        }
    }

    /// Waits until everything noted so far is written.
    pub(crate) async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.queue.send(Message::Flush(done)).await.is_ok() {
            // An error means that the writer has stopped, and wrote what it had before.
            let _ = written.await;
        }
    }

    /// Writes what is noted until `stopped`, and then what is left. To be run once, as a task of its own.
    pub(crate) async fn write(&self, store: Store, stopped: impl Future<Output = ()>) {
        let Some(mut waiting) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        let mut folds = Folds::default();
        let mut batch = Vec::new();
        tokio::pin!(stopped);
        loop {
            let count = tokio::select! {
                count = waiting.recv_many(&mut batch, QUEUE) => count,
                () = &mut stopped => {
                    waiting.close();
                    waiting.recv_many(&mut batch, QUEUE).await
                }
            };
            if count == 0 {
                break;
            }
            self.write_batch(&store, &mut folds, &mut batch).await;
        }
        if let Err(error) = folds.write(&store).await {
            tracing::warn!(%error, "the last failures were not counted in the audit record");
        }
    }

    async fn write_batch(&self, store: &Store, folds: &mut Folds, batch: &mut Vec<Message>) {
        let (mut events, mut flushes) = (Vec::new(), Vec::new());
        for message in batch.drain(..) {
            match message {
                Message::Event(event, stamp) => events.push((event, stamp)),
                Message::Flush(done) => flushes.push(done),
            }
        }
        let now = self.clock.monotonic();
        events.retain(|(event, stamp)| !folds.took(event, stamp, now));
        let written = async {
            if !events.is_empty() {
                let mut tx = store.begin().await?;
                for (event, stamp) in &events {
                    // One of the same batch may have begun a count meanwhile.
                    if !folds.took(event, stamp, now) {
                        let seq = statements::insert(&mut tx, &event.clone().row(stamp)).await?;
                        folds.begin(event, stamp, seq, now);
                    }
                }
                tx.commit().await?;
            }
            if !flushes.is_empty() || folds.is_due(now) {
                folds.write(store).await?;
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, ?events, "the audit record could not be written; this went to the log only");
        }
        for done in flushes {
            let _ = done.send(());
        }
    }
}

/// Writes an event in the caller's own transaction, for the console.
pub(crate) async fn write_in(connection: &mut Connection, clock: &Clock, event: Event) -> Result<(), Error> {
    let boot = boot_id().into();
    statements::insert(connection, &event.row(&stamp(clock, &boot))).await?;
    Ok(())
}

/// Failures that are being counted.
#[derive(Debug, Default)]
struct Folds {
    by_event: HashMap<Event, Fold>,
    /// Monotonic time of the first count that is not written down.
    dirty_since: Option<Duration>,
}

#[derive(Debug)]
struct Fold {
    seq: i64,
    since: Duration,
    times: i64,
    written: i64,
    last_at: i64,
}

impl Folds {
    /// Counts a failure like one of the last minute. False if it is to be written as a new one.
    fn took(&mut self, event: &Event, stamp: &Stamp, now: Duration) -> bool {
        let Some(fold) = self.by_event.get_mut(event).filter(|_| event.refused) else {
            return false;
        };
        if now.saturating_sub(fold.since) > FOLD_WITHIN {
            return false;
        }
        fold.times += 1;
        fold.last_at = stamp.at;
        self.dirty_since.get_or_insert(now);
        true
    }

    fn begin(&mut self, event: &Event, stamp: &Stamp, seq: i64, now: Duration) {
        if !event.refused {
            return;
        }
        if self.by_event.len() >= FOLDS {
            // Only what is written down may be forgotten; the rest is, at the next writing.
            self.by_event.retain(|_, fold| {
                fold.times != fold.written || now.saturating_sub(fold.since) <= FOLD_WITHIN
            });
        }
        if self.by_event.len() < FOLDS {
            let fold = Fold {
                seq,
                since: now,
                times: 1,
                written: 1,
                last_at: stamp.at,
            };
            self.by_event.insert(event.clone(), fold);
        }
    }

    fn is_due(&self, now: Duration) -> bool {
        self.dirty_since
            .is_some_and(|since| now.saturating_sub(since) > FOLD_WITHIN)
    }

    async fn write(&mut self, store: &Store) -> Result<(), Error> {
        self.dirty_since = None;
        if self.by_event.values().all(|fold| fold.times == fold.written) {
            return Ok(());
        }
        let mut tx = store.begin().await?;
        for fold in self
            .by_event
            .values_mut()
            .filter(|fold| fold.times != fold.written)
        {
            statements::fold(&mut tx, fold.seq, fold.times, fold.last_at).await?;
            fold.written = fold.times;
        }
        Ok(tx.commit().await?)
    }
}

/// The kernel's name for this run of the machine (random(4)); empty where there is none.
fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
