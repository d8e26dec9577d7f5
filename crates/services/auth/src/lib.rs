//! The auth service: users, sessions and tokens.
//!
//! Access tokens are Ed25519 JWTs that every service verifies by itself; refresh tokens, cookies and the setup
//! code are opaque and stored hashed. What is ended before its time is told to all others over the feed on the
//! unix socket. All of it lies in one SQLite file; users and dashboard sessions are held in memory as well, so
//! that reading writes nothing and asks no database.
//!
//! | file | is |
//! | --- | --- |
//! | `routes`, `actor`, `client_address` | the HTTP side: routes, who calls, from where |
//! | `sessions`, `grace`, `cookies`, `setup`, `accounts` | the rules |
//! | `password`, `throttle`, `opaque`, `tokens`, `signing_key`, `legacy` | the secrets |
//! | `store`, `directory`, `feed`, `state` | what is kept, shown and told |
//! | `console` | the same rules for the console, with the service down or up |

#![forbid(unsafe_code)]

mod accounts;
mod actor;
mod api_tokens;
mod audit;
mod client_address;
mod clock_keeping;
pub mod config;
mod console;
mod cookies;
mod daily_copy;
mod directory;
mod error;
mod feed;
mod grace;
mod grants;
mod import;
mod key_ring;
mod key_rotation;
mod legacy;
mod login;
mod notices;
mod opaque;
mod own_password;
mod own_sessions;
mod password;
mod privileges;
#[doc(hidden)]
pub mod readers;
mod reauth;
mod reset;
mod routes;
mod seal;
mod second_factor;
mod sessions;
mod setup;
mod signing_key;
mod stack_events;
mod state;
mod store;
mod throttle;
mod tokens;
mod totp;
mod unlock;
mod user_change;
mod verify;

use pistack_api::service::Service;
use pistack_kit::service::{App, Context, RunError};
use utoipa::openapi::OpenApi;

pub use config::Config;
pub use console::{ConsoleAnswer, ConsoleCommand, console, rotate_keys};
pub use error::Error;
pub use import::{ImportReport, import_users};

/// The service's document.
pub fn spec() -> OpenApi {
    pistack_kit::openapi::complete(Service::Auth, routes::documented().into_openapi())
}

/// Opens database and key and builds what [`run`] serves. Gives the keys to `context.guard`, and watches the
/// database for changes of the console until the process stops.
pub async fn build(context: &Context, config: &Config) -> Result<App, Error> {
    let auth = state::Auth::open(context, config).await?;
    context
        .lifecycle
        .spawn(std::sync::Arc::clone(&auth).watch_for_changes());
    context
        .lifecycle
        .spawn(std::sync::Arc::clone(&auth).write_audit());
    Ok(App {
        public: routes::public(std::sync::Arc::clone(&auth)),
        internal: routes::internal(auth),
        spec: Some(spec()),
    })
}

/// Serves until the process stops.
pub async fn run(context: Context, config: Config) -> Result<(), RunError> {
    let app = build(&context, &config).await?;
    pistack_kit::service::serve(&context, app).await
}
