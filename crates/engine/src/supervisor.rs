//! The engine: one value that holds every state and makes every decision.
//!
//! | file | subject |
//! | --- | --- |
//! | `process`, `policy`, `pacing` | the state machine of one process, its options, its pace of restarts |
//! | `inputs` | what children did |
//! | `group`, `shutdown` | groups, their order, the end |
//! | `commands`, `requests` | what clients ask for and when they are answered |
//! | `pool`, `event_buffer`, `listener` | event listeners: who gets what, what waits, the protocol |
//! | `payload`, `ticks`, `signals`, `view` | texts of events, the clock's events, signal names, read access |
//! | `outbox`, `alarms` | what all of them produce; who has something to do by time alone |

mod alarms;
mod commands;
mod event_buffer;
mod group;
mod inputs;
mod listener;
mod outbox;
mod pacing;
mod payload;
mod policy;
mod pool;
mod process;
mod requests;
mod shutdown;
mod signals;
mod ticks;
mod view;

use std::collections::BTreeMap;
use std::time::Duration;

use indexmap::IndexMap;

use self::group::{Group, Resolved};
use self::outbox::Outbox;
use self::pool::Pool;
use self::process::Process;
use self::requests::Requests;
use self::shutdown::Shutdown;
use self::ticks::Ticks;
pub use self::view::ProcessView;
use crate::config::model::{GroupSpec, Model, ProcessSpec};
use crate::event::EventKind;
use crate::io::{Action, Command, Fault, Input, Now, ProcessId};
use crate::state::{ProcessState, SupervisorState};

/// The supervisor's decisions.
#[derive(Debug)]
pub struct Engine {
    configured: Model,
    identifier: String,
    state: SupervisorState,
    /// In the order in which they were added.
    groups: IndexMap<String, Group>,
    /// Of the groups that are pools of listeners: by their names, in the same order.
    pools: IndexMap<String, Pool>,
    processes: BTreeMap<ProcessId, Process>,
    next_process: u32,
    requests: Requests,
    vetoes: BTreeMap<ProcessId, Fault>,
    ticks: Ticks,
    shutdown: Shutdown,
    out: Outbox,
}

impl Engine {
    /// An engine for `model`. Emits `GroupAdded` for each group, the RUNNING event and the autostarts.
    pub fn new(model: Model, now: Now) -> Self {
        Self::continuing(model, now, 0)
    }

    /// As [`Engine::new`], for a restart in place: events go on with `first_serial`, taken from
    /// [`Engine::next_serial`] of the former engine.
    pub fn continuing(model: Model, now: Now, first_serial: u64) -> Self {
        let mut engine = Self {
            identifier: model.settings.identifier.clone(),
            configured: model,
            state: SupervisorState::Running,
            groups: IndexMap::new(),
            pools: IndexMap::new(),
            processes: BTreeMap::new(),
            next_process: 0,
            requests: Requests::default(),
            vetoes: BTreeMap::new(),
            ticks: Ticks::new(),
            shutdown: Shutdown::default(),
            out: Outbox::new(now, first_serial),
        };
        let mut specs: Vec<GroupSpec> = engine.configured.groups.values().cloned().collect();
        specs.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
        for spec in specs {
            engine.add_group(spec);
        }
        engine.subscribe_ticks();
        engine
            .out
            .event(EventKind::SupervisorStateChangeRunning, String::new());
        let members: Vec<ProcessId> = engine
            .groups
            .values()
            .flat_map(|group| group.members.clone())
            .collect();
        engine.autostart(&members);
        engine.settle();
        engine
    }

    /// Takes an input.
    pub fn handle(&mut self, now: Now, input: Input) {
        self.out.now = now;
        match input {
            Input::Spawned { process, pid } => self.spawned(process, pid),
            Input::SpawnFailed { process, error } => self.spawn_failed(process, error),
            Input::Exited { process, exit } => self.exited(process, exit),
            Input::KillFailed { process, error } => self.kill_failed(process, &error),
            Input::ListenerOutput { process, bytes } => self.listener_wrote(process, &bytes),
            Input::StdinClosed { process } => self.stopped_listening(process),
            Input::Log {
                process,
                channel,
                bytes,
            } => self.logged(process, channel, &bytes),
            Input::Captured {
                process,
                channel,
                bytes,
            } => self.captured(process, channel, &bytes),
            Input::Command { request, command } => self.command(request, command),
            Input::ShutdownSignal => self.begin_shutdown(SupervisorState::Shutdown),
            Input::RestartSignal => self.begin_shutdown(SupervisorState::Restarting),
            Input::Tick => {}
        }
        self.settle();
    }

    /// The next thing to do, until `None`. Replies come after the actions they stand for; `Shutdown` or `Restart` is
    /// the last of all.
    pub fn poll_action(&mut self) -> Option<Action> {
        let action = self.out.next_action().or_else(|| self.requests.next_reply());
        action.or_else(|| self.next_final_action())
    }

