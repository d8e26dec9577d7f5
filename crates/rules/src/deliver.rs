//! Messages to channels: a queue on disk, one courier a channel, limits, quiet hours, digests, fallbacks.
//!
//! A channel that hangs holds up nobody but itself. Nothing wakes up while nothing waits.

mod courier;
pub mod gate;
mod transport;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use indexmap::IndexMap;
use pistack_kit::clock::Clock;
use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::service::Context;
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::channel::config::{Channel, Way};
use crate::channel::message::{Message, Word};
use crate::config::Severity;
use crate::firing::Firing;
use crate::history::{Fate, History, HistoryError, NewDelivery};
use crate::hub::Tables;
use courier::Courier;
use transport::Transport;

/// Everything that leads to channels. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Dispatch(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Replaced as a whole when the configuration is read again.
    table: RwLock<Arc<Table>>,
    transport: Arc<Transport>,
    history: Arc<History>,
    clock: Clock,
    host: String,
}

/// The channels and their couriers.
#[derive(Debug, Default)]
struct Table {
    channels: IndexMap<String, Channel>,
    couriers: HashMap<String, Arc<Courier>>,
}

/// A channel as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChannelView {
    /// Name of its table.
    #[schema(example = "phone")]
    pub name: String,
    /// `email`, `webhook`, `ntfy`, `exec`, `telegram`, `discord` or `slack`.
    #[schema(example = "ntfy")]
    pub kind: String,
    /// Where it leads, without secrets.
    #[schema(example = "ntfy.sh")]
    pub to: String,
    /// The channel that gets what this one cannot deliver.
    pub fallback: Option<String>,
    /// Messages an hour at most.
    pub limit_hour: u32,
    /// Messages a day at most.
    pub limit_day: u32,
    /// Its quiet hours.
    pub quiet: Option<String>,
    /// Messages that wait.
    pub waiting: i64,
    /// How its last message ended, or why it does not go out: `sent`, `failed`, `handed_over`, or `waiting` while it
    /// is tried again; `null` if there was none.
    pub last_state: Option<String>,
    /// What the other side said.
    pub last_detail: Option<String>,
    /// When, in seconds since 1970.
    pub last_at: Option<i64>,
}

/// There is no such channel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no channel `{0}`")]
pub struct UnknownChannel(pub String);

