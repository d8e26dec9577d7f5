//! What each supervised program takes: CPU and memory of its whole tree of processes, every ten seconds, ten minutes
//! kept.
//!
//! The supervisor is asked for its programs once, and again when its event stream says that something changed: it is
//! not woken up by this.

mod follow;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pistack_kit::clock::Clock;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use follow::follow;

use crate::read::cpu::TICKS_PER_SECOND;
use crate::read::files::Tree;
use crate::read::processes::{self, ProcessStat};

/// Between two looks.
pub(crate) const EVERY: Duration = Duration::from_secs(10);
/// Points kept.
const POINTS: usize = 60;
/// Processes of one tree that are counted, at most: a fork bomb must not stop the service.
const LARGEST_TREE: usize = 2000;
/// A process with more memory in use is not asked for its fair share: the kernel would walk through all of it.
const LARGEST_WALK: u64 = 256 * 1024 * 1024;

/// What the supervised programs take.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct ProgramsView {
    /// Between two points, seconds.
    #[schema(example = 10)]
    pub(crate) step_s: u64,
    /// The programs that run now.
    pub(crate) programs: Vec<ProgramView>,
}

/// What one program takes, with all processes that it started.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct ProgramView {
    /// `name`, or `group:name` where they differ.
    #[schema(example = "RaspberryPiSystem:info_service")]
    pub(crate) name: String,
    /// The process that the supervisor started.
    #[schema(example = 812)]
    pub(crate) pid: u32,
    /// Processes in its tree.
    #[schema(example = 1)]
    pub(crate) processes: usize,
    /// Share of one processor over the last ten seconds, per cent; 100 × the number of processors at most.
    #[schema(example = 1.2)]
    pub(crate) cpu_percent: Option<f64>,
    /// Memory, bytes: the fair share of each process (Pss) where it may be known, else what it has in use (Rss).
    #[schema(example = 5_242_880)]
    pub(crate) memory_bytes: Option<u64>,
    /// The last points of `cpu_percent`, oldest first, 60 at most.
    #[schema(example = json!([1.0, 1.2, null]))]
    pub(crate) cpu: Vec<Option<f32>>,
    /// The last points of `memory_bytes`.
    pub(crate) memory: Vec<Option<u64>>,
}

/// A program that the supervisor runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Running {
    /// `name` or `group:name`.
    pub(crate) name: String,
    /// Its process.
    pub(crate) pid: u32,
}

/// Totals for `/metrics`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ProgramTotals {
    /// `name` or `group:name`.
    pub(crate) name: String,
    /// CPU time of its tree, seconds.
    pub(crate) cpu_seconds: Option<f64>,
    /// Memory of its tree, bytes.
    pub(crate) memory_bytes: Option<u64>,
    /// Processes in its tree.
    pub(crate) processes: usize,
}

/// All programs over time.
#[derive(Debug)]
pub(crate) struct Programs {
    tree: Tree,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// `None` while the supervisor was never reached.
    running: Option<Vec<Running>>,
    tracks: BTreeMap<String, Track>,
}

/// One program over time. A new process begins anew.
#[derive(Debug, Default)]
struct Track {
    pid: u32,
    began: u64,
    last: Option<(Duration, u64)>,
    processes: usize,
    points: VecDeque<(Option<f32>, Option<u64>)>,
}

/// What a tree of processes takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Taken {
    processes: usize,
    ticks: u64,
    bytes: u64,
    /// Start of the first one, to tell it from another one with its pid.
    began: u64,
}

