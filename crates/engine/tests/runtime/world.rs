//! A simulated world: virtual time, children that follow a script, and a trace of what the engine asked for.
//!
//! It checks what must hold in every test: no second child of a process, no spawn after the end began, no state
//! change without its event, no deadline that has come and is not dealt with.

mod build;
mod script;
mod trace;

use std::collections::BTreeMap;
use std::time::Duration;

use pistack_engine::Engine;
use pistack_engine::config::model::{Model, ProcessSpec};
use pistack_engine::event::EventKind;
use pistack_engine::io::{Action, Command, Exit, Fault, Input, Now, ProcessId, Reply, RequestId};
use pistack_engine::state::ProcessState;

pub(crate) use self::build::{group, model, pool, program, programs};
pub(crate) use self::script::{Run, Script};
pub(crate) use self::trace::{Entry, Kind, render_reply};

/// Where every test's wall clock starts: a multiple of an hour.
pub(crate) const EPOCH: u64 = 1_700_002_800;

/// A living child.
#[derive(Debug)]
struct Child {
    pid: i32,
    ends: Option<(Duration, Exit)>,
    run: Run,
}

/// The engine and all around it.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) now: Now,
    /// Answers by request number.
    pub(crate) replies: BTreeMap<u64, Result<Reply, Fault>>,
    /// The last action, if it came.
    pub(crate) ended: Option<Action>,
    /// Ticks that the engine asked for.
    pub(crate) wakeups: usize,
    scripts: BTreeMap<String, Script>,
    children: BTreeMap<ProcessId, Child>,
    names: BTreeMap<ProcessId, String>,
    states: BTreeMap<ProcessId, ProcessState>,
    trace: Vec<Entry>,
    actions: Vec<Action>,
    next_pid: i32,
    next_request: u64,
    stopping: bool,
}

impl World {
    /// The supervisor has just started with `model`.
    pub(crate) fn new(model: Model, scripts: Vec<(&str, Script)>) -> Self {
        let now = Now {
            mono: Duration::from_secs(1000),
            wall: Duration::from_secs(EPOCH),
        };
        let mut world = Self {
            engine: Engine::new(model, now),
            now,
            replies: BTreeMap::new(),
            ended: None,
            wakeups: 0,
            scripts: scripts
                .into_iter()
                .map(|(name, script)| (name.to_owned(), script))
                .collect(),
            children: BTreeMap::new(),
            names: BTreeMap::new(),
            states: BTreeMap::new(),
            trace: Vec::new(),
            actions: Vec::new(),
            next_pid: 101,
            next_request: 1,
            stopping: false,
        };
        world.act();
        world
    }

    /// One program and its script.
    pub(crate) fn with(spec: ProcessSpec, script: Script) -> Self {
        let name = spec.name.clone();
        Self::new(programs(vec![spec]), vec![(&name, script)])
    }

    /// Hands in an input and does what follows.
    pub(crate) fn input(&mut self, input: Input) {
        self.engine.handle(self.now, input);
        self.act();
    }

    /// A client's command; gives the request's number.
    pub(crate) fn send(&mut self, command: Command) -> u64 {
        let request = self.next_request;
        self.next_request += 1;
        self.input(Input::Command {
            request: RequestId(request),
            command,
        });
        request
    }

    /// A client's command and its answer, which must come at once.
    pub(crate) fn call(&mut self, command: Command) -> Result<Reply, Fault> {
        let request = self.send(command);
        self.reply(request)
            .unwrap_or_else(|| panic!("no reply to request {request} at once"))
    }

    /// The answer to a request, if it came.
    pub(crate) fn reply(&self, request: u64) -> Option<Result<Reply, Fault>> {
        self.replies.get(&request).cloned()
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, seconds: f64) {
        self.run_until(self.now.mono + Duration::from_secs_f64(seconds));
    }

    /// Lets time pass, exactly.
    pub(crate) fn run_millis(&mut self, millis: u64) {
        self.run_until(self.now.mono + Duration::from_millis(millis));
    }

