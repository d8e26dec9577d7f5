//! `/api/email/messages`: mails of the outbox.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use pistack_api::mail::{Accepted, MailRequest, MailState};
use pistack_kit::extract;
use pistack_kit::problem::Problem;
use ring::digest::{SHA256, digest};
use serde::Serialize;
use utoipa::ToSchema;

use super::Shared;
use super::caller::{Manager, Reader, Sender};
use crate::compose::{self, Author};
use crate::error::Error;
use crate::outbox::{AttemptView, Filter, Key, MessagePage, MessageView, Owner, Wanted};
use crate::state::Email;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key.
const LONGEST_KEY: usize = 255;

/// The `Idempotency-Key` of a request: the header, or the member of the body.
pub(super) fn key_of(headers: &HeaderMap, request: &MailRequest) -> Result<Option<Key>, Error> {
    let invalid = || Error::Invalid("`Idempotency-Key`: write 1 to 255 visible ASCII characters".to_owned());
    let header = headers.get(&IDEMPOTENCY_KEY);
    let header = header
        .map(|value| value.to_str().map_err(|_| invalid()))
        .transpose()?;
    let Some(key) = header.or(request.idempotency_key.as_deref()) else {
        return Ok(None);
    };
    if key.is_empty() || key.len() > LONGEST_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid());
    }
    let unkeyed = MailRequest {
        idempotency_key: None,
        ..request.clone()
    };
    let text = serde_json::to_vec(&unkeyed).map_err(|error| Error::Store(error.to_string()))?;
    let hash = digest(&SHA256, &text);
    let hash = URL_SAFE_NO_PAD.encode(hash);
    Ok(Some(Key {
        key: key.to_owned(),
        hash,
    }))
}

/// Makes a mail of the request and takes it into the outbox. False: a request with this key was accepted before.
pub(super) async fn take(
    email: &Email,
    request: &MailRequest,
    author: Author,
    owner: &Owner,
    wanted: &Wanted,
) -> Result<(Accepted, bool), Error> {
    // Before anything else: a request that was fine once stays so, whatever the configuration says now.
    if let Some(key) = &wanted.key
        && let Some(before) = email.outbox().replay(owner, key).await?
    {
        return Ok((before, false));
    }
    let mail = email.compose(request, author)?;
    email.accept(&mail, owner, wanted).await
}

/// Put a mail into the outbox.
///
/// Answers when the mail lies on disk; it is delivered as soon as the mail server takes it. A second request with the
/// same `Idempotency-Key` within 7 days gets the answer of the first and sends nothing; 422 when it is another mail.
/// 507 when the outbox or the disk is full.
#[utoipa::path(
    post, path = "/api/email/messages", operation_id = "create_message", tag = "messages",
    params(("Idempotency-Key" = Option<String>, Header, description = "Any text of 1 to 255 visible characters.")),
    request_body = MailRequest,
    responses(
        (status = 202, description = "It lies in the outbox", body = Accepted,
         headers(("Location" = String, description = "Where its state can be read."))),
        (status = 422, description = "The key came with another mail"),
        (status = 507, description = "The outbox or the disk is full"),
    )
)]
pub(crate) async fn create_message(
    sender: Sender,
    State(shared): State<Shared>,
    headers: HeaderMap,
    extract::Json(request): extract::Json<MailRequest>,
) -> Result<Response, Problem> {
    let wanted = Wanted {
        once: false,
        sensitive: request.sensitive.unwrap_or(false),
        key: key_of(&headers, &request)?,
    };
    let (accepted, new) = take(&shared.email, &request, sender.author, &sender.owner, &wanted).await?;
    let location = format!("/api/email/messages/{}", accepted.id);
    let mut answer = (StatusCode::ACCEPTED, Json(accepted)).into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        answer.headers_mut().insert(http::header::LOCATION, location);
    }
    if !new {
        answer
            .headers_mut()
            .insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(answer)
}

/// List mails, the newest first.
///
/// Everyone sees their own mails, who may read mail sees all.
#[utoipa::path(
    get, path = "/api/email/messages", operation_id = "list_messages", tag = "messages",
    params(Filter), responses((status = 200, description = "A page of mails", body = MessagePage))
)]
pub(crate) async fn list_messages(
    Reader(owner): Reader,
    State(shared): State<Shared>,
    extract::Query(filter): extract::Query<Filter>,
) -> Result<Json<MessagePage>, Problem> {
    Ok(Json(shared.email.outbox().list(&filter, &owner).await?))
}

