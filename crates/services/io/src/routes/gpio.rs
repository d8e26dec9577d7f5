//! The original's two calls.

#![expect(
    unused_qualifications,
    reason = "written by utoipa's macro for query parameters"
)]

use axum::Json;
use axum::extract::State;
use pistack_api::right::{ReadLine, WriteLine};
use pistack_kit::extract;
use pistack_kit::guard::MayOn;
use pistack_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::error::Error;
use crate::state::Gpio;

/// What to drive.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SetRequest {
    /// BCM number (17), or as text `bcm:17`, `pin:11` or a line's name.
    #[schema(value_type = u32, example = 17)]
    pub(super) pin: Value,
    /// 0 or 1; also false or true.
    #[schema(value_type = u8, minimum = 0, maximum = 1, example = 1)]
    pub(super) value: Value,
}

/// The line is driven.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SetAnswer {
    /// Always true in a 200.
    ok: bool,
    /// `no_gpio_backend` when the lines are simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    warning: Option<&'static str>,
}

/// Which line.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadQuery {
    /// BCM number (17), `bcm:17`, `pin:11` or a line's name.
    #[param(example = "17")]
    pin: String,
}

/// The line's level.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReadAnswer {
    /// 0 or 1.
    #[schema(minimum = 0, maximum = 1)]
    value: u8,
    /// `no_gpio_backend` when the lines are simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    warning: Option<&'static str>,
}

/// Drive a line.
///
/// Makes the BCM pin an output and drives it until the service ends.
#[utoipa::path(
    post, path = "/api/io/gpio/set", operation_id = "set_gpio", tag = "gpio",
    request_body = SetRequest,
    responses((status = 200, description = "Driven", body = SetAnswer))
)]
pub(crate) async fn set_gpio(
    caller: MayOn<WriteLine>,
    State(gpio): State<Gpio>,
    body: Result<extract::Json<SetRequest>, Problem>,
) -> Result<Json<SetAnswer>, Problem> {
    let extract::Json(request) = body.map_err(|problem| gpio.problem(problem))?;
    let line = line_of(&request.pin).map_err(|error| gpio.problem(error))?;
    let claims = gpio.permit(&caller, &line)?;
    let outcome = level_of(&request.value).and_then(|level| {
        gpio.count_write(&claims.sub)?;
        gpio.board()
            .set(&line, level, None, &format!("user:{}", claims.nam))
    });
    outcome.map_err(|error| gpio.problem(error.into_bad_line()))?;
    Ok(Json(SetAnswer {
        ok: true,
        warning: gpio.warning(),
    }))
}

/// Read a line.
///
/// Changes nothing: an output reports its level, an unused pin is read as an input.
#[utoipa::path(
    get, path = "/api/io/gpio/read", operation_id = "read_gpio", tag = "gpio",
    params(ReadQuery),
    responses((status = 200, description = "The level", body = ReadAnswer))
)]
pub(crate) async fn read_gpio(
    caller: MayOn<ReadLine>,
    State(gpio): State<Gpio>,
    query: Result<extract::Query<ReadQuery>, Problem>,
) -> Result<Json<ReadAnswer>, Problem> {
    let extract::Query(query) = query.map_err(|problem| gpio.problem(problem))?;
    gpio.permit(&caller, &query.pin)?;
    let level = gpio
        .board()
        .read(&query.pin)
        .map_err(|error| gpio.problem(error.into_bad_line()))?;
    Ok(Json(ReadAnswer {
        value: u8::from(level),
        warning: gpio.warning(),
    }))
}

/// A number or a text.
pub(super) fn line_of(pin: &Value) -> Result<String, Error> {
    match pin {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(Error::BadLine("`pin` is neither number nor text".into())),
    }
}

pub(super) fn level_of(value: &Value) -> Result<bool, Error> {
    match value {
        Value::Bool(level) => Ok(*level),
        Value::Number(number) if number.as_u64() == Some(0) => Ok(false),
        Value::Number(number) if number.as_u64() == Some(1) => Ok(true),
        _ => Err(Error::BadLevel),
    }
}
