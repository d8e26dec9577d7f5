//! Which programs are down, and who depends on whom.

use std::collections::{HashSet, VecDeque};

use indexmap::IndexMap;
use pistack_api::event::{Event, process_state};

/// What the decider knows about programs.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    /// `group:name` of the programs that are down.
    pub(super) down: HashSet<String>,
    pub(super) depends_on: IndexMap<String, Vec<String>>,
}

/// Programs looked at for one question; more than this is no dependency any person wrote.
const MOST: usize = 256;

impl World {
    /// Takes a state event in.
    pub(super) fn note(&mut self, event: &Event) {
        let (Some(state), Some(process), Some(group)) = (
            process_state(&event.name),
            event.field("processname"),
            event.field("groupname"),
        ) else {
            return;
        };
        match state {
            "RUNNING" => self.set(group, process, false),
            "EXITED" if event.field("expected") == Some("1") => self.set(group, process, false),
            "EXITED" | "FATAL" | "BACKOFF" | "STOPPED" | "UNKNOWN" => self.set(group, process, true),
            _ => {}
        }
    }

    /// Says that a program is down, or not.
    pub(super) fn set(&mut self, group: &str, process: &str, down: bool) {
        let name = format!("{group}:{process}");
        if down {
            self.down.insert(name);
        } else {
            self.down.remove(&name);
        }
    }

    /// A program that the event's program needs, near or far, and that is down.
    pub(super) fn missing_dependency(&self, event: &Event) -> Option<String> {
        if self.down.is_empty() || self.depends_on.is_empty() {
            return None;
        }
        let (process, group) = (event.field("processname")?, event.field("groupname")?);
        let mut seen: HashSet<String> = HashSet::from([format!("{group}:{process}"), process.to_owned()]);
        let mut next: VecDeque<String> = VecDeque::from([process.to_owned(), format!("{group}:{process}")]);
        while let Some(name) = next.pop_front() {
            for needed in self.depends_on.get(&name).into_iter().flatten() {
                if !seen.insert(needed.clone()) || seen.len() > MOST {
                    continue;
                }
                if self.is_down(needed) {
                    return Some(needed.clone());
                }
                next.push_back(needed.clone());
            }
        }
        None
    }

    /// `name` or `group:name`.
    fn is_down(&self, name: &str) -> bool {
        if name.contains(':') {
            self.down.contains(name)
        } else {
            self.down
                .iter()
                .any(|down| down.split_once(':').is_some_and(|(_, process)| process == name))
        }
    }
}
