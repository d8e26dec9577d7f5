//! Which rules fire for an event. Pure: the caller brings the event and the time.

use std::collections::VecDeque;
use std::time::Duration;

use indexmap::IndexMap;
use pistack_api::event::{Event, process_state};

use crate::config::{Matching, Rule, When};
use crate::glob::fits;

pub use crate::firing::Firing;
use crate::firing::Kind;

/// All rules with what they remember.
#[derive(Debug)]
pub struct Decider {
    matching: Matching,
    /// Highest priority first, equals by name.
    rules: Vec<Remembered>,
}

#[derive(Debug)]
struct Remembered {
    name: String,
    rule: Rule,
    last_fired: Option<Duration>,
    /// Times of the matches that still count.
    matches: VecDeque<Duration>,
}

impl Decider {
    /// Takes the rules; those that are switched off are left out.
    pub fn new(matching: Matching, rules: IndexMap<String, Rule>) -> Self {
        let mut rules: Vec<Remembered> = rules
            .into_iter()
            .filter(|(_, rule)| rule.enabled)
            .map(|(name, rule)| Remembered {
                name,
                rule,
                last_fired: None,
                matches: VecDeque::new(),
            })
            .collect();
        rules.sort_by(|a, b| {
            b.rule
                .priority
                .cmp(&a.rule.priority)
                .then_with(|| a.name.cmp(&b.name))
        });
        Self { matching, rules }
    }

    /// The rules that fire for `event`. `now` is monotonic. With [`Matching::Highest`] at most one: a matching rule
    /// that is cooling down, or still counting, keeps lower ones from acting, because it is the one in charge.
    pub fn decide(&mut self, now: Duration, event: &Event) -> Vec<Firing> {
        let mut firings = Vec::new();
        for remembered in &mut self.rules {
            if !matches(&remembered.rule.when, event) {
                continue;
            }
            if remembered.fires(now) {
                firings.push(Firing {
                    rule: remembered.name.clone(),
                    event: event.clone(),
                    actions: remembered.rule.then.clone(),
                    kind: Kind::Fired,
                    key: event.field("processname").unwrap_or_default().to_owned(),
                    severity: remembered.rule.severity,
                    count: 1,
                    since: event.at,
                    depth: 0,
                    why: format!("{} fits", event.name),
                });
            }
            if self.matching == Matching::Highest {
                break;
            }
        }
        firings
    }
}

impl Remembered {
    /// Counts this match; true if the rule fires now.
    fn fires(&mut self, now: Duration) -> bool {
        let wanted = self.rule.when.count.unwrap_or(1).max(1) as usize;
        if wanted > 1 {
            let window = self.rule.when.within.map_or(Duration::MAX, |span| span.0);
            self.matches.push_back(now);
            while self
                .matches
                .front()
                .is_some_and(|first| now.saturating_sub(*first) > window)
                || self.matches.len() > wanted
            {
                self.matches.pop_front();
            }
            if self.matches.len() < wanted {
                return false;
            }
        }
        let cooling = match (self.rule.cooldown(), self.last_fired) {
            (Some(cooldown), Some(last)) => now.saturating_sub(last) < cooldown.0,
            _ => false,
        };
        if cooling {
            return false;
        }
        self.matches.clear();
        self.last_fired = Some(now);
        true
    }
}

/// True if the event is the one that `when` describes.
pub fn matches(when: &When, event: &Event) -> bool {
    let process = event.field("processname").unwrap_or_default();
    let group = event.field("groupname").unwrap_or_default();
    let full = format!("{group}:{process}");
    when.event.as_ref().is_some_and(|wanted| fits(wanted, &event.name))
        && when.process.as_ref().is_none_or(|wanted| {
            !process.is_empty() && (fits(wanted, process) || (wanted.contains(':') && fits(wanted, &full)))
        })
        && when
            .group
            .as_ref()
            .is_none_or(|wanted| !group.is_empty() && fits(wanted, group))
        && when.to_state.as_ref().is_none_or(|wanted| {
            process_state(&event.name).is_some_and(|state| state.eq_ignore_ascii_case(wanted))
        })
        && when.from_state.as_ref().is_none_or(|wanted| {
            event
                .field("from_state")
                .is_some_and(|state| state.eq_ignore_ascii_case(wanted))
        })
        && when
            .expected
            .is_none_or(|wanted| event.field("expected") == Some(if wanted { "1" } else { "0" }))
}

#[cfg(test)]
mod tests;
