//! The end of a matter, and what time alone brings: digests, ends, edges that held.

use std::time::Duration;

use pistack_api::event::{Event, process_state};

use super::event;
use super::fire::{LOOK_AGAIN, has_until, is_trouble, speaks};
use super::matching::program;
use super::{Decider, Decision, Now, Remembered};
use crate::config::{Action, Mail, Notify, Subject};
use crate::firing::{Firing, Kind};
use crate::reason;

/// A program must run so long before its trouble is over.
const RUNS_AGAIN: Duration = Duration::from_mins(1);
/// Digests do not come less often than this.
const LONGEST_INTERVAL: Duration = Duration::from_hours(24);

impl Decider {
    /// What an event ends: a program runs again, a condition of the stack is over.
    pub(super) fn calm(&mut self, now: Now, event: &Event, decision: &mut Decision) {
        if let Some(state) = process_state(&event.name) {
            for index in 0..self.rules.len() {
                if self.rules[index].rule.when.subject() == Subject::Event {
                    self.calm_program(index, state, now, event, decision);
                }
            }
        } else if event.name == event::STACK && event.field("resolved") == Some("true") {
            for index in 0..self.rules.len() {
                let rule = &self.rules[index].rule;
                if rule.when.subject() != Subject::Stack {
                    continue;
                }
                let key = super::matching::key(rule, Subject::Stack, event);
                let kind = event.field("kind");
                let same = |matter: &super::Matter| {
                    matter
                        .active
                        .as_ref()
                        .is_some_and(|active| active.newest.field("kind") == kind)
                };
                if self.rules[index].matters.get(&key).is_some_and(same) {
                    self.resolve(index, &key, now, Some(event), "it is over", true, decision);
                }
            }
        }
    }

    fn calm_program(&mut self, index: usize, state: &str, now: Now, event: &Event, decision: &mut Decision) {
        let name = program(event);
        let well_after = self.rules[index]
            .rule
            .policy
            .resolve_after
            .map_or(RUNS_AGAIN, |span| span.0);
        let mut stopped = Vec::new();
        let mut touched = false;
        for (key, matter) in &mut self.rules[index].matters {
            let Some(active) = matter
                .active
                .as_mut()
                .filter(|active| active.programs.contains_key(&name))
            else {
                continue;
            };
            touched = true;
            if is_trouble(event) {
                active.programs.insert(name.clone(), true);
                active.ends_at = None;
                if state == "FATAL" && !active.escalated {
                    active.escalated = true;
                    active.newest = event.clone();
                    // Giving up is worth a word at once.
                    if active.told.is_some() && matter.untold.is_some() {
                        matter.speak_at = Some(now.monotonic);
                    }
                }
            } else if state == "RUNNING" || state == "EXITED" {
                active.programs.insert(name.clone(), false);
                if active.programs.values().all(|troubled| !troubled) {
                    active.newest = event.clone();
                    active.ends_at = Some(now.monotonic + well_after);
                }
            } else if state == "STOPPED" {
                active.programs.remove(&name);
                if active.programs.is_empty() {
                    stopped.push(key.clone());
                }
            }
        }
        for key in stopped {
            self.resolve(
                index,
                &key,
                now,
                Some(event),
                "the program was stopped",
                false,
                decision,
            );
        }
        if touched {
            self.find_next();
        }
    }

    /// A reading or a line is back: over at once, or after `resolve_after`.
    pub(super) fn over(&mut self, index: usize, key: &str, now: Now, event: &Event, decision: &mut Decision) {
        let remembered = &mut self.rules[index];
        let after = remembered
            .rule
            .policy
            .resolve_after
            .map_or(Duration::ZERO, |span| span.0);
        if after == Duration::ZERO {
            self.resolve(index, key, now, Some(event), "it is back", true, decision);
            return;
        }
        if let Some(active) = remembered
            .matters
            .get_mut(key)
            .and_then(|matter| matter.active.as_mut())
        {
            active.newest = event.clone();
            active.ends_at = active.ends_at.or(Some(now.monotonic + after));
        }
    }

    /// A deadline of one matter.
    pub(super) fn settle(&mut self, index: usize, key: &str, now: Now, decision: &mut Decision) {
        let Some(matter) = self.rules[index].matters.get_mut(key) else {
            return;
        };
        if let Some((_, level, event)) = matter.line.pending.take_if(|(due, ..)| *due <= now.monotonic)
            && matter.line.seen == Some(level)
        {
            let depth = self.chain.depth(now.monotonic, &event);
            if !self.rules[index].rule.unless.is_empty() && self.excluded(index, &event) {
                self.rules[index].hold(key, "one of its `unless` holds".to_owned(), decision);
            } else {
                self.fire_matched(index, key, now, &event, depth, decision);
            }
        }
        let matter = self.rules[index].matters.get_mut(key);
        let over = matter
            .as_ref()
            .and_then(|matter| matter.active.as_ref()?.ends_at)
            .is_some_and(|at| at <= now.monotonic);
        if over {
            self.resolve(
                index,
                key,
                now,
                None,
                "all has been well for long enough",
                true,
                decision,
            );
        }
        let due = self.rules[index]
            .matters
            .get(key)
            .and_then(|matter| matter.speak_at)
            .is_some_and(|at| at <= now.monotonic);
        if due {
            self.speak(index, key, now, decision);
        }
    }

    fn excluded(&self, index: usize, event: &Event) -> bool {
        let pattern = self.rules[index].pattern.as_ref();
        pattern.is_ok_and(|pattern| pattern.unless.iter().any(|unless| unless.holds(event, self)))
    }

