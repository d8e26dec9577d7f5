//! Groups of processes, and the orders in which they are started, stopped and listed.

use super::Engine;
use super::listener::Listener;
use super::payload;
use super::pool::Pool;
use super::process::Process;
use crate::config::model::{GroupKind, GroupSpec};
use crate::event::EventKind;
use crate::io::{Action, Fault, FaultCode, ProcessId};

/// An active group.
#[derive(Debug)]
pub(super) struct Group {
    /// Its specification.
    pub(super) spec: GroupSpec,
    /// Its processes, in the order of the specification.
    pub(super) members: Vec<ProcessId>,
}

/// A name as clients write it: `process`, `group:process`, `group:*` or `group:`.
pub(super) enum Resolved {
    /// One process.
    Process(ProcessId),
    /// All of a group, which has this name.
    Group(String),
}

/// Group and process of a name; no process in `group:*` and `group:`.
fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once(':') {
        Some((group, "" | "*")) => (group, None),
        Some((group, process)) => (group, Some(process)),
        None => (name, Some(name)),
    }
}

impl Engine {
    /// An active group.
    pub(super) fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(name)
    }

    /// What a name means, or BAD_NAME.
    pub(super) fn resolve(&self, name: &str) -> Result<Resolved, Fault> {
        let bad = || FaultCode::BadName.with(name);
        let (group_name, process_name) = split(name);
        let group = self.group(group_name).ok_or_else(bad)?;
        let Some(process_name) = process_name else {
            return Ok(Resolved::Group(group_name.to_owned()));
        };
        let index = group
            .spec
            .processes
            .iter()
            .position(|spec| spec.name == process_name)
            .ok_or_else(bad)?;
        group
            .members
            .get(index)
            .copied()
            .map(Resolved::Process)
            .ok_or_else(bad)
    }

    /// Makes a group active: its log files first, then the event. Starts nothing yet.
    pub(super) fn add_group(&mut self, spec: GroupSpec) {
        let members: Vec<ProcessId> = spec
            .processes
            .iter()
            .map(|process| self.add_process(process, &spec.name))
            .collect();
        if let GroupKind::Listeners(pool) = &spec.kind {
            let listeners = members.iter().zip(&spec.processes);
            let listeners = listeners
                .map(|(id, process)| Listener::new(*id, &process.name))
                .collect();
            let pool = Pool::new(&spec.name, &self.identifier, pool, listeners);
            self.pools.insert(spec.name.clone(), pool);
        }
        let payload = payload::process_group(&spec.name);
        self.out.act(Action::GroupAdded {
            group: Box::new(spec.clone()),
        });
        self.groups.insert(spec.name.clone(), Group { spec, members });
        self.out.event(EventKind::ProcessGroupAdded, payload);
        self.distribute();
    }

    /// Starts what has `autostart`.
    pub(super) fn autostart(&mut self, members: &[ProcessId]) {
        for id in members {
            if let Some(process) = self
                .processes
                .get_mut(id)
                .filter(|process| process.policy.autostart)
            {
                process.start(&mut self.out);
            }
        }
    }

    /// Takes a group out; the caller has seen that it is stopped.
    pub(super) fn remove_group(&mut self, name: &str) {
        let Some(group) = self.groups.shift_remove(name) else {
            return;
        };
        self.pools.shift_remove(name);
        for id in &group.members {
            if let Some(mut process) = self.processes.remove(id) {
                process.forget(&mut self.out);
            }
        }
        self.out.act(Action::GroupRemoved {
            name: name.to_owned(),
            processes: group.members,
        });
        self.out
            .event(EventKind::ProcessGroupRemoved, payload::process_group(name));
        self.subscribe_ticks();
    }

    /// Groups by priority, lower first; equal ones in the order in which they were added.
    pub(super) fn groups_by_priority(&self) -> Vec<&Group> {
        let mut groups: Vec<&Group> = self.groups.values().collect();
        groups.sort_by_key(|group| group.spec.priority);
        groups
    }

    /// A group's processes by priority, lower first; equal ones in the order of the specification.
    pub(super) fn members_by_priority(&self, group: &Group) -> Vec<ProcessId> {
        let mut members = group.members.clone();
        members.sort_by_key(|id| self.processes.get(id).map(|process| process.policy.priority));
        members
    }

    /// Whether a process of the group is in no stopped state.
    pub(super) fn is_active(&self, group: &Group) -> bool {
        self.unstopped(group).next().is_some()
    }

    /// The processes of a group that are in no stopped state.
    pub(super) fn unstopped<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = &'a Process> {
        let processes = group.members.iter().filter_map(|id| self.processes.get(id));
        processes.filter(|process| !process.state.is_stopped())
    }

    fn add_process(&mut self, spec: &crate::config::model::ProcessSpec, group: &str) -> ProcessId {
        let id = ProcessId(self.next_process);
        self.next_process = self.next_process.wrapping_add(1);
        self.processes.insert(id, Process::new(id, spec, group));
        id
    }
}
