//! The lines of the board: who may be driven, what each does, and everything that follows from a change. One owner, one
//! lock; calls into the kernel take microseconds and are made in place. Time comes from the clock it was given, and
//! [`Board::deadline`] says when [`Board::tick`] wants to be called next.

mod actions;
mod changes;
mod crash;
mod edges;
mod find;
mod hold;
mod limits;
mod pwm;
mod reconfigure;
mod set;
mod start;
mod tick;
mod views;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use pistack_kit::clock::Clock;
use tokio::sync::{Notify, watch};

use crate::action::Plan;
use crate::backend::{Backend, Kind, Place, Settings};
use crate::config::{Direction, LineConfig};
use crate::hardpwm::Channel;
use crate::limits::{Limits, Since};
use crate::restore::Restore;
use crate::ring::Ring;
use crate::safe::Keeper;
use crate::softpwm::SoftPwm;
use crate::view::Pwm;

pub(crate) use edges::Watch;
pub(crate) use hold::SafeMode;
pub(crate) use reconfigure::Patch;
pub(crate) use start::Surroundings;

/// All lines behind one backend.
#[derive(Debug)]
pub(crate) struct Board {
    backend: Arc<dyn Backend>,
    soft: SoftPwm,
    clock: Clock,
    lines: Vec<Line>,
    by_name: HashMap<String, usize>,
    by_place: HashMap<Place, usize>,
    /// Labels of the chips by their numbers.
    chips: Vec<String>,
    open_lines: bool,
    ring: Ring,
    boot: Arc<str>,
    /// Tells readers of the ring the last number.
    news: watch::Sender<u64>,
    /// Tells the task that calls `tick` that there may be a new deadline.
    timer: Arc<Notify>,
    safe: Option<SafeMode>,
    restore: Restore,
    /// What is done when this process ends.
    plan: Keeper,
    last_error: Option<String>,
    next_action: u64,
}

/// A line that we have, or want.
#[derive(Debug)]
struct Line {
    place: Place,
    /// `None` for one that is not in the configuration.
    name: Option<String>,
    config: LineConfig,
    /// As it is used now.
    settings: Settings,
    direction: Direction,
    taken: bool,
    /// Level that an output was given, or that an input last told.
    level: bool,
    pwm: Option<Pwm>,
    hardware: Option<Channel>,
    action: Option<Running>,
    limits: Limits,
    since: Since,
    was_on: bool,
    /// Kept at a safe level by itself, since the link is down.
    held: bool,
    seq: u64,
    changed_us: Option<i64>,
    changed_by: Arc<str>,
    edges: u64,
    lost: u64,
    last_seqno: u32,
    /// Who wants edges beyond what the configuration says.
    watchers: u32,
}

/// An action at work.
#[derive(Debug)]
struct Running {
    id: u64,
    plan: Plan,
    /// Monotonic.
    started: Duration,
    next: Option<Duration>,
    until_us: Option<i64>,
}

impl Board {
    /// Which backend answers.
    pub(crate) fn kind(&self) -> Kind {
        self.backend.kind()
    }

    /// The backend itself.
    pub(crate) fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.backend)
    }

    /// Tells one run from the next.
    pub(crate) fn boot(&self) -> &str {
        &self.boot
    }

    /// The events.
    pub(crate) fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Tells when there are new events.
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Tells when the deadline may have changed.
    pub(crate) fn timer(&self) -> Arc<Notify> {
        Arc::clone(&self.timer)
    }

    fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    fn wall_us(&self) -> i64 {
        i64::try_from(self.clock.wall().as_micros()).unwrap_or(i64::MAX)
    }

    fn mono_ns(&self) -> u64 {
        u64::try_from(self.clock.kernel_monotonic().as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests;
