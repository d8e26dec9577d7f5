//! Ports of their own, for applications that should not share the dashboard's origin.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::Found;
use crate::config::{Config, Route};

/// `listen` of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Door {
    /// `None`: all addresses.
    ip: Option<IpAddr>,
    port: u16,
    /// Whether it speaks TLS.
    pub(crate) tls: bool,
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip {
            Some(ip) => SocketAddr::new(ip, self.port).fmt(f),
            None => write!(f, ":{}", self.port),
        }
    }
}

impl Door {
    /// `:8444` or `192.168.1.7:8444`.
    pub(crate) fn parse(text: &str, tls: bool) -> Option<Self> {
        let (ip, port) = if let Some(port) = text.strip_prefix(':') {
            (None, port.parse().ok()?)
        } else {
            let address: SocketAddr = text.parse().ok()?;
            (Some(address.ip()), address.port())
        };
        Some(Self { ip, port, tls })
    }

    /// The address to bind; `None` = all addresses.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.ip.map(|ip| SocketAddr::new(ip, self.port))
    }

    /// The port; 0 = any, for tests.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Whether two doors that differ cannot both be opened.
    pub(super) fn clashes_with(&self, other: &Self) -> bool {
        let overlap = self.ip.is_none() || other.ip.is_none() || self.ip == other.ip;
        self != other && self.port == other.port && self.port != 0 && overlap
    }
}

/// The outer `None` = something is wrong with it.
#[expect(clippy::option_option, reason = "nothing written and nothing usable differ")]
pub(super) fn read(config: &Config, route: &Route, found: &mut Found<'_>) -> Option<Option<Door>> {
    let Some(text) = &route.listen else {
        return Some(None);
    };
    let Some(door) = Door::parse(text, route.tls) else {
        let help = "write \":8444\" for all addresses, or an address with its port";
        found.add("listen", format_args!("`{text}` is no port"), Some(help));
        return None;
    };
    let main = |written: Option<SocketAddr>, usual: u16, fallback: u16| match written {
        Some(address) => vec![address.port()],
        None => vec![usual, fallback],
    };
    let mut taken = main(config.https, 443, config.https_fallback);
    if config.redirect {
        taken.extend(main(config.http, 80, config.http_fallback));
    }
    if door.port != 0 && taken.contains(&door.port) {
        let help = "choose another port, or leave `listen` out to share the dashboard's address";
        found.add(
            "listen",
            format_args!("port {} is the gateway's own", door.port),
            Some(help),
        );
        return None;
    }
    Some(Some(door))
}
