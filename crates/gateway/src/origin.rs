//! Who a request comes from: the peer, or, where the peer is a proxy that the operator trusts, the client that the
//! proxy names.
//!
//! `X-Forwarded-For` is read from the right: every proxy appends the address that it saw, so the first address from
//! the right that is no trusted proxy is the last one that a trusted proxy vouches for. What stands to the left of it
//! was written by a stranger. `Forwarded` (RFC 7239) is not read at all: a proxy that does not know it passes on what
//! the client wrote.

use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderMap;
use http::header::HeaderValue;

/// A peer of a trusted proxy's, and how it reached that proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The client's address.
    pub(crate) address: IpAddr,
    /// Whether the client spoke TLS, with this gateway or with a trusted proxy.
    pub(crate) secure: bool,
}

/// The entry of `trusted_proxies` is neither an address nor a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("[gateway] trusted_proxies: `{0}` is no address and no network. Write `192.168.1.2` or `10.0.0.0/8`")]
pub struct BadNetwork(pub String);

/// An address with the number of its leading bits that count.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix: u8,
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let bad = || BadNetwork(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().map_err(|_| bad())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(bits);
        (prefix <= bits)
            .then_some(Self { address, prefix })
            .ok_or_else(bad)
    }
}

impl Network {
    fn holds(&self, address: IpAddr) -> bool {
        let same = |ours: u128, theirs: u128, bits: u32| {
            let dropped = bits - u32::from(self.prefix);
            ours.checked_shr(dropped) == theirs.checked_shr(dropped)
        };
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                same(ours.to_bits().into(), theirs.to_bits().into(), 32)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => same(ours.to_bits(), theirs.to_bits(), 128),
            _ => false,
        }
    }
}

/// The proxies whose word on the client is taken.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    pub(crate) fn parse(entries: &[String]) -> Result<Self, BadNetwork> {
        entries
            .iter()
            .map(|entry| entry.parse())
            .collect::<Result<Vec<_>, _>>()
            .map(Self)
    }

    /// Whether `address` is one of them.
    pub(crate) fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.holds(address))
    }

    /// Who sent the request that came from `peer`. `secure`: the peer spoke TLS with this gateway.
    pub(crate) fn origin(&self, peer: IpAddr, secure: bool, headers: &HeaderMap) -> Origin {
        if !self.trust(peer) {
            return Origin {
                address: peer,
                secure,
            };
        }
        let proto = headers.get_all("x-forwarded-proto").iter().next_back();
        let secure = secure || proto.is_some_and(|value| last(value).eq_ignore_ascii_case("https"));
        Origin {
            address: self.client(peer, headers),
            secure,
        }
    }

    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        let lines = headers.get_all("x-forwarded-for").iter().rev();
        for item in lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')) {
            // What cannot be read was not written by a proxy of ours: the one before it is as far as trust goes.
            let Some(address) = std::str::from_utf8(item).ok().and_then(address) else {
                break;
            };
            client = address;
            if !self.trust(address) {
                break;
            }
        }
        client
    }
}

/// The last item of a comma-separated field.
fn last(value: &HeaderValue) -> &str {
    let text = value.to_str().unwrap_or_default();
    text.rsplit(',').next().unwrap_or_default().trim()
}

/// An address, with or without brackets and port, as proxies write it.
fn address(item: &str) -> Option<IpAddr> {
    let item = item.trim();
    let address = item.parse::<IpAddr>().ok().or_else(|| {
        if let Some(rest) = item.strip_prefix('[') {
            let (inner, port) = rest.split_once(']')?;
            let good = port.is_empty()
                || port
                    .strip_prefix(':')
                    .is_some_and(|port| port.parse::<u16>().is_ok());
            return good.then(|| inner.parse().ok()).flatten();
        }
        item.parse::<std::net::SocketAddrV4>()
            .ok()
            .map(|socket| IpAddr::V4(*socket.ip()))
    })?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", HeaderValue::from_str(line).unwrap());
        }
        headers
    }

    fn trusted(entries: &[&str]) -> TrustedProxies {
        TrustedProxies::parse(&entries.iter().map(|&entry| entry.to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_stranger_names_nobody_but_itself() {
        let proxies = trusted(&["10.0.0.1"]);
        let mut spoofed = headers(&["10.0.0.1, 127.0.0.1"]);
        spoofed.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        let seen = proxies.origin(ip("192.168.1.9"), false, &spoofed);
        assert_eq!(
            seen,
            Origin {
                address: ip("192.168.1.9"),
                secure: false
            }
        );
    }

    #[test]
    fn the_list_is_read_from_the_right() {
        let proxies = trusted(&["10.0.0.0/8", "fd00::/8"]);
        for (lines, client) in [
            (&["1.2.3.4"][..], "1.2.3.4"),
            (&["6.6.6.6, 1.2.3.4"], "1.2.3.4"),
            (&["6.6.6.6, 1.2.3.4, 10.0.0.7"], "1.2.3.4"),
            (&["6.6.6.6", "1.2.3.4", "10.0.0.7, fd00::2"], "1.2.3.4"),
            (&["1.2.3.4:4711"], "1.2.3.4"),
            (&["[2001:db8::1]:443"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["::ffff:1.2.3.4"], "1.2.3.4"),
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (&["6.6.6.6, rubbish, 10.0.0.7"], "10.0.0.7"),
            (&["6.6.6.6, "], "10.0.0.1"),
            (&["6.6.6.6, unknown"], "10.0.0.1"),
            (&[], "10.0.0.1"),
        ] {
            let seen = proxies.origin(ip("10.0.0.1"), true, &headers(lines));
            assert_eq!(seen.address, ip(client), "{lines:?}");
        }
    }

    #[test]
    fn a_trusted_proxy_says_whether_the_client_spoke_tls() {
        let proxies = trusted(&["10.0.0.1"]);
        let secure = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-proto", HeaderValue::from_static(value));
            proxies.origin(ip("10.0.0.1"), false, &headers).secure
        };
        assert!(secure("https") && secure("http, HTTPS"));
        assert!(!secure("http") && !secure("https, http") && !secure(""));
    }

    #[test]
    fn networks_of_both_versions_and_what_is_none() {
        let proxies = trusted(&["192.168.1.0/24", "0.0.0.0/0"]);
        assert!(proxies.trust(ip("1.1.1.1")) && !proxies.trust(ip("::1")));
        assert!(trusted(&["::/0"]).trust(ip("2001:db8::1")));
        assert!(!trusted(&["192.168.1.0/24"]).trust(ip("192.168.2.1")));
        assert!(trusted(&["2001:db8::/33"]).trust(ip("2001:db8:7fff::")));
        assert!(!trusted(&["2001:db8::/33"]).trust(ip("2001:db8:8000::")));
        for bad in [
            "",
            "pi.local",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/x",
            "10.0.0.0/-1",
        ] {
            let error = TrustedProxies::parse(&[bad.to_owned()]).unwrap_err();
            assert!(error.to_string().contains("10.0.0.0/8"), "{bad}: {error}");
        }
    }
}
