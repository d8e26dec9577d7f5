//! The one task that owns the decider: events, questions and deadlines come in, firings go out.
//!
//! Nothing in here waits for the world. What is decided is handed to the outbox, which never waits either.

use std::collections::HashMap;
use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use pistack_api::event::Event;
use pistack_kit::clock::Clock;
use pistack_kit::config::ConfigErrors;
use pistack_kit::lifecycle::Lifecycle;
use tokio::sync::{mpsc, watch};

use crate::act::Outbox;
use crate::ask::Ask;
use crate::chronicle::Chronicle;
use crate::config::{Channel, Config, Rule};
use crate::decide::{Decider, Decision, Now, Setup, event};
use crate::schedule::{EARLIEST, Schedules, second_of_day};

/// Events that may wait to be decided. Deciding takes microseconds.
pub const WAITING: usize = 1024;
/// A clock that is off by more than this from what it should show has jumped.
const JUMP: i64 = 60;

/// What the configuration says about rules.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tables {
    /// `[rules]`.
    pub config: Config,
    /// `[rule.NAME]`.
    pub rules: IndexMap<String, Rule>,
    /// `[channel.NAME]`.
    pub channels: IndexMap<String, Channel>,
    /// Where each rule stands.
    pub places: IndexMap<String, RulePlace>,
    /// What rules may name, for forms.
    pub names: Names,
}

/// Where a rule is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RulePlace {
    /// The file.
    pub file: PathBuf,
    /// The line of `[rule.NAME]`, from 1.
    pub line: u32,
}

/// What rules may name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Processes, as `name` and as `group:name`.
    pub programs: Vec<String>,
    /// `[line.NAME]`.
    pub lines: Vec<String>,
}

impl Tables {
    /// What the decider needs of them.
    pub fn setup(&self) -> Setup {
        let mut rules = self.rules.clone();
        for (_, rule) in rules
            .iter_mut()
            .filter(|(name, _)| self.config.disabled.contains(*name))
        {
            rule.enabled = false;
        }
        Setup {
            matching: self.config.matching,
            rules,
            depends_on: self.config.depends_on.clone(),
        }
    }
}

/// Reads the configuration again: as it is on disk, or as it would be if the overlay held this text.
pub type Reload = Arc<dyn Fn(Option<&str>) -> Result<Tables, ConfigErrors> + Send + Sync>;

/// The time of a decision, by a clock.
pub fn now(clock: &Clock) -> Now {
    let unix = clock.unix();
    Now {
        monotonic: clock.monotonic(),
        unix,
        second_of_day: second_of_day(unix),
    }
}

/// What comes in.
#[derive(Debug)]
pub struct Inputs {
    /// From the supervisor and from triggers.
    pub events: mpsc::Receiver<Event>,
    /// From the HTTP side and from actions.
    pub asks: mpsc::Receiver<Ask>,
    /// New tables.
    pub tables: watch::Receiver<Arc<Tables>>,
}

/// The owner of the decider.
#[derive(Debug)]
pub struct Hub {
    decider: Decider,
    setup: Setup,
    schedules: Schedules,
    outbox: Outbox,
    clock: Clock,
    /// Wall clock minus monotonic clock, in seconds, when it was last looked at.
    offset: i64,
    /// Matches held back since they were last written to the log, by rule.
    held: HashMap<String, u64>,
    chronicle: Option<Chronicle>,
}

impl Hub {
    /// With these tables; firings go to `outbox`.
    pub fn new(tables: &Tables, outbox: Outbox, clock: Clock) -> Self {
        let setup = tables.setup();
        Self {
            decider: Decider::new(&setup),
            schedules: Schedules::new(&setup.rules, None),
            setup,
            outbox,
            offset: offset(&clock),
            clock,
            held: HashMap::new(),
            chronicle: None,
        }
    }

    /// Has what happens kept there.
    #[must_use]
    pub fn keeping(mut self, chronicle: Chronicle) -> Self {
        self.chronicle = Some(chronicle);
        self
    }

    /// Says how a program is doing, for what was before the first event.
    pub fn note_program(&mut self, group: &str, process: &str, down: bool) {
        self.decider.note_program(group, process, down);
    }

