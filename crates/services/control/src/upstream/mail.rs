//! The outbox of the mail service.

use bytes::Bytes;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pistack_api::service::Service;
use pistack_kit::client::Client;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};

use super::{Call, json as body};
use crate::error::Failure;
use crate::state::Dashboard;

/// A test mail waits for the mail server.
const SLOW: std::time::Duration = std::time::Duration::from_secs(75);

/// How mail is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    pub(crate) outbox: Fill,
    pub(crate) channel: Server,
}

/// How full the outbox is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Fill {
    pub(crate) waiting: i64,
    pub(crate) oldest_seconds: i64,
    pub(crate) undecided: i64,
    pub(crate) dead: i64,
}

/// How the mail server is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the names of the answer")]
pub(crate) struct Server {
    pub(crate) state: String,
    pub(crate) server: String,
    pub(crate) failures: u32,
    pub(crate) error: Option<String>,
    pub(crate) next_try_seconds: Option<i64>,
}

/// A page of mails.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Page {
    pub(crate) messages: Vec<Mail>,
    pub(crate) next: Option<i64>,
}

/// A mail.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Mail {
    pub(crate) id: String,
    pub(crate) message_id: String,
    pub(crate) state: String,
    pub(crate) by: String,
    pub(crate) subject: String,
    pub(crate) size: i64,
    pub(crate) created: String,
    pub(crate) next_try: Option<String>,
    pub(crate) finished: Option<String>,
    pub(crate) tries: i64,
    pub(crate) error: Option<String>,
    pub(crate) recipients: Vec<Recipient>,
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
    pub(crate) attachments: Option<Vec<Attachment>>,
}

/// One recipient.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Recipient {
    pub(crate) address: String,
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) code: Option<i64>,
    pub(crate) text: Option<String>,
}

/// A file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Attachment {
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) size: i64,
}

/// One try.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Attempt {
    pub(crate) at: String,
    pub(crate) took_ms: i64,
    pub(crate) stage: String,
    pub(crate) outcome: String,
    pub(crate) text: String,
}

/// Asks the mail service in a person's name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outbox<'a> {
    pub(crate) dashboard: &'a Dashboard,
    pub(crate) token: &'a str,
}

fn segment(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

impl Outbox<'_> {
    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        given: Option<&Value>,
    ) -> Result<T, Failure> {
        let slow = method == Method::POST;
        let client = Client::unix(self.dashboard.context.paths.service_socket(Service::Email));
        let call = Call {
            service: Service::Email,
            client: &client,
            method,
            path,
            token: Some(self.token),
            deadline: if slow {
                SLOW
            } else {
                self.dashboard.config.upstream_timeout.0
            },
        };
        let given = given.map_or_else(|| Ok(Bytes::new()), body)?;
        Ok(call.read(given).await?.1)
    }

    /// How mail is.
    pub(crate) async fn status(&self) -> Result<Status, Failure> {
        self.ask(Method::GET, "/api/email/status", None).await
    }

    /// A page of mails, newest first.
    pub(crate) async fn list(
        &self,
        states: &str,
        search: &str,
        before: Option<i64>,
    ) -> Result<Page, Failure> {
        let mut path = format!(
            "/api/email/messages?limit=50&state={}&q={}",
            segment(states),
            segment(search)
        );
        if let Some(before) = before {
            path += &format!("&before={before}");
        }
        self.ask(Method::GET, &path, None).await
    }

    /// One mail.
    pub(crate) async fn read(&self, id: &str) -> Result<Mail, Failure> {
        self.ask(Method::GET, &format!("/api/email/messages/{}", segment(id)), None)
            .await
    }

    /// Its tries.
    pub(crate) async fn attempts(&self, id: &str) -> Result<Vec<Attempt>, Failure> {
        let path = format!("/api/email/messages/{}/attempts", segment(id));
        self.ask(Method::GET, &path, None).await
    }

    /// Sends one again.
    pub(crate) async fn retry(&self, id: &str) -> Result<(), Failure> {
        let path = format!("/api/email/messages/{}/retry", segment(id));
        self.ask::<IgnoredAny>(Method::POST, &path, None).await.map(drop)
    }

    /// Removes one.
    pub(crate) async fn remove(&self, id: &str) -> Result<(), Failure> {
        let path = format!("/api/email/messages/{}", segment(id));
        self.ask::<IgnoredAny>(Method::DELETE, &path, None)
            .await
            .map(drop)
    }

    /// Puts one into the outbox.
    pub(crate) async fn put(&self, to: &str, subject: &str, text: &str, key: &str) -> Result<(), Failure> {
        let to: Vec<&str> = to
            .split([',', ';', '\n'])
            .map(str::trim)
            .filter(|one| !one.is_empty())
            .collect();
        let mail = json!({ "to": to, "subject": subject, "text": text, "idempotency_key": key });
        self.ask::<IgnoredAny>(Method::POST, "/api/email/messages", Some(&mail))
            .await
            .map(drop)
    }

    /// Sends a test mail and waits for the server.
    pub(crate) async fn test(&self, to: &str) -> Result<(), Failure> {
        self.ask::<IgnoredAny>(Method::POST, "/api/email/test", Some(&json!({ "to": to })))
            .await
            .map(drop)
    }

    /// Ends a pause.
    pub(crate) async fn resume(&self) -> Result<(), Failure> {
        self.ask::<IgnoredAny>(Method::POST, "/api/email/resume", None)
            .await
            .map(drop)
    }
}
