//! The email service: an outbox on disk, and mails over SMTP.
//!
//! # Decisions
//! - Anyone signed in may send: the original asked for no more, and the mails go out under one address of this
//!   installation. Everyone sees their own mails, Admin and Root all. The stack's own processes send over the unix
//!   socket (`POST /internal/send`) without a token.
//! - `POST /api/email/messages` answers when the mail lies on disk; the queue delivers it. `POST /api/email/send`, the
//!   original's call, answers when the mail server has taken the mail, and never tries again: who got an error may send
//!   it anew.
//! - No mail is sent twice by itself. When the server's last answer was lost, the mail may have arrived or not; it is
//!   `undecided`, and a person (or `lost_answer = "resend"`) decides. A second sending has the same Message-ID.
//! - `tls = "opportunistic"` encrypts where the server offers it, and takes any certificate then, as mail
//!   servers do among themselves: who could forge one could as well remove the offer. With a user name nothing
//!   is left to chance: the password only ever leaves over verified TLS, unless `tls = "off"` says otherwise.
//! - Every step of the conversation has a deadline: lettre's own timeout would cover the TCP connection alone.
//! - Nothing probes the mail server: with nothing to send, the service sleeps.

#![forbid(unsafe_code)]

pub mod address;
mod channel;
mod compose;
pub mod config;
mod deliver;
mod error;
mod given_up;
mod outbox;
mod routes;
mod smtp;
mod state;
mod template;
mod worker;

use std::sync::Arc;

use axum::Router;
use pistack_kit::service::{App, Context, HealthReport, RunError};

pub use config::{Config, Finding, check};

/// The service's OpenAPI document.
pub fn spec() -> utoipa::openapi::OpenApi {
    routes::spec()
}

/// The parts of the running service.
pub struct Parts {
    /// What it serves.
    pub app: App,
    /// What its health answer says.
    pub health: HealthReport,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts")
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}

/// Everything this service serves. Opens the outbox, reads the certificate and password files, asks no server, and
/// starts the queue.
///
/// # Errors
/// When a file or an address of the configuration, or the outbox, cannot be used.
pub async fn build(context: &Context, config: &Config) -> Result<Parts, RunError> {
    let email = state::Email::new(context, config).await?;
    context
        .lifecycle
        .spawn(worker::run(email.clone(), context.lifecycle.clone()));
    context.lifecycle.spawn(given_up::run(
        email.outbox().clone(),
        context.paths.clone(),
        context.lifecycle.clone(),
    ));
    let app = App {
        public: routes::public(email.clone(), context.lifecycle.clone()),
        internal: routes::internal(email.clone()),
        spec: Some(spec()),
    };
    Ok(Parts {
        app,
        health: routes::health(email),
    })
}

/// Whether the service could start: opens what [`build`] opens, and starts nothing.
///
/// # Errors
/// As [`build`].
pub async fn try_open(context: &Context, config: &Config) -> Result<(), RunError> {
    let email = state::Email::new(context, config).await?;
    email.outbox().close().await;
    Ok(())
}

/// Makes a mail of a request's JSON with the default settings, as the service would; for the fuzz target. `None` when it
/// is refused.
#[doc(hidden)]
pub fn compose(request: &[u8]) -> Option<Vec<u8>> {
    let request = serde_json::from_slice(request).ok()?;
    let config = Config::default();
    let from = config.from().ok()?;
    let mail = compose::compose(
        &request,
        compose::Author::Admin,
        &config,
        &from,
        std::time::Duration::ZERO,
    );
    mail.ok().map(|mail| mail.raw)
}

/// The routers of a service, for tests: the public side as it is served, and the internal one.
///
/// # Errors
/// As [`build`].
pub async fn routers(context: &Context, config: &Config) -> Result<(Router, Router), RunError> {
    let Parts { app, health } = build(context, config).await?;
    let internal = app.internal.clone();
    Ok((
        pistack_kit::service::router_with_health(context, app, health),
        internal,
    ))
}

/// Runs the service until the process stops.
///
/// # Errors
/// As [`build`], and when no listener can be bound.
pub async fn run(context: Context, config: Config) -> Result<(), RunError> {
    let Parts { app, health } = build(&context, &config).await?;
    pistack_kit::service::serve_with_health(&context, app, Some(Arc::clone(&health))).await
}
