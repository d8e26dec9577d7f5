//! What is run when a process has ended, however it ended: `on_exit` of its specification.
//!
//! The command starts the moment the end is noticed, before the engine hears of it, so before the process may start
//! again; nothing waits for it. It may live on until the process is back: the next start of the process gets its pid
//! as `PISTACK_ON_EXIT_PID`, to take over from it. There is one at a time for each process. If the process ends again
//! while the command still lives, the command is started anew once it has gone, unless the process lives by then: a
//! command on its way out has not seen that second end.
//!
//! Its standard input is a pipe that ends with the supervisor, also with one that is killed: that is how it learns that
//! nobody will come to take over. It is not sent a signal, which would reach it before its work.

use std::collections::{HashMap, HashSet};
use std::io::{self, PipeWriter};
use std::os::fd::AsFd as _;
use std::time::Duration;

use pistack_engine::config::model::{LogLevel, ProcessSpec};
use pistack_engine::io::{Exit, ProcessId};
use tokio::time::Instant;

use super::Supervisor;
use super::children::run_as;
use crate::command;
use crate::sys::spawn::Launch;
use crate::sys::{errno, signals, wait};

/// Tells a process which command of its `on_exit` still lives.
const PID_VARIABLE: &str = "PISTACK_ON_EXIT_PID";
/// How long commands may take to end once the supervisor ends.
const GRACE: Duration = Duration::from_secs(1);
/// How often their end is looked for then.
const LOOK: Duration = Duration::from_millis(5);

/// The living commands.
#[derive(Debug, Default)]
pub(super) struct OnExit {
    by_pid: HashMap<i32, Running>,
}

#[derive(Debug)]
struct Running {
    process: ProcessId,
    /// The process ended once more since this one was started.
    ended_again: bool,
    /// The other end of its standard input.
    _while_we_live: PipeWriter,
}

impl OnExit {
    fn of(&mut self, process: ProcessId) -> Option<(&i32, &mut Running)> {
        self.by_pid
            .iter_mut()
            .find(|(_, running)| running.process == process)
    }
}

impl Supervisor {
    /// A process ended: its command starts, unless the one of an earlier end still lives.
    pub(super) fn run_on_exit(&mut self, process: ProcessId) {
        let Some(spec) = self
            .engine
            .spec(process)
            .filter(|spec| spec.on_exit.is_some())
            .cloned()
        else {
            return;
        };
        if let Some((_, running)) = self.on_exit.of(process) {
            running.ended_again = true;
            return;
        }
        let (level, text) = match self.start_on_exit(&spec) {
            Ok((pid, while_we_live)) => {
                let running = Running {
                    process,
                    ended_again: false,
                    _while_we_live: while_we_live,
                };
                self.on_exit.by_pid.insert(pid, running);
                let text = format!("'{}' ended: its on_exit command runs with pid {pid}", spec.name);
                (LogLevel::Info, text)
            }
            Err(error) => {
                let text = format!(
                    "'{}' ended, and its on_exit command cannot be run: {error}",
                    spec.name
                );
                (LogLevel::Critical, text)
            }
        };
        self.note(level, &text);
    }

    /// Starts the command in the surroundings of the process; what it writes goes where the daemon's errors go.
    fn start_on_exit(&mut self, spec: &ProcessSpec) -> Result<(i32, PipeWriter), String> {
        let mut wanted = spec.clone();
        wanted.command = spec.on_exit.clone().unwrap_or_default();
        let resolved =
            command::resolve(&wanted, self.environment.path(&wanted)).map_err(|error| error.to_string())?;
        let (stdin, while_we_live) = io::pipe().map_err(|error| errno::of(&error))?;
        let errors = io::stderr();
        let environment = self.environment.of(&wanted);
        let launch = Launch {
            program: &resolved.program,
            argv: &resolved.argv,
            environment: &environment,
            directory: wanted.directory.as_deref(),
            umask: wanted.umask,
            run_as: run_as(&wanted),
            stdin: stdin.as_fd(),
            stdout: errors.as_fd(),
            stderr: errors.as_fd(),
        };
        let pid = self.spawner.spawn(&launch).map_err(|error| errno::of(&error))?;
        Ok((pid, while_we_live))
    }

    /// What the next start of a process has to know of a command that still lives.
    pub(super) fn on_exit_variable(&mut self, process: ProcessId) -> Option<(String, String)> {
        let (pid, _) = self.on_exit.of(process)?;
        Some((PID_VARIABLE.to_owned(), pid.to_string()))
    }

    /// Whether the child that ended was such a command.
    pub(super) fn on_exit_ended(&mut self, pid: i32, exit: Exit) -> bool {
        let Some(running) = self.on_exit.by_pid.remove(&pid) else {
            return false;
        };
        let level = match exit {
            Exit::Code(0) => LogLevel::Debug,
            _ => LogLevel::Warn,
        };
        self.note(
            level,
            &format!("the on_exit command with pid {pid} ended: {}", how(exit)),
        );
        if running.ended_again && !self.children.contains(running.process) {
            self.run_on_exit(running.process);
        }
        true
    }

    /// The supervisor ends: the commands learn it, and are given a moment to do their work.
    pub(super) async fn end_on_exit(&mut self) {
        let running = std::mem::take(&mut self.on_exit.by_pid);
        // Keys alone: the pipes close here.
        let mut living: HashSet<i32> = running.into_keys().collect();
        let latest = Instant::now() + GRACE;
        while !living.is_empty() && Instant::now() < latest {
            while let Some((pid, _)) = wait::next_ended() {
                living.remove(&pid);
            }
            tokio::time::sleep(LOOK).await;
        }
        for pid in living {
            let _ = signals::send(pid, libc::SIGKILL, false);
        }
    }
}

/// supervisord's words.
pub(super) fn how(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit status {code}"),
        Exit::Signal(signal) | Exit::Core(signal) => format!("terminated by {}", signals::name(signal)),
    }
}
