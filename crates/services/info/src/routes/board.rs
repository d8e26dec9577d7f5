//! `GET /api/info/board`.

use axum::Json;
use axum::extract::State;
use pistack_api::right::ReadBoard;
use pistack_kit::guard::May;

use crate::board::{self, Board};
use crate::state::Info;

/// What the board is and how it fares.
///
/// A fact that is not to be had is `null`.
#[utoipa::path(
    get, path = "/api/info/board", operation_id = "get_board", tag = "info",
    responses((status = 200, description = "The facts", body = Board))
)]
pub(crate) async fn get_board(_: May<ReadBoard>, State(info): State<Info>) -> Json<Board> {
    let sample = info.sampler.latest();
    Json(board::read(&info.tree, &info.state_dir, &sample, &info.clock))
}
