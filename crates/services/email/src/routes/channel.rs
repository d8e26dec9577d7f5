//! The mail server's state, and a way to try again.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use pistack_api::right::ManageMail;
use pistack_kit::guard::May;
use pistack_kit::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::Shared;
use super::caller::Reader;
use crate::channel::ChannelView;
use crate::outbox::Status;
use crate::state::Email;

/// How mail is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatusAnswer {
    /// How full the outbox is.
    outbox: Status,
    /// How the mail server is.
    channel: ChannelView,
}

/// Read how full the outbox is and how the mail server is.
#[utoipa::path(
    get, path = "/api/email/status", operation_id = "get_status", tag = "email",
    responses((status = 200, description = "Outbox and mail server", body = StatusAnswer))
)]
pub(crate) async fn get_status(
    _caller: Reader,
    State(shared): State<Shared>,
) -> Result<Json<StatusAnswer>, Problem> {
    let (outbox, channel) = shared.email.status().await?;
    Ok(Json(StatusAnswer { outbox, channel }))
}

/// End a pause after a refused login, or a wait: the mail server is tried at once.
#[utoipa::path(
    post, path = "/api/email/resume", operation_id = "resume_channel", tag = "email",
    responses((status = 202, description = "The server's state", body = ChannelView))
)]
pub(crate) async fn resume_channel(
    caller: May<ManageMail>,
    State(shared): State<Shared>,
) -> (StatusCode, Json<ChannelView>) {
    tracing::info!(by = caller.claims().nam, "mail to be tried again");
    shared.email.resume();
    (StatusCode::ACCEPTED, Json(shared.email.channel_view()))
}

/// For the stack's own processes: look at the queue now (the network is back, the clock was set).
pub(crate) async fn wake(State(email): State<Email>) -> StatusCode {
    email.outbox().wake();
    StatusCode::NO_CONTENT
}
