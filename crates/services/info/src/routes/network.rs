//! `GET /api/info/network`.

use axum::Json;
use axum::extract::State;
use pistack_api::right::ReadBoard;
use pistack_kit::guard::May;

use crate::network::NetworkView;
use crate::state::Info;

/// Interfaces, addresses, routes, name servers, wireless.
#[utoipa::path(
    get, path = "/api/info/network", operation_id = "get_network", tag = "info",
    responses((status = 200, description = "The network", body = NetworkView))
)]
pub(crate) async fn get_network(_: May<ReadBoard>, State(info): State<Info>) -> Json<NetworkView> {
    let sample = info.sampler.latest();
    Json(info.network.view(info.clock.monotonic(), &sample))
}
