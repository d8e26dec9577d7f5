//! `GET /internal/figures`.

use axum::Json;
use axum::extract::State;

use crate::figures::{self, Figures};
use crate::state::Info;

/// The board's figures as they are now.
pub(crate) async fn get_figures(State(info): State<Info>) -> Json<Figures> {
    Json(figures::read(&info.sysroot, &info.state_dir))
}
