//! The io service: the GPIO lines of the board, by the kernel's GPIO character device, or simulated where there
//! is no such device.
//!
//! # Decisions
//! - One process owns the lines. Lines of the configuration are taken at start; any other BCM pin may be
//!   driven too, unless `open_lines = false`.
//! - Reading never changes a line: a line that is not ours is requested "as is", so that an output goes on
//!   driving and an input stays an input. (The original switched outputs off by reading them.)
//! - Every answer of the simulated backend carries `"warning":"no_gpio_backend"`.
//! - A configured line that somebody else holds does not keep the service down: it is tried again at each use,
//!   and the answer names the holder.

#![forbid(unsafe_code)]

mod backend;
mod check;
pub mod config;
mod error;
mod header;
mod lines;
mod permission;
mod routes;
mod state;

use pistack_kit::service::{App, Context, RunError};

pub use check::{Finding, check};
pub use config::{Config, LineConfig, Lines};

/// The service's OpenAPI document.
pub fn spec() -> utoipa::openapi::OpenApi {
    routes::spec()
}

/// Everything this service serves. Opens the chip and takes the configured lines.
///
/// # Errors
/// When the configured chip is not there, or a configured line does not exist on it.
pub fn app(config: &Config, lines: &Lines) -> Result<App, RunError> {
    let state = state::Gpio::open(config, lines)?;
    Ok(App {
        public: routes::public(state.clone()),
        internal: routes::private(state),
        spec: Some(spec()),
    })
}

/// Runs the service until the process stops.
///
/// # Errors
/// As [`app`], and when no listener can be bound.
pub async fn run(context: Context, config: Config, lines: Lines) -> Result<(), RunError> {
    let app = app(&config, &lines)?;
    pistack_kit::service::serve(&context, app).await
}
