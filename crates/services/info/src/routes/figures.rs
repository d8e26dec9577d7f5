//! `GET /internal/figures`.

use axum::Json;
use axum::extract::State;

use crate::figures::{self, Figures};
use crate::state::Info;

/// The board's figures as of the last sample.
pub(crate) async fn get_figures(State(info): State<Info>) -> Json<Figures> {
    Json(figures::of(&info.sampler.latest()))
}
