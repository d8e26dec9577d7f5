//! Shapes that two pistack processes exchange: one module a subject, nothing that acts.
//!
//! Nothing here opens a socket, reads a file or asks for the time. A type lives here as soon as a second
//! process has to understand it; a type that one service alone uses stays in that service.

#![forbid(unsafe_code)]

pub mod auth;
pub mod event;
pub mod listener;
pub mod mail;
pub mod problem;
pub mod process;
pub mod right;
pub mod service;
pub mod token;
pub mod written;
pub mod xmlrpc;
