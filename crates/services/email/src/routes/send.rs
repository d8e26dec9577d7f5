//! `POST /api/email/send`.

use axum::Json;
use axum::extract::State;
use pistack_api::right::SendMail;
use pistack_kit::extract;
use pistack_kit::guard::May;
use pistack_kit::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::message::SendRequest;
use crate::state::Email;

/// The mail server has taken the mail.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SendAnswer {
    /// Always true in a 200.
    sent: bool,
    /// The mail's Message-ID.
    #[schema(example = "<7c9a6c5e-8c55-4f0e-9f6e-3f1f4f0d2b11@example.org>")]
    message_id: String,
}

/// Send a mail.
///
/// Answers when the mail server has taken it. 502 with the server's own code and text when it refused; 503 when
/// it cannot be reached; 504 when it took too long.
#[utoipa::path(
    post, path = "/api/email/send", operation_id = "send_email", tag = "email",
    request_body = SendRequest,
    responses((status = 200, description = "Taken by the mail server", body = SendAnswer))
)]
pub(crate) async fn send_email(
    caller: May<SendMail>,
    State(email): State<Email>,
    extract::Json(request): extract::Json<SendRequest>,
) -> Result<Json<SendAnswer>, Problem> {
    let message_id = email.send(&request, &caller.claims().nam).await?;
    Ok(Json(SendAnswer {
        sent: true,
        message_id,
    }))
}

/// The same for the stack's own processes.
pub(crate) async fn send_internal(
    State(email): State<Email>,
    extract::Json(request): extract::Json<SendRequest>,
) -> Result<Json<SendAnswer>, Problem> {
    let message_id = email.send(&request, "pistack").await?;
    Ok(Json(SendAnswer {
        sent: true,
        message_id,
    }))
}
