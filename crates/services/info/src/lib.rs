//! The info service: the board's addresses, the weather, and what the board is and how it fares.
//!
//! # Decisions
//! - `/ip` and `/weather` need no login: the original's did not ask for one, and its clients send none. Both are
//!   cached, so that a stranger cannot make this board ask the outside more than once in a while. `/board` is
//!   new and takes a token.
//! - Nothing is started to find anything out: `/proc`, `/sys` and one `statvfs` say all of it.

#![forbid(unsafe_code)]

mod addresses;
mod board;
pub mod config;
mod error;
mod fetch;
mod figures;
mod routes;
mod state;
mod weather;

use pistack_kit::service::{App, Context, RunError};

pub use config::{Config, Finding, check};

/// The service's OpenAPI document.
pub fn spec() -> utoipa::openapi::OpenApi {
    routes::spec()
}

/// Everything this service serves. Nothing is asked yet.
///
/// # Errors
/// When an address of the configuration is none.
pub fn app(context: &Context, config: &Config) -> Result<App, RunError> {
    let state = state::Info::new(context, config)?;
    Ok(App {
        public: routes::public(state.clone()),
        internal: routes::internal(state),
        spec: Some(spec()),
    })
}

/// Runs the service until the process stops.
///
/// # Errors
/// As [`app`], and when no listener can be bound.
pub async fn run(context: Context, config: Config) -> Result<(), RunError> {
    let app = app(&context, &config)?;
    pistack_kit::service::serve(&context, app).await
}
