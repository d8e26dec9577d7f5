//! Links, addresses and routes (rtnetlink(7), the kernel's `linux/if_link.h`, `if_addr.h`, `rtnetlink.h`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::message::{attributes, hardware_address, i32_at, text, u8_at, u32_at};

/// `RTM_GETLINK`.
pub(crate) const GET_LINK: u16 = 18;
/// `RTM_GETADDR`.
pub(crate) const GET_ADDRESS: u16 = 22;
/// `RTM_GETROUTE`.
pub(crate) const GET_ROUTE: u16 = 26;
/// Length of `ifinfomsg`, `ifaddrmsg` and `rtmsg`: a request may be all zero.
pub(crate) const LINK_HEADER: usize = 16;
const ADDRESS_HEADER: usize = 8;
const ROUTE_HEADER: usize = 12;
/// A lifetime that never ends.
const FOR_EVER: u32 = u32::MAX;
/// `RT_TABLE_MAIN`.
const MAIN_TABLE: u32 = 254;
/// `RTN_UNICAST`.
const UNICAST: u8 = 1;

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) index: i32,
    pub(crate) name: String,
    pub(crate) mac: Option<String>,
    pub(crate) mtu: Option<u32>,
    /// `IFF_*` bits.
    pub(crate) flags: u32,
    /// RFC 2863's state in a word.
    pub(crate) state: &'static str,
}

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) index: i32,
    pub(crate) ip: IpAddr,
    pub(crate) prefix: u8,
    pub(crate) scope: &'static str,
    /// Seconds for which it is still used for new connections; `None` = for ever.
    pub(crate) preferred_s: Option<u32>,
    /// Seconds for which it is still valid; `None` = for ever.
    pub(crate) valid_s: Option<u32>,
}

/// A way to other machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// Where to; `None` = everywhere else.
    pub(crate) destination: Option<(IpAddr, u8)>,
    pub(crate) gateway: Option<IpAddr>,
    pub(crate) index: Option<i32>,
    pub(crate) metric: u32,
    pub(crate) is_v6: bool,
}

/// Names of the set `IFF_*` flags (netdevice(7)).
pub(crate) fn flags(bits: u32) -> Vec<&'static str> {
    const NAMES: [&str; 17] = [
        "up",
        "broadcast",
        "debug",
        "loopback",
        "point-to-point",
        "no-trailers",
        "running",
        "no-arp",
        "promiscuous",
        "all-multicast",
        "master",
        "slave",
        "multicast",
        "port-select",
        "auto-media",
        "dynamic",
        "lower-up",
    ];
    let is_set = |(bit, name): (usize, &'static str)| (bits & (1 << bit) != 0).then_some(name);
    NAMES.into_iter().enumerate().filter_map(is_set).collect()
}

fn state(code: u8) -> &'static str {
    match code {
        1 => "not-present",
        2 => "down",
        3 => "lower-layer-down",
        4 => "testing",
        5 => "dormant",
        6 => "up",
        _ => "unknown",
    }
}

fn scope(code: u8) -> &'static str {
    match code {
        0 => "global",
        200 => "site",
        253 => "link",
        254 => "host",
        _ => "other",
    }
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(bytes).into());
    }
    Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into())
}

/// Reads the body of an `RTM_NEWLINK`.
pub(crate) fn link(body: &[u8]) -> Option<Link> {
    let mut link = Link {
        index: i32_at(body, 4)?,
        name: String::new(),
        mac: None,
        mtu: None,
        flags: u32_at(body, 8)?,
        state: state(0),
    };
    for (kind, value) in attributes(body, LINK_HEADER) {
        match kind {
            1 => link.mac = hardware_address(value),
            3 => link.name = text(value),
            4 => link.mtu = u32_at(value, 0),
            16 => link.state = state(u8_at(value, 0).unwrap_or(0)),
            _ => {}
        }
    }
    (!link.name.is_empty()).then_some(link)
}

/// Reads the body of an `RTM_NEWADDR`.
pub(crate) fn address(body: &[u8]) -> Option<Address> {
    let (prefix, scope_code) = (u8_at(body, 1)?, u8_at(body, 3)?);
    let index = i32_at(body, 4)?;
    let (mut far, mut local, mut lifetimes) = (None, None, None);
    for (kind, value) in attributes(body, ADDRESS_HEADER) {
        match kind {
            1 => far = ip(value),
            2 => local = ip(value),
            6 => lifetimes = u32_at(value, 0).zip(u32_at(value, 4)),
            _ => {}
        }
    }
    let limited = |seconds: u32| (seconds != FOR_EVER).then_some(seconds);
    let (preferred, valid) = lifetimes.unwrap_or((FOR_EVER, FOR_EVER));
    Some(Address {
        index,
        // On a point-to-point link the first one is the other end's.
        ip: local.or(far)?,
        prefix,
        scope: scope(scope_code),
        preferred_s: limited(preferred),
        valid_s: limited(valid),
    })
}

