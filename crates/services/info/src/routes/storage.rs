//! `GET /api/info/storage`.

use axum::Json;
use axum::extract::State;
use pistack_api::right::ReadBoard;
use pistack_kit::guard::May;

use crate::state::Info;
use crate::storage::{self, Storage};

/// File systems, disks, wear, bytes written a day.
#[utoipa::path(
    get, path = "/api/info/storage", operation_id = "get_storage", tag = "info",
    responses((status = 200, description = "Where the board keeps its data", body = Storage))
)]
pub(crate) async fn get_storage(_: May<ReadBoard>, State(info): State<Info>) -> Json<Storage> {
    let written = info.history.written(&info.sampler).await;
    Json(storage::read(&info.tree, written))
}
