//! Settings of the supervisor service: `[supervisor_service]` in `pistack.toml`.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use pistack_kit::config::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which supervisor to ask, and how long to wait for it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address of another supervisor's XML-RPC interface: `unix:///run/supervisor.sock` or
    /// `http://127.0.0.1:9001`. Unset: the supervisor that runs this stack. Environment: `SUPERVISOR_URL`.
    pub url: Option<String>,
    /// User name that this supervisor asks for. Environment: `SUPERVISOR_USER`.
    pub user: Option<String>,
    /// File that holds the password, readable by its owner alone.
    pub password_file: Option<PathBuf>,
    /// The password from `SUPERVISOR_PASS`; it wins over `password_file` and never stands in a file of ours.
    #[serde(skip)]
    #[schemars(skip)]
    pub password: Option<Password>,
    /// How long the supervisor may take for one answer; after that the answer is 503. Environment:
    /// `SUPERVISOR_TIMEOUT` (seconds).
    pub timeout: Span,
    /// How long a start, stop or restart waits for the process to settle before it answers with the state
    /// reached so far.
    pub wait: Span,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: None,
            user: None,
            password_file: None,
            password: None,
            timeout: Span(Duration::from_secs(3)),
            wait: Span(Duration::from_secs(15)),
        }
    }
}

/// A password that does not show in debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Takes the password over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(...)")
    }
}

/// Where the supervisor listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A unix socket.
    Unix(PathBuf),
    /// `host:port` of a plain HTTP server.
    Tcp(String),
}

/// The address of the supervisor cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no supervisor address; write unix:///path/to/supervisor.sock or http://host:port")]
pub struct BadAddress(pub String);

impl Address {
    /// Reads `unix:///path`, or `http://host:port` with an optional `/RPC2`.
    pub fn parse(url: &str) -> Result<Self, BadAddress> {
        let bad = || BadAddress(url.to_owned());
        let url = url.trim();
        if let Some(path) = url.strip_prefix("unix://") {
            return if path.starts_with('/') && path.len() > 1 {
                Ok(Self::Unix(path.into()))
            } else {
                Err(bad())
            };
        }
        let rest = url.strip_prefix("http://").ok_or_else(bad)?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !matches!(path.trim_end_matches('/'), "" | "RPC2") || authority.contains('@') {
            return Err(bad());
        }
        let parsed: http::uri::Authority = authority.parse().map_err(|_| bad())?;
        if parsed.host().is_empty() {
            return Err(bad());
        }
        // 9001 is the port of supervisord's own examples and of supervisorctl's default.
        let port = parsed.port_u16().unwrap_or(9001);
        Ok(Self::Tcp(format!("{}:{port}", parsed.host())))
    }
}

/// Something wrong in this section: the key's whole path, what is wrong, what to write.
pub type Finding = (Vec<String>, String, Option<String>);

/// What `config check` has to say beyond the types.
pub fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |key: &str, message: String, help: &str| {
        findings.push((
            vec!["supervisor_service".to_owned(), key.to_owned()],
            message,
            Some(help.to_owned()),
        ));
    };
    if let Some(Err(error)) = config.url.as_deref().map(Address::parse) {
        add(
            "url",
            error.to_string(),
            "write unix:///path/to/supervisor.sock or http://host:port",
        );
    }
    if config.user.is_none() && config.password_file.is_some() {
        add(
            "password_file",
            "a password without `user`".into(),
            "write user = \"...\" beside it",
        );
    }
    for (key, span) in [("timeout", config.timeout), ("wait", config.wait)] {
        if span.0.is_zero() {
            add(key, format!("`{key}` must be longer than 0"), "write \"3s\"");
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses() {
        let tcp = |text: &str| Ok(Address::Tcp(text.to_owned()));
        assert_eq!(
            Address::parse("unix:///run/s.sock"),
            Ok(Address::Unix("/run/s.sock".into()))
        );
        assert_eq!(
            Address::parse("http://localhost:9001/RPC2"),
            tcp("localhost:9001")
        );
        assert_eq!(Address::parse(" http://[::1]:9001/ "), tcp("[::1]:9001"));
        assert_eq!(Address::parse("http://pi"), tcp("pi:9001"));
        for bad in [
            "",
            "unix://relative",
            "unix:///",
            "https://x:1",
            "http://",
            "http://x/y",
            "http://a:b@x:1",
            "x:1",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn findings_name_their_key() {
        let config = Config {
            url: Some("ftp://x".into()),
            password_file: Some("/x".into()),
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
                "supervisor_service.url",
                "supervisor_service.password_file",
                "supervisor_service.timeout"
            ]
        );
        assert!(check(&Config::default()).is_empty());
    }

    #[test]
    fn the_password_does_not_show() {
        let config = Config {
            password: Some(Password::new("hunter2")),
            ..Config::default()
        };
        assert!(!format!("{config:?}").contains("hunter2"));
        assert!(!serde_json::to_string(&config).unwrap().contains("hunter2"));
    }
}