/// Reads the body of an `RTM_NEWROUTE`; `None` for what is no way to other machines: local and broadcast entries,
/// and tables of other purposes.
pub(crate) fn route(body: &[u8]) -> Option<Route> {
    let (family, prefix) = (u8_at(body, 0)?, u8_at(body, 1)?);
    let mut table = u32::from(u8_at(body, 4)?);
    let kind = u8_at(body, 7)?;
    let (mut destination, mut gateway, mut index, mut metric) = (None, None, None, 0);
    for (kind, value) in attributes(body, ROUTE_HEADER) {
        match kind {
            1 => destination = ip(value),
            4 => index = i32_at(value, 0),
            5 => gateway = ip(value),
            6 => metric = u32_at(value, 0).unwrap_or(0),
            // A route over several links names the first one's way.
            9 => (index, gateway) = first_hop(value).unwrap_or((index, gateway)),
            15 => table = u32_at(value, 0).unwrap_or(table),
            _ => {}
        }
    }
    (table == MAIN_TABLE && kind == UNICAST).then_some(Route {
        destination: destination.map(|address| (address, prefix)),
        gateway,
        index,
        metric,
        is_v6: family == 10,
    })
}

/// The first `rtnexthop` of an `RTA_MULTIPATH`: length, flags, hops, index, then attributes.
fn first_hop(value: &[u8]) -> Option<(Option<i32>, Option<IpAddr>)> {
    let index = i32_at(value, 4)?;
    let gateway = attributes(value, 8)
        .find(|(kind, _)| *kind == 5)
        .and_then(|(_, value)| ip(value));
    Some((Some(index), gateway))
}

#[cfg(test)]
mod tests {
    use super::super::message::put;
    use super::*;

    #[test]
    fn a_link() {
        let mut body = vec![0; 16];
        body[4..8].copy_from_slice(&2_i32.to_ne_bytes());
        body[8..12].copy_from_slice(&0x1_1043_u32.to_ne_bytes());
        put(&mut body, 3, b"eth0\0");
        put(&mut body, 1, &[0xdc, 0xa6, 0x32, 0, 0, 1]);
        put(&mut body, 4, &1500_u32.to_ne_bytes());
        put(&mut body, 16, &[6]);
        let link = link(&body).unwrap();
        assert_eq!((link.index, &*link.name, link.mtu), (2, "eth0", Some(1500)));
        assert_eq!(
            (link.mac.as_deref(), link.state),
            (Some("dc:a6:32:00:00:01"), "up")
        );
        assert_eq!(
            flags(link.flags),
            ["up", "broadcast", "running", "multicast", "lower-up"]
        );
    }

    #[test]
    fn addresses_with_scope_and_lifetime() {
        let mut body = vec![2, 24, 0, 0];
        body.extend(2_i32.to_ne_bytes());
        put(&mut body, 1, &[192, 168, 1, 20]);
        let mut times = 1800_u32.to_ne_bytes().to_vec();
        times.extend(3600_u32.to_ne_bytes());
        put(&mut body, 6, &times);
        let found = address(&body).unwrap();
        assert_eq!((found.ip.to_string(), found.prefix), ("192.168.1.20".into(), 24));
        assert_eq!(
            (found.scope, found.preferred_s, found.valid_s),
            ("global", Some(1800), Some(3600))
        );
        let mut body = vec![10, 64, 0, 253, 3, 0, 0, 0];
        put(&mut body, 1, &"fe80::1".parse::<Ipv6Addr>().unwrap().octets());
        put(&mut body, 6, &[0xff; 8]);
        let found = address(&body).unwrap();
        assert_eq!((found.scope, found.valid_s), ("link", None));
        assert_eq!(address(&body[..8]), None, "without an address");
    }

    #[test]
    fn the_default_route_and_what_is_none() {
        let mut body = vec![2, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0];
        put(&mut body, 5, &[192, 168, 1, 1]);
        put(&mut body, 4, &2_i32.to_ne_bytes());
        put(&mut body, 6, &100_u32.to_ne_bytes());
        let found = route(&body).unwrap();
        assert_eq!(found.destination, None);
        assert_eq!(
            (found.gateway.unwrap().to_string(), found.index, found.metric),
            ("192.168.1.1".into(), Some(2), 100)
        );
        body[7] = 2;
        assert_eq!(route(&body), None, "a local entry");
        body[7] = 1;
        put(&mut body, 15, &255_u32.to_ne_bytes());
        assert_eq!(route(&body), None, "the table of local entries");
    }
}
