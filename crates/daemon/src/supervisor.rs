//! The one task that owns the engine and does what it decides.

mod actions;
mod calls;
mod children;
mod on_exit;
mod output;
mod restart;
mod signals;

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use pistack_api::xmlrpc::Fault;
use pistack_engine::Engine;
use pistack_engine::config::model::{LogLevel, LogTarget, Model, Settings};
use pistack_engine::io::{Input, Now, ProcessId, RequestId};
use pistack_kit::clock::Clock;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Sleep;

use self::children::Children;
use self::on_exit::OnExit;
use crate::ask::{self, Answer, Ask};
use crate::environment::BaseEnvironment;
use crate::events::Events;
use crate::fastcgi::FastCgiSockets;
use crate::http::front::{Front, Prepared};
use crate::logs::main_log::MainLog;
use crate::logs::process::ProcessLogs;
use crate::logs::stream::SharedSinks;
use crate::options::{DaemonError, Ending, Load, Opening, Options};
use crate::pidfile::PidFile;
use crate::pipes::{Pipe, Waiting};
use crate::sys::signals::Signals;
use crate::sys::spawn::Spawner;
use crate::sys::{identity, limits, memory};

/// Bytes read at once, of any child.
const BUFFER: usize = 64 << 10;
/// Time for special files to take the last lines.
const LAST_LINES: Duration = Duration::from_millis(500);

/// Everything the daemon has.
struct Supervisor {
    engine: Engine,
    clock: Clock,
    settings: Settings,
    environment: BaseEnvironment,
    added_environment: Vec<(String, String)>,
    load: Load,
    opening: Opening,
    log_to_stdout: bool,
    version: String,

    log: MainLog,
    /// Lines about limits that were raised, until the log has them.
    raised_limits: Vec<String>,
    sinks: SharedSinks,
    logs: HashMap<ProcessId, ProcessLogs>,
    /// Groups made from the configuration last read: `getAllConfigInfo` tells the names of their automatic logs.
    logs_named: HashSet<String>,
    children: Children,
    on_exit: OnExit,
    spawner: Spawner,
    sockets: FastCgiSockets,
    waiting: Waiting,
    buffer: Box<[u8]>,

    requests: HashMap<RequestId, oneshot::Sender<Result<Answer, Fault>>>,
    next_request: u64,
    events: Events,
    front: Front,
    pid_file: Option<PidFile>,

    /// What a restart in place goes on with.
    next: Option<(Model, Prepared)>,
    ending: Option<Ending>,
}

/// Runs a supervisor until it is shut down. Needs a `current_thread` runtime with I/O and time; see
/// [`crate::block_signals`] for what must happen before. One at a time in a process: children and signals belong to
/// the whole process.
pub async fn run(model: Model, mut options: Options) -> Result<Ending, DaemonError> {
    let signals = Signals::open().map_err(DaemonError::Signals)?;
    let spawner = Spawner::new();
    let started = options.started.take();
    let (asker, asks) = ask::channel();
    let events = Events::new();
    let mut front = Front::new(
        asker,
        events.clone(),
        options.version.clone(),
        options.clock.clone(),
    );
    let mut limits = raise_limits(&model.settings);
    if options.limits_required && !limits.refused.is_empty() {
        return Err(DaemonError::Limit(limits.refused.swap_remove(0)));
    }
    // before the servers, as in supervisord: their sockets are the user's
    become_user(&model.settings)?;
    let prepared = front.prepare(&model)?;

    let mut sinks = SharedSinks::default();
    let mut log = open_log(&model.settings, options.log_to_stdout, &mut sinks)?;
    let wall = options.clock.wall();
    for problem in &limits.refused {
        log.write(wall, LogLevel::Warn, problem);
    }
    let now = Now {
        mono: options.clock.monotonic(),
        wall,
    };
    front.commit(prepared);
    let mut supervisor = Supervisor {
        settings: model.settings.clone(),
        environment: BaseEnvironment::new(std::env::vars_os(), &options.environment, &model),
        added_environment: options.environment,
        engine: Engine::new(model, now),
        clock: options.clock,
        load: options.load,
        opening: options.opening,
        log_to_stdout: options.log_to_stdout,
        version: options.version,
        log,
        raised_limits: limits.raised,
        sinks,
        logs: HashMap::new(),
        logs_named: HashSet::new(),
        children: Children::default(),
        on_exit: OnExit::default(),
        spawner,
        sockets: FastCgiSockets::default(),
        waiting: Waiting::default(),
        buffer: vec![0; BUFFER].into_boxed_slice(),
        requests: HashMap::new(),
        next_request: 0,
        events,
        front,
        pid_file: None,
        next: None,
        ending: None,
    };
    supervisor.begin();
    supervisor.act();
    memory::give_back();
    if let Some(started) = started {
        // who does not wait for the start needs no word of it
        let _ = started.send(());
    }
    let ending = supervisor.run(&signals, asks).await;
    supervisor.end_on_exit().await;
    supervisor.finish().await;
    Ok(ending)
}

