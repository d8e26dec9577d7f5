//! Tests of the auth service through its routes, on a real database.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bed;
mod clock;
mod console;
mod cookies;
mod feed;
mod hang_up;
mod keys;
mod parallel;
mod postgres;
mod refresh;
mod rights;
mod session;
mod setup;
mod spec;
mod start;
mod throttle;
mod users;
