//! Which events follow from what rules did: so that rules which set each other off are cut.

use std::collections::VecDeque;
use std::time::Duration;

use pistack_api::event::Event;

use crate::config::Action;
use crate::text;

/// A chain has at most so many rules.
pub const LONGEST_CHAIN: u8 = 4;
/// So long after an action an event of its target counts as its effect.
const EFFECT: Duration = Duration::from_secs(30);
/// Actions that are remembered.
const MOST: usize = 256;

/// What rules did lately.
#[derive(Debug, Clone, Default)]
pub(super) struct Chain {
    causes: VecDeque<Cause>,
}

#[derive(Debug, Clone)]
struct Cause {
    until: Duration,
    target: String,
    depth: u8,
}

impl Chain {
    /// Remembers what a firing of this depth touches.
    pub(super) fn note(&mut self, now: Duration, depth: u8, rule: &str, event: &Event, actions: &[Action]) {
        for target in actions.iter().flat_map(targets) {
            if self.causes.len() >= MOST {
                self.causes.pop_front();
            }
            self.causes.push_back(Cause {
                until: now + EFFECT,
                target: text::fill(target.as_str(), rule, event),
                depth,
            });
        }
    }

    /// How many rules stand before a firing for this event.
    pub(super) fn depth(&mut self, now: Duration, event: &Event) -> u8 {
        while self.causes.front().is_some_and(|cause| cause.until <= now) {
            self.causes.pop_front();
        }
        self.causes
            .iter()
            .filter(|cause| touches(&cause.target, event))
            .map(|cause| cause.depth + 1)
            .max()
            .unwrap_or(0)
    }
}

/// What an action touches: names of programs, and `gpio:LINE`.
pub(crate) fn targets(action: &Action) -> Vec<String> {
    match action {
        Action::Start(name) | Action::Stop(name) | Action::Restart(name) => vec![name.clone()],
        Action::Signal(signal) => vec![signal.process.clone()],
        Action::Gpio(gpio) => vec![format!("gpio:{}", gpio.line)],
        Action::OnFail(actions) => actions.iter().flat_map(targets).collect(),
        _ => Vec::new(),
    }
}

/// True if the event is about what was touched.
fn touches(target: &str, event: &Event) -> bool {
    if let Some(line) = target.strip_prefix("gpio:") {
        return event.name == super::event::GPIO_EDGE
            && (event.field("line") == Some(line) || event.field("pin") == Some(line));
    }
    let (Some(process), Some(group)) = (event.field("processname"), event.field("groupname")) else {
        return false;
    };
    names(target, group, process)
}

/// True if `target` (`name`, `group:name`, `group:*` or `@group`) names this process.
pub(crate) fn names(target: &str, group: &str, process: &str) -> bool {
    if let Some(wanted) = target.strip_prefix('@') {
        return wanted == group;
    }
    match target.split_once(':') {
        Some((wanted, "*" | "")) => wanted == group,
        Some((wanted, name)) => wanted == group && name == process,
        None => target == process,
    }
}