impl Dispatch {
    /// Starts a courier for every channel. What waited when the process last ended goes on.
    pub fn start(context: &Context, channels: &IndexMap<String, Channel>, history: Arc<History>) -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let dispatch = Self(Arc::new(Shared {
            table: RwLock::default(),
            transport: Arc::new(Transport::new(&context.paths, context.clock.clone())),
            history,
            clock: context.clock.clone(),
            host: host.trim().to_owned(),
        }));
        dispatch.adopt(&context.lifecycle, channels);
        let resumed = dispatch.clone();
        context.lifecycle.spawn(async move { resumed.resume().await });
        dispatch
    }

    /// With couriers that stand still: the test moves them step by step.
    #[cfg(test)]
    fn still(context: &Context, channels: &IndexMap<String, Channel>, history: Arc<History>) -> Self {
        let transport = Arc::new(Transport::new(&context.paths, context.clock.clone()));
        let couriers = channels
            .iter()
            .map(|(name, channel)| {
                let courier = Courier::new(name, channel, &history, &transport, context.clock.clone(), None);
                (name.clone(), Arc::new(courier))
            })
            .collect();
        let table = Table {
            channels: channels.clone(),
            couriers,
        };
        Self(Arc::new(Shared {
            table: RwLock::new(Arc::new(table)),
            transport,
            history,
            clock: context.clock.clone(),
            host: "pi".to_owned(),
        }))
    }

    /// Goes over to other channels. A courier whose channel did not change stays; the others end after what they have
    /// in hand.
    pub fn adopt(&self, lifecycle: &Lifecycle, channels: &IndexMap<String, Channel>) {
        let before = self.table();
        let couriers: HashMap<String, Arc<Courier>> = channels
            .iter()
            .map(|(name, channel)| {
                let old = before.couriers.get(name);
                let kept = old.filter(|old| old.serves(channel)).cloned();
                let courier = kept.unwrap_or_else(|| self.hire(lifecycle, name, channel, old));
                (name.clone(), courier)
            })
            .collect();
        for (name, courier) in &before.couriers {
            if couriers.get(name).is_none_or(|kept| !Arc::ptr_eq(kept, courier)) {
                courier.retire();
            }
        }
        let table = Arc::new(Table {
            channels: channels.clone(),
            couriers,
        });
        *self.0.table.write().unwrap_or_else(PoisonError::into_inner) = table;
    }

    fn hire(
        &self,
        lifecycle: &Lifecycle,
        name: &str,
        channel: &Channel,
        predecessor: Option<&Arc<Courier>>,
    ) -> Arc<Courier> {
        let (history, transport) = (&self.0.history, &self.0.transport);
        let courier = Courier::new(
            name,
            channel,
            history,
            transport,
            self.0.clock.clone(),
            predecessor,
        );
        let courier = Arc::new(courier);
        let (working, dispatch, life) = (Arc::clone(&courier), self.clone(), lifecycle.clone());
        lifecycle.spawn(async move { working.run(&dispatch, &life).await });
        courier.wake();
        courier
    }

    /// Goes over to the channels of every new configuration, until the process stops.
    pub fn follow(&self, lifecycle: &Lifecycle, mut tables: watch::Receiver<Arc<Tables>>) {
        let (dispatch, life) = (self.clone(), lifecycle.clone());
        lifecycle.spawn(async move {
            loop {
                tokio::select! {
                    changed = tables.changed() => if changed.is_err() { return },
                    () = life.stopped() => return,
                }
                let next = Arc::clone(&tables.borrow_and_update());
                if next.channels != dispatch.table().channels {
                    dispatch.adopt(&life, &next.channels);
                    dispatch.resume().await;
                }
            }
        });
    }

    fn table(&self) -> Arc<Table> {
        Arc::clone(&self.0.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Wakes the couriers for which something waits. What waits for a channel that is gone is given up.
    async fn resume(&self) {
        if !self.0.history.exists() {
            return;
        }
        match self.0.history.waiting_channels().await {
            Ok(names) => {
                for name in names {
                    if self.table().channels.contains_key(&name) {
                        self.wake(&name);
                    } else if let Err(error) = self.0.history.abandon(&name).await {
                        tracing::error!("{error}");
                    }
                }
            }
            Err(error) => tracing::error!("messages that waited cannot be sent: {error}"),
        }
    }

    /// The history behind it.
    pub fn history(&self) -> &History {
        &self.0.history
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    fn wake(&self, channel: &str) {
        if let Some(courier) = self.table().couriers.get(channel) {
            courier.wake();
        }
    }

    /// A message of a rule.
    pub fn message(&self, firing: &Firing, title: String, text: String) -> Message {
        Message {
            id: pistack_kit::random::uuid().to_string(),
            rule: firing.rule.clone(),
            kind: Word::from(firing.kind),
            key: firing.key.clone(),
            severity: firing.severity,
            title,
            text,
            count: firing.count.max(1),
            since: firing.since,
            at: self.0.clock.unix(),
            host: self.0.host.clone(),
            event: Some(firing.event.clone()),
        }
        .bounded()
    }

    /// A message of a person.
    pub fn note(&self, kind: Word, severity: Severity, title: &str, text: &str) -> Message {
        let now = self.0.clock.unix();
        Message {
            id: pistack_kit::random::uuid().to_string(),
            rule: String::new(),
            kind,
            key: String::new(),
            severity,
            title: title.to_owned(),
            text: text.to_owned(),
            count: 1,
            since: now,
            at: now,
            host: self.0.host.clone(),
            event: None,
        }
        .bounded()
    }

    /// Addresses `message` to `names`: to all of them, or with `one_is_enough` to the first, and to the next if that
    /// fails.
    pub fn address(&self, message: &Message, names: &[String], one_is_enough: bool) -> Vec<NewDelivery> {
        let to = |channel: &String, chain: Vec<String>| NewDelivery {
            channel: channel.clone(),
            chain,
            manual: message.kind == Word::Sent,
            message: Message {
                // Each channel's receiver recognises its own.
                id: pistack_kit::random::uuid().to_string(),
                ..message.clone()
            },
        };
        match names {
            [first, rest @ ..] if one_is_enough => vec![to(first, rest.to_vec())],
            all => all.iter().map(|name| to(name, self.chain_of(name))).collect(),
        }
    }

    /// The channel's fallback, its fallback's, and so on.
    fn chain_of(&self, name: &str) -> Vec<String> {
        let mut chain: Vec<String> = Vec::new();
        let table = self.table();
        let mut at = name;
        while let Some(next) = table
            .channels
            .get(at)
            .and_then(|channel| channel.fallback.as_deref())
        {
            if next == name || chain.iter().any(|seen| seen == next) {
                break;
            }
            chain.push(next.to_owned());
            at = next;
        }
        chain
    }

    /// Writes a firing and puts its messages into the queue, in one transaction. When the disk takes nothing any more
    /// the messages are sent all the same, once.
    pub async fn enqueue(
        &self,
        firing: Option<&Firing>,
        deliveries: Vec<NewDelivery>,
    ) -> Result<i64, HistoryError> {
        let outcome = self.0.history.record(firing, &deliveries).await;
        if let Err(error) = &outcome {
            tracing::error!("{error}; messages are sent without a record");
        }
        let table = self.table();
        for delivery in deliveries {
            let Some(courier) = table.couriers.get(&delivery.channel) else {
                continue;
            };
            if outcome.is_err() {
                courier.stray(delivery.message);
            }
            courier.wake();
        }
        outcome
    }

    /// The names that are no channels.
    pub fn unknown(&self, names: &[String]) -> Option<UnknownChannel> {
        let table = self.table();
        names
            .iter()
            .find(|name| !table.channels.contains_key(*name))
            .map(|name| UnknownChannel(name.clone()))
    }

    /// Sends a test message at once, past queue, limit and quiet hours.
    pub async fn test(&self, name: &str) -> Result<Result<String, String>, UnknownChannel> {
        let table = self.table();
        let channel = table
            .channels
            .get(name)
            .ok_or_else(|| UnknownChannel(name.to_owned()))?;
        let title = format!("Test from {}", self.0.host);
        let text = format!("This is a test of the channel `{name}`. All is well.");
        let message = self.note(Word::Test, Severity::Info, &title, &text);
        let outcome = self.0.transport.send(channel, &message).await;
        let (fate, detail) = match &outcome {
            Ok(said) => (Fate::Sent, said.clone()),
            Err(failure) => (Fate::Failed, failure.reason.clone()),
        };
        let new = NewDelivery {
            channel: name.to_owned(),
            chain: Vec::new(),
            manual: true,
            message,
        };
        if let Err(error) = self.0.history.record_attempt(&new, fate, &detail).await {
            tracing::error!("{error}");
        }
        Ok(outcome.map_err(|failure| failure.reason))
    }

    /// Tries a message that was given up once more. `false`: there is none such.
    pub async fn retry(&self, id: i64) -> Result<bool, HistoryError> {
        if !self.0.history.exists() {
            return Ok(false);
        }
        let channel = self.0.history.revive(id).await?;
        if let Some(name) = &channel {
            self.wake(name);
        }
        Ok(channel.is_some())
    }

    /// A message that the mail service had taken was given up there: the fallback gets it, if there is one. `false`: no
    /// such message was sent.
    pub async fn given_up(&self, message_id: &str, reason: &str) -> Result<bool, HistoryError> {
        let history = &self.0.history;
        if !history.exists() {
            return Ok(false);
        }
        let Some(mut sent) = history.sent(message_id).await? else {
            return Ok(false);
        };
        let detail = format!("taken by the mail service, and given up there: {reason}");
        if sent.chain.is_empty() && sent.message.kind == Word::Digest {
            sent.chain = self.chain_of(&sent.channel);
        }
        let Some((next, rest)) = sent.chain.split_first() else {
            tracing::warn!(
                channel = sent.channel,
                title = sent.message.title,
                "given up: {reason}"
            );
            history.finish(sent.id, Fate::Failed, &detail).await?;
            return Ok(true);
        };
        tracing::warn!(
            channel = sent.channel,
            to = next,
            "left to the fallback: {reason}"
        );
        let new = NewDelivery {
            channel: next.clone(),
            chain: rest.to_vec(),
            manual: sent.manual,
            message: sent.message,
        };
        history.hand_over(sent.id, &new, &detail).await?;
        self.wake(&new.channel);
        Ok(true)
    }

    /// Sends to an address that is no channel: the `webhook` of a rule.
    pub async fn post(
        &self,
        webhook: &crate::channel::config::Webhook,
        message: &Message,
    ) -> Result<String, String> {
        let channel = Channel {
            webhook: Some(webhook.clone()),
            ..Channel::default()
        };
        self.0
            .transport
            .send(&channel, message)
            .await
            .map_err(|failure| failure.reason)
    }

    /// Every channel as it stands.
    pub async fn channels(&self) -> Result<Vec<ChannelView>, HistoryError> {
        let mut views = Vec::new();
        for (name, channel) in &self.table().channels {
            let last = self.0.history.last_result(name).await?;
            let waiting = if self.0.history.exists() {
                self.0.history.crowd(name).await?.rows
            } else {
                0
            };
            let way = channel.way();
            views.push(ChannelView {
                name: name.clone(),
                kind: way.map_or("none", Way::name).to_owned(),
                to: way.map(destination).unwrap_or_default(),
                fallback: channel.fallback.clone(),
                limit_hour: channel.limit.hour,
                limit_day: channel.limit.day,
                quiet: channel.quiet.map(String::from),
                waiting,
                last_at: last.as_ref().map(|last| last.finished.unwrap_or(last.due)),
                last_state: last.as_ref().map(|last| last.state.clone()),
                last_detail: last.map(|last| last.detail),
            });
        }
        Ok(views)
    }
}

/// Where a channel leads, without what only its owner should know: no path of a webhook, no topic.
fn destination(way: Way<'_>) -> String {
    let host = |url: &str| {
        url::Url::parse(url)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_default()
    };
    match way {
        Way::Email(email) => email.to.clone(),
        Way::Webhook(webhook) => host(&webhook.url),
        Way::Ntfy(ntfy) => host(&ntfy.server),
        Way::Exec(run) => run.command.first().cloned().unwrap_or_default(),
        Way::Telegram(telegram) => host(&telegram.server),
        Way::Discord(_) => "discord.com".to_owned(),
        Way::Slack(_) => "hooks.slack.com".to_owned(),
    }
}

#[cfg(test)]
mod tests;
