//! What `reloadConfig` reports: which groups a new configuration adds, changes and removes.

use std::sync::Arc;

use super::model::{ChannelSpec, GroupSpec, LogTarget, Model, Origin, ProcessSpec};

/// Names of groups, in the order in which supervisord lists them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Not running yet; in start order.
    pub added: Vec<String>,
    /// Running, and different; in start order.
    pub changed: Vec<String>,
    /// Running, and no longer configured; in the order of what runs.
    pub removed: Vec<String>,
}

impl Changes {
    /// True if nothing has to be done.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// Compares the groups that run (`active`, in any order) with those that are configured now. Settings and servers do
/// not count: supervisord reads them at start only.
pub fn compare(active: &Model, configured: &Model) -> Changes {
    let mut changes = Changes::default();
    for (name, group) in &configured.groups {
        match active.groups.get(name) {
            None => changes.added.push(name.clone()),
            Some(old) if !same(old, group) => changes.changed.push(name.clone()),
            Some(_) => {}
        }
    }
    changes.removed = active
        .groups
        .keys()
        .filter(|name| !configured.groups.contains_key(*name))
        .cloned()
        .collect();
    changes
}

/// True if `new` needs no restart of `old`: all is equal but the places where it was written. A log that is AUTO
/// in `new` equals any: the running one may have got its file's name by now.
pub fn same(old: &GroupSpec, new: &GroupSpec) -> bool {
    let GroupSpec {
        name,
        priority,
        kind,
        processes,
        origin: _,
    } = old;
    *name == new.name
        && *priority == new.priority
        && *kind == new.kind
        && processes.len() == new.processes.len()
        && processes
            .iter()
            .zip(&new.processes)
            .all(|(old, new)| same_process(old, new))
}

/// [`same`] for one process.
pub fn same_process(old: &ProcessSpec, new: &ProcessSpec) -> bool {
    let unplaced = |spec: &ProcessSpec, stdout: ChannelSpec, stderr: ChannelSpec| ProcessSpec {
        origin: Origin::default(),
        places: Arc::default(),
        stdout,
        stderr,
        ..spec.clone()
    };
    let old = unplaced(
        old,
        like(&old.stdout, &new.stdout),
        like(&old.stderr, &new.stderr),
    );
    old == unplaced(new, new.stdout.clone(), new.stderr.clone())
}

fn like(old: &ChannelSpec, new: &ChannelSpec) -> ChannelSpec {
    let logfile = if new.logfile == LogTarget::Auto {
        LogTarget::Auto
    } else {
        old.logfile.clone()
    };
    ChannelSpec {
        logfile,
        ..old.clone()
    }
}

#[cfg(test)]
mod tests;
