//! The info service: the board's addresses, the weather, what the board is and how it fares, now and over time.
//!
//! # Decisions
//! - `/ip` and `/weather` need no login: the original's did not ask for one, and its clients send none. Both are
//!   cached, so that a stranger cannot make this board ask the outside more than once in a while. `/board` is
//!   new and takes a token.
//! - Nothing is started to find anything out: `/proc`, `/sys`, netlink and `statvfs` say all of it.
//! - One sampler reads for everybody, every two seconds; pages, rules, history and `/metrics` take what it read.

#![forbid(unsafe_code)]

mod addresses;
mod board;
pub mod config;
mod error;
mod fetch;
mod figures;
mod history;
mod metrics;
mod netlink;
mod network;
mod now;
mod process_list;
mod programs;
mod reachability;
mod read;
mod routes;
mod sampler;
mod state;
mod storage;
mod watch;
mod weather;

use pistack_kit::service::{App, Context, RunError};

pub use config::{Config, Finding, Provider, check};
#[doc(hidden)]
pub use read::every_parser;

/// The service's OpenAPI document.
pub fn spec() -> utoipa::openapi::OpenApi {
    routes::spec()
}

/// Everything this service serves. Nothing is asked yet, and nothing runs beside it: samples are taken when somebody
/// asks.
///
/// # Errors
/// When an address of the configuration is none.
pub fn app(context: &Context, config: &Config) -> Result<App, RunError> {
    Ok(serving(state::Info::new(context, config)?))
}

fn serving(state: state::Info) -> App {
    App {
        public: routes::public(state.clone()),
        internal: routes::internal(state),
        spec: Some(spec()),
    }
}

/// Runs the service until the process stops.
///
/// # Errors
/// As [`app`], and when no listener can be bound.
pub async fn run(context: Context, config: Config) -> Result<(), RunError> {
    context.paths.create()?;
    let state = state::Info::new(&context, &config)?;
    watch::start(&state, &context.paths, &context.lifecycle);
    let app = serving(state);
    pistack_kit::service::serve(&context, app).await
}
