//! The client's address: whom to slow down, and what the list of sessions shows.
//!
//! A header is believed only from a peer that may set it: the gateway (on the unix socket or loopback) and the
//! configured proxies. `X-Forwarded-For` is then read from the right, past every trusted proxy, because all to
//! the left of the first foreign address is the client's own writing.

use std::net::{IpAddr, SocketAddr};

use http::request::Parts;
use pistack_kit::service::Peer;

/// The address of the client behind `parts`; `None` when it is on this machine.
pub(crate) fn of(parts: &Parts, trusted: &[IpAddr]) -> Option<IpAddr> {
    let peer = match parts.extensions.get::<Peer>() {
        Some(Peer::Tcp(address)) => Some(address.ip()),
        Some(Peer::Unix) | None => None,
    };
    let forwarded = parts
        .headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect::<Vec<_>>()
        .join(",");
    resolve(peer, &forwarded, trusted)
}

/// The same for a header and a peer (`None` for our own socket).
pub(crate) fn resolve(peer: Option<IpAddr>, forwarded: &str, trusted: &[IpAddr]) -> Option<IpAddr> {
    let is_trusted = |address: &IpAddr| address.is_loopback() || trusted.contains(address);
    if let Some(peer) = peer.filter(|peer| !is_trusted(&peer.to_canonical())) {
        return Some(peer.to_canonical());
    }
    for word in forwarded.rsplit(',') {
        // What is no address was not written by a proxy of ours: all before it is worth nothing.
        let address = parse(word)?;
        if !is_trusted(&address) {
            return Some(address);
        }
    }
    None
}

/// One entry: an address, with or without a port, `[v6]:port`.
fn parse(word: &str) -> Option<IpAddr> {
    let word = word.trim();
    let address = word
        .parse::<IpAddr>()
        .ok()
        .or_else(|| word.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| word.strip_prefix('[')?.strip_suffix(']')?.parse().ok())?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_header_counts_only_from_those_who_may_set_it() {
        let (loopback, foreign) = (Some(ip("127.0.0.1")), Some(ip("203.0.113.5")));
        assert_eq!(resolve(None, "198.51.100.1", &[]), Some(ip("198.51.100.1")));
        assert_eq!(resolve(loopback, "198.51.100.1", &[]), Some(ip("198.51.100.1")));
        assert_eq!(resolve(foreign, "198.51.100.1", &[]), foreign);
        assert_eq!(
            resolve(foreign, "198.51.100.1", &[ip("203.0.113.5")]),
            Some(ip("198.51.100.1"))
        );
        assert_eq!(resolve(None, "", &[]), None);
    }

    #[test]
    fn it_is_read_from_the_right() {
        let proxy = [ip("10.0.0.2")];
        assert_eq!(
            resolve(None, "1.2.3.4, 198.51.100.1, 10.0.0.2", &proxy),
            Some(ip("198.51.100.1"))
        );
        assert_eq!(resolve(None, "1.2.3.4, nonsense, 10.0.0.2", &proxy), None);
        assert_eq!(resolve(None, "127.0.0.1", &proxy), None);
    }

    #[test]
    fn all_spellings_of_an_address_are_one() {
        for text in [
            "192.0.2.1",
            "192.0.2.1:443",
            "::ffff:192.0.2.1",
            "[::ffff:192.0.2.1]:80",
            "[::ffff:192.0.2.1]",
        ] {
            assert_eq!(resolve(None, text, &[]), Some(ip("192.0.2.1")), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_to_the_left_of_a_foreign_address_matters(junk in ".{0,60}") {
            let address = resolve(None, &format!("{junk},198.51.100.1"), &[]);
            prop_assert_eq!(address, Some(ip("198.51.100.1")));
        }

        #[test]
        fn any_header_is_survived(text in ".{0,100}") {
            let _ = resolve(None, &text, &[]);
        }
    }
}
