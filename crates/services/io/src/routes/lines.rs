//! `GET /api/io/lines`.

use axum::Json;
use axum::extract::State;
use pistack_api::right::ReadLine;
use pistack_kit::guard::MayOn;
use serde::Serialize;
use utoipa::ToSchema;

use crate::backend::Kind;
use crate::lines::LineView;
use crate::permission::visible;
use crate::state::Gpio;

/// The lines of the board.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinesAnswer {
    /// How lines are reached.
    backend: Kind,
    /// Label of the GPIO chip.
    #[schema(example = "pinctrl-rp1")]
    chip: Option<String>,
    /// Reserved lines, then driven ones, then those that other programs and drivers hold.
    lines: Vec<LineView>,
    /// `no_gpio_backend` when the lines are simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    warning: Option<&'static str>,
}

/// Lines in use.
///
/// Reserved, driven, and held by others. Free pins are not listed, nor are lines that the caller may not read.
#[utoipa::path(
    get, path = "/api/io/lines", operation_id = "list_lines", tag = "lines",
    responses((status = 200, description = "The lines", body = LinesAnswer))
)]
pub(crate) async fn list_lines(caller: MayOn<ReadLine>, State(gpio): State<Gpio>) -> Json<LinesAnswer> {
    let board = gpio.board();
    Json(LinesAnswer {
        backend: board.kind(),
        chip: board.chip().map(str::to_owned),
        lines: visible(&caller, board.views()),
        warning: gpio.warning(),
    })
}
