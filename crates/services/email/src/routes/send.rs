//! `POST /api/email/send`, the original's call; `POST /api/email/test`; `POST /internal/send`.

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use pistack_api::mail::{Accepted, MailRequest};
use pistack_api::right::ManageMail;
use pistack_kit::extract;
use pistack_kit::guard::May;
use pistack_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::caller::Sender;
use super::messages::key_of;
use crate::compose::{Author, Composed};
use crate::error::Error;
use crate::outbox::{Owner, Wanted};
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

/// Send a mail and wait for the mail server.
///
/// Answers when the mail server has taken it, for all recipients. 502 with the server's own code and text when it
/// refused; 503 when it cannot be reached; 504 when it took too long. After an error the mail is not tried again.
#[utoipa::path(
    post, path = "/api/email/send", operation_id = "send_email", tag = "email",
    request_body = MailRequest,
    responses((status = 200, description = "Taken by the mail server", body = SendAnswer))
)]
pub(crate) async fn send_email(
    sender: Sender,
    State(shared): State<Shared>,
    extract::Json(request): extract::Json<MailRequest>,
) -> Result<Json<SendAnswer>, Problem> {
    if request.not_before.is_some() {
        let reason = "`not_before` needs POST /api/email/messages: this call sends at once".to_owned();
        return Err(Error::Invalid(reason).into());
    }
    let mail = shared.email.compose(&request, sender.author)?;
    let sensitive = request.sensitive.unwrap_or(false);
    send_now(&shared, mail, sender.owner, sensitive).await
}

/// On a task of its own: a client that hangs up must not cut the conversation with the mail server short.
async fn send_now(
    shared: &Shared,
    mail: Composed,
    owner: Owner,
    sensitive: bool,
) -> Result<Json<SendAnswer>, Problem> {
    let (answer, waiting) = tokio::sync::oneshot::channel();
    let email = shared.email.clone();
    shared.lifecycle.spawn(async move {
        let sent = email.send_now(&mail, &owner, sensitive).await;
        // Nobody may be there any more to hear it.
        let _ = answer.send(sent);
    });
    let message_id = waiting
        .await
        .map_err(|_| Error::Conflict("the service is stopping"))??;
    Ok(Json(SendAnswer {
        sent: true,
        message_id,
    }))
}

/// Where a test mail goes.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TestRequest {
    /// One address.
    #[schema(example = "anna@example.org")]
    to: String,
}

/// Send a test mail and wait for the mail server.
///
/// Also ends a pause after a refused login, as the settings may have been corrected.
#[utoipa::path(
    post, path = "/api/email/test", operation_id = "send_test", tag = "email",
    request_body = TestRequest,
    responses((status = 200, description = "Taken by the mail server", body = SendAnswer))
)]
pub(crate) async fn send_test(
    caller: May<ManageMail>,
    State(shared): State<Shared>,
    extract::Json(request): extract::Json<TestRequest>,
) -> Result<Json<SendAnswer>, Problem> {
    let claims = caller.claims();
    let mail = MailRequest {
        to: [request.to].into_iter().collect(),
        subject: Some("pistack: test mail".to_owned()),
        text: Some(format!(
            "This mail was sent by pistack because {} asked for a test. Mail works.",
            claims.nam
        )),
        ..MailRequest::default()
    };
    let mail = shared.email.compose(&mail, Author::Admin)?;
    shared.email.resume();
    let owner = Owner {
        id: claims.sub.clone(),
        name: claims.nam.clone(),
        sees_all: false,
    };
    send_now(&shared, mail, owner, false).await
}

/// Takes a mail of one of the stack's own processes into the outbox. Its text is kept from everyone, unless the process
/// says otherwise: it may hold a code or a link that opens an account.
pub(crate) async fn send_internal(
    State(email): State<Email>,
    headers: HeaderMap,
    extract::Json(request): extract::Json<MailRequest>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let owner = Owner::stack();
    let wanted = Wanted {
        once: false,
        sensitive: request.sensitive.unwrap_or(true),
        key: key_of(&headers, &request)?,
    };
    let (accepted, _) = super::messages::take(&email, &request, Author::Stack, &owner, &wanted).await?;
    Ok((StatusCode::ACCEPTED, Json(accepted)))
}
