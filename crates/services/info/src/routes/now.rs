//! `GET /api/info/now`.

use axum::Json;
use axum::extract::State;
use pistack_api::right::ReadBoard;
use pistack_kit::guard::May;

use crate::now::Now;
use crate::state::Info;

/// How the board fares now.
///
/// The last sample, two seconds old at most, the same for everybody who asks.
#[utoipa::path(
    get, path = "/api/info/now", operation_id = "get_now", tag = "info",
    responses((status = 200, description = "The last sample", body = Now))
)]
pub(crate) async fn get_now(_: May<ReadBoard>, State(info): State<Info>) -> Json<Now> {
    Json(info.sampler.latest().now.clone())
}
