//! The harness of the end-to-end tests: a whole stack from the built binary in a directory of its own, and real
//! clients to talk to it. Every wait is for a condition, with a deadline.

#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, reason = "a failing test shows what the stack wrote")]

pub mod browser;
pub mod clients;
pub mod front;
pub mod stack;
pub mod wait;

pub use clients::Answer;
pub use stack::{Builder, Stack};
pub use wait::until;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
        .to_owned()
}

/// The built binary: `PISTACK_BIN`, else the debug build.
///
/// # Panics
/// When it is not there.
pub fn binary() -> PathBuf {
    let path =
        std::env::var_os("PISTACK_BIN").map_or_else(|| root().join("target/debug/pistack"), PathBuf::from);
    assert!(
        path.exists(),
        "{}: build it first with `cargo build -p pistack`",
        path.display()
    );
    path
}

/// A command to run from a test.
#[expect(
    clippy::disallowed_methods,
    reason = "end-to-end tests start the product and its peers"
)]
pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    Command::new(program)
}
