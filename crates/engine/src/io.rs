//! What goes into the engine and what comes out of it.
//!
//! The order that the driver keeps: hand in an input, then take actions until there are none, then wait. Answers to
//! `Spawn` and `Kill` go in as soon as they are known, before the next action is taken: a `Reply` comes out after
//! the actions it stands for, so that it can still tell of their failure.

mod fault;

use std::time::Duration;

pub use self::fault::{Fault, FaultCode};

use crate::config::model::{GroupSpec, LogLevel, Model};
use crate::event::Event;

/// The time of an input. Decisions use `mono` only; `wall` is for display and payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Monotonic time since any fixed start.
    pub mono: Duration,
    /// Time since 1970.
    pub wall: Duration,
}

/// A process the engine knows: stable for the life of its group, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub u32);

/// A request whose answer is given later; the daemon chooses the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// By this signal, leaving a core file.
    Core(i32),
}

/// An output channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// [`Action::Spawn`] worked.
    Spawned {
        /// Which.
        process: ProcessId,
        /// Its pid.
        pid: i32,
    },
    /// [`Action::Spawn`] failed before there was a child.
    SpawnFailed {
        /// Which.
        process: ProcessId,
        /// supervisord's `spawnerr` text.
        error: String,
    },
    /// A child ended. Everything it wrote has been handed in before.
    Exited {
        /// Which.
        process: ProcessId,
        /// How.
        exit: Exit,
    },
    /// [`Action::Kill`] failed for another reason than that the process is gone. To be handed in before the next
    /// action is taken.
    KillFailed {
        /// Which.
        process: ProcessId,
        /// The system's reason.
        error: String,
    },
    /// A listener wrote to its standard output (protocol bytes).
    ListenerOutput {
        /// Which.
        process: ProcessId,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// [`Action::WriteStdin`] failed: the listener lives and reads no more.
    StdinClosed {
        /// Which.
        process: ProcessId,
    },
    /// Output with events enabled, for PROCESS_LOG events.
    Log {
        /// Which.
        process: ProcessId,
        /// Channel.
        channel: Channel,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Captured output, for PROCESS_COMMUNICATION events.
    Captured {
        /// Which.
        process: ProcessId,
        /// Channel.
        channel: Channel,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A request from a client.
    Command {
        /// Number for the reply.
        request: RequestId,
        /// What.
        command: Command,
    },
    /// The daemon should end (SIGTERM, SIGINT, SIGQUIT): same as the `Shutdown` command without a reply. The line
    /// `received SIGTERM indicating exit request` is the daemon's, which knows the signal.
    ShutdownSignal,
    /// A new, already valid configuration after SIGHUP: everything is stopped, then [`Action::Restart`]. Ignored
    /// while shutting down.
    RestartSignal,
    /// The deadline of [`crate::Engine::next_deadline`] came.
    Tick,
}

/// Requests that change something. Names as in supervisord's XML-RPC API; queries are answered by the engine's
/// read methods and never get here.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// `startProcess`; `name` may be `group:*`. Whether there is a file to execute is the daemon's to know: it
    /// asks [`crate::Engine::start_candidates`] and answers for those without one by [`crate::Engine::veto`].
    Start {
        /// `process`, `group:process` or `group:*`.
        name: String,
        /// Wait for RUNNING.
        wait: bool,
    },
    /// `startProcessGroup`.
    StartGroup {
        /// Group.
        name: String,
        /// Wait.
        wait: bool,
    },
    /// `startAllProcesses`.
    StartAll {
        /// Wait.
        wait: bool,
    },
    /// `stopProcess`.
    Stop {
        /// As in `Start`.
        name: String,
        /// Wait for STOPPED.
        wait: bool,
    },
    /// `stopProcessGroup`.
    StopGroup {
        /// Group.
        name: String,
        /// Wait.
        wait: bool,
    },
    /// `stopAllProcesses`.
    StopAll {
        /// Wait.
        wait: bool,
    },
    /// `signalProcess`.
    Signal {
        /// As in `Start`.
        name: String,
        /// Name or number.
        signal: String,
    },
    /// `signalProcessGroup`.
    SignalGroup {
        /// Group.
        name: String,
        /// Name or number.
        signal: String,
    },
    /// `signalAllProcesses`.
    SignalAll {
        /// Name or number.
        signal: String,
    },
    /// `addProcessGroup`, from the configuration last read.
    AddGroup {
        /// Group.
        name: String,
    },
    /// `removeProcessGroup`.
    RemoveGroup {
        /// Group.
        name: String,
    },
    /// `reloadConfig`: compares with what runs, remembers it for `AddGroup`, changes nothing yet.
    Reload {
        /// The configuration just read.
        model: Box<Model>,
    },
    /// `sendRemoteCommEvent`.
    RemoteCommunication {
        /// Type.
        kind: String,
        /// Data.
        data: String,
    },
    /// `shutdown`.
    Shutdown,
    /// `restart`.
    Restart,
}

/// One row of the answer to a group call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusRow {
    /// Process.
    pub name: String,
    /// Group.
    pub group: String,
    /// 80 or a fault code.
    pub status: i32,
    /// `OK` or the fault's text.
    pub description: String,
}

/// The answer to a [`Command`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Done.
    True,
    /// Group calls.
    Rows(Vec<StatusRow>),
    /// `reloadConfig`: added, changed, removed groups.
    Changes {
        /// New.
        added: Vec<String>,
        /// Different.
        changed: Vec<String>,
        /// Gone.
        removed: Vec<String>,
    },
}

/// What has to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Start the child; answer with `Spawned` or `SpawnFailed`. The spec is in [`crate::Engine::spec`].
    Spawn {
        /// Which.
        process: ProcessId,
    },
    /// Send a signal.
    Kill {
        /// Which.
        process: ProcessId,
        /// Its pid.
        pid: i32,
        /// Signal number.
        signal: i32,
        /// To the whole process group.
        group: bool,
    },
    /// Write to a listener's standard input (an event), all of it.
    WriteStdin {
        /// Which.
        process: ProcessId,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// An event happened: for subscribers outside of the listener pools.
    Emit(Event),
    /// Answer a request.
    Reply {
        /// Which.
        request: RequestId,
        /// With what.
        result: Result<Reply, Fault>,
    },
    /// Write a line to the daemon's log.
    Log {
        /// Level.
        level: LogLevel,
        /// Text without time and level.
        text: String,
    },
    /// A group came into being: open its logs, its FastCGI socket.
    GroupAdded {
        /// Its specification.
        group: Box<GroupSpec>,
    },
    /// A group is gone: close what belongs to it.
    GroupRemoved {
        /// Name.
        name: String,
        /// Its processes.
        processes: Vec<ProcessId>,
    },
    /// Everything is stopped: end the daemon.
    Shutdown,
    /// Everything is stopped: read the configuration again and begin anew, with the same pid.
    Restart,
}
