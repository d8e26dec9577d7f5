//! What each action of a firing does.

use std::time::Duration;

use pistack_kit::clock::Clock;
use pistack_kit::lifecycle::Lifecycle;

use super::COMMAND_TIMEOUT;
use super::command::{self, Order};
use super::gpio::Lights;
use super::letter;
use super::peers::Peers;
use crate::Context;
use crate::ask::Asker;
use crate::channel::config::Webhook;
use crate::config::{self, Action, Mail, Run, SetRule};
use crate::deliver::Dispatch;
use crate::firing::{Firing, Kind};
use crate::history::{NewDelivery, ResultView};
use crate::text::{self, Extra};

/// So much of an action's outcome is kept.
const MOST_DETAIL: usize = 2_000;

/// Waits before the mail service is asked again.
const MAIL_WAITS: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(20),
];

/// Carries actions out.
#[derive(Debug)]
pub(super) struct Actor {
    peers: Peers,
    dispatch: Dispatch,
    asker: Asker,
    lights: Lights,
    clock: Clock,
}

/// A firing whose messages lie in their queues.
#[derive(Debug)]
pub(super) struct Begun {
    /// Its number in the history; `None` if it could not be written.
    id: Option<i64>,
    extra: Extra,
    /// What became of the messages.
    results: Vec<ResultView>,
}

/// Whether there is anything to do beside writing it down.
pub(super) fn has_work(firing: &Firing) -> bool {
    firing.kind == Kind::Resolved || !firing.actions.is_empty()
}

impl Actor {
    pub(super) fn new(context: &Context, dispatch: Dispatch, asker: Asker) -> Self {
        Self {
            peers: Peers::new(&context.paths),
            lights: Lights::new(&context.paths),
            dispatch,
            asker,
            clock: context.clock.clone(),
        }
    }

    /// Writes the firing down and puts its messages into their queues.
    pub(super) async fn begin(&self, firing: &Firing) -> Begun {
        let extra = if letter::needs_extra(firing) {
            letter::fetch(self.peers.supervisor(), firing).await
        } else {
            Extra::default()
        };
        let mut results = Vec::new();
        let mut deliveries = Vec::new();
        for action in firing
            .actions
            .iter()
            .filter(|action| matches!(action, Action::Notify(_)))
        {
            let (some, result) = self.messages(action, firing, &extra);
            deliveries.extend(some);
            results.push(result);
        }
        let id = self.dispatch.enqueue(Some(firing), deliveries).await.ok();
        Begun { id, extra, results }
    }

    /// The messages of one action.
    fn messages(&self, action: &Action, firing: &Firing, extra: &Extra) -> (Vec<NewDelivery>, ResultView) {
        let (names, one_is_enough, title, text) = match action {
            Action::Notify(notify) => (
                notify.channels.clone(),
                notify.fallback,
                notify.title.as_deref(),
                notify.text.as_deref(),
            ),
            // Nothing else is addressed to channels.
            _ => (Vec::new(), false, None, None),
        };
        let (title, text) = letter::write(firing, extra, title, text);
        let message = self.dispatch.message(firing, title, text);
        let deliveries = self.dispatch.address(&message, &names, one_is_enough);
        let result = ResultView {
            action: action.name().to_owned(),
            ok: true,
            detail: format!("to {}", names.join(", ")),
            ms: 0,
        };
        (deliveries, result)
    }

    /// Everything but the messages, in order, and the outcome into the history.
    pub(super) async fn carry_out(&self, firing: &Firing, mut begun: Begun) {
        if firing.kind == Kind::Resolved {
            self.lights.resolve(&firing.rule, &firing.key);
        }
        let mut failed = false;
        let mut wrote = begun.results.len();
        let mut queue: std::collections::VecDeque<&Action> = firing.actions.iter().collect();
        while let Some(action) = queue.pop_front() {
            match action {
                Action::Notify(_) if wrote > 0 => {
                    // In its queue already.
                    wrote -= 1;
                }
                Action::OnFail(actions) => {
                    if failed {
                        actions.iter().rev().for_each(|action| queue.push_front(action));
                        failed = false;
                    }
                }
                _ => {
                    let result = self.timed(action, firing, &begun.extra).await;
                    failed |= !result.ok;
                    begun.results.push(result);
                }
            }
        }
        let Some(id) = begun.id else { return };
        if let Err(error) = self.dispatch.history().finish_firing(id, &begun.results).await {
            tracing::warn!("{error}");
        }
    }

