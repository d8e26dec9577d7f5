//! The queue at work: one mail after another, in the order of acceptance, over one connection.
//!
//! With nothing to send the worker sleeps until somebody wakes it. Otherwise one timer runs, for the next mail or the
//! mail server's next chance.

use std::time::Duration;

use pistack_kit::lifecycle::Lifecycle;

use crate::channel::Leave;
use crate::error::Error;
use crate::outbox::{Job, Next};
use crate::smtp::{EndMark, Session};
use crate::state::{Email, Learned};

/// How long a connection is kept for a further mail.
const LINGER: Duration = Duration::from_secs(3);
/// Longest sleep while something waits: a clock that is set meanwhile must not make it late.
const LONGEST_SLEEP: Duration = Duration::from_mins(15);
/// How often a paused worker with mails that wait looks for a new password.
const LOOK_FOR_PASSWORD: Duration = Duration::from_mins(1);
/// Wait after the outbox could not be read or written: a full disk, mostly.
const AFTER_DISK_ERROR: Duration = Duration::from_secs(5);
/// Difference between two clocks from which one of them has been set.
const CLOCK_STEP_MS: i64 = 30_000;

/// Until when there is nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// Go on.
    None,
    /// At most so long.
    For(Duration),
    /// Until somebody wakes it.
    Forever,
}

/// Works until the process stops.
pub(crate) async fn run(email: Email, lifecycle: Lifecycle) {
    let mut worker = Worker {
        steps: ClockSteps::at(&email),
        email,
        session: None,
        end: EndMark::default(),
    };
    worker.recover(&lifecycle).await;
    while !lifecycle.is_stopping() {
        let rest = worker.step(&lifecycle).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the outbox cannot be used");
            Rest::For(AFTER_DISK_ERROR)
        });
        if rest == Rest::For(AFTER_DISK_ERROR)
            && let Err(error) = worker.email.outbox().make_room().await
        {
            tracing::error!(%error, "there is no room for the outbox");
        }
        worker.rest(rest, &lifecycle).await;
    }
    if let Some(session) = worker.session.take() {
        session.quit().await;
    }
}

struct Worker {
    email: Email,
    session: Option<Session>,
    end: EndMark,
    steps: ClockSteps,
}

impl Worker {
    /// Until it is known what the last run left half done nothing may be sent.
    async fn recover(&self, lifecycle: &Lifecycle) {
        loop {
            match self.email.outbox().recover().await {
                Ok(0) => return,
                Ok(undecided) => {
                    tracing::warn!(
                        undecided,
                        "mails were being sent when the service ended; whether they arrived is not known"
                    );
                    return;
                }
                Err(error) => tracing::error!(%error, "the outbox cannot be read"),
            }
            tokio::select! {
                () = tokio::time::sleep(AFTER_DISK_ERROR) => {}
                () = lifecycle.stopped() => return,
            }
        }
    }

    async fn step(&mut self, lifecycle: &Lifecycle) -> Result<Rest, Error> {
        let clock = self.email.clock();
        if let Some(by_ms) = self.steps.observe(clock.wall(), clock.monotonic()) {
            tracing::info!(by_ms, "the clock was set; mails keep their age");
            self.email.outbox().shift(by_ms).await?;
        }
        match self.email.leave() {
            Leave::Go => {}
            Leave::Wait(until) => return Ok(Rest::For(until.saturating_sub(clock.monotonic()))),
            Leave::Paused => {
                return Ok(match self.email.outbox().next().await? {
                    Next::Nothing => Rest::Forever,
                    _ => Rest::For(LOOK_FOR_PASSWORD),
                });
            }
        }
        match self.email.outbox().next().await? {
            Next::Nothing => Ok(Rest::Forever),
            Next::At(ms) => {
                let wait = Duration::from_millis(ms.max(0) as u64).saturating_sub(clock.wall());
                Ok(Rest::For(wait.min(LONGEST_SLEEP)))
            }
            Next::Mail(job) => {
                self.send(&job, lifecycle).await?;
                Ok(Rest::None)
            }
        }
    }

