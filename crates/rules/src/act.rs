//! Carrying firings out, at arm's length from the events: a bounded outbox, messages first and in order, everything
//! else beside it by a few workers.

mod actor;
pub(crate) mod command;
mod gpio;
mod letter;
mod peers;

use std::sync::Arc;
use std::time::Duration;

use pistack_kit::lifecycle::Lifecycle;
use tokio::sync::{Semaphore, mpsc};

use crate::Context;
use crate::ask::Asker;
use crate::deliver::Dispatch;
use crate::firing::{Firing, Held};
use actor::Actor;

/// Firings that may wait. More at once than this is a storm, and the newest are dropped and said so.
const WAITING: usize = 256;
/// Firings whose actions are carried out at the same time.
const AT_ONCE: usize = 8;
/// Firings whose actions wait for their turn; a storm beyond it is dropped and said so.
const LINED_UP: usize = 256;
/// How long a command may run unless its rule says otherwise.
pub const COMMAND_TIMEOUT: Duration = Duration::from_mins(1);
/// What was held back is written after this time, if no firing takes it along before.
const WRITE_HELD: Duration = Duration::from_mins(1);

/// Where firings are put. Putting never waits.
#[derive(Debug, Clone)]
pub struct Outbox {
    firings: mpsc::Sender<Firing>,
    dispatch: Dispatch,
    lifecycle: Lifecycle,
}

impl Outbox {
    /// Starts carrying out what is put in, until the process stops.
    pub fn start(context: &Context, dispatch: &Dispatch, asker: Asker) -> Self {
        let (firings, receiver) = mpsc::channel(WAITING);
        let actor = Arc::new(Actor::new(context, dispatch.clone(), asker));
        context
            .lifecycle
            .spawn(work(receiver, actor, context.lifecycle.clone()));
        Self {
            firings,
            dispatch: dispatch.clone(),
            lifecycle: context.lifecycle.clone(),
        }
    }

    /// Puts a firing in; drops it with a word in the log when too many wait.
    pub fn put(&self, firing: Firing) {
        if let Err(error) = self.firings.try_send(firing) {
            let rule = match &error {
                mpsc::error::TrySendError::Full(firing) | mpsc::error::TrySendError::Closed(firing) => {
                    &firing.rule
                }
            };
            tracing::error!(rule, "too many actions are waiting; this one is dropped");
        }
    }

    /// Counts matches that were held back, for the history. Written along with the next firing, or a minute later.
    pub fn hold(&self, held: Vec<Held>) {
        if self.dispatch.history().hold(held) {
            let (dispatch, stop) = (self.dispatch.clone(), self.lifecycle.clone());
            self.lifecycle.spawn(async move {
                tokio::select! {
                    () = tokio::time::sleep(WRITE_HELD) => {}
                    () = stop.stopped() => {}
                }
                if let Err(error) = dispatch.history().flush_held().await {
                    tracing::warn!("{error}");
                }
            });
        }
    }
}

/// Takes firings one after the other. Messages go into their queues at once and in order; the other actions run
/// beside, a few firings at a time, in order within each. At the stop it still carries out what is waiting (the
/// lifecycle's grace limits that).
async fn work(mut firings: mpsc::Receiver<Firing>, actor: Arc<Actor>, lifecycle: Lifecycle) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let line = Arc::new(Semaphore::new(LINED_UP));
    loop {
        let firing = tokio::select! {
            biased;
            firing = firings.recv() => firing,
            () = lifecycle.stopped() => firings.try_recv().ok(),
        };
        let Some(firing) = firing else { break };
        let begun = actor.begin(&firing).await;
        if !actor::has_work(&firing) {
            continue;
        }
        let Ok(turn) = Arc::clone(&line).try_acquire_owned() else {
            tracing::error!(
                rule = firing.rule,
                "too many actions are running; this one is dropped"
            );
            continue;
        };
        let (actor, places) = (Arc::clone(&actor), Arc::clone(&places));
        tokio::spawn(async move {
            let Ok(place) = places.acquire_owned().await else {
                return;
            };
            actor.carry_out(&firing, begun).await;
            drop((place, turn));
        });
    }
    actor.end(&lifecycle);
    // The whole line free again means that nothing is running any more.
    let _ = line.acquire_many(LINED_UP as u32).await;
}

#[cfg(test)]
mod tests;