    /// When to call `handle(Tick)` at the latest, in monotonic time. `None`: nothing waits.
    pub fn next_deadline(&self) -> Option<Duration> {
        if self.is_finished() {
            return None;
        }
        let stops = self.requests.awaited_stops();
        let stops = stops
            .filter_map(|id| self.processes.get(&id)?.next_stop_report())
            .min();
        [
            self.out.alarms.next(),
            stops,
            self.shutdown_report_due(),
            self.ticks.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// State of the supervisor.
    pub fn state(&self) -> SupervisorState {
        self.state
    }

    /// The specification of a process.
    pub fn spec(&self, process: ProcessId) -> Option<&ProcessSpec> {
        let group = self.group(&self.processes.get(&process)?.group)?;
        let index = group.members.iter().position(|member| *member == process)?;
        group.spec.processes.get(index)
    }

    /// All processes, sorted by group and name as supervisord does.
    pub fn processes(&self) -> Vec<ProcessView<'_>> {
        let mut views: Vec<(&str, ProcessView<'_>)> = Vec::with_capacity(self.processes.len());
        for group in self.groups.values() {
            for (id, spec) in group.members.iter().zip(&group.spec.processes) {
                views.extend(self.view(*id, spec).map(|view| (group.spec.name.as_str(), view)));
            }
        }
        views.sort_by(|(group_a, a), (group_b, b)| (group_a, &a.spec.name).cmp(&(group_b, &b.spec.name)));
        views.into_iter().map(|(_, view)| view).collect()
    }

    /// One process by `name`, `group:name`.
    pub fn find(&self, name: &str) -> Option<ProcessView<'_>> {
        match self.resolve(name) {
            Ok(Resolved::Process(id)) => self.view(id, self.spec(id)?),
            Ok(Resolved::Group(_)) | Err(_) => None,
        }
    }

    /// Active groups, in the order in which they were added.
    pub fn groups(&self) -> Vec<&GroupSpec> {
        self.groups.values().map(|group| &group.spec).collect()
    }

    /// The active group that a process belongs to.
    pub fn group_of(&self, process: ProcessId) -> Option<&GroupSpec> {
        let group = self.group(&self.processes.get(&process)?.group)?;
        Some(&group.spec)
    }

    /// The configuration last read (`getAllConfigInfo`).
    pub fn configured(&self) -> &Model {
        &self.configured
    }

    /// The serial that the next event will get.
    pub fn next_serial(&self) -> u64 {
        self.out.next_serial()
    }

    /// Whether somebody outside of the listener pools wants TICK events; nobody does unless told. Without any
    /// subscriber there are none, and no wake-ups for them.
    pub fn set_tick_subscribers(&mut self, now: Now, wanted: bool) {
        self.out.now = now;
        self.ticks.outside = wanted;
        self.subscribe_ticks();
    }

    /// The processes that a start command would start: the daemon looks for their files before it hands the command
    /// in, as supervisord does, and tells of those that cannot be executed by [`Engine::veto`]. Empty for other
    /// commands and for names that do not exist.
    pub fn start_candidates(&self, command: &Command) -> Vec<ProcessId> {
        self.candidates(command)
    }

    /// The next command, if it starts `process`, answers with `fault` (NO_FILE, NOT_EXECUTABLE) for it instead of
    /// starting it. Forgotten after that command.
    pub fn veto(&mut self, process: ProcessId, fault: Fault) {
        self.vetoes.insert(process, fault);
    }

    fn view<'a>(&'a self, id: ProcessId, spec: &'a ProcessSpec) -> Option<ProcessView<'a>> {
        let process = self.processes.get(&id)?;
        Some(ProcessView {
            id,
            spec,
            state: process.state,
            pid: process.pid.unwrap_or(0),
            start: process.started.map_or(0, |at| at.wall.as_secs() as i64),
            stop: process.ended.map_or(0, |at| at.as_secs() as i64),
            started_mono: process.started.map(|at| at.mono),
            spawnerr: process.spawnerr.as_deref().unwrap_or(""),
            exitstatus: process.exitstatus,
        })
    }

    /// Lets everything happen that follows by itself, until nothing does.
    fn settle(&mut self) {
        loop {
            let mut moved = false;
            for id in self.out.alarms.due(self.out.now.mono) {
                if let Some(process) = self.processes.get_mut(&id) {
                    moved |= process.run_due(&mut self.out);
                }
            }
            moved |= self.take_changes();
            self.progress_shutdown();
            moved |= self.take_changes();
            if !moved {
                break;
            }
        }
        self.requests.promptly = false;
        self.report_stops();
        if !self.is_finished() {
            self.ticks.run_due(&mut self.out);
        }
        self.distribute();
    }

    /// Tells those who wait for it what has changed; whether anything has.
    fn take_changes(&mut self) -> bool {
        let any = self.out.has_changes();
        while let Some(change) = self.out.next_change() {
            self.requests.changed(change);
            if change.state.is_stopped() {
                self.shutdown.stopped(change.process);
            }
        }
        any
    }

    /// Says for which stops somebody waits.
    fn report_stops(&mut self) {
        let awaited: Vec<ProcessId> = self.requests.awaited_stops().collect();
        for id in awaited {
            if let Some(process) = self.processes.get_mut(&id) {
                process.report_stopping(&mut self.out);
            }
        }
    }

    /// Gives new events to the pools, and the pools' events to their listeners.
    fn distribute(&mut self) {
        let Self {
            pools,
            processes,
            out,
            ..
        } = self;
        let is_running = |id: ProcessId| {
            processes
                .get(&id)
                .is_some_and(|process| process.state == ProcessState::Running)
        };
        while let Some(event) = out.next_fresh() {
            for pool in pools.values_mut() {
                pool.accept(&event, out);
                pool.dispatch(is_running, out);
            }
        }
        for pool in pools.values_mut() {
            pool.dispatch(is_running, out);
        }
    }

    /// Starts and stops the tick timers after groups came or went.
    fn subscribe_ticks(&mut self) {
        let Self {
            pools, ticks, out, ..
        } = self;
        ticks.subscribe(out.now, |kind| pools.values().any(|pool| pool.wants(kind)));
    }

    /// The pool that a listener belongs to, and where it puts what follows.
    fn pool_of(&mut self, listener: ProcessId) -> Option<(&mut Pool, &mut Outbox)> {
        let pool = self.pools.get_mut(&self.processes.get(&listener)?.group)?;
        Some((pool, &mut self.out))
    }
}
