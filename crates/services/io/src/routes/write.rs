//! Writing: a level, for a time, toggled, many at once; PWM and actions.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, StatusCode};
use indexmap::IndexMap;
use pistack_api::right::WriteLine;
use pistack_api::token::AccessClaims;
use pistack_kit::extract;
use pistack_kit::guard::MayOn;
use pistack_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::lines::LineAnswer;
use super::plan::ActionRequest;
use crate::board::Board;
use crate::error::Error;
use crate::idempotency::{Known, LONGEST_KEY};
use crate::permission::may;
use crate::state::Gpio;
use crate::view;

/// Most lines in one call.
const MOST_LINES: usize = 64;
/// Says that an answer is from before.
static REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A level.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValueRequest {
    /// true or false.
    #[schema(value_type = bool, example = true)]
    value: Value,
    /// For so many milliseconds; then the line takes the opposite level.
    #[schema(minimum = 1, maximum = 604_800_000, example = 500)]
    for_ms: Option<u64>,
}

/// Many levels.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetRequest {
    /// Lines and their levels.
    #[schema(value_type = Object, example = json!({"relay1": true, "relay2": false}))]
    set: IndexMap<String, Value>,
}

/// PWM.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PwmRequest {
    /// Share of the time that the line is on.
    #[schema(minimum = 0.0, maximum = 1.0, example = 0.25)]
    duty: f64,
    /// Times a second; software goes to 500. Default: as before, else 1000 in hardware and 100 in software.
    #[schema(example = 1000.0)]
    freq_hz: Option<f64>,
}

/// The lines after a call.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SetAnswer {
    lines: Vec<view::Line>,
    /// `no_gpio_backend` when the lines are simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    warning: Option<&'static str>,
}

/// An action that began.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActionAnswer {
    action: Option<view::Action>,
    /// A servo on software PWM trembles.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    jitter: bool,
    /// `no_gpio_backend` when the lines are simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    warning: Option<&'static str>,
}

pub(super) fn level_of(value: &Value) -> Result<bool, Error> {
    value.as_bool().ok_or(Error::BadValue("write true or false"))
}

/// A call that writes, with what goes for all of them: the rate, the caller's key, the state it expects.
struct Call<'c> {
    gpio: &'c Gpio,
    claims: &'c AccessClaims,
    headers: &'c HeaderMap,
    /// The line it is about; `None` if there are many.
    line: Option<&'c str>,
    /// What is asked, for comparison with an earlier call of the same key.
    what: String,
}

impl Call<'_> {
    /// Does it once.
    fn run(
        &self,
        status: StatusCode,
        act: impl FnOnce(&mut Board, &str) -> Result<Value, Error>,
    ) -> Result<Response, Problem> {
        let told = |error: Error| self.gpio.problem(error);
        let key = self.key().map_err(told)?;
        let now = self.gpio.clock().monotonic();
        if let Some(key) = key {
            match self.gpio.answers().find(&self.claims.sub, key, &self.what, now) {
                Known::New => {}
                Known::Done(answer) => {
                    return Ok((status, [(&REPLAYED, "true")], Json(answer)).into_response());
                }
                Known::Other => return Err(told(Error::KeyReused)),
            }
        }
        self.gpio.count_write(&self.claims.sub).map_err(told)?;
        let mut board = self.gpio.board();
        if let Some(line) = self.line {
            self.expected(&board, line).map_err(told)?;
        }
        let answer = act(&mut board, &format!("user:{}", self.claims.nam)).map_err(told)?;
        drop(board);
        if let Some(key) = key {
            let mut answers = self.gpio.answers();
            answers.keep(&self.claims.sub, key, &self.what, answer.clone(), now);
        }
        Ok((status, Json(answer)).into_response())
    }

    fn key(&self) -> Result<Option<&str>, Error> {
        let Some(key) = self.headers.get("idempotency-key") else {
            return Ok(None);
        };
        key.to_str()
            .ok()
            .filter(|key| !key.is_empty() && key.len() <= LONGEST_KEY)
            .map(Some)
            .ok_or(Error::BadValue(
                "an `Idempotency-Key` has 1 to 255 visible characters",
            ))
    }

    /// `If-Match` (RFC 9110, section 13.1.1) with the line's `seq`, quoted or not.
    fn expected(&self, board: &Board, line: &str) -> Result<(), Error> {
        let Some(header) = self.headers.get(http::header::IF_MATCH) else {
            return Ok(());
        };
        let seq = board.seq_of(board.find(line)?);
        let text = header.to_str().unwrap_or_default();
        let fits = text
            .split(',')
            .map(str::trim)
            .any(|tag| tag == "*" || tag.trim_matches('"').parse() == Ok(seq));
        if fits { Ok(()) } else { Err(Error::SeqChanged(seq)) }
    }
}