    fn run_until(&mut self, target: Duration) {
        let mut at_once = 0;
        while let Some(next) = self.next_happening().filter(|next| *next <= target) {
            at_once = if next > self.now.mono { 0 } else { at_once + 1 };
            assert!(
                at_once < 1000,
                "the engine does not deal with a deadline that has come"
            );
            self.go_to(next.max(self.now.mono));
            if !self.end_due_children() {
                self.wakeups += 1;
                self.input(Input::Tick);
            }
        }
        self.go_to(target);
    }

    /// Steps the wall clock.
    pub(crate) fn step_wall(&mut self, seconds: i64) {
        self.now.wall = Duration::from_secs(self.now.wall.as_secs().saturating_add_signed(seconds));
    }

    /// Ends a child from outside.
    pub(crate) fn end(&mut self, name: &str, exit: Exit) {
        let process = self.id(name);
        assert!(self.children.remove(&process).is_some(), "{name} has no child");
        self.input(Input::Exited { process, exit });
    }

    /// What happened since the last call, of the kinds asked for.
    pub(crate) fn take(&mut self, kinds: &[Kind]) -> Vec<String> {
        let entries = std::mem::take(&mut self.trace);
        entries
            .into_iter()
            .filter(|entry| kinds.contains(&entry.kind))
            .map(|entry| entry.to_string())
            .collect()
    }

