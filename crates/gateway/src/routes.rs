//! Which address leads where: the contract's table, and the user's own routes beside it.
//!
//! A path is compared in one spelling ([`spelling`]): what a server behind the gateway could read as `/admin` is
//! `/admin` here, too.

mod builtin;
mod spelling;
mod target;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use crate::metrics::Metrics;
use crate::names::Name;
use crate::plan::{Door, GATE, Planned, is_below};
use crate::upstream::Upstreams;
use builtin::Builtin;
pub(crate) use builtin::is_gate_page;
pub(crate) use target::{Files, Target, To};

/// Where a request leads.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// To a service or an application.
    Target(&'a Arc<Target>),
    /// Elsewhere on this board: `true` = for good and with the same method (308), else 302.
    Elsewhere(&'static str, bool),
    /// To the route's path with a slash at its end, so that relative links work.
    Slash,
    /// The root certificate, for download.
    Root,
    /// The gateway's own calls, `/api/gateway/...`.
    Own,
    /// The sign-in pages, on an address of a route; `true` = back to where the person came from.
    Gate(bool),
    /// Nowhere.
    Nowhere,
}

/// The routes in force.
#[derive(Debug)]
pub(crate) struct Table {
    builtin: Builtin,
    /// Of the gateway's own address, without a host; longest path first.
    shared: Vec<Arc<Target>>,
    /// Of the gateway's own address, by host.
    hosts: HashMap<Box<str>, Vec<Arc<Target>>>,
    /// Of ports of their own.
    doors: HashMap<Door, Vec<Arc<Target>>>,
    /// In the order of the configuration, for people.
    pub(crate) listed: Vec<(Planned, Arc<Target>)>,
}

impl Table {
    /// Makes the table. Upstreams and counters that were there before go on.
    pub(crate) fn new(planned: Vec<Planned>, upstreams: &Upstreams, metrics: &Metrics) -> Self {
        let mut table = Self {
            builtin: Builtin::new(upstreams, metrics),
            shared: Vec::new(),
            hosts: HashMap::new(),
            doors: HashMap::new(),
            listed: Vec::new(),
        };
        for plan in planned {
            let target = Arc::new(Target::of_route(&plan, upstreams, metrics));
            if let Some(door) = plan.door {
                table.doors.entry(door).or_default().push(target.clone());
            } else if plan.hosts.is_empty() {
                table.shared.push(target.clone());
            }
            for host in plan.hosts.iter().filter(|_| plan.door.is_none()) {
                let host = host.to_string().into();
                table.hosts.entry(host).or_default().push(target.clone());
            }
            table.listed.push((plan, target));
        }
        let lists = table.hosts.values_mut().chain(table.doors.values_mut());
        for list in lists.chain([&mut table.shared]) {
            list.sort_by_key(|target| std::cmp::Reverse((target.hosts.len().min(1), target.path.len())));
        }
        table
    }

    /// The hosts of all routes, which the board answers to as well.
    pub(crate) fn host_names(&self) -> Vec<String> {
        let hosts = self.listed.iter().flat_map(|(plan, _)| &plan.hosts);
        hosts.map(Name::to_string).collect()
    }

    /// The ports of their own.
    pub(crate) fn doors(&self) -> Vec<Door> {
        self.doors.keys().copied().collect()
    }

    /// Every target, the stack's own first.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &Arc<Target>> {
        let own = self.listed.iter().map(|(_, target)| target);
        self.builtin.targets().chain(own)
    }

    /// Where a request leads that came in at `door` for `host` (without port).
    pub(crate) fn find(&self, door: Option<Door>, host: &str, path: &str) -> Found<'_> {
        if let Some(door) = door {
            return match self.doors.get(&door) {
                Some(list) => of_route(list, host, path),
                None => Found::Nowhere,
            };
        }
        if !self.hosts.is_empty() {
            let host = host.strip_suffix('.').unwrap_or(host);
            let list = self.hosts.get(host).or_else(|| {
                let lower = host.to_ascii_lowercase();
                self.hosts.get(lower.as_str())
            });
            if let Some(list) = list {
                return of_route(list, host, path);
            }
        }
        // Most requests are for the stack itself.
        match self.builtin.find(path) {
            Found::Nowhere | Found::Elsewhere("/control/", false) if !self.shared.is_empty() => {}
            found => return found,
        }
        match of_route(&self.shared, host, path) {
            Found::Nowhere => self.builtin.find(path),
            found => found,
        }
    }

    /// The dashboard, for the sign-in pages.
    pub(crate) fn gate(&self) -> &Arc<Target> {
        self.builtin.gate()
    }
}

fn of_route<'a>(list: &'a [Arc<Target>], host: &str, path: &str) -> Found<'a> {
    if is_below(path, GATE) {
        return Found::Gate(path[GATE.len()..].starts_with("/back/"));
    }
    let seen = spelling::one(path);
    let fits = |target: &&Arc<Target>| target.is_for(host) && is_below(&seen, &target.path);
    match list.iter().find(fits) {
        Some(target) if target.needs_slash(&seen) => Found::Slash,
        Some(target) => Found::Target(target),
        None => Found::Nowhere,
    }
}
