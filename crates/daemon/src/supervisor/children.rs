//! Starting and ending children.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::rc::Rc;

use pistack_engine::config::model::{GroupKind, LogLevel, ProcessSpec};
use pistack_engine::io::{Channel, Exit, Input, ProcessId};

use super::{Supervisor, on_exit};
use crate::command::{self, Resolved};
use crate::logs::process::ProcessLogs;
use crate::pipes::{End, Pipe, Received};
use crate::stdin::Stdin;
use crate::sys::identity;
use crate::sys::spawn::{Launch, RunAs};
use crate::sys::{errno, wait};

/// Bytes still read of a child that ended: its children may hold the pipe and write on for ever.
const LAST_WORDS: usize = 4 << 20;

/// A living child.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) stdin: Stdin,
    outputs: Vec<Rc<Pipe>>,
}

/// The living children.
#[derive(Debug, Default)]
pub(super) struct Children {
    by_pid: HashMap<i32, ProcessId>,
    by_id: HashMap<ProcessId, Child>,
}

impl Children {
    /// A living child.
    pub(super) fn get_mut(&mut self, process: ProcessId) -> Option<&mut Child> {
        self.by_id.get_mut(&process)
    }

    /// True while it lives.
    pub(super) fn contains(&self, process: ProcessId) -> bool {
        self.by_id.contains_key(&process)
    }
}

/// Both ends of a child's pipes, before there is a child.
struct Pipes {
    stdin: Option<Rc<Pipe>>,
    outputs: Vec<Rc<Pipe>>,
    child_stdin: OwnedFd,
    child_stdout: OwnedFd,
    child_stderr: Option<OwnedFd>,
}

impl Pipes {
    /// `socket`: the standard input of FastCGI children.
    fn new(process: ProcessId, redirect_stderr: bool, socket: Option<OwnedFd>) -> io::Result<Self> {
        let output = |channel| -> io::Result<(Rc<Pipe>, OwnedFd)> {
            let (read, write) = io::pipe()?;
            Ok((
                Pipe::new(process, End::Output(channel), read.into())?,
                write.into(),
            ))
        };
        let (stdin, child_stdin) = if let Some(socket) = socket {
            (None, socket)
        } else {
            let (read, write) = io::pipe()?;
            (Some(Pipe::new(process, End::Stdin, write.into())?), read.into())
        };
        let (stdout, child_stdout) = output(Channel::Stdout)?;
        let mut outputs = vec![stdout];
        let mut child_stderr = None;
        if !redirect_stderr {
            let (stderr, child) = output(Channel::Stderr)?;
            outputs.push(stderr);
            child_stderr = Some(child);
        }
        Ok(Self {
            stdin,
            outputs,
            child_stdin,
            child_stdout,
            child_stderr,
        })
    }
}

impl Supervisor {
    /// Starts a process and tells the engine how it went.
    pub(super) fn spawn(&mut self, process: ProcessId) {
        let Some(spec) = self.engine.spec(process).cloned() else {
            return;
        };
        let input = match self.try_spawn(process, &spec) {
            Ok(pid) => Input::Spawned { process, pid },
            Err(error) => Input::SpawnFailed { process, error },
        };
        self.tell(input);
    }

    /// What `spec` would execute.
    pub(super) fn resolve(&self, spec: &ProcessSpec) -> Result<Resolved, command::CommandError> {
        command::resolve(spec, self.environment.path(spec))
    }

    fn try_spawn(&mut self, process: ProcessId, spec: &ProcessSpec) -> Result<i32, String> {
        let resolved = self.resolve(spec).map_err(|error| error.to_string())?;
        let group = self.engine.group_of(process);
        let socket = group.and_then(|group| self.sockets.acquire(group)).transpose()?;
        let fastcgi = socket.is_some();
        let started = self.fork(process, spec, &resolved, socket);
        if started.is_err() && fastcgi {
            self.sockets.release(&spec.group);
        }
        started
    }