fn json_of(answer: &impl Serialize) -> Value {
    // Made of texts, numbers and lists alone: this cannot fail.
    serde_json::to_value(answer).unwrap_or_default()
}

/// Drive a line.
///
/// For ever, or for a time. Ends what the line did by itself. With `Idempotency-Key` a repeated call is answered as the
/// first one; with `If-Match` it is done only if the line's `seq` is still that.
#[utoipa::path(
    put, path = "/api/io/lines/{line}/value", operation_id = "set_line", tag = "lines",
    params(
        ("line" = String, Path, description = "As for reading", example = "relay1"),
        ("Idempotency-Key" = Option<String>, Header, description = "Any text; the same call with the same key is done once"),
        ("If-Match" = Option<String>, Header, description = "The `seq` that the line must still have"),
    ),
    request_body = ValueRequest,
    responses(
        (status = 200, description = "The line", body = LineAnswer),
        (status = 404, description = "No line of this name"),
        (status = 409, description = "Busy, an input, interlocked, or off for too short a time"),
        (status = 412, description = "The line has changed"),
        (status = 422, description = "The chip does not do this"),
        (status = 423, description = "Emergency stop"),
        (status = 429, description = "Too many writes"),
    )
)]
pub(crate) async fn set_line(
    caller: MayOn<WriteLine>,
    State(gpio): State<Gpio>,
    Path(line): Path<String>,
    headers: HeaderMap,
    body: Result<extract::Json<ValueRequest>, Problem>,
) -> Result<Response, Problem> {
    let extract::Json(request) = body.map_err(|problem| gpio.problem(problem))?;
    let claims = gpio.permit(&caller, &line)?;
    let level = level_of(&request.value).map_err(|error| gpio.problem(error))?;
    let call = Call {
        gpio: &gpio,
        claims,
        headers: &headers,
        line: Some(&line),
        what: format!("value {line} {request:?}"),
    };
    call.run(StatusCode::OK, |board, by| {
        let time = request.for_ms.map(Duration::from_millis);
        let place = board.set(&line, level, time, by)?;
        Ok(json_of(&gpio.line_answer(board, place, claims)))
    })
}

/// The opposite level.
#[utoipa::path(
    post, path = "/api/io/lines/{line}/toggle", operation_id = "toggle_line", tag = "lines",
    params(("line" = String, Path, description = "As for reading", example = "relay1")),
    responses(
        (status = 200, description = "The line", body = LineAnswer),
        (status = 404, description = "No line of this name"),
        (status = 409, description = "Busy, an input, interlocked, or off for too short a time"),
        (status = 412, description = "The line has changed"),
        (status = 422, description = "The chip does not do this"),
        (status = 423, description = "Emergency stop"),
        (status = 429, description = "Too many writes"),
    )
)]
pub(crate) async fn toggle_line(
    caller: MayOn<WriteLine>,
    State(gpio): State<Gpio>,
    Path(line): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let claims = gpio.permit(&caller, &line)?;
    let call = Call {
        gpio: &gpio,
        claims,
        headers: &headers,
        line: Some(&line),
        what: format!("toggle {line}"),
    };
    call.run(StatusCode::OK, |board, by| {
        let place = board.toggle(&line, by)?;
        Ok(json_of(&gpio.line_answer(board, place, claims)))
    })
}

