//! The whole daemon, run in this process over its real socket, with real children.
//!
//! A daemon takes the signals and the children of its whole process, and signals must be blocked before any other
//! thread exists. So this binary has a harness of its own: it blocks the signals first thing, and runs each test in a
//! process of its own (`cargo nextest` does that anyway; under `cargo test` the binary starts itself once a test).

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests, though without libtest's mark on them"
)]

mod background;
mod calls;
mod daemon;
mod events;
mod harness;
mod http;
mod http_framing;
mod life;
mod logs;
mod on_exit;
mod reload;

use harness::Test;

fn main() -> std::process::ExitCode {
    let tests: Vec<Test> = [
        life::TESTS,
        background::TESTS,
        calls::TESTS,
        daemon::TESTS,
        events::TESTS,
        http::TESTS,
        http_framing::TESTS,
        logs::TESTS,
        on_exit::TESTS,
        reload::TESTS,
    ]
    .concat();
    harness::main(&tests)
}