    /// The entries themselves.
    pub(crate) fn take_entries(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.trace)
    }

    /// The actions since the last call.
    pub(crate) fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// State of a process by its full name.
    pub(crate) fn state(&self, name: &str) -> ProcessState {
        self.engine
            .find(name)
            .unwrap_or_else(|| panic!("no process {name}"))
            .state
    }

    /// Number of a process by its full name.
    pub(crate) fn id(&self, name: &str) -> ProcessId {
        self.engine
            .find(name)
            .unwrap_or_else(|| panic!("no process {name}"))
            .id
    }

    /// A listener writes.
    pub(crate) fn say(&mut self, listener: &str, text: &str) {
        let process = self.id(listener);
        self.input(Input::ListenerOutput {
            process,
            bytes: text.as_bytes().to_vec(),
        });
    }

    /// Number of living children.
    pub(crate) fn alive(&self) -> usize {
        self.children.len()
    }

    fn next_happening(&self) -> Option<Duration> {
        let ends = self
            .children
            .values()
            .filter_map(|child| child.ends.map(|(at, _)| at))
            .min();
        [self.engine.next_deadline(), ends].into_iter().flatten().min()
    }

    fn go_to(&mut self, mono: Duration) {
        self.now.wall += mono.saturating_sub(self.now.mono);
        self.now.mono = mono;
    }

    fn end_due_children(&mut self) -> bool {
        let now = self.now.mono;
        let due = self.children.iter().find_map(|(id, child)| {
            child
                .ends
                .filter(|(at, _)| *at <= now)
                .map(|(_, exit)| (*id, exit))
        });
        let Some((process, exit)) = due else { return false };
        self.children.remove(&process);
        self.input(Input::Exited { process, exit });
        true
    }

    fn act(&mut self) {
        self.learn_names();
        while let Some(action) = self.engine.poll_action() {
            assert!(self.ended.is_none(), "an action after the last one: {action:?}");
            self.note(&action);
            self.actions.push(action.clone());
            self.perform(action);
            self.learn_names();
        }
        self.check_states();
    }

    fn learn_names(&mut self) {
        for view in self.engine.processes() {
            let name = full_name(view.spec);
            self.names.entry(view.id).or_insert(name);
            self.states.entry(view.id).or_insert(ProcessState::Stopped);
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Spawn { process } => self.spawn(process),
            Action::Kill {
                process, pid, signal, ..
            } => self.kill(process, pid, signal),
            Action::Emit(event) => self.follow(event.kind, &event.payload),
            Action::Reply { request, result } => {
                assert!(
                    self.replies.insert(request.0, result).is_none(),
                    "two replies to {request:?}"
                );
            }
            Action::Shutdown | Action::Restart => self.ended = Some(action),
            Action::WriteStdin { process, .. } => {
                assert!(
                    self.children.contains_key(&process),
                    "an event for a dead listener"
                );
            }
            Action::Log { .. } | Action::GroupAdded { .. } | Action::GroupRemoved { .. } => {}
        }
    }

    fn spawn(&mut self, process: ProcessId) {
        assert!(
            !self.children.contains_key(&process),
            "a second living child of {process:?}"
        );
        assert!(!self.stopping, "a spawn after the end began");
        let name = self.names[&process].clone();
        assert!(self.engine.spec(process).is_some(), "no specification of {name}");
        let run = self
            .scripts
            .get_mut(&name)
            .map_or_else(Run::default, Script::next);
        if let Some(error) = run.spawn_error.clone() {
            return self
                .engine
                .handle(self.now, Input::SpawnFailed { process, error });
        }
        let pid = self.next_pid;
        self.next_pid += 1;
        let ends = run.ends.map(|(after, exit)| (self.now.mono + after, exit));
        self.children.insert(process, Child { pid, ends, run });
        self.engine.handle(self.now, Input::Spawned { process, pid });
    }

    fn kill(&mut self, process: ProcessId, pid: i32, signal: i32) {
        let now = self.now;
        let Some(child) = self.children.get_mut(&process) else {
            return;
        };
        assert_eq!(child.pid, pid, "a signal to another child");
        if let Some(error) = child.run.kill_error.clone() {
            return self.engine.handle(now, Input::KillFailed { process, error });
        }
        let reaction = match signal {
            9 => Some((Duration::ZERO, Exit::Signal(9))),
            0 | 1 | 10 | 12 => None,
            _ => child.run.on_stop,
        };
        if let Some((after, exit)) = reaction {
            let at = now.mono + after;
            if child.ends.is_none_or(|(planned, _)| planned > at) {
                child.ends = Some((at, exit));
            }
        }
    }

    /// Keeps book of the states by events alone.
    fn follow(&mut self, kind: EventKind, payload: &str) {
        if kind == EventKind::SupervisorStateChangeStopping {
            self.stopping = true;
        }
        let EventKind::ProcessState(to) = kind else { return };
        let field = |key: &str| {
            payload
                .split(' ')
                .find_map(|pair| pair.strip_prefix(key))
                .unwrap_or_default()
        };
        let (process, group) = (field("processname:"), field("groupname:"));
        let name = if process == group {
            process.to_owned()
        } else {
            format!("{group}:{process}")
        };
        let known = self
            .names
            .iter()
            .rev()
            .find(|(_, known)| **known == name)
            .map(|(id, _)| *id);
        let before = known.and_then(|id| self.states.insert(id, to));
        assert_eq!(
            before.map(ProcessState::name),
            Some(field("from_state:")),
            "{name} did not come from there"
        );
    }

    fn check_states(&self) {
        for view in self.engine.processes() {
            let told = self.states.get(&view.id);
            assert_eq!(
                told,
                Some(&view.state),
                "{} changed its state without an event",
                view.spec.name
            );
            let alive = self.children.get(&view.id).map_or(0, |child| child.pid);
            assert_eq!(view.pid, alive, "wrong pid of {}", view.spec.name);
        }
    }

    fn note(&mut self, action: &Action) {
        let at = self.now.mono.saturating_sub(Duration::from_secs(1000));
        let name = |id: &ProcessId| self.names.get(id).cloned().unwrap_or_else(|| format!("{id:?}"));
        self.trace.push(Entry::of(at, action, &name));
    }
}

/// `name` or `group:name`.
pub(crate) fn full_name(spec: &ProcessSpec) -> String {
    if spec.group == spec.name {
        spec.name.clone()
    } else {
        format!("{}:{}", spec.group, spec.name)
    }
}
