//! The system calls that std has no safe form of: starting children, reaping, signals, limits, identity.
//!
//! The only place of the workspace with `unsafe`. Every function here is safe to call; each block says why it is.

#![expect(
    unsafe_code,
    reason = "fork, execve, signalfd, waitpid and friends have no safe form in std"
)]

pub(crate) mod daemonize;
pub(crate) mod errno;
pub(crate) mod fds;
pub(crate) mod identity;
pub(crate) mod limits;
pub(crate) mod local_time;
pub(crate) mod memory;
pub(crate) mod priority;
pub(crate) mod signals;
pub(crate) mod spawn;
pub(crate) mod wait;