    fn fork(
        &mut self,
        process: ProcessId,
        spec: &ProcessSpec,
        resolved: &Resolved,
        socket: Option<OwnedFd>,
    ) -> Result<i32, String> {
        let pipes = Pipes::new(process, spec.redirect_stderr, socket).map_err(|error| {
            match error.raw_os_error() {
                Some(libc::EMFILE | libc::ENFILE) => format!("too many open files to spawn '{}'", spec.name),
                _ => format!(
                    "unknown error making dispatchers for '{}': {}",
                    spec.name,
                    errno::of(&error)
                ),
            }
        })?;
        self.open_logs(process, spec);
        let mut environment = self.environment.of(spec);
        environment.extend(
            self.on_exit_variable(process)
                .map(|(name, value)| (name.into(), value.into())),
        );
        let launch = Launch {
            program: &resolved.program,
            argv: &resolved.argv,
            environment: &environment,
            directory: spec.directory.as_deref(),
            umask: spec.umask,
            run_as: run_as(spec),
            stdin: pipes.child_stdin.as_fd(),
            stdout: pipes.child_stdout.as_fd(),
            stderr: pipes.child_stderr.as_ref().unwrap_or(&pipes.child_stdout).as_fd(),
        };
        let pid = self
            .spawner
            .spawn(&launch)
            .map_err(|error| match error.raw_os_error() {
                Some(libc::EAGAIN) => {
                    format!("Too many processes in process table to spawn '{}'", spec.name)
                }
                _ => format!(
                    "unknown error during fork for '{}': {}",
                    spec.name,
                    errno::of(&error)
                ),
            })?;
        drop(launch);
        for pipe in &pipes.outputs {
            self.waiting.add(Rc::clone(pipe));
        }
        let child = Child {
            stdin: Stdin::new(pipes.stdin),
            outputs: pipes.outputs,
        };
        self.children.by_pid.insert(pid, process);
        self.children.by_id.insert(process, child);
        Ok(pid)
    }

    /// Opens the logs of a process that is about to start.
    fn open_logs(&mut self, process: ProcessId, spec: &ProcessSpec) {
        self.make_logs(process, spec);
        let opened = self.logs.get_mut(&process).map_or(Ok(()), ProcessLogs::open);
        if let Err(error) = opened {
            let text = format!("cannot open a log of '{}': {error}; it runs without", spec.name);
            self.note(LogLevel::Warn, &text);
        }
    }

    /// Makes the logs of a process, unless it has some.
    pub(super) fn make_logs(&mut self, process: ProcessId, spec: &ProcessSpec) {
        if self.logs.contains_key(&process) {
            return;
        }
        let listener = self
            .engine
            .group_of(process)
            .is_some_and(|group| matches!(group.kind, GroupKind::Listeners(_)));
        let (logs, problems) = ProcessLogs::new(spec, listener, &self.settings, &mut self.sinks);
        self.logs.insert(process, logs);
        for problem in problems {
            self.note(LogLevel::Warn, &problem);
        }
    }

    /// SIGCHLD: takes every child that ended.
    pub(super) fn reap(&mut self) {
        while let Some((pid, exit)) = wait::next_ended() {
            if let Some(process) = self.children.by_pid.remove(&pid) {
                self.run_on_exit(process);
                self.ended(process, exit);
            } else if !self.on_exit_ended(pid, exit) {
                let how = on_exit::how(exit);
                self.note(LogLevel::Info, &format!("reaped unknown pid {pid} ({how})"));
            }
            self.act();
        }
    }

    /// A child ended: its last words go to its logs before anybody hears of its end.
    fn ended(&mut self, process: ProcessId, exit: Exit) {
        if let Some(mut child) = self.children.by_id.remove(&process) {
            child.stdin.close();
            for pipe in child.outputs {
                self.last_words(&pipe);
                pipe.close();
            }
        }
        self.close_logs(process);
        if let Some(group) = self.engine.spec(process).map(|spec| spec.group.clone()) {
            self.sockets.release(&group);
        }
        self.tell(Input::Exited { process, exit });
    }

    fn last_words(&mut self, pipe: &Pipe) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut total = 0;
        while total < LAST_WORDS
            && let Received::Bytes(count) = pipe.read_now(&mut buffer)
        {
            total += count;
            self.received(pipe, buffer.get(..count).unwrap_or_default());
        }
        self.buffer = buffer;
    }
}

/// As whom a process runs, in supervisord's words where it cannot be.
pub(super) fn run_as(spec: &ProcessSpec) -> RunAs {
    let Some(user) = &spec.user else {
        return RunAs::Same;
    };
    let current = identity::current_uid();
    match identity::account(user) {
        Ok(account) if account.uid == current => RunAs::Same,
        Ok(account) if current == 0 => RunAs::User(account),
        Ok(account) => RunAs::Refused(format!(
            "couldn't setuid to {}: Can't drop privilege as nonroot user",
            account.uid
        )),
        Err(reason) => RunAs::Refused(format!("couldn't setuid to {user}: {reason}")),
    }
}
