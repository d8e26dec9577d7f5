//! One attempt to deliver one message on one channel.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use pistack_api::service::Service;
use pistack_kit::client::Client;
use pistack_kit::clock::Clock;
use pistack_kit::paths::StatePaths;
use serde_json::json;

use crate::act::command;
use crate::channel::check::read_secret;
use crate::channel::config::{Channel, Email, Way};
use crate::channel::message::{self, BadHeader, Message, Post};
use crate::config::Run;
use crate::outgoing::{self, Failure, Rules};

/// A command may ask to be tried again later by this exit code (`EX_TEMPFAIL` of sysexits.h).
const TRY_AGAIN: i32 = 75;

/// What all couriers use.
#[derive(Debug)]
pub(super) struct Transport {
    email: Client,
    clock: Clock,
}

impl Transport {
    pub(super) fn new(paths: &StatePaths, clock: Clock) -> Self {
        Self {
            email: Client::unix(paths.service_socket(Service::Email)),
            clock,
        }
    }

    /// Tries once, within the channel's `timeout`. Gives what the other side said.
    pub(super) async fn send(&self, channel: &Channel, message: &Message) -> Result<String, Failure> {
        let limit = channel.timeout.0;
        let Some(way) = channel.way() else {
            return Err(Failure::permanent("the channel says nothing of how to deliver"));
        };
        match way {
            Way::Email(email) => self.mail(email, message, limit).await,
            Way::Exec(run) => exec(run, message, limit).await,
            Way::Webhook(webhook) => {
                let key = secret(webhook.secret_file.as_deref())?;
                let post = message::webhook(webhook, key.as_deref(), message, self.clock.unix());
                post_to(post, webhook.private, webhook.ca_file.as_deref(), limit).await
            }
            Way::Ntfy(ntfy) => {
                let token = secret(ntfy.token_file.as_deref())?;
                let post = message::ntfy(ntfy, token.as_deref(), message);
                post_to(post, ntfy.private, ntfy.ca_file.as_deref(), limit).await
            }
            Way::Telegram(telegram) => {
                let token = read_secret(&telegram.token_file).map_err(Failure::permanent)?;
                let post = Ok(message::telegram(telegram, &token, message));
                post_to(post, telegram.private, telegram.ca_file.as_deref(), limit).await
            }
            Way::Discord(incoming) => {
                let url = read_secret(&incoming.url_file).map_err(Failure::permanent)?;
                let post = Ok(message::discord(incoming, &url, message));
                post_to(post, incoming.private, incoming.ca_file.as_deref(), limit).await
            }
            Way::Slack(incoming) => {
                let url = read_secret(&incoming.url_file).map_err(Failure::permanent)?;
                let post = Ok(message::slack(incoming, &url, message));
                post_to(post, incoming.private, incoming.ca_file.as_deref(), limit).await
            }
        }
    }

    /// Into the outbox of the mail service, which knows a repeated message by its key.
    async fn mail(&self, email: &Email, message: &Message, limit: Duration) -> Result<String, Failure> {
        let body = json!({
            "to": email.to,
            "subject": message.title,
            "text": format!("{}\n", message.text),
            "idempotency_key": format!("rules-{}", message.id),
        });
        let request = http::Request::post("/internal/send")
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body.to_string()))
            .map_err(|error| Failure::permanent(error.to_string()))?;
        let answer = self
            .email
            .send(request, limit)
            .await
            .map_err(|error| Failure::later(error.to_string()))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(format!("{status}: taken by the mail service"));
        }
        let problem: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let text = |key: &str| problem[key].as_str().unwrap_or_default();
        Err(Failure {
            reason: message::one_line(&format!("{status}: {} {}", text("message"), text("detail")), 300),
            permanent: status.is_client_error() && !matches!(status.as_u16(), 408 | 425 | 429),
            retry_after: None,
        })
    }
}

fn secret(path: Option<&Path>) -> Result<Option<String>, Failure> {
    path.map(read_secret).transpose().map_err(Failure::permanent)
}

async fn post_to(
    post: Result<Post, BadHeader>,
    private: bool,
    ca_file: Option<&Path>,
    timeout: Duration,
) -> Result<String, Failure> {
    let post = post.map_err(|error| Failure::permanent(error.to_string()))?;
    let rules = Rules {
        private,
        ca_file,
        timeout,
    };
    let (status, text) = outgoing::send(&post, rules).await?;
    Ok(format!("{status} {text}").trim_end().to_owned())
}

async fn exec(run: &Run, message: &Message, limit: Duration) -> Result<String, Failure> {
    let timeout = run.timeout.map_or(limit, |span| span.0);
    let order = command::Order {
        arguments: &run.command,
        user: run.user.as_deref(),
        environment: &command::environment_of(message),
        input: Some(&message.whole()),
        timeout,
    };
    match command::run(order).await {
        Ok(output) => Ok(output),
        Err(error) => Err(Failure {
            permanent: !error.timed_out && error.code != Some(TRY_AGAIN),
            reason: error.to_string(),
            retry_after: None,
        }),
    }
}
