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
pub mod glob;
pub mod listener;
pub mod text;

use indexmap::IndexMap;
use pistack_kit::clock::Clock;
use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::paths::StatePaths;
use pistack_kit::service::RunError;

pub use check::{Finding, check};
pub use config::{Action, Channel, Config, Matching, Rule, When};

/// What the listener process gets.
#[derive(Debug, Clone)]
pub struct Context {
    /// The state directory, for the sockets of the supervisor and of the mail service.
    pub paths: StatePaths,
    /// Time.
    pub clock: Clock,
    /// Life of the process.
    pub lifecycle: Lifecycle,
}

/// Speaks the listener protocol on standard input and output until the supervisor closes it or the process is told
/// to stop.
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
    tokio::select! {
        ended = session.run() => ended?,
        () = context.lifecycle.stopped() => {}
    }
    Ok(())
}
