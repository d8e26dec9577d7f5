//! The courier of one channel: takes what waits, in order, and brings it through the gate.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as Locked, PoisonError};
use std::time::Duration;

use pistack_kit::clock::Clock;
use pistack_kit::lifecycle::Lifecycle;
use tokio::sync::{Mutex, Notify};

use super::Dispatch;
use super::gate::{Gate, Pass, wait_after};
use super::transport::Transport;
use crate::channel::config::Channel;
use crate::channel::message::{Message, Word};
use crate::history::{Crowd, Due, Fate, History, HistoryError, NewDelivery};
use crate::outgoing::Failure;
use crate::schedule::second_of_day;

/// How long an attempt that is under way may go on once the process should stop.
const GRACE: Duration = Duration::from_secs(2);
/// After a failure of the history itself.
const HISTORY_REST: Duration = Duration::from_secs(30);
/// The longest sleep: a board without a clock of its own jumps by years.
const LONGEST_SLEEP: Duration = Duration::from_mins(10);
/// So many messages without a record may wait.
const MOST_STRAYS: usize = 32;
/// A day, in seconds.
const DAY: i64 = 24 * 3600;

#[derive(Debug)]
pub(super) struct Courier {
    name: String,
    channel: Channel,
    history: Arc<History>,
    transport: Arc<Transport>,
    clock: Clock,
    bell: Notify,
    strays: Locked<VecDeque<Message>>,
    retired: AtomicBool,
    /// Held while a message is under way: a successor waits for it.
    turn: Arc<Mutex<()>>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    gate: Gate,
    /// Whether the gate knows what went out before this process began.
    remembers: bool,
    /// Whether messages were held back since the last one went out: what has gathered goes out as one.
    held_back: bool,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Something was done; there may be more.
    Again,
    /// Nothing to do before this time, in seconds since 1970.
    Until(i64),
    /// Nothing waits.
    Idle,
}

