//! Which rules fire. Pure: the caller brings events and time, and gets firings; it asks for the next deadline and
//! comes back then. Nothing here reads a clock or touches the world.
//!
//! What a rule remembers is kept by matter: one program, one line, one reading. A matter that lasts is told once, then
//! gathered into digests, and told once more when it is over.

mod chain;
pub mod event;
mod expression;
mod fire;
mod matching;
mod matter;
mod resolve;
mod status;
mod trial;
mod world;

use std::collections::HashMap;
use std::time::Duration;

use indexmap::IndexMap;
use pistack_api::event::Event;

pub use crate::firing::{Firing, Held};
pub use chain::LONGEST_CHAIN;
pub(crate) use chain::{names, targets};
pub use expression::{Expression, Surroundings};
pub use matching::log_expression;
pub use status::describe as describe_when;
pub use trial::describe as describe_action;

use crate::config::{Action, Matching, Rule, RuleState, Subject};
use crate::reason;
use matching::Pattern;
use matter::Matter;
use world::World;

/// Matters that one rule tells apart; what comes after is one matter.
const MOST_MATTERS: usize = 1000;

/// The time of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Never steps back.
    pub monotonic: Duration,
    /// Seconds since 1970.
    pub unix: i64,
    /// Seconds since local midnight.
    pub second_of_day: u32,
}

/// What the decider works by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Setup {
    /// Which of several matching rules act.
    pub matching: Matching,
    /// The rules.
    pub rules: IndexMap<String, Rule>,
    /// Who cannot do without whom.
    pub depends_on: IndexMap<String, Vec<String>>,
}

/// What came of an event or a deadline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// What to do, in order.
    pub firings: Vec<Firing>,
    /// What was not done, and why.
    pub held: Vec<Held>,
}

/// All rules with what they remember.
#[derive(Debug, Clone)]
pub struct Decider {
    matching: Matching,
    /// Highest priority first, equals by name.
    rules: Vec<Remembered>,
    world: World,
    chain: chain::Chain,
    next: Option<Duration>,
}

#[derive(Debug, Clone)]
struct Remembered {
    name: String,
    rule: Rule,
    pattern: Result<Pattern, String>,
    on: bool,
    matters: HashMap<String, Matter>,
    fired: u64,
    held: u64,
    last_fired: Option<(Duration, i64)>,
    last_held: Option<String>,
}

impl Decider {
    /// Takes the rules. One that cannot be compiled never fires and says why in its status.
    pub fn new(setup: &Setup) -> Self {
        let mut rules: Vec<Remembered> = setup
            .rules
            .iter()
            .map(|(name, rule)| Remembered {
                name: name.clone(),
                rule: rule.clone(),
                pattern: Pattern::new(rule),
                on: rule.enabled,
                matters: HashMap::new(),
                fired: 0,
                held: 0,
                last_fired: None,
                last_held: None,
            })
            .collect();
        rules.sort_by(|a, b| {
            let by_priority = b.rule.priority.cmp(&a.rule.priority);
            by_priority.then_with(|| a.name.cmp(&b.name))
        });
        Self {
            matching: setup.matching,
            rules,
            world: World {
                depends_on: setup.depends_on.clone(),
                ..World::default()
            },
            chain: chain::Chain::default(),
            next: None,
        }
    }

    /// Goes over to new rules. A rule whose `when` is the same keeps what it remembers; what an old one still held
    /// on to is let go.
    pub fn adopt(&mut self, now: Now, setup: &Setup) -> Decision {
        let mut fresh = Self::new(setup);
        let mut decision = Decision::default();
        for index in 0..self.rules.len() {
            let old = &mut self.rules[index];
            let kept = fresh
                .rules
                .iter_mut()
                .find(|new| new.name == old.name && new.rule.when == old.rule.when);
            if let Some(new) = kept {
                if new.rule.enabled == old.rule.enabled {
                    new.on = old.on;
                }
                new.matters = std::mem::take(&mut old.matters);
                (new.fired, new.held) = (old.fired, old.held);
                (new.last_fired, new.last_held) = (old.last_fired, old.last_held.take());
            } else {
                self.let_go(index, now, &mut decision);
            }
        }
        fresh.world = World {
            depends_on: setup.depends_on.clone(),
            ..std::mem::take(&mut self.world)
        };
        fresh.chain = std::mem::take(&mut self.chain);
        *self = fresh;
        for index in 0..self.rules.len() {
            if !self.rules[index].on {
                self.let_go(index, now, &mut decision);
            }
        }
        self.find_next();
        decision
    }

    /// Ends what a rule that is no longer there, or switched off, still holds on to. Nothing is said about it.
    fn let_go(&mut self, index: usize, now: Now, decision: &mut Decision) {
        let keys: Vec<String> = self.rules[index].matters.keys().cloned().collect();
        for key in keys {
            self.resolve(
                index,
                &key,
                now,
                None,
                "the rule was switched off or changed",
                false,
                decision,
            );
        }
        self.rules[index].matters.clear();
    }

    /// Says how a program is doing, for what was before the first event.
    pub fn note_program(&mut self, group: &str, process: &str, down: bool) {
        self.world.set(group, process, down);
    }

