//! `[channel.NAME]`: where messages go.

use std::path::PathBuf;

use indexmap::IndexMap;
use pistack_kit::config::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{DailyWindow, Run, Severity};

/// Where messages go (`[channel.NAME]`). Exactly one of `email`, `webhook`, `ntfy`, `exec`, `telegram`, `discord` and
/// `slack` says how; the other keys say how often, when, and what if it does not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Channel {
    /// Mail through the mail service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// JSON to an address of one's own, signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
    /// Push message through ntfy (<https://ntfy.sh> or a server of one's own).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ntfy: Option<Ntfy>,
    /// A command that gets the message on its standard input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exec: Option<Run>,
    /// A Telegram bot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub telegram: Option<Telegram>,
    /// A Discord webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discord: Option<Incoming>,
    /// A Slack webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slack: Option<Incoming>,
    /// How many messages at most; what is above becomes one digest.
    pub limit: Limit,
    /// No messages within these hours of local time, such as `"22:00-07:00"`; what comes in them is told in one digest
    /// at their end. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet: Option<DailyWindow>,
    /// Messages of this severity and graver go out in quiet hours too. Default: `critical`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_lets_through: Option<Severity>,
    /// The channel that gets the message when this one cannot deliver it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// How long to try before `fallback` gets the message. Default: `"1m"`.
    pub fallback_after: Span,
    /// How long to try in all; then the message is given up, and the history says so. Default: `"72h"`.
    pub keep_trying: Span,
    /// How long one attempt may take. Default: `"15s"`.
    pub timeout: Span,
}

impl Default for Channel {
    fn default() -> Self {
        Self {
            email: None,
            webhook: None,
            ntfy: None,
            exec: None,
            telegram: None,
            discord: None,
            slack: None,
            limit: Limit::default(),
            quiet: None,
            quiet_lets_through: None,
            fallback: None,
            fallback_after: Span::seconds(60),
            keep_trying: Span::seconds(72 * 3600),
            timeout: Span::seconds(15),
        }
    }
}

/// How a channel delivers.
#[derive(Debug, Clone, Copy)]
pub enum Way<'a> {
    /// By mail.
    Email(&'a Email),
    /// To an address of one's own.
    Webhook(&'a Webhook),
    /// Through ntfy.
    Ntfy(&'a Ntfy),
    /// By a command.
    Exec(&'a Run),
    /// Through a Telegram bot.
    Telegram(&'a Telegram),
    /// To Discord.
    Discord(&'a Incoming),
    /// To Slack.
    Slack(&'a Incoming),
}

impl Way<'_> {
    /// The key by which it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Webhook(_) => "webhook",
            Self::Ntfy(_) => "ntfy",
            Self::Exec(_) => "exec",
            Self::Telegram(_) => "telegram",
            Self::Discord(_) => "discord",
            Self::Slack(_) => "slack",
        }
    }
}

impl Channel {
    /// The ways that are written; a right channel has exactly one.
    pub fn ways(&self) -> Vec<Way<'_>> {
        [
            self.email.as_ref().map(Way::Email),
            self.webhook.as_ref().map(Way::Webhook),
            self.ntfy.as_ref().map(Way::Ntfy),
            self.exec.as_ref().map(Way::Exec),
            self.telegram.as_ref().map(Way::Telegram),
            self.discord.as_ref().map(Way::Discord),
            self.slack.as_ref().map(Way::Slack),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// How it delivers.
    pub fn way(&self) -> Option<Way<'_>> {
        self.ways().into_iter().next()
    }

    /// Whether a message of this severity goes out in quiet hours too.
    pub fn is_loud(&self, severity: Severity) -> bool {
        severity >= self.quiet_lets_through.unwrap_or(Severity::Critical)
    }
}

/// How many messages at most. A test message and a message sent by hand are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limit {
    /// Within an hour. Default: 20.
    pub hour: u32,
    /// Within 24 hours. Default: 100.
    pub day: u32,
}

impl Default for Limit {
    fn default() -> Self {
        Self { hour: 20, day: 100 }
    }
}

/// A mail channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// Address.
    pub to: String,
}

/// A webhook.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// `https://...`; `http://` only with `private = true`.
    pub url: String,
    /// File that holds the key of the HMAC-SHA256 signature. Default: unsigned.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// Further header fields.
    #[serde(default)]
    pub headers: IndexMap<String, String>,
    /// `true`: the address may be on a private network, this machine included. Default: false.
    #[serde(default)]
    pub private: bool,
    /// PEM file of certificates to trust instead of the public ones, for a server of one's own.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// An ntfy topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ntfy {
    /// The topic. On a public server, whoever knows it can read along: choose one that nobody guesses.
    pub topic: String,
    /// The server. Default: `"https://ntfy.sh"`.
    #[serde(default = "public_ntfy")]
    pub server: String,
    /// File that holds an access token (`tk_...`).
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// `true`: the server may be on a private network, this machine included. Default: false.
    #[serde(default)]
    pub private: bool,
    /// PEM file of certificates to trust instead of the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

fn public_ntfy() -> String {
    "https://ntfy.sh".to_owned()
}

/// A Telegram bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Telegram {
    /// File that holds the bot's token (`123456:ABC...`), from @BotFather.
    pub token_file: PathBuf,
    /// Chat to write to: a number, or `@channel`.
    pub chat: String,
    /// Server of the bot interface. Default: `"https://api.telegram.org"`.
    #[serde(default = "public_telegram")]
    pub server: String,
    /// `true`: the server may be on a private network, this machine included. Default: false.
    #[serde(default)]
    pub private: bool,
    /// PEM file of certificates to trust instead of the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

fn public_telegram() -> String {
    "https://api.telegram.org".to_owned()
}

/// An incoming webhook of Discord or Slack. Whoever knows its address can write there, so it lies in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Incoming {
    /// File that holds the address (`https://discord.com/api/webhooks/...`, `https://hooks.slack.com/services/...`).
    pub url_file: PathBuf,
    /// `true`: the address may be on a private network, this machine included. Default: false.
    #[serde(default)]
    pub private: bool,
    /// PEM file of certificates to trust instead of the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}
