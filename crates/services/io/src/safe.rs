//! Outputs at safe levels when nobody drives them: what becomes of the lines when this service ends.
//!
//! # How a crash is answered
//! 1. While the service runs it keeps a plan in `run/io.safe.json`: every output that it drives, and its `on_crash`.
//!    The plan is what was really taken, so a configuration that was changed or broken meanwhile does not matter.
//! 2. The service ends, however it ends. The supervisor runs `pistack io safe` at once, before the service may start
//!    again. That process ([`hold()`]) requests every output of the plan with its safe level, and waits out lines that
//!    are still busy (200 ms).
//! 3. It holds the lines: on kernels that make an input of a released line, the level stays.
//! 4. The new service knocks ([`take_over`]) right before it requests its lines; the holder lets go and ends.
//!
//! An orderly stop puts each output to its `on_stop` and leaves an empty plan: then nothing is held, and the lines are
//! free for others.

mod hold;
mod plan;
mod takeover;

pub use hold::{Ended, Held, HoldError, hold};
pub(crate) use plan::Keeper;
pub use plan::{Output, Plan, PlanError};
pub use takeover::take_over;

use std::path::PathBuf;

use pistack_kit::paths::StatePaths;

/// Where the plan lies.
pub fn plan_path(paths: &StatePaths) -> PathBuf {
    paths.run().join("io.safe.json")
}

/// Where the holder is knocked at.
pub fn socket_path(paths: &StatePaths) -> PathBuf {
    paths.run().join("io.safe.sock")
}
