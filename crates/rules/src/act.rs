//! Carrying actions out, at arm's length from the events: a bounded outbox and a few workers.

mod command;
mod peers;

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use pistack_kit::lifecycle::Lifecycle;
use tokio::sync::{Semaphore, mpsc};

use crate::Context;
use crate::config::{Action, Channel, Mail};
use crate::decide::Firing;
use crate::text;
use peers::Peers;

/// Firings that may wait. More at once than this is a storm, and the newest are dropped and said so.
const WAITING: usize = 256;
/// Firings carried out at the same time.
const AT_ONCE: usize = 8;
/// How long a command may run unless its rule says otherwise.
pub const COMMAND_TIMEOUT: Duration = Duration::from_mins(1);

/// Where firings are put. Putting never waits.
#[derive(Debug, Clone)]
pub struct Outbox(mpsc::Sender<Firing>);

/// An action did not work; logged, never fatal.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// A process could not be started, stopped or asked.
    #[error("{0}")]
    Supervisor(String),
    /// A command failed.
    #[error("command `{command}`: {reason}")]
    Command {
        /// As written.
        command: String,
        /// Why.
        reason: String,
    },
    /// A mail was not taken.
    #[error("mail to {to}: {reason}")]
    Mail {
        /// Address.
        to: String,
        /// Why.
        reason: String,
    },
}

impl Outbox {
    /// Starts carrying out what is put in, until the process stops.
    pub fn start(context: &Context, channels: IndexMap<String, Channel>) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        let actor = Arc::new(Actor {
            peers: Peers::new(&context.paths),
            channels,
        });
        context
            .lifecycle
            .spawn(work(receiver, actor, context.lifecycle.clone()));
        Self(sender)
    }

    /// An outbox whose content the test reads.
    #[cfg(test)]
    pub(crate) fn for_test(size: usize) -> (Self, mpsc::Receiver<Firing>) {
        let (sender, receiver) = mpsc::channel(size);
        (Self(sender), receiver)
    }

    /// Puts a firing in; drops it with a word in the log when too many wait.
    pub fn put(&self, firing: Firing) {
        if let Err(error) = self.0.try_send(firing) {
            let rule = match &error {
                mpsc::error::TrySendError::Full(firing) | mpsc::error::TrySendError::Closed(firing) => {
                    &firing.rule
                }
            };
            tracing::error!(rule, "too many actions are waiting; this one is dropped");
        }
    }
}

/// Takes firings one after the other and runs a few at once; actions of one firing keep their order. At the stop it
/// still carries out what is waiting (the lifecycle's grace limits that).
async fn work(mut firings: mpsc::Receiver<Firing>, actor: Arc<Actor>, lifecycle: Lifecycle) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let firing = tokio::select! {
            biased;
            firing = firings.recv() => firing,
            () = lifecycle.stopped() => firings.try_recv().ok(),
        };
        let Some(firing) = firing else { break };
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            break;
        };
        let actor = Arc::clone(&actor);
        tokio::spawn(async move {
            actor.carry_out(&firing).await;
            drop(place);
        });
    }
    // All places free again means that nothing is running any more.
    let _ = places.acquire_many(AT_ONCE as u32).await;
}

#[derive(Debug)]
struct Actor {
    peers: Peers,
    channels: IndexMap<String, Channel>,
}

impl Actor {
    async fn carry_out(&self, firing: &Firing) {
        for action in &firing.actions {
            if let Err(error) = self.act(action, firing).await {
                tracing::warn!(
                    rule = firing.rule,
                    event = firing.event.name,
                    "action failed: {error}"
                );
            }
        }
    }

    async fn act(&self, action: &Action, firing: &Firing) -> Result<(), ActError> {
        let fill = |template: &str| text::fill(template, &firing.rule, &firing.event);
        match action {
            Action::Log(template) => tracing::info!(rule = firing.rule, "{}", fill(template)),
            Action::Run(run) => {
                let arguments: Vec<String> = run.command.iter().map(|part| fill(part)).collect();
                let timeout = run.timeout.map_or(COMMAND_TIMEOUT, |span| span.0);
                command::run(&arguments, &firing.event, timeout, None).await?;
            }
            Action::Start(name) => self.peers.start(&fill(name)).await?,
            Action::Stop(name) => self.peers.stop(&fill(name)).await?,
            Action::Restart(name) => {
                let name = fill(name);
                self.peers.stop(&name).await?;
                self.peers.start(&name).await?;
            }
            Action::Shutdown(yes) => {
                if *yes {
                    self.peers.shutdown().await?;
                }
            }
            Action::Mail(mail) => self.mail(mail, firing).await?,
            Action::Signal(_) | Action::Gpio(_) | Action::Webhook(_) | Action::Rule(_) | Action::OnFail(_) => {
                return Err(ActError::Supervisor(format!("`{}` is not carried out here", action.name())));
            }
            Action::Notify(notify) => {
                let message = notify
                    .text
                    .as_deref()
                    .map_or_else(|| text::sentence(&firing.event), fill);
                for name in &notify.channels {
                    self.notify(name, &message, firing).await?;
                }
            }
        }
        Ok(())
    }

    async fn mail(&self, mail: &Mail, firing: &Firing) -> Result<(), ActError> {
        let fill = |template: &str| text::fill(template, &firing.rule, &firing.event);
        let sentence = text::sentence(&firing.event);
        let subject = mail.subject.as_deref().map_or_else(|| sentence.clone(), fill);
        let body = mail.text.as_deref().map_or_else(
            || {
                text::fill(
                    "{time}\n{event} of {group}:{process}, rule {rule}\n",
                    &firing.rule,
                    &firing.event,
                )
            },
            fill,
        );
        self.peers.mail(&mail.to, &subject, &body).await
    }

    async fn notify(&self, name: &str, message: &str, firing: &Firing) -> Result<(), ActError> {
        match self.channels.get(name) {
            Some(Channel::Email(channel)) => self.peers.mail(&channel.to, message, message).await,
            Some(Channel::Exec(run)) => {
                let timeout = run.timeout.map_or(COMMAND_TIMEOUT, |span| span.0);
                command::run(&run.command, &firing.event, timeout, Some(message)).await
            }
            None => Err(ActError::Supervisor(format!("there is no channel `{name}`"))),
        }
    }
}

#[cfg(test)]
mod tests;
