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
//! - What is decided (limits, actions, the ring of events, the beat of PWM) is decided in modules that know no chip and
//!   no clock; `board` brings them together, and the trait of the backends is thin.
//! - Edges come from the kernel. With nothing happening, nothing here runs.

#![forbid(unsafe_code)]

mod action;
mod address;
mod backend;
mod board;
mod check;
pub mod config;
mod error;
mod event;
mod hardpwm;
mod header;
mod idempotency;
mod limits;
mod link;
#[cfg(test)]
mod measure;
mod model;
mod permission;
mod rate;
mod reader;
mod restore;
mod ring;
mod routes;
pub mod safe;
mod sensors;
mod softpwm;
mod state;
mod view;

use std::sync::Arc;

use pistack_kit::service::{App, Context, HealthReport, RunError};
use serde_json::{Map, Value, json};

pub use check::{Finding, check};
pub use config::{Config, LineConfig, Lines};
pub use sensors::{SensorConfig, SensorConfigs, check_sensors};

/// The service's OpenAPI document.
pub fn spec() -> utoipa::openapi::OpenApi {
    routes::spec()
}

/// Everything this service serves, and what it says of its health. Opens the chip and takes the configured lines; to be
/// called within a runtime.
///
/// # Errors
/// When the configured chip is not there, or a configured line does not exist on it.
pub fn app(context: &Context, config: &Config, lines: &Lines) -> Result<(App, HealthReport), RunError> {
    let state = state::Gpio::open(context, config, lines)?;
    let health = health(state.clone());
    let app = App {
        public: routes::public(state.clone()),
        internal: routes::private(state),
        spec: Some(spec()),
    };
    Ok((app, health))
}

/// Runs the service until the process stops.
///
/// # Errors
/// As [`app`], and when no listener can be bound.
pub async fn run(context: Context, config: Config, lines: Lines) -> Result<(), RunError> {
    let (app, health) = app(&context, &config, &lines)?;
    pistack_kit::service::serve_with_health(&context, app, Some(health)).await
}

/// `ok` is false, and the answer 503, while a chip of the configuration is away.
fn health(gpio: state::Gpio) -> HealthReport {
    Arc::new(move || {
        let (health, safe_mode) = {
            let board = gpio.board();
            (board.health(), board.safe_mode().cloned())
        };
        let mut members = Map::new();
        let mut add = |key: &str, value: Value| members.insert(key.to_owned(), value);
        add("ok", health.gone.is_empty().into());
        if !health.gone.is_empty() {
            add("status", "chip_gone".into());
            add("gone", health.gone.into());
        }
        add("chips", health.chips.into());
        add("lines", health.lines.into());
        add("busy", health.busy.into());
        add("dropped_events", health.dropped.into());
        add("last_error", health.last_error.into());
        add(
            "safe_mode",
            safe_mode.map_or(
                Value::Null,
                |mode| json!({ "reason": mode.reason, "since": mode.since }),
            ),
        );
        if let Some(warning) = gpio.warning() {
            add("warning", warning.into());
        }
        Box::pin(std::future::ready(members))
    })
}
