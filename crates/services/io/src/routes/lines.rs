//! The lines: list, one, reconfigure, and the board with its header.

#![expect(
    unused_qualifications,
    reason = "written by utoipa's macro for query parameters"
)]

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use pistack_api::right::{ReadLine, WriteLine};
use pistack_kit::extract;
use pistack_kit::guard::MayOn;
use pistack_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::backend::{ChipInfo, Kind, Place};
use crate::board::{Board, Patch};
use crate::config::{Bias, Direction, Drive, EdgeChoice};
use crate::error::Error;
use crate::header::HEADER;
use crate::model;
use crate::permission::{allowed, caller_on, visible};
use crate::state::Gpio;
use crate::view;

/// The lines of the board.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinesAnswer {
    /// How lines are reached.
    backend: Kind,
    /// Label of the GPIO chip.
    #[schema(example = "pinctrl-rp1")]
    chip: Option<String>,
    /// Reserved lines, then those in use without a name, then those that other programs and drivers hold.
    lines: Vec<view::Line>,
    /// The emergency stop is on.
    safe_mode: bool,
    /// `no_gpio_backend` when the lines are simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    warning: Option<&'static str>,
}

/// One line.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineAnswer {
    #[serde(flatten)]
    pub(super) line: view::Line,
    /// `no_gpio_backend` when the lines are simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(super) warning: Option<&'static str>,
}

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LinesQuery {
    /// `input` or `output`.
    direction: Option<Direction>,
    /// Only lines with this tag.
    tag: Option<String>,
}

/// A pin of the header.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeaderPin {
    /// 1 to 40.
    #[schema(example = 11)]
    pin: u8,
    /// BCM number; `null` for power and ground.
    #[schema(example = 17)]
    bcm: Option<u32>,
    /// As the documentation calls it.
    #[schema(value_type = String, example = "GPIO17")]
    name: &'static str,
    /// What else the pin can be.
    #[schema(value_type = Vec<String>)]
    functions: &'static [&'static str],
    /// The line's name in the configuration, or who else has it; `null`: free.
    #[schema(example = "relay1")]
    used_by: Option<String>,
}

/// The board.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BoardAnswer {
    /// As the device tree says it; `null` on machines without one.
    #[schema(example = "Raspberry Pi 5 Model B Rev 1.0")]
    model: Option<String>,
    /// The board's revision code.
    #[schema(example = "c04170")]
    revision: Option<String>,
    /// GPIO chips; the first is the header's, or the one of `[io]`.
    chips: Vec<ChipInfo>,
    /// The 40-pin header.
    header: Vec<HeaderPin>,
    /// How lines are reached.
    backend: Kind,
    /// `no_gpio_backend` when the lines are simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    warning: Option<&'static str>,
}

/// What is to be changed; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PatchRequest {
    direction: Option<Direction>,
    bias: Option<Bias>,
    /// Microseconds that a level must last.
    #[schema(maximum = 10_000_000)]
    debounce_us: Option<u64>,
    edge: Option<EdgeChoice>,
    active_low: Option<bool>,
    drive: Option<Drive>,
}

/// Longest debounce.
const LONGEST_DEBOUNCE_US: u64 = 10_000_000;

impl Gpio {
    /// The board; names of lines that are not `seen` are left out.
    pub(super) fn board_answer(&self, board: &Board, seen: impl Fn(Place) -> bool) -> BoardAnswer {
        let header = HEADER
            .iter()
            .zip(board.used_by())
            .map(|(pin, used_by)| {
                let seen = pin.bcm.is_some_and(|offset| seen(Place { chip: 0, offset }));
                HeaderPin {
                    pin: pin.number,
                    bcm: pin.bcm,
                    name: pin.name,
                    functions: pin.functions,
                    used_by: used_by.map(|name| if seen { name } else { "reserved".to_owned() }),
                }
            })
            .collect();
        BoardAnswer {
            model: model::model(self.sysroot()),
            revision: model::revision(self.sysroot()),
            chips: board.chips(),
            header,
            backend: board.kind(),
            warning: self.warning(),
        }
    }

    /// A line as its caller sees it.
    pub(super) fn line_answer(
        &self,
        board: &Board,
        place: Place,
        claims: &pistack_api::token::AccessClaims,
    ) -> LineAnswer {
        let mut line = board.view(place);
        line.allowed = allowed(board, claims, place);
        LineAnswer {
            line,
            warning: self.warning(),
        }
    }
}

