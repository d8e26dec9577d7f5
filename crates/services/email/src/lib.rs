//! The email service: one mail over SMTP per request.
//!
//! # Decisions
//! - Anyone signed in may send: the original asked for no more, and the mails go out under one address of this
//!   installation. The stack's own processes send over the unix socket (`POST /internal/send`) without a token.
//! - The mail has been taken by the server when the answer says `sent`; nothing is queued here yet.
//! - `tls = "opportunistic"` encrypts where the server offers it, and takes any certificate then, as mail
//!   servers do among themselves: who could forge one could as well remove the offer. With a user name nothing
//!   is left to chance: the password only ever leaves over verified TLS, unless `tls = "off"` says otherwise.
//! - The whole conversation has one deadline: lettre's own timeout would cover the TCP connection alone.

#![forbid(unsafe_code)]

pub mod config;
mod error;
mod message;
mod routes;
mod smtp;
mod state;

use pistack_kit::service::{App, Context, RunError};

pub use config::{Config, Finding, check};

/// The service's OpenAPI document.
pub fn spec() -> utoipa::openapi::OpenApi {
    routes::spec()
}

/// Everything this service serves. Reads the certificate and password files, asks no server.
///
/// # Errors
/// When a file or an address of the configuration cannot be used.
pub fn app(context: &Context, config: &Config) -> Result<App, RunError> {
    let state = state::Email::new(context, config)?;
    Ok(App {
        public: routes::public(state.clone()),
        internal: routes::internal(state),
        spec: Some(spec()),
    })
}

/// Runs the service until the process stops.
///
/// # Errors
/// As [`app`], and when no listener can be bound.
pub async fn run(context: Context, config: Config) -> Result<(), RunError> {
    let app = app(&context, &config)?;
    pistack_kit::service::serve(&context, app).await
}
