//! The names and addresses of this board. One list drives the certificate, the check of `Host` and the
//! redirect, so that the three cannot disagree.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use http::header::HeaderValue;

/// A DNS name in lower case, or an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Name {
    /// `pi.local`
    Dns(String),
    /// `192.168.1.7`
    Address(IpAddr),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// The text is neither a host name nor an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no host name and no address. Write letters, digits and hyphens with dots between them \
     (`pi.home.arpa`; other alphabets as `xn--...`), or an IP address, without scheme, port or `*`"
)]
pub struct BadName(pub String);

impl FromStr for Name {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Ok(Self::Address(address.to_canonical()));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let good_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // A last label of digits alone would be read as a (broken) address by every client.
        let numeric = name
            .rsplit('.')
            .next()
            .is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
        if name.len() <= 253 && !numeric && name.split('.').all(good_label) {
            Ok(Self::Dns(name))
        } else {
            Err(BadName(text.to_owned()))
        }
    }
}

/// Who this board is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    /// The name to show to people: `pi.local`, or `localhost`.
    pub(crate) primary: String,
    /// Found: host name, host name with `.local`, `localhost`, own addresses.
    pub(crate) found: Vec<Name>,
    /// Written in the configuration.
    pub(crate) configured: Vec<Name>,
    /// All own addresses, those included that no URL can carry.
    addresses: Vec<IpAddr>,
    /// The found and configured names as a `Host` header writes them (addresses of version 6 in brackets).
    hosts: Vec<Box<str>>,
    /// Hosts whose certificate every browser trusts, in lower case, and what they are told to remember.
    secure: Vec<String>,
    remember: Option<HeaderValue>,
}

impl Names {
    /// Asks the kernel for the host name and the addresses.
    pub(crate) fn gather(configured: &[String]) -> Result<Self, BadName> {
        // No call is needed for the host name: Linux shows it as a file. Without it `localhost` has to do.
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let addresses: Vec<IpAddr> = match if_addrs::get_if_addrs() {
            Ok(interfaces) => interfaces.iter().map(if_addrs::Interface::ip).collect(),
            Err(error) => {
                tracing::warn!(%error, "the addresses of this board cannot be read");
                Vec::new()
            }
        };
        Self::new(host.trim(), &addresses, configured)
    }

    /// Puts the list together.
    pub(crate) fn new(host: &str, addresses: &[IpAddr], configured: &[String]) -> Result<Self, BadName> {
        let configured = configured
            .iter()
            .map(|name| name.parse())
            .collect::<Result<Vec<Name>, _>>()?;
        let mut found = Vec::new();
        let mut primary = "localhost".to_owned();
        if let Ok(Name::Dns(full)) = host.parse::<Name>()
            && full != "localhost"
        {
            let bare = full.split('.').next().unwrap_or(&full).to_owned();
            primary = format!("{bare}.local");
            found.extend([full, bare, primary.clone()].map(Name::Dns));
        }
        found.push(Name::Dns("localhost".to_owned()));
        let addresses: Vec<IpAddr> = addresses.iter().map(IpAddr::to_canonical).collect();
        found.extend(
            addresses
                .iter()
                .filter(|address| in_a_url(address))
                .copied()
                .map(Name::Address),
        );
        found.sort();
        found.dedup();
        let hosts = found.iter().chain(&configured).map(as_host).collect();
        Ok(Self {
            primary,
            found,
            configured,
            addresses,
            hosts,
            secure: Vec::new(),
            remember: None,
        })
    }

