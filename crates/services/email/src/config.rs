//! Settings of the email service: `[email]` in `pistack.toml`.

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use pistack_kit::config::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The mail server and how to speak to it.
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
    /// User name for servers that ask for one.
    pub username: Option<String>,
    /// File that holds the password, readable by its owner alone.
    pub password_file: Option<PathBuf>,
    /// Longest time for one mail, from the connection to the server's last word.
    pub timeout: Span,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            smtp_host: "localhost".into(),
            smtp_port: None,
            smtp_from: "pistack@localhost".into(),
            tls: Tls::Opportunistic,
            ca_file: None,
            username: None,
            password_file: None,
            timeout: Span(Duration::from_secs(30)),
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

    /// The sender.
    pub(crate) fn from(&self) -> Result<Mailbox, BadSender> {
        self.smtp_from
            .parse()
            .map_err(|_| BadSender(self.smtp_from.clone()))
    }
}

/// `smtp_from` is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no mail address")]
pub struct BadSender(pub String);

/// Something wrong in this section: the key's whole path, what is wrong, what to write.
pub type Finding = (Vec<String>, String, Option<String>);

/// What `config check` has to say beyond the types. Opens no file.
pub fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |key: &str, message: String, help: &str| {
        findings.push((
            vec!["email".to_owned(), key.to_owned()],
            message,
            Some(help.to_owned()),
        ));
    };
    if config.smtp_host.trim().is_empty() {
        add(
            "smtp_host",
            "an empty mail server".into(),
            "write smtp_host = \"localhost\", or your provider's server",
        );
    }
    if let Err(error) = config.from() {
        add(
            "smtp_from",
            error.to_string(),
            "write smtp_from = \"pi@example.org\"",
        );
    }
    if config.user().is_some() != config.password_file.is_some() {
        let (key, message) = if config.user().is_some() {
            ("username", "a user name without `password_file`")
        } else {
            ("password_file", "a password without `username`")
        };
        add(key, message.into(), "write both, or neither");
    }
    if config.ca_file.is_some() && config.tls == Tls::Off {
        add(
            "ca_file",
            "a certificate to trust, and tls = \"off\"".into(),
            "remove one of them",
        );
    }
    if config.timeout.0.is_zero() {
        add(
            "timeout",
            "`timeout` must be longer than 0".into(),
            "write \"30s\"",
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_tls_follow_from_the_rest() {
        let with = |tls, user: Option<&str>| Config {
            tls,
            username: user.map(str::to_owned),
            ..Config::default()
        };
        let facts = |config: Config| (config.port(), config.effective_tls());
        assert_eq!(facts(Config::default()), (25, Tls::Opportunistic));
        assert_eq!(facts(with(Tls::Opportunistic, Some("u"))), (587, Tls::Required));
        assert_eq!(
            facts(with(Tls::Opportunistic, Some(""))),
            (25, Tls::Opportunistic)
        );
        assert_eq!(facts(with(Tls::Implicit, Some("u"))), (465, Tls::Implicit));
        assert_eq!(facts(with(Tls::Off, Some("u"))), (587, Tls::Off));
        assert_eq!(
            facts(Config {
                smtp_port: Some(2525),
                ..Config::default()
            })
            .0,
            2525
        );
    }

    #[test]
    fn findings_name_their_key() {
        assert!(check(&Config::default()).is_empty());
        let config = Config {
            smtp_host: " ".into(),
            smtp_from: "nobody".into(),
            password_file: Some("/x".into()),
            ca_file: Some("/y".into()),
            tls: Tls::Off,
            timeout: Span(Duration::ZERO),
            ..Config::default()
        };
        let keys: Vec<_> = check(&config)
            .into_iter()
            .map(|(path, ..)| path.join("."))
            .collect();
        assert_eq!(
            keys,
            [
                "email.smtp_host",
                "email.smtp_from",
                "email.password_file",
                "email.ca_file",
                "email.timeout"
            ]
        );
    }
}