    async fn send(&mut self, job: &Job, lifecycle: &Lifecycle) -> Result<(), Error> {
        let mail = self.email.mail(job)?;
        let began = self.email.clock().wall();
        let patience = self.email.config().answer_timeout.0;
        let mut verdict = self
            .email
            .attempt(&mut self.session, &mail, job, &self.end, patience)
            .await;
        if let Some(error @ (Error::Store(_) | Error::DiskFull)) =
            verdict.error.take_if(|error| error.is_of_store())
        {
            return Err(error);
        }
        let Learned {
            tried,
            of_the_channel,
        } = self.email.learn(job, verdict, began);
        let error = tried.error.clone();
        loop {
            match self.email.outbox().record(&tried).await {
                Ok(state) => {
                    tracing::info!(
                        id = job.id,
                        state = state.map_or("removed", |state| state.as_str()),
                        error,
                        "mail tried"
                    );
                    break;
                }
                // What is known must not be forgotten while there is hope: without it the mail would be undecided.
                Err(error) => {
                    tracing::error!(%error, id = job.id, "what became of a mail could not be written down");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(AFTER_DISK_ERROR) => {}
                () = lifecycle.stopped() => return Ok(()),
            }
        }
        let paused = self.email.leave() == Leave::Paused;
        if of_the_channel && !paused {
            let old = self
                .email
                .outbox()
                .expire(error.as_deref().unwrap_or_default())
                .await?;
            if old > 0 {
                tracing::warn!(
                    old,
                    "mails were given up: the mail server could not be used for too long"
                );
            }
        }
        Ok(())
    }

    async fn rest(&mut self, rest: Rest, lifecycle: &Lifecycle) {
        let length = match (rest, &self.session) {
            (Rest::None, _) => return,
            (Rest::For(length), Some(_)) => Some(length.min(LINGER)),
            (Rest::For(length), None) => Some(length),
            (Rest::Forever, Some(_)) => Some(LINGER),
            (Rest::Forever, None) => None,
        };
        let sleep = async {
            match length {
                Some(length) => tokio::time::sleep(length).await,
                None => std::future::pending().await,
            }
        };
        let slept = tokio::select! {
            () = sleep => true,
            () = self.email.outbox().changed() => false,
            () = lifecycle.stopped() => false,
        };
        if slept && let Some(session) = self.session.take() {
            session.quit().await;
        }
    }
}

/// Notices when the wall clock is set.
#[derive(Debug)]
struct ClockSteps {
    wall: Duration,
    monotonic: Duration,
}

impl ClockSteps {
    fn at(email: &Email) -> Self {
        Self {
            wall: email.clock().wall(),
            monotonic: email.clock().monotonic(),
        }
    }

    /// By how many milliseconds the wall clock was set since the last call.
    fn observe(&mut self, wall: Duration, monotonic: Duration) -> Option<i64> {
        let between = |now: Duration, before: Duration| now.as_millis() as i64 - before.as_millis() as i64;
        let step = between(wall, self.wall) - between(monotonic, self.monotonic);
        (self.wall, self.monotonic) = (wall, monotonic);
        (step.abs() > CLOCK_STEP_MS).then_some(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_is_told_from_one_that_runs() {
        let seconds = Duration::from_secs;
        let mut steps = ClockSteps {
            wall: seconds(100),
            monotonic: seconds(5),
        };
        assert_eq!(steps.observe(seconds(3700), seconds(3605)), None);
        assert_eq!(
            steps.observe(seconds(3720), seconds(3606)),
            None,
            "19 s are drift"
        );
        assert_eq!(
            steps.observe(seconds(1_000_000), seconds(3607)),
            Some(996_279_000)
        );
        assert_eq!(steps.observe(seconds(100), seconds(3608)), Some(-999_901_000));
        assert_eq!(steps.observe(seconds(101), seconds(3609)), None);
    }
}
