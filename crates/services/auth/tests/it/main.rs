//! Tests of the auth service through its routes, on a real database.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod api_tokens;
mod bed;
mod clock;
mod console;
mod cookies;
mod copies;
mod feed;
mod grants;
mod hang_up;
mod import;
mod keys;
mod overview;
mod own_sessions;
mod parallel;
mod people;
mod postgres;
mod power_cut;
mod refresh;
mod reset;
mod rights;
mod second_factor;
mod session;
mod setup;
mod spec;
mod start;
mod throttle;
mod users;
mod verify;
