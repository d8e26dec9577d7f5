//! What both front ends produce: the programs to run and how.

use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use super::places::Places;
use crate::event::EventKind;

/// Where a thing was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Origin {
    /// File; empty for built-in defaults.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: u32,
}

/// Something legal but worth telling (`config check` prints it): an unknown INI key, a truncated command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where.
    pub origin: Origin,
    /// What, in plain words.
    pub message: String,
}

/// The whole configuration of one supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Model {
    /// `[supervisord]`.
    pub settings: Settings,
    /// Servers of the XML-RPC interface.
    pub servers: Vec<Server>,
    /// True when `[rpcinterface:supervisor]` (or the native configuration) asks for the `supervisor` namespace.
    pub rpc_enabled: bool,
    /// `[supervisorctl]`.
    pub ctl: CtlSettings,
    /// Groups by name.
    pub groups: IndexMap<String, GroupSpec>,
    /// Legal but worth telling.
    pub warnings: Vec<Warning>,
}

/// Log levels of supervisord.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[expect(missing_docs, reason = "the names are supervisord's own")]
pub enum LogLevel {
    Blather,
    Trace,
    Debug,
    #[default]
    Info,
    Warn,
    Error,
    Critical,
}

/// Where a log goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LogTarget {
    /// Nowhere.
    None,
    /// A generated file in `childlogdir`.
    #[default]
    Auto,
    /// This file.
    File(PathBuf),
    /// syslog.
    Syslog,
}

/// `[supervisord]`, with supervisord's defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The daemon's own log (`supervisord.log` in the working directory unless set).
    pub logfile: LogTarget,
    /// Bytes at which it rotates; 0 = never.
    pub logfile_maxbytes: u64,
    /// Old files kept.
    pub logfile_backups: u32,
    /// Least level written.
    pub loglevel: LogLevel,
    /// Pid file.
    pub pidfile: PathBuf,
    /// Mask for files, for the daemon and programs without their own.
    pub umask: u32,
    /// Stay in the foreground.
    pub nodaemon: bool,
    /// Do not copy the log to standard output in the foreground.
    pub silent: bool,
    /// Least number of file descriptors.
    pub minfds: u64,
    /// Least number of processes.
    pub minprocs: u64,
    /// Keep old AUTO logs at start.
    pub nocleanup: bool,
    /// Directory of AUTO logs; the system's temporary directory unless set.
    pub childlogdir: Option<PathBuf>,
    /// Run as this user.
    pub user: Option<String>,
    /// Working directory of the daemon.
    pub directory: Option<PathBuf>,
    /// Remove ANSI sequences from child logs.
    pub strip_ansi: bool,
    /// Added to every child's environment.
    pub environment: IndexMap<String, String>,
    /// Where each of these variables was written.
    pub environment_places: IndexMap<String, Origin>,
    /// Name in listener headers and AUTO log names.
    pub identifier: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            logfile: LogTarget::File("supervisord.log".into()),
            logfile_maxbytes: 50 * 1024 * 1024,
            logfile_backups: 10,
            loglevel: LogLevel::Info,
            pidfile: "supervisord.pid".into(),
            umask: 0o022,
            nodaemon: false,
            silent: false,
            minfds: 1024,
            minprocs: 200,
            nocleanup: false,
            childlogdir: None,
            user: None,
            directory: None,
            strip_ansi: false,
            environment: IndexMap::new(),
            environment_places: IndexMap::new(),
            identifier: "supervisor".into(),
        }
    }
}

/// A server of the XML-RPC interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where it listens.
    pub address: ServerAddress,
    /// HTTP Basic credentials: user, password (plain or `{SHA}` + hex).
    pub credentials: Option<(String, String)>,
    /// Where it was written.
    pub origin: Origin,
}

/// Address of a [`Server`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerAddress {
    /// `[unix_http_server]`.
    Unix {
        /// Socket file.
        path: PathBuf,
        /// Permission bits.
        mode: u32,
        /// Owner: user and group.
        owner: Option<(String, Option<String>)>,
    },
    /// `[inet_http_server]`.
    Inet {
        /// Host; empty = all.
        host: String,
        /// Port.
        port: u16,
    },
}

/// `[supervisorctl]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CtlSettings {
    /// `unix://path` or `http://host:port`.
    pub serverurl: Option<String>,
    /// User for Basic.
    pub username: Option<String>,
    /// Password for Basic.
    pub password: Option<String>,
    /// Prompt of the interactive mode.
    pub prompt: Option<String>,
    /// Where the interactive mode keeps what was typed.
    pub history_file: Option<PathBuf>,
}

