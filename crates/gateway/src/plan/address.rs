//! Where an application listens: `http://HOST:PORT` or `unix:PATH`.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use super::door::Door;
use crate::config::{Config, Route};

/// An application's address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Address {
    /// `127.0.0.1:3000`, `app.lan:80`, `[::1]:3000`
    Tcp { host: String, port: u16 },
    /// A socket's path.
    Unix(PathBuf),
}

/// The text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no address of an application; write \"http://HOST:PORT\" without a path, or \"unix:/PATH\""
)]
pub(crate) struct BadAddress(String);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "http://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "http://{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let bad = || BadAddress(text.to_owned());
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.starts_with('/') && path.len() < 108 {
                Ok(Self::Unix(PathBuf::from(path)))
            } else {
                Err(bad())
            };
        }
        let rest = text.strip_prefix("http://").ok_or_else(bad)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.strip_prefix('[') {
            Some(inner) => {
                let (host, after) = inner.split_once(']').ok_or_else(bad)?;
                (host, after.strip_prefix(':'))
            }
            None => match rest.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            },
        };
        let port: u16 = port.map_or(Ok(80), |port| port.parse().map_err(|_| bad()))?;
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
        if port == 0 || host.is_empty() || !host.bytes().all(good) {
            return Err(bad());
        }
        Ok(Self::Tcp {
            host: host.to_owned(),
            port,
        })
    }
}

impl Address {
    /// Host and port as a `Host` field has them.
    pub(crate) fn hosts(&self) -> Vec<String> {
        let Self::Tcp { host, port } = self else {
            return vec!["localhost".to_owned()];
        };
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.clone()
        };
        let with_port = format!("{host}:{port}");
        if *port == 80 {
            vec![with_port, host]
        } else {
            vec![with_port]
        }
    }

    /// Whether this is a port on which the gateway itself listens.
    pub(super) fn is_ours(&self, config: &Config, route: &Route) -> bool {
        let Self::Tcp { host, port } = self else {
            return false;
        };
        let here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        let own = [config.https, config.http]
            .into_iter()
            .flatten()
            .map(|address| address.port());
        let door = route
            .listen
            .as_deref()
            .and_then(|text| Door::parse(text, route.tls));
        here && own
            .chain(door.map(|door| door.port()))
            .any(|taken| taken == *port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_people_write_them() {
        for (text, shown) in [
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("http://app.lan", "http://app.lan:80"),
            ("http://app.lan/", "http://app.lan:80"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("unix:/run/app.sock", "unix:/run/app.sock"),
            ("unix:///run/app.sock", "unix:/run/app.sock"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), shown);
        }
        for text in [
            "",
            "127.0.0.1:3000",
            "https://app",
            "http://",
            "http://app:0",
            "http://app:99999",
            "http://app/path",
            "http://user@app",
            "http://[::1",
            "unix:app.sock",
            "unix:",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
