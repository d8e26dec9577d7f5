//! `supervisord`, ours.

use std::ffi::OsString;
use std::process::ExitCode;

pub(crate) fn run(_arguments: Vec<OsString>, _program: &str) -> ExitCode {
    ExitCode::from(2)
}
pub(crate) fn echo_configuration(_arguments: Vec<OsString>, _program: &str) -> ExitCode {
    ExitCode::from(2)
}
pub(crate) fn pidproxy(_arguments: Vec<OsString>, _program: &str) -> ExitCode {
    ExitCode::from(2)
}
