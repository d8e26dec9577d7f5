//! How a supervisor is run, and how it ends.

use std::path::PathBuf;

use pistack_engine::config::model::{LogLevel, Model};
use pistack_kit::clock::Clock;
use tokio::sync::oneshot;

pub use crate::http::bind::BindError;
use crate::rpc::SUPERVISOR_VERSION;

/// Reads the configuration again. The error is the whole text for the person who asked for it.
pub type Load = Box<dyn FnMut() -> Result<Model, String>>;

/// Lines for the log at each beginning (at the start and after each restart in place), before all others.
pub type Opening = Box<dyn FnMut(&Model) -> Vec<(LogLevel, String)>>;

/// What [`crate::run`] needs beyond the configuration.
pub struct Options {
    /// Time.
    pub clock: Clock,
    /// Reads the configuration again, on SIGHUP and for the calls `restart` and `reloadConfig`.
    pub load: Load,
    /// Copy the daemon's log to standard output (foreground). `silent` in the configuration switches it off.
    pub log_to_stdout: bool,
    /// Added to every child's environment, over what this process has and under what the configuration says.
    pub environment: Vec<(String, String)>,
    /// First lines of the log; none unless changed.
    pub opening: Opening,
    /// Refuse to start where `minfds` or `minprocs` cannot be had, as supervisord does. Otherwise it is a warning.
    pub limits_required: bool,
    /// Told when the servers listen and the programs are being started.
    pub started: Option<oneshot::Sender<()>>,
    /// Version that clients are told; `4.3.0` unless changed.
    pub version: String,
}

impl Options {
    /// The usual: system clock, no copy of the log.
    pub fn new(load: Load) -> Self {
        Self {
            clock: Clock::system(),
            load,
            log_to_stdout: false,
            environment: Vec::new(),
            opening: Box::new(|_| Vec::new()),
            limits_required: false,
            started: None,
            version: SUPERVISOR_VERSION.to_owned(),
        }
    }
}

/// How the supervisor ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// It was asked to, and stopped everything first.
    Shutdown,
}

/// The supervisor could not be started; nothing of it is left behind.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Signals cannot be received.
    #[error("cannot receive signals: {0}")]
    Signals(#[source] std::io::Error),
    /// `minfds` or `minprocs` cannot be had, and [`Options::limits_required`] asks for it.
    #[error("{0}")]
    Limit(String),
    /// The user of `[supervisord] user` cannot be taken on.
    #[error("cannot run as user '{user}': {reason}")]
    User {
        /// The user.
        user: String,
        /// Why.
        reason: String,
    },
    /// The daemon's own log cannot be opened.
    #[error("cannot write the log {}: {source}. Make its directory writable, or set another `logfile`", path.display())]
    Log {
        /// The log.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A server's address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
}
