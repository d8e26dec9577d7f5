//! What the handlers share.

use std::sync::Arc;

use lettre::message::Mailbox;
use pistack_kit::clock::Clock;
use pistack_kit::service::Context;

use crate::config::Config;
use crate::error::{Error, StartError};
use crate::message::{self, SendRequest};
use crate::smtp::Server;

/// Handle on the service's state. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Email(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    server: Server,
    from: Mailbox,
    clock: Clock,
}

impl Email {
    /// The state for `config`.
    pub(crate) fn new(context: &Context, config: &Config) -> Result<Self, StartError> {
        let from = config.from()?;
        Ok(Self(Arc::new(Shared {
            server: Server::new(config)?,
            from,
            clock: context.clock.clone(),
        })))
    }

    /// Sends a mail; returns its Message-ID. `by` is for the log.
    pub(crate) async fn send(&self, request: &SendRequest, by: &str) -> Result<String, Error> {
        let mail = message::build(request, &self.0.from, self.0.clock.wall())?;
        let outcome = self.0.server.send(&mail.message).await;
        // Addresses and texts are nobody's business in a log.
        match outcome {
            Ok(()) => tracing::info!(by, id = %mail.id, "mail sent"),
            Err(ref error) => tracing::warn!(by, id = %mail.id, %error, "mail not sent"),
        }
        outcome.map(|()| mail.id)
    }
}
