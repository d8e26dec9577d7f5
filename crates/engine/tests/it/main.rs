//! Tests of the engine's public face, in virtual time and without a file or process.

#[path = "../config/mod.rs"]
mod config;
#[path = "../runtime/mod.rs"]
mod runtime;
