//! What the rest of the process asks of the one task that owns the decider: the HTTP side (lists, switches, dry
//! runs, calls from outside) and the actions (a rule that changes another).

use pistack_api::event::Event;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use utoipa::ToSchema;

use crate::config::{RuleState, Severity};
use crate::reason::Reason;

/// Questions that may wait. The owner answers within microseconds; more waiting means that it is gone.
const WAITING: usize = 64;

/// One question.
#[derive(Debug)]
pub enum Ask {
    /// Something happened outside of the supervisor: a stack event (`STACK`), a call of a hook (`WEBHOOK`). Decided
    /// like any event.
    Event(Event),
    /// A rule's state is to be changed.
    Set {
        /// Name of the rule.
        rule: String,
        /// Its new state.
        state: RuleState,
        /// How many rules stand before in the chain; 0 for a person.
        depth: u8,
        /// `false`: there is no such rule, or the chain is too long.
        answer: oneshot::Sender<bool>,
    },
    /// Every rule as it stands.
    List(oneshot::Sender<Vec<RuleView>>),
    /// What would happen at this event. Changes nothing.
    Try {
        /// The event.
        event: Event,
        /// Only this rule; all if absent.
        rule: Option<String>,
        /// One a rule that was looked at.
        answer: oneshot::Sender<Vec<Outcome>>,
    },
}

/// A rule as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleView {
    /// Name of its table.
    #[schema(example = "camera-down")]
    pub name: String,
    /// Whether it is switched on.
    pub enabled: bool,
    /// What it is about right now: the programs, lines or readings for which it has fired and is not over yet.
    pub active: Vec<String>,
    /// How often it has fired since the process started.
    pub fired: u64,
    /// When it last fired, in seconds since 1970.
    pub last_fired: Option<i64>,
    /// Matches since then that did not act, or not wholly.
    pub held: u64,
    /// Why the last of them did not.
    pub last_held: Option<String>,
    /// The same as codes and values; empty where there are none for it.
    pub last_held_reasons: Vec<Reason>,
    /// Seconds until its cooldown lets it fire again.
    pub next_allowed_in: Option<u64>,
    /// Why it cannot work; such a rule never fires.
    pub problem: Option<String>,
    /// Higher ones come first.
    pub priority: i32,
    /// `info`, `warning` or `critical`.
    #[schema(value_type = String, example = "warning")]
    pub severity: Severity,
    /// Its `when` in words.
    pub when: String,
    /// The names of its actions, in order.
    pub actions: Vec<String>,
    /// The rule as it is configured, with `when`, `then`, `policy` and so on.
    #[schema(value_type = Object)]
    pub definition: serde_json::Value,
    /// The file that it stands in; absent where that is not known.
    pub file: Option<String>,
    /// The line there, from 1.
    pub line: Option<u32>,
    /// Whether it stands in the file that pistack writes, so that it can be changed here.
    pub editable: bool,
}

/// What a rule would make of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Outcome {
    /// The rule.
    pub rule: String,
    /// Whether it would fire.
    pub fires: bool,
    /// Why, or why not.
    pub why: String,
    /// The same as codes and values; empty where there are none for it.
    pub reasons: Vec<Reason>,
    /// What it would do, in words, texts filled in.
    pub actions: Vec<String>,
}

/// Puts questions. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Asker(mpsc::Sender<Ask>);

impl Asker {
    /// A pair: one to ask, one for the owner of the decider to read.
    pub fn pair() -> (Self, mpsc::Receiver<Ask>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }

    /// Hands an event over; `false` if nobody takes it in. Never waits.
    pub fn event(&self, event: Event) -> bool {
        self.0.try_send(Ask::Event(event)).is_ok()
    }

    /// Changes a rule's state; `None` if nobody answers.
    pub async fn set(&self, rule: String, state: RuleState, depth: u8) -> Option<bool> {
        self.ask(|answer| Ask::Set {
            rule,
            state,
            depth,
            answer,
        })
        .await
    }

    /// Every rule as it stands; `None` if nobody answers.
    pub async fn list(&self) -> Option<Vec<RuleView>> {
        self.ask(Ask::List).await
    }

    /// What would happen at an event; `None` if nobody answers.
    pub async fn dry_run(&self, event: Event, rule: Option<String>) -> Option<Vec<Outcome>> {
        self.ask(|answer| Ask::Try { event, rule, answer }).await
    }

    async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        self.0.try_send(question(sender)).ok()?;
        receiver.await.ok()
    }
}