/// Drive many lines.
///
/// All or none: every line is checked first. Lines of one chip change in one step.
#[utoipa::path(
    post, path = "/api/io/lines/set", operation_id = "set_lines", tag = "lines",
    request_body = SetRequest,
    responses(
        (status = 200, description = "The lines", body = SetAnswer),
        (status = 404, description = "No line of this name"),
        (status = 409, description = "One of them is busy, an input, interlocked, or off for too short a time"),
        (status = 422, description = "The chip does not do this"),
        (status = 423, description = "Emergency stop"),
        (status = 429, description = "Too many writes"),
    )
)]
pub(crate) async fn set_lines(
    caller: MayOn<WriteLine>,
    State(gpio): State<Gpio>,
    headers: HeaderMap,
    body: Result<extract::Json<SetRequest>, Problem>,
) -> Result<Response, Problem> {
    let extract::Json(request) = body.map_err(|problem| gpio.problem(problem))?;
    if request.set.is_empty() || request.set.len() > MOST_LINES {
        return Err(gpio.problem(Error::BadValue("`set` has 1 to 64 lines")));
    }
    let mut levels = Vec::with_capacity(request.set.len());
    let mut claims = None;
    for (line, value) in &request.set {
        claims = Some(gpio.permit(&caller, line)?);
        let level = level_of(value).map_err(|error| gpio.problem(error))?;
        levels.push((line.clone(), level));
    }
    let Some(claims) = claims else {
        return Err(gpio.problem(Error::BadValue("`set` has 1 to 64 lines")));
    };
    let call = Call {
        gpio: &gpio,
        claims,
        headers: &headers,
        line: None,
        what: format!("set {levels:?}"),
    };
    call.run(StatusCode::OK, |board, by| {
        let places = board.set_many(&levels, by)?;
        let lines = places
            .into_iter()
            .map(|place| gpio.line_answer(board, place, claims).line)
            .collect();
        Ok(json_of(&SetAnswer {
            lines,
            warning: gpio.warning(),
        }))
    })
}

/// Set PWM.
///
/// By the hardware where the pin is its own, else by software (500 Hz at most).
#[utoipa::path(
    put, path = "/api/io/lines/{line}/pwm", operation_id = "set_pwm", tag = "lines",
    params(("line" = String, Path, description = "As for reading", example = "lamp")),
    request_body = PwmRequest,
    responses(
        (status = 200, description = "The line", body = LineAnswer),
        (status = 404, description = "No line of this name"),
        (status = 409, description = "Busy, an input or interlocked"),
        (status = 412, description = "The line has changed"),
        (status = 422, description = "Not offered by this chip or line"),
        (status = 423, description = "Emergency stop"),
        (status = 429, description = "Too many writes"),
    )
)]
pub(crate) async fn set_pwm(
    caller: MayOn<WriteLine>,
    State(gpio): State<Gpio>,
    Path(line): Path<String>,
    headers: HeaderMap,
    body: Result<extract::Json<PwmRequest>, Problem>,
) -> Result<Response, Problem> {
    let extract::Json(request) = body.map_err(|problem| gpio.problem(problem))?;
    let claims = gpio.permit(&caller, &line)?;
    let call = Call {
        gpio: &gpio,
        claims,
        headers: &headers,
        line: Some(&line),
        what: format!("pwm {line} {request:?}"),
    };
    call.run(StatusCode::OK, |board, by| {
        let place = board.set_pwm(&line, request.duty, request.freq_hz, by)?;
        Ok(json_of(&gpio.line_answer(board, place, claims)))
    })
}

