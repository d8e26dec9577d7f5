//! What `pistack config check` says about `[email]` beyond the types.

use super::{Config, Tls};
use crate::template;

/// Something wrong in this section: the key's whole path, what is wrong, what to write.
pub type Finding = (Vec<String>, String, Option<String>);

/// What `config check` has to say beyond the types. Opens no file.
pub fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |key: &str, message: String, help: &str| {
        let path = std::iter::once("email").chain(key.split('.'));
        findings.push((path.map(str::to_owned).collect(), message, Some(help.to_owned())));
    };
    server(config, &mut add);
    limits(config, &mut add);
    for (name, part, message) in template::check(&config.template) {
        add(
            &format!("template.{name}.{part}"),
            message,
            "write `{{ name }}` for a value of the request's `data`",
        );
    }
    findings
}

fn server(config: &Config, add: &mut impl FnMut(&str, String, &str)) {
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
    for (key, given) in [
        ("ca_file", config.ca_file.is_some()),
        ("fingerprint", config.fingerprint.is_some()),
    ] {
        if given && config.tls == Tls::Off {
            add(
                key,
                "a certificate to trust, and tls = \"off\"".into(),
                "remove one of them",
            );
        }
    }
    if config.ca_file.is_some() && config.fingerprint.is_some() {
        add(
            "fingerprint",
            "`fingerprint` beside `ca_file`".into(),
            "write one of them",
        );
    }
    if config.fingerprint.is_some() && config.pinned().is_none() {
        add(
            "fingerprint",
            "no SHA-256 fingerprint".into(),
            "write the 64 hexadecimal digits that `openssl x509 -noout -fingerprint -sha256` prints",
        );
    }
}

fn limits(config: &Config, add: &mut impl FnMut(&str, String, &str)) {
    for (key, span, example) in [
        ("timeout", config.timeout, "30s"),
        ("answer_timeout", config.answer_timeout, "10m"),
        ("retry.first", config.retry.first, "30s"),
        ("retry.cap", config.retry.cap, "1h"),
        ("retry.life", config.retry.life, "72h"),
        ("outbox.keep", config.outbox.keep, "30d"),
    ] {
        if span.0.is_zero() {
            let name = key.rsplit('.').next().unwrap_or(key);
            add(
                key,
                format!("`{name}` must be longer than 0"),
                &format!("write \"{example}\""),
            );
        }
    }
    if config.retry.cap < config.retry.first {
        add(
            "retry.cap",
            "`cap` is shorter than `first`".into(),
            "write a longer time",
        );
    }
    if config.max_recipients == 0 || config.max_recipients > MOST_RECIPIENTS {
        add(
            "max_recipients",
            format!("`max_recipients` must be from 1 to {MOST_RECIPIENTS}"),
            "write max_recipients = 50",
        );
    }
    if config.max_attachments.0 > LARGEST_ATTACHMENTS {
        add(
            "max_attachments",
            "`max_attachments` must not be larger than 50MB: a mail is held in memory while it is sent"
                .into(),
            "write max_attachments = \"10MB\"",
        );
    }
    if config.outbox.max_waiting == 0 {
        add(
            "outbox.max_waiting",
            "`max_waiting` must be more than 0".into(),
            "write max_waiting = 10000",
        );
    }
}

/// Servers take 100 recipients at least (RFC 5321, section 4.5.3.1.8); few take more than this.
const MOST_RECIPIENTS: usize = 1000;
/// Most that is held in memory for one mail, encoded.
const LARGEST_ATTACHMENTS: u64 = 50 << 20;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pistack_kit::config::{ByteSize, Span};

    use super::super::Template;
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
        let own = Config {
            smtp_port: Some(2525),
            ..Config::default()
        };
        assert_eq!(facts(own).0, 2525);
    }

    fn keys(config: &Config) -> Vec<String> {
        check(config)
            .into_iter()
            .map(|(path, ..)| path.join("."))
            .collect()
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
        assert_eq!(
            keys(&config),
            [
                "email.smtp_host",
                "email.smtp_from",
                "email.password_file",
                "email.ca_file",
                "email.timeout"
            ]
        );
        let mut config = Config {
            max_recipients: 0,
            max_attachments: ByteSize(1 << 30),
            fingerprint: Some("12:34".into()),
            ..Config::default()
        };
        config.retry.cap = Span(Duration::from_secs(1));
        config.outbox.max_waiting = 0;
        config.template.insert(
            "door".into(),
            Template {
                text: Some("{% if %}".into()),
                ..Template::default()
            },
        );
        assert_eq!(
            keys(&config),
            [
                "email.fingerprint",
                "email.retry.cap",
                "email.max_recipients",
                "email.max_attachments",
                "email.outbox.max_waiting",
                "email.template.door.text"
            ]
        );
    }

    #[test]
    fn fingerprints_are_read_as_openssl_prints_them() {
        let with = |text: &str| {
            Config {
                fingerprint: Some(text.into()),
                ..Config::default()
            }
            .pinned()
        };
        let plain = "0f".repeat(32);
        assert_eq!(with(&plain), Some([0x0f; 32]));
        let colons = vec!["0F"; 32].join(":");
        assert_eq!(with(&format!("sha256 Fingerprint={colons}")), Some([0x0f; 32]));
        assert_eq!(with(&plain[1..]), None);
        assert_eq!(with("zz"), None);
    }
}