/// Read a mail: its state, each recipient's, its text.
#[utoipa::path(
    get, path = "/api/email/messages/{id}", operation_id = "get_message", tag = "messages",
    params(("id" = String, Path, description = "The mail's id.")),
    responses((status = 200, description = "The mail", body = MessageView), (status = 404, description = "No such mail"))
)]
pub(crate) async fn get_message(
    Reader(owner): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<MessageView>, Problem> {
    Ok(Json(shared.email.outbox().get(&id, &owner).await?))
}

/// Read a mail as it goes over the wire (`message/rfc822`), without its `Date`.
#[utoipa::path(
    get, path = "/api/email/messages/{id}/source", operation_id = "get_source", tag = "messages",
    params(("id" = String, Path, description = "The mail's id.")),
    responses(
        (status = 200, description = "The mail", body = String, content_type = "message/rfc822"),
        (status = 404, description = "No such mail, or its text is sensitive or deleted"),
    )
)]
pub(crate) async fn get_source(
    Reader(owner): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let raw = shared.email.outbox().source(&id, &owner).await?;
    let headers = [
        (CONTENT_TYPE, "message/rfc822"),
        // A browser must not show what a mail holds as a page of this site.
        (CONTENT_DISPOSITION, "attachment; filename=\"mail.eml\""),
    ];
    Ok((headers, raw).into_response())
}

/// List the tries of a mail.
#[utoipa::path(
    get, path = "/api/email/messages/{id}/attempts", operation_id = "list_attempts", tag = "messages",
    params(("id" = String, Path, description = "The mail's id.")),
    responses(
        (status = 200, description = "Every try, in order", body = Vec<AttemptView>),
        (status = 404, description = "No such mail"),
    )
)]
pub(crate) async fn list_attempts(
    Reader(owner): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<Vec<AttemptView>>, Problem> {
    Ok(Json(shared.email.outbox().attempts(&id, &owner).await?))
}

/// A mail was removed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Removed {
    /// Always true.
    removed: bool,
}

impl Removed {
    /// It was.
    pub(super) fn yes() -> Json<Self> {
        Json(Self { removed: true })
    }
}

/// Remove a mail: one that waits is not sent, one that is done is forgotten.
#[utoipa::path(
    delete, path = "/api/email/messages/{id}", operation_id = "delete_message", tag = "messages",
    params(("id" = String, Path, description = "The mail's id.")),
    responses(
        (status = 200, description = "It is gone", body = Removed),
        (status = 404, description = "No such mail"),
        (status = 409, description = "It is being sent at this moment"),
    )
)]
pub(crate) async fn delete_message(
    Manager(owner): Manager,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<Removed>, Problem> {
    shared.email.outbox().remove(&id, &owner).await?;
    tracing::info!(by = owner.name, id, "mail removed");
    Ok(Removed::yes())
}

/// How far a mail is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StateAnswer {
    /// Its state.
    state: MailState,
}

/// Send a mail again at once, to the recipients it has not reached.
///
/// An undecided one may arrive twice then; both have the same Message-ID.
#[utoipa::path(
    post, path = "/api/email/messages/{id}/retry", operation_id = "retry_message", tag = "messages",
    params(("id" = String, Path, description = "The mail's id.")),
    responses(
        (status = 202, description = "It waits for its turn", body = StateAnswer),
        (status = 404, description = "No such mail"),
        (status = 409, description = "It has been sent, is being sent, or its text is deleted"),
    )
)]
pub(crate) async fn retry_message(
    Manager(owner): Manager,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<StateAnswer>), Problem> {
    let state = shared.email.outbox().retry(&id, &owner).await?;
    tracing::info!(by = owner.name, id, "mail to be sent again");
    if owner.sees_all {
        // Who may manage mail may knock at once; for others the mail waits like every other.
        shared.email.resume();
    }
    Ok((StatusCode::ACCEPTED, Json(StateAnswer { state })))
}

/// A mail's texts as they would be sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Preview {
    /// Subject.
    subject: String,
    /// Text.
    text: String,
    /// Page.
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<String>,
}

/// Fill a template and show what would be sent.
#[utoipa::path(
    post, path = "/api/email/preview", operation_id = "preview_message", tag = "messages",
    request_body = MailRequest,
    responses((status = 200, description = "Subject, text and page", body = Preview))
)]
pub(crate) async fn preview_message(
    sender: Sender,
    State(shared): State<Shared>,
    extract::Json(request): extract::Json<MailRequest>,
) -> Result<Json<Preview>, Problem> {
    let texts = compose::preview(&request, sender.author, shared.email.config())?;
    Ok(Json(Preview {
        subject: texts.subject,
        text: texts.text,
        html: texts.html,
    }))
}
