//! The supervisor's decisions, and nothing else: configuration text to programs, process and group states, order,
//! events, the listener protocol.
//!
//! No clock, no file, no process, no thread: [`Engine::handle`] takes an input and the time,
//! [`Engine::poll_action`] gives what has to be done, [`Engine::next_deadline`] says when to come back. The daemon
//! acts. So every rule is tested in virtual time.

#![forbid(unsafe_code)]

pub mod config;
pub mod event;
pub mod io;
pub mod state;
mod supervisor;

pub use supervisor::{Engine, ProcessView};
