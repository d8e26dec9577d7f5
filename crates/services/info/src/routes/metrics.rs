//! `GET /api/info/metrics`, which the gateway serves as `/metrics`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use pistack_api::right::ReadBoard;
use pistack_kit::guard::May;

use crate::metrics;
use crate::state::Info;

/// Figures of the whole stack for Prometheus.
///
/// Text format 0.0.4: the board, the supervised programs, requests (of the gateway), lines (of the io service). Behind
/// the gateway it is also at `/metrics`; give Prometheus an API token with the right `info:*:read`.
#[utoipa::path(
    get, path = "/api/info/metrics", operation_id = "get_metrics", tag = "info",
    responses((status = 200, description = "The figures", body = String, content_type = "text/plain"))
)]
pub(crate) async fn get_metrics(_: May<ReadBoard>, State(info): State<Info>) -> Response {
    answer(&info).await
}

/// The same for processes of this machine that may open the service's socket.
pub(crate) async fn get_internal_metrics(State(info): State<Info>) -> Response {
    answer(&info).await
}

async fn answer(info: &Info) -> Response {
    let text = metrics::whole(info).await;
    ([(CONTENT_TYPE, metrics::MEDIA_TYPE)], text).into_response()
}
