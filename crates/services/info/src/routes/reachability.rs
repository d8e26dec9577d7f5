//! `GET /api/info/reachability`.

use axum::Json;
use axum::extract::State;
use pistack_api::right::ReadBoard;
use pistack_kit::guard::May;

use crate::reachability::Reachability;
use crate::state::Info;

/// Whether gateway and outside can be reached.
///
/// By a TCP connection to the gateway and to the host of `[info] reachability_host`, two seconds at most, every ten
/// seconds at most.
#[utoipa::path(
    get, path = "/api/info/reachability", operation_id = "get_reachability", tag = "info",
    responses((status = 200, description = "What answered", body = Reachability))
)]
pub(crate) async fn get_reachability(_: May<ReadBoard>, State(info): State<Info>) -> Json<Reachability> {
    Json(info.reach.get(&info.network, &info.clock).await)
}