    /// Says what has been kept.
    fn speak(&mut self, index: usize, key: &str, now: Now, decision: &mut Decision) {
        let missing = self.rules[index]
            .matters
            .get(key)
            .and_then(|matter| matter.untold.as_ref())
            .filter(|untold| is_trouble(&untold.newest))
            .and_then(|untold| self.world.missing_dependency(&untold.newest))
            .filter(|_| !self.rules[index].rule.policy.dependants);
        let remembered = &mut self.rules[index];
        let quiet = remembered.quiet_until(now);
        let Some(matter) = remembered.matters.get_mut(key) else {
            return;
        };
        if let Some(later) = quiet {
            matter.speak_at = Some(later);
            return;
        }
        let told = matter.active.as_ref().is_some_and(|active| active.told.is_some());
        if missing.is_some() && !told {
            matter.speak_at = Some(now.monotonic + Duration::from_mins(1).min(LOOK_AGAIN));
            return;
        }
        matter.speak_at = None;
        // Well again before anybody was told: it stays untold unless it comes back.
        let well = matter.active.as_ref().is_some_and(|active| {
            !active.programs.is_empty() && active.programs.values().all(|troubled| !troubled)
        });
        if well && !told && matter.untold.as_ref().is_some_and(|untold| !untold.quiet) {
            return;
        }
        if let Some(farewell) = matter.farewell.take() {
            decision.firings.push(*farewell);
        }
        let Some(untold) = matter.untold.take() else {
            return;
        };
        if let Some(active) = &mut matter.active {
            if told {
                active.interval = (active.interval * 4).min(LONGEST_INTERVAL);
            }
            active.told = Some(now.monotonic);
        }
        let digest = told || untold.count > 1;
        matter.last_fired = Some(now.monotonic);
        remembered.fired += 1;
        remembered.last_fired = Some((now.monotonic, now.unix));
        decision.firings.push(Firing {
            rule: remembered.name.clone(),
            kind: if digest { Kind::Digest } else { Kind::Fired },
            key: key.to_owned(),
            severity: remembered.rule.severity,
            actions: remembered.messages(digest),
            why: if digest {
                format!("{} more since the last word", untold.count)
            } else {
                "its message waited".to_owned()
            },
            event: untold.newest,
            count: untold.count,
            since: untold.since,
            depth: untold.depth,
        });
    }

    /// Ends a matter. Who was told that it began is told that it is over, if `say`.
    #[expect(
        clippy::too_many_arguments,
        reason = "the whole of one ending, asked for from six places"
    )]
    pub(super) fn resolve(
        &mut self,
        index: usize,
        key: &str,
        now: Now,
        event: Option<&Event>,
        why: &str,
        say: bool,
        decision: &mut Decision,
    ) {
        assert!(
            !cfg!(test) || !reason::read(why).is_empty(),
            "no sentence of ours: {why}"
        );
        let remembered = &mut self.rules[index];
        let quiet = remembered.quiet_until(now);
        let farewell = remembered.farewells();
        let holds_on = has_until(&remembered.rule);
        let Some(matter) = remembered.matters.get_mut(key) else {
            return;
        };
        let Some(active) = matter.active.take() else {
            return;
        };
        matter.out_since = None;
        matter.matches.clear();
        // Without a message at its beginning there is none at its end, but what the night held back stays.
        if !say || matter.untold.as_ref().is_some_and(|untold| !untold.quiet) {
            matter.untold = None;
        }
        let told = active.told.is_some();
        let mut firing = Firing {
            rule: remembered.name.clone(),
            kind: Kind::Resolved,
            key: key.to_owned(),
            severity: remembered.rule.severity,
            event: event.cloned().unwrap_or(active.newest),
            actions: Vec::new(),
            count: active.count,
            since: active.since,
            depth: 0,
            why: why.to_owned(),
        };
        firing.event.at = firing.event.at.max(now.unix);
        matter.speak_at = matter.speak_at.filter(|_| matter.untold.is_some());
        if say && told && !farewell.is_empty() {
            matter.untold = None;
            if let Some(later) = quiet {
                let mut held = firing.clone();
                held.actions = farewell;
                matter.farewell = Some(Box::new(held));
                matter.speak_at = Some(later);
            } else {
                matter.speak_at = None;
                firing.actions = farewell;
            }
        }
        if holds_on || !firing.actions.is_empty() {
            decision.firings.push(firing);
        }
        self.find_next();
    }
}

impl Remembered {
    /// The rule's messages: as written, or for a digest with a text of their own.
    fn messages(&self, digest: bool) -> Vec<Action> {
        let messages = self.rule.then.iter().filter(|action| action.is_message());
        if !digest {
            return messages.cloned().collect();
        }
        messages
            .map(|action| match action {
                Action::Notify(notify) => Action::Notify(Notify {
                    text: None,
                    title: None,
                    ..notify.clone()
                }),
                Action::Mail(mail) => Action::Mail(Mail {
                    to: mail.to.clone(),
                    subject: None,
                    text: None,
                }),
                other => other.clone(),
            })
            .collect()
    }

    /// What is said at the end, and to whom.
    fn farewells(&self) -> Vec<Action> {
        let policy = &self.rule.policy;
        let text = policy.resolve_text.clone();
        if let Some(channels) = &policy.on_resolve {
            if channels.is_empty() || !speaks(&self.rule) {
                return Vec::new();
            }
            return vec![Action::Notify(Notify {
                channels: channels.clone(),
                text,
                title: None,
                fallback: false,
            })];
        }
        // Log lines stop without anything being well again.
        if self.rule.when.subject() == Subject::Log {
            return Vec::new();
        }
        let mut messages = self.messages(true);
        for message in &mut messages {
            match message {
                Action::Notify(notify) => notify.text.clone_from(&text),
                Action::Mail(mail) => mail.text.clone_from(&text),
                _ => {}
            }
        }
        messages
    }
}