/// Let a line do something by itself.
///
/// `blink`, `pulse`, `fade`, `servo` or `follow`; a new write ends it.
#[utoipa::path(
    post, path = "/api/io/lines/{line}/actions", operation_id = "start_action", tag = "lines",
    params(("line" = String, Path, description = "As for reading", example = "lamp")),
    request_body = ActionRequest,
    responses(
        (status = 202, description = "It began", body = ActionAnswer),
        (status = 404, description = "No line of this name"),
        (status = 409, description = "Busy, an input, interlocked, or off for too short a time"),
        (status = 412, description = "The line has changed"),
        (status = 422, description = "Not offered by this chip or line"),
        (status = 423, description = "Emergency stop"),
        (status = 429, description = "Too many writes"),
    )
)]
pub(crate) async fn start_action(
    caller: MayOn<WriteLine>,
    State(gpio): State<Gpio>,
    Path(line): Path<String>,
    headers: HeaderMap,
    body: Result<extract::Json<ActionRequest>, Problem>,
) -> Result<Response, Problem> {
    let extract::Json(request) = body.map_err(|problem| gpio.problem(problem))?;
    let claims = gpio.permit(&caller, &line)?;
    if let ActionRequest::Follow { source, .. } = &request {
        let board = gpio.board();
        let seen = board
            .find(source)
            .is_ok_and(|place| may::<pistack_api::right::ReadLine>(&board, claims, place));
        if !seen {
            let error = board.find(source).err();
            drop(board);
            return Err(error.map_or_else(
                || {
                    let message = "forbidden: the source may not be read";
                    gpio.problem(Problem::new(StatusCode::FORBIDDEN, "line_forbidden", message))
                },
                |error| gpio.problem(error),
            ));
        }
    }
    let call = Call {
        gpio: &gpio,
        claims,
        headers: &headers,
        line: Some(&line),
        what: format!("action {line} {request:?}"),
    };
    call.run(StatusCode::ACCEPTED, |board, by| {
        let plan = request.plan(board, &line)?;
        let place = board.act(&line, plan, by)?;
        Ok(json_of(&ActionAnswer {
            action: board.view(place).action,
            jitter: matches!(request, ActionRequest::Servo { .. }) && board.jitters(place),
            warning: gpio.warning(),
        }))
    })
}

/// End what a line does by itself.
///
/// Its level stays as it is at that moment.
#[utoipa::path(
    delete, path = "/api/io/lines/{line}/actions", operation_id = "stop_action", tag = "lines",
    params(("line" = String, Path, description = "As for reading", example = "lamp")),
    responses(
        (status = 204, description = "Nothing goes on"),
        (status = 404, description = "No line of this name"),
        (status = 409, description = "An input"),
    )
)]
pub(crate) async fn stop_action(
    caller: MayOn<WriteLine>,
    State(gpio): State<Gpio>,
    Path(line): Path<String>,
) -> Result<StatusCode, Problem> {
    let claims = gpio.permit(&caller, &line)?;
    gpio.board()
        .stop_action(&line, &format!("user:{}", claims.nam))
        .map_err(|error| gpio.problem(error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// What WebSocket clients send, done for them.
pub(super) fn set_for(
    gpio: &Gpio,
    caller: &MayOn<pistack_api::right::ReadLine>,
    set: &IndexMap<String, Value>,
) -> Result<(), Problem> {
    if set.is_empty() || set.len() > MOST_LINES {
        return Err(Error::BadValue("`set` has 1 to 64 lines").into());
    }
    let mut levels = Vec::with_capacity(set.len());
    let mut by = None;
    for (line, value) in set {
        let claims = gpio.permit(caller, line)?;
        let board = gpio.board();
        let place = board.find(line)?;
        if !may::<WriteLine>(&board, claims, place) {
            let message = format!("forbidden: {line} may not be written");
            return Err(Problem::new(StatusCode::FORBIDDEN, "line_forbidden", message));
        }
        levels.push((line.clone(), level_of(value)?));
        by = Some((format!("user:{}", claims.nam), claims.sub.clone()));
    }
    if let Some((by, sub)) = by {
        gpio.count_write(&sub)?;
        gpio.board().set_many(&levels, &by)?;
    }
    Ok(())
}
