//! Every route of this service, in one place.

mod bounces;
mod caller;
mod channel;
mod messages;
mod send;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use pistack_api::service::Service;
use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::service::HealthReport;
use serde_json::{Map, Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::Email;

/// What a request needs beside its attachments: texts and addresses.
const BODY_BESIDE_FILES: u64 = 4 << 20;
/// Largest report of bounces.
const BOUNCES_BODY: usize = 64 * 1024;

fn router(largest_body: usize) -> OpenApiRouter<Shared> {
    let mails = OpenApiRouter::new()
        .routes(routes!(send::send_email))
        .routes(routes!(messages::create_message, messages::list_messages))
        .routes(routes!(messages::preview_message))
        .layer(DefaultBodyLimit::max(largest_body));
    let bounces = OpenApiRouter::new()
        .routes(routes!(bounces::create_bounces, bounces::list_bounces))
        .layer(DefaultBodyLimit::max(BOUNCES_BODY));
    mails
        .merge(bounces)
        .routes(routes!(messages::get_message, messages::delete_message))
        .routes(routes!(messages::list_attempts))
        .routes(routes!(messages::get_source))
        .routes(routes!(messages::retry_message))
        .routes(routes!(bounces::delete_bounce))
        .routes(routes!(send::send_test))
        .routes(routes!(channel::get_status))
        .routes(routes!(channel::resume_channel))
}

/// What handlers share: the service, and the life of the process, so that a mail on its way outlives its client.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) email: Email,
    pub(crate) lifecycle: Lifecycle,
}

/// The document.
pub(crate) fn spec() -> utoipa::openapi::OpenApi {
    pistack_kit::openapi::complete(Service::Email, router(0).into_openapi())
}

/// Base64 makes four bytes of three.
fn largest_body(email: &Email) -> usize {
    (email.config().max_attachments.0 / 3 * 4 + BODY_BESIDE_FILES) as usize
}

/// The routes for both listeners.
pub(crate) fn public(email: Email, lifecycle: Lifecycle) -> Router {
    let largest = largest_body(&email);
    router(largest)
        .with_state(Shared { email, lifecycle })
        .split_for_parts()
        .0
}

/// The routes for the stack's own processes, which have no token: the unix socket's file mode is their right.
pub(crate) fn internal(email: Email) -> Router {
    let largest = largest_body(&email);
    Router::new()
        .route("/internal/send", post(send::send_internal))
        .route("/internal/wake", post(channel::wake))
        .layer(DefaultBodyLimit::max(largest))
        .with_state(email)
}

/// What the health answer says: how full the outbox is, and how the mail server is.
pub(crate) fn health(email: Email) -> HealthReport {
    Arc::new(move || {
        let email = email.clone();
        Box::pin(async move { report(&email).await })
    })
}

async fn report(email: &Email) -> Map<String, Value> {
    let mut members = Map::new();
    match email.status().await {
        Ok((outbox, channel)) => {
            if matches!(channel.state, "failing" | "paused") {
                members.insert("status".to_owned(), json!("degraded"));
            }
            members.insert("outbox".to_owned(), json!(outbox));
            // The server's words and name are for those who are signed in.
            members.insert("channel".to_owned(), json!(channel.state));
        }
        Err(error) => {
            tracing::error!(%error, "the outbox cannot be read");
            members.insert("status".to_owned(), json!("degraded"));
        }
    }
    members
}
