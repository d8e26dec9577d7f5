//! What the handlers share.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pistack_api::process::ProcessInfo;
use pistack_api::service::{GROUP, Service};
use pistack_kit::clock::Clock;
use pistack_kit::guard::Guard;
use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::service::Context;

use crate::config::Config;
use crate::daemon::Daemon;
use crate::error::{Error, StartError};
use crate::events::Hub;
use crate::names;
use crate::runs::{Act, Runs};
use crate::snapshot::Kept;

/// The gateway's program in the group of the stack.
const GATEWAY: &str = "gateway";

/// Handle on the service's state. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Supervisor(Arc<Shared>);

/// Behind the handle.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) daemon: Daemon,
    pub(crate) events: Hub,
    pub(crate) kept: Kept,
    pub(crate) runs: Arc<Runs>,
    pub(crate) clock: Clock,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) guard: Arc<Guard>,
    /// How long an action waits for a process to settle.
    pub(crate) wait: Duration,
}

impl Deref for Supervisor {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Supervisor {
    /// The state for `config`; nothing is asked yet.
    pub(crate) fn new(context: &Context, config: &Config) -> Result<Self, StartError> {
        Ok(Self(Arc::new(Shared {
            daemon: Daemon::new(config, &context.paths)?,
            events: Hub::new(),
            kept: Kept::default(),
            runs: Arc::default(),
            clock: context.clock.clone(),
            lifecycle: context.lifecycle.clone(),
            guard: Arc::clone(&context.guard),
            wait: config.wait.0,
        })))
    }

    /// Keeps one connection to the supervisor's event stream, and the book of runs below `root`, until the process
    /// stops.
    pub(crate) fn follow_events(&self, root: &Path) {
        let book = root.join("db").join("runs.json");
        self.runs.load(&book);
        self.lifecycle
            .spawn(Arc::clone(&self.runs).keep(book, self.lifecycle.clone()));
        let state = self.clone();
        self.lifecycle.spawn(async move {
            state
                .events
                .follow(&state.daemon, &state.runs, &state.lifecycle)
                .await;
        });
    }

    /// Notes in the book of runs that somebody asks something of a process.
    pub(crate) async fn note(&self, name: &str, what: &str, by: &str) {
        let Ok(process) = self.find(name).await else {
            return;
        };
        let act = Act {
            at: self.clock.unix(),
            what: what.to_owned(),
            by: by.to_owned(),
        };
        self.runs.note(names::namespec(&process), act);
    }

    /// The process that a client means by `name`.
    pub(crate) async fn find(&self, name: &str) -> Result<ProcessInfo, Error> {
        names::resolve(&self.snapshot().await?.processes, name).cloned()
    }

    /// True if `process` is this very service.
    pub(crate) fn is_self(&self, process: &ProcessInfo) -> bool {
        let by_pid =
            self.daemon.is_local && process.pid != 0 && process.pid.unsigned_abs() == std::process::id();
        by_pid || (process.group == GROUP && process.name == Service::Supervisor.program())
    }

    /// True if an answer travels through `process`.
    pub(crate) fn carries_answers(&self, process: &ProcessInfo) -> bool {
        self.is_self(process) || (process.group == GROUP && process.name == GATEWAY)
    }
}