    /// What follows from `event`. Of the rules that match an event of the supervisor, with [`Matching::Highest`], only
    /// the one of the highest priority: one that is cooling down, or still counting, keeps lower ones from acting,
    /// because it is the one in charge. Other events are each rule's own matter.
    pub fn decide(&mut self, now: Now, event: &Event) -> Decision {
        let mut decision = self.due(now);
        self.world.note(event);
        let depth = self.chain.depth(now.monotonic, event);
        self.calm(now, event, &mut decision);
        let only_one = self.matching == Matching::Highest && !event::is_own(&event.name);
        for index in 0..self.rules.len() {
            let remembered = &self.rules[index];
            let fits = remembered.on
                && remembered
                    .pattern
                    .as_ref()
                    .is_ok_and(|pattern| pattern.fits(&remembered.name, &remembered.rule.when, event));
            if fits && self.consider(index, now, event, depth, &mut decision) && only_one {
                break;
            }
        }
        self.set_others(now, &mut decision);
        decision
    }

    /// What follows from time alone.
    pub fn due(&mut self, now: Now) -> Decision {
        let mut decision = Decision::default();
        if self.next.is_none_or(|next| next > now.monotonic) {
            return decision;
        }
        for index in 0..self.rules.len() {
            let due: Vec<String> = self.rules[index]
                .matters
                .iter()
                .filter(|(_, matter)| matter.deadline().is_some_and(|at| at <= now.monotonic))
                .map(|(key, _)| key.clone())
                .collect();
            for key in due {
                self.settle(index, &key, now, &mut decision);
            }
        }
        self.set_others(now, &mut decision);
        self.find_next();
        decision
    }

    /// When [`Decider::due`] should be asked next.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.next
    }

    fn find_next(&mut self) {
        self.next = self
            .rules
            .iter()
            .flat_map(|remembered| remembered.matters.values())
            .filter_map(Matter::deadline)
            .min();
    }

    /// Changes a rule's state; `None` if there is no such rule. `by` is what asks for it, `depth` how many rules stand
    /// before it.
    pub fn set_rule(
        &mut self,
        now: Now,
        name: &str,
        state: RuleState,
        by: &Event,
        depth: u8,
    ) -> Option<Decision> {
        let index = self.rules.iter().position(|remembered| remembered.name == name)?;
        let mut decision = Decision::default();
        match state {
            RuleState::On => self.rules[index].on = true,
            RuleState::Off => {
                self.rules[index].on = false;
                self.let_go(index, now, &mut decision);
            }
            RuleState::Fire => {
                let mut event = by.clone();
                event::RULE.clone_into(&mut event.name);
                event.fields.insert("by".to_owned(), by.name.clone().into());
                self.fire_matched(index, "", now, &event, depth, &mut decision);
            }
            RuleState::Resolve => {
                let keys: Vec<String> = self.rules[index].matters.keys().cloned().collect();
                for key in keys {
                    self.resolve(
                        index,
                        &key,
                        now,
                        Some(by),
                        "it was told to be over",
                        true,
                        &mut decision,
                    );
                }
            }
        }
        self.set_others(now, &mut decision);
        self.find_next();
        Some(decision)
    }

    /// Carries out what firings ask of other rules; these may fire in turn, up to the longest chain.
    fn set_others(&mut self, now: Now, decision: &mut Decision) {
        let mut at = 0;
        while at < decision.firings.len() {
            let firing = &decision.firings[at];
            at += 1;
            let wanted: Vec<_> = firing
                .actions
                .iter()
                .filter_map(|action| match action {
                    Action::Rule(set) => Some(set.clone()),
                    _ => None,
                })
                .collect();
            if wanted.is_empty() {
                continue;
            }
            let (event, depth) = (firing.event.clone(), firing.depth + 1);
            for set in wanted {
                let Some(index) = self.rules.iter().position(|known| known.name == set.name) else {
                    continue;
                };
                if set.set == RuleState::Fire {
                    let mut event = event.clone();
                    event::RULE.clone_into(&mut event.name);
                    self.fire_matched(index, "", now, &event, depth, decision);
                } else if let Some(more) = self.set_rule(now, &set.name, set.set, &event, depth) {
                    decision.firings.extend(more.firings);
                    decision.held.extend(more.held);
                }
            }
            self.find_next();
        }
    }

    /// True if some rule waits for this kind of thing: the metric or sensor of that name is worth asking for.
    pub fn wants(&self, subject: Subject) -> bool {
        self.rules
            .iter()
            .any(|remembered| remembered.on && remembered.rule.when.subject() == subject)
    }
}

impl Surroundings for Decider {
    fn dependency_down(&self, event: &Event) -> bool {
        self.world.missing_dependency(event).is_some()
    }

    fn rule_active(&self, name: &str) -> bool {
        self.rules.iter().any(|remembered| {
            remembered.name == name && remembered.matters.values().any(|m| m.active.is_some())
        })
    }
}

impl Remembered {
    fn hold(&mut self, key: &str, why: String, decision: &mut Decision) {
        assert!(
            !cfg!(test) || !reason::read(&why).is_empty(),
            "no sentence of ours: {why}"
        );
        self.held += 1;
        self.last_held = Some(why.clone());
        decision.held.push(Held {
            rule: self.name.clone(),
            key: key.to_owned(),
            why,
        });
    }

    /// The matter of this key; beyond the limit everything is one matter.
    fn room(&mut self, key: String, now: Duration) -> String {
        if self.matters.len() >= MOST_MATTERS && !self.matters.contains_key(&key) {
            let memory = self.memory();
            self.matters.retain(|_, matter| !matter.is_spent(now, memory));
            if self.matters.len() >= MOST_MATTERS {
                return String::new();
            }
        }
        key
    }

    /// How long the past counts.
    fn memory(&self) -> Duration {
        let cooldown = self.rule.cooldown().map_or(Duration::ZERO, |span| span.0);
        let window = self.rule.when.within.map_or(Duration::ZERO, |span| span.0);
        cooldown.max(window)
    }
}

#[cfg(test)]
mod tests;