/// Lines in use.
///
/// Reserved, driven, and held by others. Free pins are not listed, nor are lines that the caller may not read.
#[utoipa::path(
    get, path = "/api/io/lines", operation_id = "list_lines", tag = "lines",
    params(LinesQuery),
    responses((status = 200, description = "The lines", body = LinesAnswer))
)]
pub(crate) async fn list_lines(
    caller: MayOn<ReadLine>,
    State(gpio): State<Gpio>,
    query: Result<extract::Query<LinesQuery>, Problem>,
) -> Result<Json<LinesAnswer>, Problem> {
    let extract::Query(query) = query.map_err(|problem| gpio.problem(problem))?;
    let board = gpio.board();
    let mut lines = visible(&board, &caller, board.views());
    lines.retain(|line| {
        query
            .direction
            .is_none_or(|wanted| line.direction == Some(wanted))
            && query.tag.as_ref().is_none_or(|tag| line.tags.contains(tag))
    });
    let chip = match gpio.kind() {
        Kind::Simulated => None,
        Kind::Chardev => board.chips().into_iter().next().map(|chip| chip.label),
    };
    Ok(Json(LinesAnswer {
        backend: board.kind(),
        chip,
        lines,
        safe_mode: board.safe_mode().is_some(),
        warning: gpio.warning(),
    }))
}

/// One line.
#[utoipa::path(
    get, path = "/api/io/lines/{line}", operation_id = "get_line", tag = "lines",
    params(("line" = String, Path, description = "Name, BCM number (`17`, `bcm:17`), pin (`pin:11`) or `chip:LABEL/17`, percent-encoded", example = "relay1")),
    responses(
        (status = 200, description = "The line", body = LineAnswer),
        (status = 404, description = "No line of this name"),
    )
)]
pub(crate) async fn get_line(
    caller: MayOn<ReadLine>,
    State(gpio): State<Gpio>,
    Path(line): Path<String>,
) -> Result<Json<LineAnswer>, Problem> {
    let claims = gpio.permit(&caller, &line)?;
    let board = gpio.board();
    let place = board.find(&line).map_err(|error| gpio.problem(error))?;
    Ok(Json(gpio.line_answer(&board, place, claims)))
}

/// Use a line differently.
///
/// Without letting go of it in between, so that nothing glitches. Only lines with `reconfigurable = true`; the
/// configuration's file is not changed.
#[utoipa::path(
    patch, path = "/api/io/lines/{line}", operation_id = "reconfigure_line", tag = "lines",
    params(("line" = String, Path, description = "As for reading")),
    request_body = PatchRequest,
    responses(
        (status = 200, description = "The line", body = LineAnswer),
        (status = 404, description = "No line of this name"),
        (status = 409, description = "Another program has the line"),
        (status = 422, description = "The chip does not do this"),
        (status = 423, description = "Emergency stop"),
    )
)]
pub(crate) async fn reconfigure_line(
    caller: MayOn<WriteLine>,
    State(gpio): State<Gpio>,
    Path(line): Path<String>,
    body: Result<extract::Json<PatchRequest>, Problem>,
) -> Result<Json<LineAnswer>, Problem> {
    let extract::Json(request) = body.map_err(|problem| gpio.problem(problem))?;
    let claims = gpio.permit(&caller, &line)?;
    if request.debounce_us.is_some_and(|time| time > LONGEST_DEBOUNCE_US) {
        return Err(gpio.problem(Error::BadValue("`debounce_us` is 0 to 10000000")));
    }
    let patch = Patch {
        direction: request.direction,
        bias: request.bias,
        debounce: request.debounce_us.map(Duration::from_micros),
        edge: request.edge,
        active_low: request.active_low,
        drive: request.drive,
    };
    let mut board = gpio.board();
    let place = board
        .reconfigure(&line, &patch, &format!("user:{}", claims.nam))
        .map_err(|error| gpio.problem(error))?;
    Ok(Json(gpio.line_answer(&board, place, claims)))
}

/// The board and its header.
///
/// What each pin can be, and who uses it. Lines that the caller may not read are shown as `reserved`.
#[utoipa::path(
    get, path = "/api/io/board", operation_id = "get_board", tag = "lines",
    responses((status = 200, description = "The board", body = BoardAnswer))
)]
pub(crate) async fn get_board(caller: MayOn<ReadLine>, State(gpio): State<Gpio>) -> Json<BoardAnswer> {
    let board = gpio.board();
    let seen = |place| caller_on(&board, &caller, place).is_some();
    Json(gpio.board_answer(&board, seen))
}
