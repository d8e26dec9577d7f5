//! `supervisorctl`, ours.

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs `supervisorctl` with its arguments (without the program's name).
pub(crate) fn run(_args: Vec<OsString>, _program: &str) -> ExitCode {
    ExitCode::from(2)
}