/// A group: of programs, or a pool of event listeners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSpec {
    /// Name.
    pub name: String,
    /// Start order: lower first.
    pub priority: i32,
    /// What its members are.
    pub kind: GroupKind,
    /// Members in start order.
    pub processes: Vec<ProcessSpec>,
    /// Where it was written.
    pub origin: Origin,
}

/// What a group is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupKind {
    /// Ordinary programs.
    Programs,
    /// A pool of event listeners.
    Listeners(PoolSpec),
    /// FastCGI programs that share a listening socket: `unix:///path` or `tcp://host:port`.
    FastCgi {
        /// The socket's address.
        socket: String,
        /// Owner: user and group.
        owner: Option<(String, Option<String>)>,
        /// Permission bits.
        mode: u32,
        /// Listen backlog.
        backlog: Option<u32>,
    },
}

/// `[eventlistener:x]` beyond what a program has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSpec {
    /// Subscribed kinds, abstract ones already resolved to their children.
    pub events: Vec<EventKind>,
    /// The configured buffer; `None` = not written: lifecycle events are never dropped.
    pub buffer_size: Option<usize>,
    /// `result_handler`, kept for `getAllConfigInfo`.
    pub result_handler: String,
}

/// When an exited program is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AutoRestart {
    /// Never.
    Never,
    /// After an exit that `exitcodes` does not name.
    #[default]
    Unexpected,
    /// Always.
    Always,
}

/// One output channel of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelSpec {
    /// Where it goes.
    pub logfile: LogTarget,
    /// Bytes at which it rotates; 0 = never.
    pub maxbytes: u64,
    /// Old files kept.
    pub backups: u32,
    /// Size of the capture ring; 0 = no capture.
    pub capture_maxbytes: u64,
    /// Emit PROCESS_LOG events.
    pub events_enabled: bool,
    /// Also to syslog.
    pub syslog: bool,
}

impl Default for ChannelSpec {
    fn default() -> Self {
        Self {
            logfile: LogTarget::Auto,
            maxbytes: 50 * 1024 * 1024,
            backups: 10,
            capture_maxbytes: 0,
            events_enabled: false,
            syslog: false,
        }
    }
}

/// One process to keep alive, all expansions done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessSpec {
    /// Process name.
    pub name: String,
    /// Its group's name.
    pub group: String,
    /// Command line as written; the daemon splits it like a POSIX shell, without a shell.
    pub command: String,
    /// Order within its group.
    pub priority: i32,
    /// Start with the supervisor.
    pub autostart: bool,
    /// Seconds that it must live to count as started.
    pub startsecs: u32,
    /// Further attempts before FATAL.
    pub startretries: u32,
    /// Start again after an exit.
    pub autorestart: AutoRestart,
    /// Exit codes that are expected.
    pub exitcodes: Vec<i32>,
    /// Signal number that asks it to stop.
    pub stopsignal: i32,
    /// Seconds until SIGKILL.
    pub stopwaitsecs: u32,
    /// Signal the whole process group on stop.
    pub stopasgroup: bool,
    /// Kill the whole process group.
    pub killasgroup: bool,
    /// Run as this user (name or uid).
    pub user: Option<String>,
    /// Standard error goes where standard output goes.
    pub redirect_stderr: bool,
    /// Working directory.
    pub directory: Option<PathBuf>,
    /// File mask.
    pub umask: Option<u32>,
    /// Its own environment.
    pub environment: IndexMap<String, String>,
    /// `SUPERVISOR_SERVER_URL` for it; `None` = automatic.
    pub serverurl: Option<String>,
    /// Command line that the daemon runs at once when the process ends, however it ends, and before it may start
    /// again. No configuration file has this key: the stack uses it to bring a device into a safe state.
    pub on_exit: Option<String>,
    /// Standard output.
    pub stdout: ChannelSpec,
    /// Standard error.
    pub stderr: ChannelSpec,
    /// Where it was written.
    pub origin: Origin,
    /// Where each of its options was written; all its program's processes share it.
    pub places: Arc<Places>,
}

impl ProcessSpec {
    /// A program with supervisord's defaults, in a group of its own name.
    pub fn new(name: impl Into<String>, command: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            group: name.clone(),
            name,
            command: command.into(),
            priority: 999,
            autostart: true,
            startsecs: 1,
            startretries: 3,
            autorestart: AutoRestart::Unexpected,
            exitcodes: vec![0],
            stopsignal: 15,
            stopwaitsecs: 10,
            stopasgroup: false,
            killasgroup: false,
            user: None,
            redirect_stderr: false,
            directory: None,
            umask: None,
            environment: IndexMap::new(),
            serverurl: None,
            on_exit: None,
            stdout: ChannelSpec::default(),
            stderr: ChannelSpec::default(),
            origin: Origin::default(),
            places: Arc::default(),
        }
    }
}
