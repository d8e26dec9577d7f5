//! The dashboard: pages for people, drawn from what the other services say.
//!
//! Every page is plain HTML and every action a form with a POST; htmx and one stream of server-sent events a
//! page make it live where there is JavaScript. Nothing is stored here: whoever looks is known by the token
//! that the gateway made of the cookie, and every call to another service carries that token, so that the
//! dashboard can do nothing that the person could not do through the API.
//!
//! - `routes`: every address, and the handlers
//! - `pages`: what surrounds them: form checks, failures as pages, headers
//! - `identity`, `visit`: who looks, and how (language, theme, base path)
//! - `upstream`: calls to the other services; `live`: the streams to open pages
//! - `process`, `inert`, `words`, `view`: what is shown

#![forbid(unsafe_code)]

mod access;
mod account;
mod assets;
mod chart;
pub mod config;
mod error;
mod exit;
mod gpio;
mod identity;
mod inert;
mod live;
mod logs;
mod moment;
mod nav;
mod pages;
mod pending;
mod place;
mod process;
mod program;
mod program_config;
mod reason_words;
mod routes;
mod rule_form;
mod rule_words;
mod settings;
mod setup;
mod spark;
mod state;
mod system;
mod timeline;
mod upstream;
mod view;
mod visit;
mod weather;
mod words;

pub use config::Config;

use axum::Router;
use pistack_kit::service::{self, App, Context, RunError};

use crate::state::Dashboard;

/// Serves the dashboard until the process stops.
///
/// # Errors
/// When a listener cannot be bound.
pub async fn run(context: Context, config: Config) -> Result<(), RunError> {
    service::serve(&context, app(&context, config)).await
}

/// The dashboard as a set of routes; for `run` and for tests.
pub fn app(context: &Context, config: Config) -> App {
    App {
        public: routes::public(Dashboard::new(context.clone(), config)),
        internal: Router::new(),
        spec: None,
    }
}