    /// Goes on until nobody sends events any more, or the process is told to stop; what has come by then is decided.
    pub async fn run(mut self, mut inputs: Inputs, lifecycle: Lifecycle) {
        loop {
            let deadline = self.next_deadline();
            let clock = self.clock.clone();
            let wait = async move {
                match deadline {
                    Some(at) => tokio::time::sleep(at.saturating_sub(clock.monotonic())).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                event = inputs.events.recv() => match event {
                    Some(event) => self.event(&event),
                    None => break,
                },
                Some(ask) = inputs.asks.recv() => self.answer(ask),
                Ok(()) = inputs.tables.changed() => {
                    let tables = Arc::clone(&inputs.tables.borrow_and_update());
                    self.adopt(&tables);
                }
                () = wait => self.time(),
                () = lifecycle.stopped() => break,
            }
        }
        while let Ok(event) = inputs.events.try_recv() {
            self.event(&event);
        }
    }

    fn next_deadline(&self) -> Option<Duration> {
        let schedule = self.schedules.next_deadline(now(&self.clock));
        [self.decider.next_deadline(), schedule]
            .into_iter()
            .flatten()
            .min()
    }

    /// Decides about an event.
    pub fn event(&mut self, event: &Event) {
        self.look_at_the_clock();
        if let Some(chronicle) = &self.chronicle {
            chronicle.note(event);
        }
        let decision = self.decider.decide(now(&self.clock), event);
        self.hand_over(decision);
    }

    /// Time has passed.
    pub(crate) fn time(&mut self) {
        self.look_at_the_clock();
        let now = now(&self.clock);
        for rule in self.schedules.due(now.unix) {
            let event = event::make(event::SCHEDULE, now.unix, &[("rule", &rule)]);
            let decision = self.decider.decide(now, &event);
            self.hand_over(decision);
        }
        let decision = self.decider.due(now);
        self.hand_over(decision);
    }

    /// Makes a stack event of a wall clock that jumped. The first setting of a clock that was wrong is told too.
    fn look_at_the_clock(&mut self) {
        let found = offset(&self.clock);
        let by = found - self.offset;
        if by.abs() <= JUMP {
            // Slow corrections are no jump.
            self.offset = found;
            return;
        }
        self.offset = found;
        let at = self.clock.unix();
        let summary = if at < EARLIEST {
            format!("The clock went back by {} s and is wrong now", by.abs())
        } else {
            format!("The clock jumped by {by} s")
        };
        tracing::warn!("{summary}");
        let event = event::make(
            event::STACK,
            at,
            &[
                ("kind", "clock.jump"),
                ("summary", &summary),
                ("seconds", &by.to_string()),
            ],
        );
        if let Some(chronicle) = &self.chronicle {
            chronicle.note(&event);
        }
        let decision = self.decider.decide(now(&self.clock), &event);
        self.hand_over(decision);
    }

    fn adopt(&mut self, tables: &Tables) {
        let setup = tables.setup();
        let decision = self.decider.adopt(now(&self.clock), &setup);
        let before = std::mem::take(&mut self.schedules);
        self.schedules = Schedules::new(&setup.rules, Some(before));
        tracing::info!(rules = setup.rules.len(), "rules read again");
        if let Some(chronicle) = &self.chronicle {
            let summary = format!("Rules and channels were read again: {} rules", setup.rules.len());
            chronicle.tell("config.rules", &summary);
        }
        self.setup = setup;
        self.hand_over(decision);
    }

    fn answer(&mut self, ask: Ask) {
        let now = now(&self.clock);
        match ask {
            Ask::Event(event) => self.event(&event),
            Ask::Set {
                rule,
                state,
                depth,
                answer,
            } => {
                let by = event::make(event::RULE, now.unix, &[("rule", &rule)]);
                let decision = self.decider.set_rule(now, &rule, state, &by, depth);
                let known = decision.is_some();
                self.hand_over(decision.unwrap_or_default());
                // Who asked may have gone.
                let _ = answer.send(known);
            }
            Ask::List(answer) => {
                let _ = answer.send(self.decider.statuses(now));
            }
            Ask::Try { event, rule, answer } => {
                let names: Vec<&String> = self
                    .setup
                    .rules
                    .keys()
                    .filter(|name| rule.as_ref().is_none_or(|wanted| wanted == *name))
                    .collect();
                let outcomes = names
                    .into_iter()
                    .filter_map(|name| self.setup.try_rule(name, now, &event))
                    .collect();
                let _ = answer.send(outcomes);
            }
        }
    }

    fn hand_over(&mut self, decision: Decision) {
        self.outbox.hold(decision.held.clone());
        for held in decision.held {
            let times = self.held.entry(held.rule.clone()).or_default();
            *times += 1;
            // The first, the tenth, the hundredth: a storm does not fill the log.
            if times.to_string().trim_end_matches('0') == "1" {
                tracing::info!(rule = held.rule, key = held.key, times, "held back: {}", held.why);
            }
        }
        for firing in decision.firings {
            self.held.remove(&firing.rule);
            tracing::info!(
                rule = firing.rule,
                key = firing.key,
                kind = firing.kind.name(),
                "rule fires: {}",
                firing.why
            );
            self.outbox.put(firing);
        }
    }
}

/// Wall clock minus monotonic clock, in seconds.
fn offset(clock: &Clock) -> i64 {
    clock.unix() - clock.monotonic().as_secs() as i64
}
