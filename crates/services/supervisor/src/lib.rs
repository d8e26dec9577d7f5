//! The supervisor service: processes over HTTP. It owns no process; it asks the supervisor (`pistack up`, or a
//! supervisord) over XML-RPC and passes the supervisor's events on as server-sent events.
//!
//! # Decisions
//! - `{name}` is `group:process`, or a bare process name where it is unique. Clients of the original say
//!   `auth_service`, although the group is `RaspberryPiSystem`.
//! - Start and stop are sent without waiting, then the process is watched until it has settled or `wait` is
//!   over. So a slow start is never taken for an unreachable supervisor, and every single call keeps to
//!   `timeout`.
//! - `stop_all` leaves this service and the gateway running: they carry the answer, and they are the way by
//!   which anything is started again.
//! - Stopping or restarting this very service answers before it ends; a restart is answered with 202.

#![forbid(unsafe_code)]

pub mod config;
mod control;
mod daemon;
mod error;
mod events;
mod logs;
mod names;
mod permission;
mod routes;
mod runs;
mod snapshot;
mod state;

use pistack_kit::service::{App, Context, RunError};

pub use config::Config;

/// The service's OpenAPI document.
pub fn spec() -> utoipa::openapi::OpenApi {
    routes::spec()
}

/// Everything this service serves, with its follower of the event stream started.
///
/// # Errors
/// When the configured address or password file cannot be used.
pub fn app(context: &Context, config: &Config) -> Result<App, RunError> {
    let state = state::Supervisor::new(context, config)?;
    state.follow_events(context.paths.root());
    Ok(App {
        public: routes::public(state),
        internal: axum::Router::new(),
        spec: Some(spec()),
    })
}

/// Runs the service until the process stops.
///
/// # Errors
/// When the configuration cannot be used or no listener can be bound.
pub async fn run(context: Context, config: Config) -> Result<(), RunError> {
    let app = app(&context, &config)?;
    pistack_kit::service::serve(&context, app).await
}
