//! What children do.

use std::collections::VecDeque;
use std::time::Duration;

use pistack_engine::io::Exit;

/// One life of a child.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// There is no child at all, for this reason.
    pub(crate) spawn_error: Option<String>,
    /// It ends by itself after this time.
    pub(crate) ends: Option<(Duration, Exit)>,
    /// It ends this long after a stop signal; `None`: it ignores those.
    pub(crate) on_stop: Option<(Duration, Exit)>,
    /// No signal can be sent to it, for this reason.
    pub(crate) kill_error: Option<String>,
}

impl Default for Run {
    /// Lives until it is asked to stop, then ends at once with code 0.
    fn default() -> Self {
        Self {
            spawn_error: None,
            ends: None,
            on_stop: Some((Duration::ZERO, Exit::Code(0))),
            kill_error: None,
        }
    }
}

impl Run {
    /// Ends by itself with this code.
    pub(crate) fn exits(after_ms: u64, code: i32) -> Self {
        Self {
            ends: Some((Duration::from_millis(after_ms), Exit::Code(code))),
            ..Self::default()
        }
    }

    /// Cannot be started.
    pub(crate) fn no_spawn(error: &str) -> Self {
        Self {
            spawn_error: Some(error.to_owned()),
            ..Self::default()
        }
    }

    /// Needs this long to stop.
    pub(crate) fn slow_stop(ms: u64) -> Self {
        Self {
            on_stop: Some((Duration::from_millis(ms), Exit::Code(0))),
            ..Self::default()
        }
    }

    /// Ignores stop signals.
    pub(crate) fn stubborn() -> Self {
        Self {
            on_stop: None,
            ..Self::default()
        }
    }

    /// Cannot be signalled.
    pub(crate) fn untouchable(error: &str) -> Self {
        Self {
            kill_error: Some(error.to_owned()),
            ..Self::default()
        }
    }
}

/// The lives of a program's children, one after the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    first: VecDeque<Run>,
    then: Run,
}

impl Script {
    /// Every child lives like this.
    pub(crate) fn always(run: Run) -> Self {
        Self {
            first: VecDeque::new(),
            then: run,
        }
    }

    /// The first children live like these, those after them until they are stopped.
    pub(crate) fn first(runs: Vec<Run>) -> Self {
        Self {
            first: runs.into(),
            then: Run::default(),
        }
    }

    /// The first children live like these, those after them like that.
    pub(crate) fn of(first: Vec<Run>, then: Run) -> Self {
        Self {
            first: first.into(),
            then,
        }
    }

    /// The next life.
    pub(crate) fn next(&mut self) -> Run {
        self.first.pop_front().unwrap_or_else(|| self.then.clone())
    }
}