impl Courier {
    pub(super) fn new(
        name: &str,
        channel: &Channel,
        history: &Arc<History>,
        transport: &Arc<Transport>,
        clock: Clock,
        predecessor: Option<&Arc<Self>>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            channel: channel.clone(),
            history: Arc::clone(history),
            transport: Arc::clone(transport),
            clock,
            bell: Notify::new(),
            strays: Locked::default(),
            retired: AtomicBool::new(false),
            turn: predecessor.map_or_else(Arc::default, |before| Arc::clone(&before.turn)),
            state: Mutex::new(State {
                gate: Gate::new(channel),
                remembers: false,
                held_back: false,
            }),
        }
    }

    /// Whether it works by just this.
    pub(super) fn serves(&self, channel: &Channel) -> bool {
        self.channel == *channel
    }

    /// Ends after what it has in hand.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
        self.wake();
    }

    pub(super) fn wake(&self) {
        self.bell.notify_one();
    }

    /// A message that could not be written down; tried once.
    pub(super) fn stray(&self, message: Message) {
        let mut strays = self.strays.lock().unwrap_or_else(PoisonError::into_inner);
        if strays.len() < MOST_STRAYS {
            strays.push_back(message);
        }
    }

    /// Works until the process stops. An attempt under way gets a little time to end.
    pub(super) async fn run(&self, dispatch: &Dispatch, lifecycle: &Lifecycle) {
        let mut asleep: Option<Duration> = None;
        loop {
            tokio::select! {
                biased;
                () = lifecycle.stopped() => return,
                () = self.bell.notified() => {}
                () = sleep(asleep) => {}
            }
            if self.retired.load(Ordering::Relaxed) {
                return;
            }
            asleep = loop {
                let ending = async {
                    lifecycle.stopped().await;
                    tokio::time::sleep(GRACE).await;
                };
                let step = tokio::select! {
                    step = self.step(dispatch) => step,
                    () = ending => return,
                };
                match step {
                    _ if lifecycle.is_stopping() || self.retired.load(Ordering::Relaxed) => return,
                    Ok(Step::Again) => {}
                    Ok(Step::Idle) => break None,
                    Ok(Step::Until(at)) => {
                        let seconds = (at - self.clock.unix()).max(1) as u64;
                        break Some(Duration::from_secs(seconds).min(LONGEST_SLEEP));
                    }
                    Err(error) => {
                        tracing::error!(channel = self.name, "{error}");
                        break Some(HISTORY_REST);
                    }
                }
            };
        }
    }

    /// One message, one digest, or the finding that nothing can be done now.
    pub(super) async fn step(&self, dispatch: &Dispatch) -> Result<Step, HistoryError> {
        let _turn = self.turn.lock().await;
        if let Some(message) = self.next_stray() {
            if let Err(failure) = self.transport.send(&self.channel, &message).await {
                tracing::error!(channel = self.name, title = message.title, "not sent: {failure}");
            }
            return Ok(Step::Again);
        }
        if !self.history.exists() {
            return Ok(Step::Idle);
        }
        let mut state = self.state.lock().await;
        let now = self.clock.unix();
        if !state.remembers {
            state
                .gate
                .remember(self.history.sent_since(&self.name, now - DAY).await?);
            state.remembers = true;
        }
        let Some(head) = self
            .history
            .head(&self.name, Some(crate::config::Severity::Info))
            .await?
        else {
            state.held_back = false;
            return Ok(Step::Idle);
        };
        let pass = if head.manual {
            Pass::Open
        } else {
            state.gate.ask(now, second_of_day(now), head.message.severity)
        };
        let (head, until) = match pass {
            Pass::Open => (Some(head), now),
            // The gate is closed for the oldest; graver ones and what people sent may pass it by.
            Pass::Quiet(at) => {
                state.held_back = true;
                (
                    self.history
                        .head(&self.name, Some(state.gate.lets_through()))
                        .await?,
                    at,
                )
            }
            Pass::Full(at) => {
                state.held_back = true;
                (self.history.head(&self.name, None).await?, at)
            }
        };
        let Some(head) = head else {
            return Ok(Step::Until(until));
        };
        if head.due > now {
            return Ok(Step::Until(head.due));
        }
        if !head.manual && pass == Pass::Open {
            let crowd = self.history.crowd(&self.name).await?;
            if crowd.rows > 1 && (state.held_back || crowd.rows > state.gate.room(now)) {
                return self.send_digest(dispatch, &mut state, &head, &crowd).await;
            }
        }
        self.send_one(dispatch, &mut state, head).await
    }

    fn next_stray(&self) -> Option<Message> {
        self.strays
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    }

    async fn send_one(&self, dispatch: &Dispatch, state: &mut State, due: Due) -> Result<Step, HistoryError> {
        let outcome = self.transport.send(&self.channel, &due.message).await;
        let now = self.clock.unix();
        match outcome {
            Ok(said) => {
                if !due.manual {
                    state.gate.passed(now);
                }
                self.history.finish(due.id, Fate::Sent, &said).await?;
            }
            Err(failure) => match self.verdict(&due, &failure, now) {
                Verdict::Later(at) => self.history.postpone(due.id, at, &failure.reason).await?,
                Verdict::GiveUp => {
                    tracing::warn!(
                        channel = self.name,
                        title = due.message.title,
                        "given up: {failure}"
                    );
                    self.history.finish(due.id, Fate::Failed, &failure.reason).await?;
                }
                Verdict::HandOver(next, chain) => {
                    tracing::warn!(channel = self.name, to = next, "left to the fallback: {failure}");
                    let new = NewDelivery {
                        channel: next.clone(),
                        chain,
                        manual: due.manual,
                        message: due.message,
                    };
                    self.history.hand_over(due.id, &new, &failure.reason).await?;
                    dispatch.wake(&next);
                }
            },
        }
        Ok(Step::Again)
    }

    /// All that waits, as one message with counts.
    async fn send_digest(
        &self,
        dispatch: &Dispatch,
        state: &mut State,
        head: &Due,
        crowd: &Crowd,
    ) -> Result<Step, HistoryError> {
        let mut digest = NewDelivery {
            channel: self.name.clone(),
            chain: Vec::new(),
            manual: false,
            message: summary(dispatch, crowd),
        };
        let outcome = self.transport.send(&self.channel, &digest.message).await;
        let now = self.clock.unix();
        let (fate, detail) = match outcome {
            Ok(said) => {
                state.gate.passed(now);
                state.held_back = false;
                (Fate::Sent, said)
            }
            Err(failure) => match self.verdict(head, &failure, now) {
                Verdict::Later(at) => {
                    self.history.postpone(head.id, at, &failure.reason).await?;
                    return Ok(Step::Again);
                }
                Verdict::GiveUp => (Fate::Failed, failure.reason),
                Verdict::HandOver(next, chain) => {
                    digest.channel = next;
                    digest.chain = chain;
                    (Fate::HandedOver, failure.reason)
                }
            },
        };
        self.history
            .finish_crowd(&self.name, crowd.last, &digest, fate, &detail)
            .await?;
        if fate == Fate::HandedOver {
            dispatch.wake(&digest.channel);
        }
        Ok(Step::Again)
    }

    /// What comes after a failure.
    fn verdict(&self, due: &Due, failure: &Failure, now: i64) -> Verdict {
        let mut random = [0];
        pistack_kit::random::fill(&mut random);
        let asked = failure.retry_after.map_or(0, |wait| wait.as_secs() as i64);
        let at = now + wait_after(due.attempts + 1, random[0]).max(asked);
        let age_then = at - due.created;
        let next = due.chain.split_first();
        match next {
            Some((next, rest))
                if failure.permanent || age_then > self.channel.fallback_after.0.as_secs() as i64 =>
            {
                Verdict::HandOver(next.clone(), rest.to_vec())
            }
            _ if failure.permanent || age_then > self.channel.keep_trying.0.as_secs() as i64 => {
                Verdict::GiveUp
            }
            _ => Verdict::Later(at),
        }
    }
}

enum Verdict {
    /// Again at this time.
    Later(i64),
    /// Never.
    GiveUp,
    /// By this channel, and if that fails too by these.
    HandOver(String, Vec<String>),
}

/// For ever without a time.
async fn sleep(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// `37 messages since 02:10 UTC`, how many of which rule, and the newest.
fn summary(dispatch: &Dispatch, crowd: &Crowd) -> Message {
    let since = time::OffsetDateTime::from_unix_timestamp(crowd.since)
        .ok()
        .and_then(|at| at.format(&time::format_description::well_known::Rfc3339).ok())
        .unwrap_or_default();
    let title = format!("{} messages since {since}", crowd.total);
    let rules = crowd.by_rule.iter().map(|(rule, count)| {
        let name = if rule.is_empty() {
            "digests and others"
        } else {
            rule
        };
        format!("{count} × {name}")
    });
    let latest = crowd.latest.iter().map(|title| format!("- {title}"));
    let text: Vec<String> = [format!("{title}:")]
        .into_iter()
        .chain(rules)
        .chain(["The newest:".to_owned()])
        .chain(latest)
        .collect();
    let mut message = dispatch.note(Word::Digest, crowd.severity, &title, &text.join("\n"));
    message.count = crowd.total.max(1) as u64;
    message.since = crowd.since;
    message
}