/// What there is to say about limits.
struct Limits {
    /// What could not be had.
    refused: Vec<String>,
    /// What was raised, in supervisord's words.
    raised: Vec<String>,
}

/// Raises `minfds` and `minprocs`, and sets the mask.
fn raise_limits(settings: &Settings) -> Limits {
    limits::set_umask(settings.umask);
    let wanted = [
        (
            "RLIMIT_NOFILE",
            "file descriptors",
            "minfds",
            settings.minfds,
            limits::raise_open_files(settings.minfds),
        ),
        (
            "RLIMIT_NPROC",
            "available processes",
            "minprocs",
            settings.minprocs,
            limits::raise_processes(settings.minprocs),
        ),
    ];
    let mut said = Limits {
        refused: Vec::new(),
        raised: Vec::new(),
    };
    for (name, what, option, least, held) in wanted {
        match held {
            Ok(held) if held.raised => said.raised.push(format!("Increased {name} limit to {least}")),
            Ok(_) => {}
            // the beginning is supervisord's
            Err(limits::Refused { hard, error }) => said.refused.push(format!(
                "The minimum number of {what} required to run this process is {least} as per the \"{option}\" \
                 command-line argument or config file setting. The current environment will only allow {hard} \
                 ({error}). Raise that limit, or lower {option}"
            )),
        }
    }
    said
}

fn become_user(settings: &Settings) -> Result<(), DaemonError> {
    let Some(user) = &settings.user else { return Ok(()) };
    identity::account(user)
        .and_then(|account| identity::become_user(&account))
        .map_err(|reason| DaemonError::User {
            user: user.clone(),
            reason,
        })
}

fn open_log(settings: &Settings, copy: bool, sinks: &mut SharedSinks) -> Result<MainLog, DaemonError> {
    MainLog::open(settings, copy && !settings.silent, sinks).map_err(|source| {
        let path = match &settings.logfile {
            LogTarget::File(path) => path.clone(),
            _ => "supervisord.log".into(),
        };
        DaemonError::Log { path, source }
    })
}

/// What woke the task.
enum Wake {
    Signal(i32),
    Deadline,
    Ask(Ask),
    Pipe(Rc<Pipe>),
}

/// The one timer, and what it is set to.
#[derive(Default)]
struct Timer(Option<(Duration, Pin<Box<Sleep>>)>);

impl Timer {
    /// Sets the timer to `deadline` of the monotonic clock, or takes it away.
    fn set(&mut self, deadline: Option<Duration>, now: Duration) {
        match deadline {
            None => self.0 = None,
            Some(deadline) if self.0.as_ref().is_some_and(|(set, _)| *set == deadline) => {}
            Some(deadline) => {
                // at least a millisecond: a deadline that has passed must not make the loop spin
                let wait = deadline.saturating_sub(now).max(Duration::from_millis(1));
                self.0 = Some((deadline, Box::pin(tokio::time::sleep(wait))));
            }
        }
    }

    /// Waits for the deadline; for ever where there is none.
    async fn wait(&mut self) {
        match &mut self.0 {
            Some((_, sleep)) => sleep.as_mut().await,
            None => std::future::pending().await,
        }
        self.0 = None;
    }
}

impl Supervisor {
    async fn run(&mut self, signals: &Signals, mut asks: mpsc::Receiver<Ask>) -> Ending {
        let mut timer = Timer::default();
        loop {
            if let Some(ending) = self.ending.take() {
                return ending;
            }
            timer.set(self.engine.next_deadline(), self.clock.monotonic());
            // signals and deadlines are few and decide much: they go first. Clients cannot starve the pipes: their
            // queue is filled by other tasks, which run only when this one waits
            let wake = tokio::select! {
                biased;
                signal = signals.next() => match signal {
                    Ok(signal) => Wake::Signal(signal),
                    Err(_) => continue,
                },
                () = timer.wait() => Wake::Deadline,
                Some(ask) = asks.recv() => Wake::Ask(ask),
                pipe = self.waiting.next() => Wake::Pipe(pipe),
            };
            match wake {
                Wake::Signal(signal) => self.signal(signal),
                Wake::Deadline => self.tell(Input::Tick),
                Wake::Ask(ask) => self.answer(ask),
                Wake::Pipe(pipe) => self.pipe_is_ready(&pipe),
            }
            self.act();
        }
    }

    fn now(&self) -> Now {
        Now {
            mono: self.clock.monotonic(),
            wall: self.clock.wall(),
        }
    }

    /// Tells the engine something.
    fn tell(&mut self, input: Input) {
        let now = self.now();
        self.engine.handle(now, input);
    }

    /// Writes a line of the daemon's own.
    fn note(&mut self, level: LogLevel, text: &str) {
        let wall = self.clock.wall();
        self.log.write(wall, level, text);
    }

    /// Everything is stopped: leave nothing behind.
    async fn finish(self) {
        let Self {
            front,
            pid_file,
            log,
            logs,
            sinks,
            requests,
            ..
        } = self;
        // calls that still wait are told that the supervisor ends
        drop(requests);
        front.close().await;
        drop((pid_file, log, logs));
        sinks.finish(LAST_LINES);
    }
}
