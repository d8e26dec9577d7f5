//! The email service against a mail server in this process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod away;
mod bench;
mod bounces;
mod direct;
mod faults;
mod given_up;
mod outbox;
mod recovery;
mod server;
