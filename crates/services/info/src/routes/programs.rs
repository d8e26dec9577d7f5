//! `GET /api/info/programs`.

use axum::Json;
use axum::extract::State;
use pistack_api::right::ReadBoard;
use pistack_kit::guard::May;
use pistack_kit::problem::Problem;

use crate::programs::ProgramsView;
use crate::state::Info;

/// CPU and memory of each supervised program.
///
/// Of its whole tree of processes, every ten seconds, the last ten minutes. 503 until the supervisor was reached once.
#[utoipa::path(
    get, path = "/api/info/programs", operation_id = "get_programs", tag = "info",
    responses((status = 200, description = "The running programs", body = ProgramsView))
)]
pub(crate) async fn get_programs(
    _: May<ReadBoard>,
    State(info): State<Info>,
) -> Result<Json<ProgramsView>, Problem> {
    let view = info.programs.view();
    view.map(Json)
        .ok_or_else(|| Problem::unavailable("the supervisor has not been reached yet"))
}
