//! `POST /api/io/stop` and `POST /api/io/release`: the emergency stop.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use http::StatusCode;
use pistack_api::right::WriteLine;
use pistack_kit::guard::May;
use pistack_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::board::SafeMode;
use crate::state::Gpio;

/// Longest reason that is kept.
const LONGEST: usize = 200;

/// Why everything is stopped.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct Stop {
    /// For people, and for whoever is refused meanwhile; 200 letters at most.
    #[schema(example = "smoke in the boiler room")]
    reason: Option<String>,
}

/// The emergency stop, and what it did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stopped {
    /// Whether it is on.
    safe_mode: bool,
    /// Why.
    reason: Option<String>,
    /// Since when, RFC 3339 in UTC.
    #[schema(example = "2026-11-23T18:00:00.123456Z")]
    since: Option<String>,
    /// Outputs that could not be brought to their safe level.
    failed: Vec<Failure>,
    /// `no_gpio_backend` when the lines are simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    warning: Option<&'static str>,
}

/// An output that is not at its safe level.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Failure {
    /// The line.
    line: String,
    /// Why.
    error: String,
}

fn answer(gpio: &Gpio, mode: Option<&SafeMode>, failed: Vec<(String, String)>) -> Json<Stopped> {
    Json(Stopped {
        safe_mode: mode.is_some(),
        reason: mode.map(|mode| mode.reason.clone()),
        since: mode.map(|mode| mode.since.clone()),
        failed: failed
            .into_iter()
            .map(|(line, error)| Failure { line, error })
            .collect(),
        warning: gpio.warning(),
    })
}

/// Emergency stop.
///
/// Brings every output to its safe level (`on_crash`) and holds it there: actions end, PWM ends, and every write is
/// refused with 423 until the release. Whoever may write every line may stop; a second call tries again what the first
/// one could not do. The body may be left out.
#[utoipa::path(
    post, path = "/api/io/stop", operation_id = "stop_io", tag = "safety",
    request_body = Option<Stop>,
    responses((status = 200, description = "The stop is on", body = Stopped))
)]
pub(crate) async fn stop(
    caller: May<WriteLine>,
    State(gpio): State<Gpio>,
    body: Bytes,
) -> Result<Json<Stopped>, Problem> {
    let reason = if body.is_empty() {
        String::new()
    } else {
        let stop: Stop = serde_json::from_slice(&body).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, "invalid_payload", "invalid payload")
                .detail(error.to_string())
        })?;
        stop.reason.unwrap_or_default()
    };
    let reason: String = reason.trim().chars().take(LONGEST).collect();
    let who = &caller.claims().nam;
    let reason = if reason.is_empty() {
        format!("stopped by {who}")
    } else {
        format!("{reason} (stopped by {who})")
    };
    let mut board = gpio.board();
    let failed = board.all_safe(&reason);
    tracing::warn!(reason, failed = failed.len(), "emergency stop");
    let mode = board.safe_mode().cloned();
    drop(board);
    Ok(answer(&gpio, mode.as_ref(), failed))
}

/// End of the emergency stop.
///
/// Lines may be written again. They keep the levels that they have; those that were let go are driven again, off.
#[utoipa::path(
    post, path = "/api/io/release", operation_id = "release_io", tag = "safety",
    responses((status = 200, description = "The stop is over", body = Stopped))
)]
pub(crate) async fn release(caller: May<WriteLine>, State(gpio): State<Gpio>) -> Json<Stopped> {
    if gpio.board().release() {
        tracing::warn!(by = caller.claims().nam, "the emergency stop is over");
    }
    answer(&gpio, None, Vec::new())
}
