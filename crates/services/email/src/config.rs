//! Settings of the email service: `[email]` in `pistack.toml`.

mod check;

use std::path::PathBuf;
use std::time::Duration;

use indexmap::IndexMap;
use lettre::message::Mailbox;
use pistack_kit::config::{ByteSize, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use check::{Finding, check};

/// The mail server, how to speak to it, and the outbox.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The mail server's name or address. Environment: `SMTP_HOST`.
    pub smtp_host: String,
    /// Its port. Unset: 465 with `tls = "implicit"`, 587 with a user name or `tls = "required"`, else 25.
    /// Environment: `SMTP_PORT`.
    pub smtp_port: Option<u16>,
    /// Sender of every mail: `pi@example.org` or `My board <pi@example.org>`. Environment: `SMTP_FROM`.
    pub smtp_from: String,
    /// Encryption: `opportunistic` (STARTTLS where offered; required and verified with a user name), `required`
    /// (STARTTLS or no mail), `implicit` (TLS from the first byte), `off`.
    pub tls: Tls,
    /// File with the certificate (PEM) to trust in place of the public ones, for a server of your own.
    pub ca_file: Option<PathBuf>,
    /// SHA-256 of the one certificate to trust, as `openssl x509 -noout -fingerprint -sha256` prints it: 64
    /// hexadecimal digits, colons allowed. In place of `ca_file`.
    pub fingerprint: Option<String>,
    /// User name for servers that ask for one.
    pub username: Option<String>,
    /// File that holds the password, readable by its owner alone.
    pub password_file: Option<PathBuf>,
    /// Longest wait for one step: the connection, or the server's answer to a command. For `POST /api/email/send`:
    /// for the whole conversation.
    pub timeout: Span,
    /// Longest wait for the server's answer to a whole mail, which it may check for spam first (RFC 5321, section
    /// 4.5.3.2.6, asks for 10 minutes). A mail whose answer does not come is undecided, not lost.
    pub answer_timeout: Span,
    /// Most recipients of one mail, `cc` and `bcc` included.
    pub max_recipients: usize,
    /// Largest sum of a mail's attachments, counted before they are encoded.
    pub max_attachments: ByteSize,
    /// When and for how long a mail is tried again.
    pub retry: Retry,
    /// What the outbox takes and keeps.
    pub outbox: OutboxLimits,
    /// What happens to a mail whose last answer was lost: `hold` (it is listed as undecided, and you decide) or
    /// `resend` (it is sent again with the same Message-ID; it may arrive twice).
    pub lost_answer: LostAnswer,
    /// File with the secret that `POST /api/email/bounces` asks for. Unset: no bounces are taken.
    pub bounce_secret_file: Option<PathBuf>,
    /// Templates that requests name: `[email.template.NAME]` with `subject`, `text` and `html`.
    pub template: IndexMap<String, Template>,
}

/// When and for how long a mail is tried again.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// Wait after the first failure; doubled after each further one, up to 20 % more or less.
    pub first: Span,
    /// Longest wait between two tries.
    pub cap: Span,
    /// How long a mail is tried before it is given up.
    pub life: Span,
}

/// What the outbox takes and keeps.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutboxLimits {
    /// Most mails that wait at one time; further ones are refused with 507.
    pub max_waiting: u32,
    /// Largest sum of the mails that wait; further ones are refused with 507.
    pub max_waiting_size: ByteSize,
    /// How long mails that are done stay readable, and the record of their tries.
    pub keep: Span,
    /// Largest sum of the mails that are done and still readable; the oldest lose their text and files first.
    pub max_kept_size: ByteSize,
}

/// What happens to a mail whose last answer was lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LostAnswer {
    /// Listed as undecided.
    #[default]
    Hold,
    /// Sent again with the same Message-ID.
    Resend,
}

/// A template: each part in the language of Jinja, such as `{{ door }} open`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Template {
    /// For the subject.
    pub subject: Option<String>,
    /// For the text.
    pub text: Option<String>,
    /// For the web page; what the data brings is escaped.
    pub html: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            smtp_host: "localhost".into(),
            smtp_port: None,
            smtp_from: "pistack@localhost".into(),
            tls: Tls::Opportunistic,
            ca_file: None,
            fingerprint: None,
            username: None,
            password_file: None,
            timeout: Span(Duration::from_secs(30)),
            answer_timeout: Span(Duration::from_mins(10)),
            max_recipients: 50,
            max_attachments: ByteSize(10 << 20),
            retry: Retry::default(),
            outbox: OutboxLimits::default(),
            lost_answer: LostAnswer::Hold,
            bounce_secret_file: None,
            template: IndexMap::new(),
        }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            first: Span(Duration::from_secs(30)),
            cap: Span(Duration::from_hours(1)),
            life: Span(Duration::from_hours(72)),
        }
    }
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self {
            max_waiting: 10_000,
            max_waiting_size: ByteSize(200 << 20),
            keep: Span(Duration::from_hours(30 * 24)),
            max_kept_size: ByteSize(100 << 20),
        }
    }
}

/// How the conversation is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// STARTTLS where offered.
    #[default]
    Opportunistic,
    /// STARTTLS, or no mail.
    Required,
    /// TLS from the first byte.
    Implicit,
    /// None.
    Off,
}

impl Config {
    /// The user name, unless empty.
    pub(crate) fn user(&self) -> Option<&str> {
        self.username.as_deref().filter(|user| !user.is_empty())
    }

    /// The encryption that is really asked for: a password is never left to chance.
    pub(crate) fn effective_tls(&self) -> Tls {
        match self.tls {
            Tls::Opportunistic if self.user().is_some() => Tls::Required,
            tls => tls,
        }
    }

    /// The port.
    pub(crate) fn port(&self) -> u16 {
        self.smtp_port.unwrap_or_else(|| match self.effective_tls() {
            Tls::Implicit => 465,
            Tls::Required => 587,
            _ if self.user().is_some() => 587,
            _ => 25,
        })
    }

    /// The sender, with a domain name of ASCII letters alone.
    pub(crate) fn from(&self) -> Result<Mailbox, BadSender> {
        crate::address::one(&self.smtp_from).map_err(|_| BadSender(self.smtp_from.clone()))
    }

    /// The certificate's fingerprint as bytes. `None` if there is none or it is no fingerprint.
    pub(crate) fn pinned(&self) -> Option<[u8; 32]> {
        let text = self.fingerprint.as_deref()?;
        let text = text.rsplit('=').next().unwrap_or(text);
        let digits: Vec<u8> = text
            .bytes()
            .filter(|byte| !b": ".contains(byte))
            .map(|byte| char::from(byte).to_digit(16).map(|digit| digit as u8))
            .collect::<Option<_>>()?;
        let bytes: Vec<u8> = digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect();
        (digits.len() == 64).then(|| bytes.try_into().ok()).flatten()
    }
}

/// `smtp_from` is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no mail address")]
pub struct BadSender(pub String);