    async fn timed(&self, action: &Action, firing: &Firing, extra: &Extra) -> ResultView {
        let began = self.clock.monotonic();
        let outcome = self.act(action, firing, extra).await;
        let took = self.clock.monotonic().saturating_sub(began);
        if let Err(error) = &outcome {
            tracing::warn!(
                rule = firing.rule,
                event = firing.event.name,
                "action failed: {error}"
            );
        }
        let ok = outcome.is_ok();
        let detail = outcome.unwrap_or_else(|error| error);
        ResultView {
            action: action.name().to_owned(),
            ok,
            detail: detail.chars().take(MOST_DETAIL).collect(),
            ms: took.as_millis() as u64,
        }
    }

    /// One action. Gives what came of it.
    async fn act(&self, action: &Action, firing: &Firing, extra: &Extra) -> Result<String, String> {
        let fill = |template: &str| text::fill_firing(template, firing, extra);
        let done = |what: &str, name: &str| format!("{what} {name}");
        match action {
            Action::Log(template) => {
                let line = fill(template);
                tracing::info!(rule = firing.rule, "{line}");
                Ok(line)
            }
            Action::Run(run) => self.run(run, firing, extra).await,
            Action::Start(name) => {
                let name = fill(name);
                self.peers.start(&name).await.map(|()| done("started", &name))
            }
            Action::Stop(name) => {
                let name = fill(name);
                self.peers.stop(&name).await.map(|()| done("stopped", &name))
            }
            Action::Restart(name) => {
                let name = fill(name);
                self.peers.stop(&name).await?;
                self.peers.start(&name).await.map(|()| done("restarted", &name))
            }
            Action::Signal(signal) => {
                let name = fill(&signal.process);
                self.peers
                    .signal(&name, &signal.signal)
                    .await
                    .map(|()| done(&signal.signal, &name))
            }
            Action::Gpio(gpio) => self.lights.drive(gpio, firing).await,
            Action::Webhook(webhook) => self.webhook(webhook, firing, extra).await,
            Action::Rule(change) => self.change(change, firing).await,
            Action::Shutdown(yes) => {
                if *yes {
                    self.peers.shutdown().await?;
                }
                Ok("told the supervisor to shut down".to_owned())
            }
            Action::Mail(mail) => self.mail(mail, firing, extra).await,
            Action::Notify(_) => {
                let (deliveries, result) = self.messages(action, firing, extra);
                let queued = self.dispatch.enqueue(None, deliveries).await;
                queued.map(|_| result.detail).map_err(|error| error.to_string())
            }
            Action::OnFail(_) => Ok(String::new()),
        }
    }

    async fn webhook(
        &self,
        webhook: &config::Webhook,
        firing: &Firing,
        extra: &Extra,
    ) -> Result<String, String> {
        let target = Webhook {
            url: webhook.url.clone(),
            secret_file: webhook.secret_file.clone(),
            private: webhook.private,
            ..Webhook::default()
        };
        let (title, text) = letter::write(firing, extra, None, None);
        let message = self.dispatch.message(firing, title, text);
        self.dispatch.post(&target, &message).await
    }

    async fn change(&self, change: &SetRule, firing: &Firing) -> Result<String, String> {
        let name = &change.name;
        match self.asker.set(name.clone(), change.set, firing.depth + 1).await {
            Some(true) => Ok(format!("{name} is set to {:?}", change.set).to_lowercase()),
            Some(false) => Err(format!(
                "`{name}` was not changed: unknown, or the chain is too long"
            )),
            None => Err("the rules do not answer".to_owned()),
        }
    }

    /// Into the outbox of the mail service, which may be starting just now. It knows a repeated mail by its key.
    async fn mail(&self, mail: &Mail, firing: &Firing, extra: &Extra) -> Result<String, String> {
        let (title, text) = letter::write(firing, extra, mail.subject.as_deref(), mail.text.as_deref());
        let message = self.dispatch.message(firing, title, text);
        for wait in MAIL_WAITS {
            match self.peers.mail(&mail.to, &message).await {
                Err(error) if error.may_pass => tokio::time::sleep(wait).await,
                other => return other.map_err(|error| error.reason),
            }
        }
        self.peers
            .mail(&mail.to, &message)
            .await
            .map_err(|error| error.reason)
    }

    async fn run(&self, run: &Run, firing: &Firing, extra: &Extra) -> Result<String, String> {
        let arguments: Vec<String> = run
            .command
            .iter()
            .map(|part| text::fill_firing(part, firing, extra))
            .collect();
        let order = Order {
            arguments: &arguments,
            user: run.user.as_deref(),
            environment: &command::environment_of_firing(firing),
            input: None,
            timeout: run.timeout.map_or(COMMAND_TIMEOUT, |span| span.0),
        };
        command::run(order).await.map_err(|error| error.to_string())
    }

    /// Lets the lines go back to where they were.
    pub(super) fn end(&self, lifecycle: &Lifecycle) {
        if lifecycle.is_stopping() {
            self.lights.resolve_all();
        }
    }
}

/// Longest that a letter's facts may take to fetch.
pub(super) const FETCHING: Duration = Duration::from_millis(800);
