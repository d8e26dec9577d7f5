//! A message, and how it looks on each channel. Pure: texts in, requests out.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use pistack_api::event::Event;
use ring::hmac;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::config::{Incoming, Ntfy, Telegram, Webhook};
use crate::config::Severity;

/// Longest title, in characters.
const MOST_TITLE: usize = 200;
/// Longest text, in characters.
const MOST_TEXT: usize = 8_000;
/// Telegram takes 4,096 characters a message (core.telegram.org/bots/api, sendMessage).
const MOST_TELEGRAM: usize = 4_000;
/// Discord takes 2,000 characters (its developers' documentation, Execute Webhook).
const MOST_DISCORD: usize = 1_950;
/// Of a longer event's data so many characters travel.
const MOST_DATA: usize = 2_000;

/// What somebody is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Unique; the receiver can recognise a second sending by it.
    pub id: String,
    /// The rule that says so; empty for a message sent by hand.
    pub rule: String,
    /// What kind of word it is.
    pub kind: Word,
    /// What it is about: the program, line or metric.
    pub key: String,
    /// How grave it is.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// The text.
    pub text: String,
    /// Matches that it stands for.
    pub count: u64,
    /// When the first of them was, in seconds since 1970.
    pub since: i64,
    /// When it was written, in seconds since 1970.
    pub at: i64,
    /// Name of this machine.
    pub host: String,
    /// The event behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
}

/// What kind of word a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Something happened.
    Fired,
    /// It goes on: several in one.
    Digest,
    /// It is over.
    Resolved,
    /// A person tries the channel.
    Test,
    /// A person wrote it.
    Sent,
}

impl From<crate::firing::Kind> for Word {
    fn from(kind: crate::firing::Kind) -> Self {
        match kind {
            crate::firing::Kind::Fired => Self::Fired,
            crate::firing::Kind::Digest => Self::Digest,
            crate::firing::Kind::Resolved => Self::Resolved,
        }
    }
}

impl Message {
    /// Brings the texts into bounds: the title is one line without control characters, both have their greatest
    /// lengths, the event's data too. Whatever a program writes into its log, no header field and no second mail
    /// comes of it.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.title = one_line(&self.title, MOST_TITLE);
        self.text = clip(&without_controls(&self.text), MOST_TEXT);
        if let Some(event) = &mut self.event {
            event.data = clip(&event.data, MOST_DATA);
        }
        self
    }

    /// Title and text as one, the title only where the text does not say the same.
    pub fn whole(&self) -> String {
        if self.text.is_empty() || self.text == self.title {
            self.title.clone()
        } else if self.title.is_empty() || self.text.starts_with(&self.title) {
            self.text.clone()
        } else {
            format!("{}\n{}", self.title, self.text)
        }
    }

    /// A word in front that tells at a glance how grave it is.
    fn mark(&self) -> &'static str {
        match (self.kind, self.severity) {
            (Word::Resolved, _) => "\u{2705}",
            (_, Severity::Critical) => "\u{1f6a8}",
            (_, Severity::Warning) => "\u{26a0}\u{fe0f}",
            (_, Severity::Info) => "\u{2139}\u{fe0f}",
        }
    }
}

/// Control characters become spaces, runs of white space one space.
pub fn one_line(text: &str, most: usize) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    clip(&words.join(" "), most)
}

