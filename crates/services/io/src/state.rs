//! What the handlers share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pistack_kit::problem::Problem;

use crate::backend::{self, Kind};
use crate::config::{Config, Lines};
use crate::error::StartError;
use crate::lines::Board;

/// What every answer of the simulated backend carries, as the original's did.
pub(crate) const WARNING: &str = "no_gpio_backend";

/// Handle on the lines. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Gpio {
    board: Arc<Mutex<Board>>,
    kind: Kind,
}

impl Gpio {
    /// Opens the backend and takes the configured lines.
    pub(crate) fn open(config: &Config, lines: &Lines) -> Result<Self, StartError> {
        let board = Board::new(backend::open(config)?, config, lines)?;
        let kind = board.kind();
        Ok(Self {
            board: Arc::new(Mutex::new(board)),
            kind,
        })
    }

    /// The lines. A call into the kernel takes microseconds, so that it is made in place.
    pub(crate) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The warning of the simulated backend.
    pub(crate) fn warning(&self) -> Option<&'static str> {
        (self.kind == Kind::Simulated).then_some(WARNING)
    }

    /// The problem, with the warning if there is one.
    pub(crate) fn problem(&self, error: impl Into<Problem>) -> Problem {
        match self.warning() {
            Some(warning) => error.into().with("warning", warning),
            None => error.into(),
        }
    }
}
