//! What the handlers share, and the tasks beside them: the one that brings edges, and the one that knows the time.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pistack_kit::clock::Clock;
use pistack_kit::guard::Guard;
use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::problem::Problem;
use pistack_kit::service::{Context, RunError};
use tokio::sync::mpsc;

use crate::backend::{self, EDGES_ON_THE_WAY, Kind, RawEdge};
use crate::board::{Board, Surroundings};
use crate::config::{Config, Lines};
use crate::idempotency::Answers;
use crate::rate::Rates;
use crate::safe;
use crate::sensors::{Pool, Reading};

/// What every answer of the simulated backend carries, as the original's did.
pub(crate) const WARNING: &str = "no_gpio_backend";

/// Handle on the lines. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Gpio {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    board: Arc<Mutex<Board>>,
    sensors: Pool,
    answers: Mutex<Answers>,
    rates: Mutex<Rates>,
    kind: Kind,
    writes_per_second: u32,
    sysroot: PathBuf,
    clock: Clock,
    guard: Arc<Guard>,
    lifecycle: Lifecycle,
}

impl Gpio {
    /// Opens the backend, takes the configured lines and starts the tasks. To be called within a runtime.
    pub(crate) fn open(context: &Context, config: &Config, lines: &Lines) -> Result<Self, RunError> {
        let (sender, edges) = mpsc::channel(EDGES_ON_THE_WAY);
        // Whoever held the lines at their safe levels since a crash lets go of them now.
        safe::take_over(&context.paths, &context.clock);
        let backend = backend::open(config, lines, Some(sender), &context.clock)?;
        let kind = backend.kind();
        let around = Surroundings {
            clock: context.clock.clone(),
            paths: Some(context.paths.clone()),
            boot: boot(),
        };
        let board = Board::new(backend, config, lines, around)?;
        let board = Arc::new(Mutex::new(board));
        let listener = Arc::clone(&board);
        let tell = Arc::new(move |reading: Reading| lock(&listener).sensor(reading));
        let sensors = Pool::new(
            config.sysroot.clone(),
            config.sensors.clone(),
            context.clock.clone(),
            tell,
        );
        let gpio = Self {
            shared: Arc::new(Shared {
                board,
                sensors: sensors.clone(),
                answers: Mutex::default(),
                rates: Mutex::default(),
                kind,
                writes_per_second: config.writes_per_second,
                sysroot: config.sysroot.clone(),
                clock: context.clock.clone(),
                guard: Arc::clone(&context.guard),
                lifecycle: context.lifecycle.clone(),
            }),
        };
        context.lifecycle.spawn(gpio.clone().bring_edges(edges));
        context.lifecycle.spawn(gpio.clone().keep_time());
        context.lifecycle.spawn(sensors.run(context.lifecycle.clone()));
        context.lifecycle.spawn(crate::link::follow(
            gpio.clone(),
            config.sysroot.clone(),
            context.clock.clone(),
            context.lifecycle.clone(),
        ));
        Ok(gpio)
    }

    /// The lines. A call into the kernel takes microseconds, so that it is made in place.
    pub(crate) fn board(&self) -> MutexGuard<'_, Board> {
        lock(&self.shared.board)
    }

    /// The sensors.
    pub(crate) fn sensors(&self) -> &Pool {
        &self.shared.sensors
    }

    /// The answers kept by key.
    pub(crate) fn answers(&self) -> MutexGuard<'_, Answers> {
        self.shared.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One write of a caller; refused if there were too many.
    pub(crate) fn count_write(&self, caller: &str) -> Result<(), crate::error::Error> {
        let mut rates = self.shared.rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates
            .take(
                caller,
                self.shared.writes_per_second,
                self.shared.clock.monotonic(),
            )
            .map_err(crate::error::Error::Rate)
    }

    /// Time.
    pub(crate) fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Verifies that a stream's reader is still welcome.
    pub(crate) fn guard(&self) -> &Arc<Guard> {
        &self.shared.guard
    }

    /// Life of the process.
    pub(crate) fn lifecycle(&self) -> &Lifecycle {
        &self.shared.lifecycle
    }

    /// Where `/sys` and `/proc` are.
    pub(crate) fn sysroot(&self) -> &std::path::Path {
        &self.shared.sysroot
    }

    /// Which backend answers.
    pub(crate) fn kind(&self) -> Kind {
        self.shared.kind
    }

    /// The warning of the simulated backend.
    pub(crate) fn warning(&self) -> Option<&'static str> {
        (self.shared.kind == Kind::Simulated).then_some(WARNING)
    }

    /// The problem, with the warning if there is one.
    pub(crate) fn problem(&self, error: impl Into<Problem>) -> Problem {
        match self.warning() {
            Some(warning) => error.into().with("warning", warning),
            None => error.into(),
        }
    }

    /// Edges into the board, as they come.
    async fn bring_edges(self, mut edges: mpsc::Receiver<RawEdge>) {
        loop {
            tokio::select! {
                edge = edges.recv() => match edge {
                    Some(edge) => self.board().edge(edge),
                    None => return,
                },
                () = self.shared.lifecycle.stopped() => return,
            }
        }
    }

    /// Sleeps until something is due, does it, and puts the lines to their `on_stop` at the end.
    async fn keep_time(self) {
        let timer = self.board().timer();
        loop {
            let deadline = self.board().deadline();
            let left = deadline.map(|at| at.saturating_sub(self.shared.clock.monotonic()));
            tokio::select! {
                () = rest(left) => self.board().tick(),
                () = timer.notified() => {}
                () = self.shared.lifecycle.stopped() => break,
            }
        }
        self.board().end();
    }
}

fn lock(board: &Mutex<Board>) -> MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

/// So long, or for ever.
async fn rest(left: Option<Duration>) {
    match left {
        Some(left) => tokio::time::sleep(left).await,
        None => std::future::pending().await,
    }
}

/// Six digits that tell one run from the next.
fn boot() -> String {
    pistack_kit::random::uuid().simple().to_string()[..6].to_owned()
}
