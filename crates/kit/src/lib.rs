//! What every pistack service shares, and no domain: configuration reading, lifecycle, listeners, the guard
//! before every handler, problem answers, API documents, logs, the database, the clock, the client.
//!
//! A thing moves here when three services need it and it names no domain.

#![forbid(unsafe_code)]

pub mod client;
pub mod clock;
pub mod config;
pub mod database;
pub mod extract;
pub mod guard;
pub mod lifecycle;
pub mod listen;
pub mod openapi;
pub mod paths;
pub mod problem;
pub mod random;
pub mod rpc;
pub mod service;
pub mod sse;
pub mod telemetry;
pub mod testing;
pub mod token;