    /// Whether a `Host` (without port) means this board. `local` is the address that the client reached.
    pub(crate) fn know(&self, host: &str, local: IpAddr) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        if self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host)) {
            return true;
        }
        // Other spellings of an address, and an address that came up after the list was made.
        match host.parse::<Name>() {
            Ok(Name::Address(address)) => {
                address == local
                    || self
                        .found
                        .iter()
                        .chain(&self.configured)
                        .any(|name| *name == Name::Address(address))
            }
            _ => false,
        }
    }

    /// Browsers are told to come to these hosts by HTTPS alone, for `how_long`.
    pub(crate) fn come_by_https_alone(&mut self, hosts: Vec<String>, how_long: Duration) {
        self.remember = (!hosts.is_empty())
            .then(|| HeaderValue::try_from(format!("max-age={}", how_long.as_secs())).ok())
            .flatten();
        self.secure = hosts;
    }

    /// Whether there is any host of that kind.
    pub(crate) fn has_strict_hosts(&self) -> bool {
        self.remember.is_some()
    }

    /// `Strict-Transport-Security` for an answer under `host` (without port), where it is due (RFC 6797).
    pub(crate) fn strict_transport(&self, host: &str) -> Option<&HeaderValue> {
        let remember = self.remember.as_ref()?;
        let host = host.strip_suffix('.').unwrap_or(host);
        self.secure
            .iter()
            .any(|known| known.eq_ignore_ascii_case(host))
            .then_some(remember)
    }

    /// Whether the board is called that by itself.
    pub(crate) fn holds(&self, name: &Name) -> bool {
        self.found.contains(name) || self.configured.contains(name)
    }

    /// Whether `address` was there when the list was made.
    pub(crate) fn has_address(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address)
    }
}

/// Link-local addresses of version 6 need a zone, which no URL can carry.
fn in_a_url(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(address) => !address.is_unicast_link_local(),
    }
}

fn as_host(name: &Name) -> Box<str> {
    match name {
        Name::Address(IpAddr::V6(address)) => format!("[{address}]").into(),
        other => other.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pi() -> Names {
        let addresses = ["127.0.0.1", "::1", "192.168.1.7", "fe80::1", "fd00::7"];
        let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        Names::new("Pi", &addresses, &["Board.Example.".to_owned()]).unwrap()
    }

    #[test]
    fn the_board_answers_to_its_own_names_only() {
        let names = pi();
        let local = "10.0.0.5".parse().unwrap();
        for host in [
            "pi",
            "PI.local",
            "pi.local.",
            "localhost",
            "192.168.1.7",
            "[::1]",
            "[0:0::1]",
            "board.example",
            "10.0.0.5",
            "[fd00::7]",
        ] {
            assert!(names.know(host, local), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "pi.evil",
            "192.168.1.8",
            "[fe80::1]",
            "localhost.evil",
            "xpi",
            ".",
        ] {
            assert!(!names.know(host, local), "{host}");
        }
        assert_eq!(names.primary, "pi.local");
        assert!(names.has_address("192.168.1.7".parse().unwrap()));
        assert!(
            names.has_address("fe80::1".parse().unwrap()),
            "known, though no name"
        );
    }

    #[test]
    fn browsers_are_told_to_come_by_https_alone_under_public_names_only() {
        let mut names = pi();
        assert_eq!(names.strict_transport("board.example"), None);
        names.come_by_https_alone(vec!["board.example".to_owned()], Duration::from_hours(24));
        let told = names.strict_transport("Board.Example.").unwrap();
        assert_eq!(told, "max-age=86400");
        for host in ["pi.local", "192.168.1.7", "sub.board.example"] {
            assert_eq!(names.strict_transport(host), None, "{host}");
        }
        names.come_by_https_alone(Vec::new(), Duration::from_hours(24));
        assert_eq!(names.strict_transport("board.example"), None, "no longer trusted");
    }

    #[test]
    fn a_host_name_with_a_domain_is_known_in_full_and_short() {
        let names = Names::new("pi.lan", &[], &[]).unwrap();
        let expected = ["localhost", "pi", "pi.lan", "pi.local"].map(|name| Name::Dns(name.to_owned()));
        assert_eq!(names.found, expected);
    }

    #[test]
    fn an_unusable_host_name_leaves_localhost() {
        for host in ["", "my_board", "localhost"] {
            let names = Names::new(host, &[], &[]).unwrap();
            assert_eq!(names.found, [Name::Dns("localhost".to_owned())], "{host}");
            assert_eq!(names.primary, "localhost");
        }
    }

    #[test]
    fn bad_names_are_refused_with_the_cure() {
        for name in [
            "",
            "https://pi",
            "pi:443",
            "*.lan",
            "a..b",
            "-a",
            "a_b",
            "zażółć.pl",
            "1.2.3.400",
        ] {
            let error = Names::new("pi", &[], &[name.to_owned()]).unwrap_err();
            assert!(
                error.to_string().contains(name) && error.to_string().contains("Write"),
                "{error}"
            );
        }
    }
}
