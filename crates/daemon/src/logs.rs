//! Log files: of the daemon itself and of its children (supervision.md 1.11).

pub(crate) mod ansi;
pub(crate) mod auto_name;
pub(crate) mod capture;
pub(crate) mod channel;
pub(crate) mod follow;
pub(crate) mod main_log;
pub(crate) mod process;
pub(crate) mod read;
pub(crate) mod rotating_file;
pub(crate) mod special_file;
pub(crate) mod stream;
pub(crate) mod syslog;
pub(crate) mod text;

/// News about a log itself, for the daemon's own log. Told once a change, not once a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Bytes are being lost.
    Losing(String),
    /// Writing works again.
    Resumed(String),
}
