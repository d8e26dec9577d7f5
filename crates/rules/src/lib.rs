//! The rules listener: a process of its own that hears every supervisor event over supervisord's listener
//! protocol, logs it, and acts by the rules of the configuration.
//!
//! [`decide`] is pure: events and time in, actions out. [`listener`] speaks the protocol on standard input and
//! output; [`act`] carries actions out at arm's length, so that a hanging command or mail server never delays an
//! event.

#![forbid(unsafe_code)]

pub mod act;
pub mod check;
pub mod config;
pub mod decide;
pub mod firing;
pub mod glob;
mod http;
pub mod listener;
pub mod text;

use indexmap::IndexMap;
pub use pistack_kit::service::Context;
use pistack_kit::service::{App, RunError};

pub use check::{Finding, check};
pub use config::{Action, Channel, Config, Matching, Rule, When};

/// The OpenAPI document of the HTTP side.
pub fn spec() -> utoipa::openapi::OpenApi {
    http::spec()
}

/// Speaks the listener protocol on standard input and output until the supervisor closes it or the process is told
/// to stop; answers HTTP on its socket meanwhile.
pub async fn run(
    context: Context,
    config: Config,
    rules: IndexMap<String, Rule>,
    channels: IndexMap<String, Channel>,
) -> Result<(), RunError> {
    let outbox = act::Outbox::start(&context, channels);
    let decider = decide::Decider::new(config.matching, rules);
    let input = tokio::io::BufReader::new(tokio::io::stdin());
    let session = listener::Session::new(input, tokio::io::stdout(), decider, outbox, context.clock.clone());
    answer(context.clone());
    tokio::select! {
        ended = session.run() => ended?,
        () = context.lifecycle.stopped() => {}
    }
    Ok(())
}

/// Serves HTTP beside the protocol. Rules act without it too: a socket that cannot be bound is no reason to stop.
fn answer(context: Context) {
    let app = App {
        public: axum::Router::new(),
        internal: axum::Router::new(),
        spec: Some(spec()),
    };
    context.lifecycle.clone().spawn(async move {
        if let Err(error) = pistack_kit::service::serve(&context, app).await {
            tracing::error!("no HTTP side: {error}");
        }
    });
}