/// Without control characters but line feed and tab.
fn without_controls(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

fn clip(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A request to be made: always a POST.
#[derive(Debug, Clone)]
pub struct Post {
    /// Where to.
    pub url: String,
    /// Header fields.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Body.
    pub body: Bytes,
}

/// A text of the configuration or of a file is no header value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} holds characters that no header field may have")]
pub struct BadHeader {
    /// Which text.
    what: String,
}

fn header_value(what: &str, text: &str) -> Result<HeaderValue, BadHeader> {
    let mut value = HeaderValue::from_str(text).map_err(|_| BadHeader {
        what: what.to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn json_post(url: String, body: &serde_json::Value) -> Post {
    Post {
        url,
        headers: vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))],
        body: body.to_string().into(),
    }
}

/// The request of a webhook: the message as JSON. With a key it is signed: `X-Hook-Signature: sha256=HEX` is
/// HMAC-SHA256 over `X-Hook-Timestamp`, a full stop, and the body; a receiver refuses old timestamps.
pub fn webhook(config: &Webhook, key: Option<&str>, message: &Message, now: i64) -> Result<Post, BadHeader> {
    let mut post = json_post(config.url.clone(), &json!(message));
    for (name, value) in &config.headers {
        let bad = || BadHeader {
            what: format!("header field `{name}`"),
        };
        let field = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        post.headers.push((field, header_value(name, value)?));
    }
    sign(&mut post, key, &message.id, now)?;
    Ok(post)
}

/// Adds id, time and signature.
pub fn sign(post: &mut Post, key: Option<&str>, id: &str, now: i64) -> Result<(), BadHeader> {
    let field = HeaderName::from_static;
    post.headers
        .push((field("x-hook-id"), header_value("the id", id)?));
    post.headers.push((field("x-hook-timestamp"), now.into()));
    if let Some(key) = key {
        let signature = signature(key, now, &post.body);
        let value = header_value("the signature", &format!("sha256={signature}"))?;
        post.headers.push((field("x-hook-signature"), value));
    }
    Ok(())
}

/// HMAC-SHA256 over `TIME.BODY` in hexadecimal digits.
pub fn signature(key: &str, now: i64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(format!("{now}.").as_bytes());
    context.update(body);
    hex(context.sign().as_ref())
}

/// In hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// True if `given` is the right signature; takes the same time for every wrong one.
pub fn is_signed(key: &str, time: i64, body: &[u8], given: &str) -> bool {
    let given: Option<Vec<u8>> = (0..given.len() / 2)
        .map(|at| u8::from_str_radix(given.get(2 * at..2 * at + 2)?, 16).ok())
        .collect();
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let signed = [format!("{time}.").as_bytes(), body].concat();
    given.is_some_and(|given| hmac::verify(&key, &signed, &given).is_ok())
}

/// The request for ntfy, in its JSON form (docs.ntfy.sh/publish, "Publish as JSON"): titles of any language, and no
/// text that could become a header field.
pub fn ntfy(config: &Ntfy, token: Option<&str>, message: &Message) -> Result<Post, BadHeader> {
    let (priority, tag) = match (message.kind, message.severity) {
        (Word::Resolved, _) => (3, "white_check_mark"),
        (_, Severity::Critical) => (5, "rotating_light"),
        (_, Severity::Warning) => (4, "warning"),
        (_, Severity::Info) => (3, "information_source"),
    };
    let text = if message.text.is_empty() {
        &message.title
    } else {
        &message.text
    };
    let body = json!({
        "topic": config.topic, "title": message.title, "message": text, "priority": priority, "tags": [tag],
    });
    let mut post = json_post(config.server.clone(), &body);
    if let Some(token) = token {
        let value = header_value("the ntfy token", &format!("Bearer {token}"))?;
        post.headers.push((AUTHORIZATION, value));
    }
    Ok(post)
}

/// The request for a Telegram bot.
pub fn telegram(config: &Telegram, token: &str, message: &Message) -> Post {
    let text = format!("{} {}", message.mark(), message.whole());
    let body = json!({
        "chat_id": config.chat,
        "text": clip(&text, MOST_TELEGRAM),
        "disable_notification": message.severity == Severity::Info,
        "link_preview_options": { "is_disabled": true },
    });
    json_post(
        format!("{}/bot{token}/sendMessage", config.server.trim_end_matches('/')),
        &body,
    )
}

/// The request for Discord. Nobody is called by a name that a log line happens to hold.
pub fn discord(_: &Incoming, url: &str, message: &Message) -> Post {
    let text = format!("{} {}", message.mark(), message.whole());
    let body = json!({ "content": clip(&text, MOST_DISCORD), "allowed_mentions": { "parse": [] } });
    json_post(url.to_owned(), &body)
}

/// The request for Slack. `&`, `<` and `>` are its control characters (api.slack.com, "Formatting text").
pub fn slack(_: &Incoming, url: &str, message: &Message) -> Post {
    let text = format!("{} {}", message.mark(), message.whole());
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    json_post(url.to_owned(), &json!({ "text": text }))
}

#[cfg(test)]
mod tests;