impl Programs {
    /// Nothing is known yet.
    pub(crate) fn new(tree: &Tree, clock: &Clock) -> Self {
        Self {
            tree: tree.clone(),
            clock: clock.clone(),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what the supervisor runs.
    pub(crate) fn set_running(&self, running: Vec<Running>) {
        let mut state = self.state();
        state
            .tracks
            .retain(|name, _| running.iter().any(|one| one.name == *name));
        state.running = Some(running);
    }

    /// Looks at every program.
    pub(crate) fn sample(&self) {
        let mut state = self.state();
        let Some(running) = state.running.take() else {
            return;
        };
        let now = self.clock.monotonic();
        // Read once for all, and only where the kernel does not name children itself.
        let mut everyone = None;
        for program in &running {
            let taken = taken(&self.tree, program.pid, &mut everyone);
            state
                .tracks
                .entry(program.name.clone())
                .or_default()
                .add(now, program.pid, taken);
        }
        state.running = Some(running);
    }

    /// As it is shown; `None` while the supervisor was never reached.
    pub(crate) fn view(&self) -> Option<ProgramsView> {
        let state = self.state();
        let running = state.running.as_ref()?;
        let view = |program: &Running| {
            let track = state.tracks.get(&program.name);
            let points = || track.into_iter().flat_map(|track| track.points.iter().copied());
            let last = points().next_back().unwrap_or_default();
            ProgramView {
                name: program.name.clone(),
                pid: program.pid,
                processes: track.map_or(0, |track| track.processes),
                cpu_percent: last.0.map(|cpu| (f64::from(cpu) * 100.0).round() / 100.0),
                memory_bytes: last.1,
                cpu: points().map(|(cpu, _)| cpu).collect(),
                memory: points().map(|(_, memory)| memory).collect(),
            }
        };
        Some(ProgramsView {
            step_s: EVERY.as_secs(),
            programs: running.iter().map(view).collect(),
        })
    }

    /// For `/metrics`: as of the last look.
    pub(crate) fn totals(&self) -> Vec<ProgramTotals> {
        let state = self.state();
        state
            .tracks
            .iter()
            .map(|(name, track)| ProgramTotals {
                name: name.clone(),
                cpu_seconds: track.last.map(|(_, ticks)| ticks as f64 / TICKS_PER_SECOND),
                memory_bytes: track.points.back().and_then(|(_, memory)| *memory),
                processes: track.processes,
            })
            .collect()
    }
}

impl Track {
    fn add(&mut self, now: Duration, pid: u32, taken: Option<Taken>) {
        let began = taken.map_or(0, |taken| taken.began);
        if (self.pid, self.began) != (pid, began) {
            *self = Self {
                pid,
                began,
                ..Self::default()
            };
        }
        self.processes = taken.map_or(0, |taken| taken.processes);
        let cpu = taken.and_then(|taken| {
            let (at, before) = self.last?;
            let seconds = now.saturating_sub(at).as_secs_f64();
            let ticks = taken.ticks.checked_sub(before).filter(|_| seconds > 0.0)?;
            Some((ticks as f64 / TICKS_PER_SECOND / seconds * 100.0) as f32)
        });
        self.last = taken.map(|taken| (now, taken.ticks));
        self.points.push_back((cpu, taken.map(|taken| taken.bytes)));
        while self.points.len() > POINTS {
            self.points.pop_front();
        }
    }
}

type Everyone = Vec<(u32, ProcessStat)>;

/// Adds up the tree below `pid`. CPU time of children that ended counts for who waited for them.
fn taken(tree: &Tree, pid: u32, everyone: &mut Option<Everyone>) -> Option<Taken> {
    let first = processes::read(tree, pid)?;
    let mut sum = Taken {
        began: first.began,
        ..Taken::default()
    };
    let mut open = vec![pid];
    while let Some(pid) = open.pop() {
        let Some(process) = processes::read(tree, pid) else {
            continue;
        };
        sum.processes += 1;
        sum.ticks = sum
            .ticks
            .saturating_add(process.ticks)
            .saturating_add(process.childrens_ticks);
        sum.bytes = sum.bytes.saturating_add(memory(tree, pid, &process));
        if sum.processes >= LARGEST_TREE {
            break;
        }
        match processes::children(tree, pid) {
            Some(children) => open.extend(children),
            None => open.extend(
                everyone
                    .get_or_insert_with(|| {
                        let read = |pid| Some((pid, processes::read(tree, pid)?));
                        processes::pids(tree).into_iter().filter_map(read).collect()
                    })
                    .iter()
                    .filter(|(_, other)| other.parent == pid)
                    .map(|(child, _)| *child),
            ),
        }
    }
    Some(sum)
}

fn memory(tree: &Tree, pid: u32, process: &ProcessStat) -> u64 {
    let resident = process.pages.saturating_mul(rustix::param::page_size() as u64);
    if resident > LARGEST_WALK {
        return resident;
    }
    processes::fair_share(tree, pid).unwrap_or(resident)
}

#[cfg(test)]
mod tests;
