//! The board's network: interfaces, addresses, routes, name servers, wireless.
//!
//! Asked from the kernel by netlink and kept until the kernel tells of a change. Where netlink is not to be had (a
//! strict sandbox, a copy of a file tree), `/sys/class/net` tells less, and the answer says so.

mod view;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) use view::NetworkView;
use view::{AddressView, InterfaceView, RouteView, WifiView};

use crate::netlink::route::{self, Address, Link, Route};
use crate::netlink::socket::{Family, Monitor, Socket};
use crate::netlink::wifi;
use crate::read::files::Tree;
use crate::read::resolver;
use crate::sampler::Sample;

/// How long a look at the wireless stations is good: their signal changes without word from the kernel.
const WIFI_FRESH: Duration = Duration::from_secs(2);

/// What netlink said, and when.
#[derive(Debug, Default)]
struct Dumped {
    at: Duration,
    links: Vec<Link>,
    addresses: Vec<Address>,
    routes: Vec<Route>,
}

/// The network as last asked for.
#[derive(Debug)]
pub(crate) struct Network {
    tree: Tree,
    /// The kernel tells of changes, so that what it said before is good until then.
    is_watched: AtomicBool,
    kept: Mutex<Option<Arc<Dumped>>>,
    wifi: Mutex<Option<(Duration, Vec<WifiView>)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Network {
    /// Nothing is asked yet. On a copy of a file tree, netlink never is: it would speak of this machine.
    pub(crate) fn new(tree: &Tree) -> Self {
        Self {
            tree: tree.clone(),
            is_watched: AtomicBool::new(false),
            kept: Mutex::default(),
            wifi: Mutex::default(),
        }
    }

    /// Follows the kernel's news of changes until the process stops.
    pub(crate) async fn watch(&self) -> io::Result<()> {
        if !self.tree.is_real() {
            return Ok(());
        }
        let monitor = Monitor::open()?;
        self.forget();
        self.is_watched.store(true, Ordering::Relaxed);
        let outcome = loop {
            if let Err(error) = monitor.changed().await {
                break Err(error);
            }
            self.forget();
        };
        self.is_watched.store(false, Ordering::Relaxed);
        outcome
    }

    fn forget(&self) {
        *lock(&self.kept) = None;
    }

    fn dumped(&self, now: Duration) -> io::Result<Arc<Dumped>> {
        if !self.tree.is_real() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let mut kept = lock(&self.kept);
        if let Some(dumped) = &*kept
            && self.is_watched.load(Ordering::Relaxed)
        {
            return Ok(Arc::clone(dumped));
        }
        let dumped = Arc::new(dump(now)?);
        *kept = Some(Arc::clone(&dumped));
        Ok(dumped)
    }

    /// The gateways of the default routes at `port`, best first, IPv4 before IPv6.
    pub(crate) fn gateways(&self, now: Duration, port: u16) -> Vec<SocketAddr> {
        let Ok(dumped) = self.dumped(now) else {
            return Vec::new();
        };
        let mut defaults: Vec<_> = dumped
            .routes
            .iter()
            .filter(|route| route.destination.is_none())
            .filter_map(|route| Some((route.is_v6, route.metric, route.gateway?, route.index)))
            .collect();
        defaults.sort_unstable();
        defaults.dedup();
        let place = |(_, _, gateway, index): (bool, u32, IpAddr, Option<i32>)| match gateway {
            // An IPv6 router is mostly known by an address that means something on its link alone.
            IpAddr::V6(gateway) => {
                let link = index.and_then(|index| index.try_into().ok()).unwrap_or(0);
                SocketAddrV6::new(gateway, port, 0, link).into()
            }
            IpAddr::V4(gateway) => SocketAddr::new(gateway.into(), port),
        };
        defaults.into_iter().map(place).collect()
    }

    /// Everything, with the counters of `sample`.
    pub(crate) fn view(&self, now: Duration, sample: &Sample) -> NetworkView {
        let dns = resolver::read(&self.tree);
        match self.dumped(now) {
            Ok(dumped) => NetworkView {
                source: "netlink",
                interfaces: interfaces(&dumped, now, sample),
                routes: routes(&dumped),
                dns,
                wifi: self.wifi(now),
            },
            Err(error) => {
                tracing::debug!(%error, "netlink could not be asked");
                NetworkView {
                    source: "sysfs",
                    interfaces: from_sysfs(&self.tree, sample),
                    routes: Vec::new(),
                    dns,
                    wifi: Vec::new(),
                }
            }
        }
    }

    fn wifi(&self, now: Duration) -> Vec<WifiView> {
        let mut kept = lock(&self.wifi);
        if let Some((at, seen)) = &*kept
            && now.saturating_sub(*at) < WIFI_FRESH
        {
            return seen.clone();
        }
        let seen: Vec<_> = wifi::interfaces()
            .unwrap_or_default()
            .into_iter()
            .map(|(interface, stations)| wifi_view(interface, &stations))
            .collect();
        *kept = Some((now, seen.clone()));
        seen
    }
}

fn dump(at: Duration) -> io::Result<Dumped> {
    let mut socket = Socket::open(Family::Route)?;
    let mut dumped = Dumped {
        at,
        ..Dumped::default()
    };
    // A header of zeroes asks for both families; addresses and routes take the first byte of it.
    let everything = [0; route::LINK_HEADER];
    socket.dump(route::GET_LINK, &everything, |message| {
        dumped.links.extend(route::link(message.body));
    })?;
    socket.dump(route::GET_ADDRESS, &everything, |message| {
        dumped.addresses.extend(route::address(message.body));
    })?;
    socket.dump(route::GET_ROUTE, &everything, |message| {
        dumped.routes.extend(route::route(message.body));
    })?;
    Ok(dumped)
}

fn interfaces(dumped: &Dumped, now: Duration, sample: &Sample) -> Vec<InterfaceView> {
    let passed = now.saturating_sub(dumped.at).as_secs() as u32;
    let mut addresses: BTreeMap<i32, Vec<AddressView>> = BTreeMap::new();
    for address in &dumped.addresses {
        addresses.entry(address.index).or_default().push(AddressView {
            address: address.ip.to_string(),
            prefix: address.prefix,
            scope: address.scope,
            preferred_s: address.preferred_s.map(|seconds| seconds.saturating_sub(passed)),
            valid_s: address.valid_s.map(|seconds| seconds.saturating_sub(passed)),
        });
    }
    let view = |link: &Link| InterfaceView {
        mac: link.mac.clone(),
        mtu: link.mtu,
        state: link.state.to_owned(),
        flags: route::flags(link.flags),
        addresses: addresses.remove(&link.index).unwrap_or_default(),
        ..counted(&link.name, sample)
    };
    dumped.links.iter().map(view).collect()
}

/// An interface with nothing but its counters.
fn counted(name: &str, sample: &Sample) -> InterfaceView {
    let traffic = sample.net.get(name);
    let rate = sample.now.net.iter().find(|rate| rate.name == name);
    InterfaceView {
        name: name.to_owned(),
        mac: None,
        mtu: None,
        state: "unknown".to_owned(),
        flags: Vec::new(),
        addresses: Vec::new(),
        rx_bytes: traffic.map(|traffic| traffic.rx_bytes),
        tx_bytes: traffic.map(|traffic| traffic.tx_bytes),
        rx_errors: traffic.map(|traffic| traffic.rx_errors.saturating_add(traffic.rx_dropped)),
        tx_errors: traffic.map(|traffic| traffic.tx_errors.saturating_add(traffic.tx_dropped)),
        rx_bytes_s: rate.and_then(|rate| rate.rx_bytes_s),
        tx_bytes_s: rate.and_then(|rate| rate.tx_bytes_s),
    }
}

fn routes(dumped: &Dumped) -> Vec<RouteView> {
    let name = |index: Option<i32>| {
        let link = dumped.links.iter().find(|link| Some(link.index) == index)?;
        Some(link.name.clone())
    };
    let view = |route: &Route| RouteView {
        destination: route.destination.map_or_else(
            || "default".to_owned(),
            |(network, prefix)| format!("{network}/{prefix}"),
        ),
        gateway: route.gateway.map(|gateway| gateway.to_string()),
        interface: name(route.index),
        metric: route.metric,
        family: if route.is_v6 { "ipv6" } else { "ipv4" },
    };
    let mut routes: Vec<_> = dumped.routes.iter().map(view).collect();
    // Defaults first, then by metric: the order in which a person looks for what is wrong.
    routes.sort_by_key(|route| (route.family, route.destination != "default", route.metric));
    routes
}

fn from_sysfs(tree: &Tree, sample: &Sample) -> Vec<InterfaceView> {
    let folder = "sys/class/net";
    let mut names = tree.names(folder);
    names.extend(sample.net.keys().cloned());
    names.sort_unstable();
    names.dedup();
    let view = |name: &String| {
        let bits = tree
            .line(&format!("{folder}/{name}/flags"))
            .and_then(|text| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok());
        InterfaceView {
            mac: tree
                .line(&format!("{folder}/{name}/address"))
                .filter(|mac| mac.chars().any(|c| !matches!(c, '0' | ':'))),
            mtu: tree.number(&format!("{folder}/{name}/mtu")),
            state: tree
                .line(&format!("{folder}/{name}/operstate"))
                .unwrap_or_else(|| "unknown".to_owned()),
            flags: bits.map(route::flags).unwrap_or_default(),
            ..counted(name, sample)
        }
    };
    // Some drivers leave files among the interfaces (`bonding_masters`).
    names
        .iter()
        .filter(|name| !tree.path(&format!("{folder}/{name}")).is_file())
        .map(view)
        .collect()
}

fn wifi_view(interface: wifi::Interface, stations: &[wifi::Station]) -> WifiView {
    // Only a client has one station that matters; an access point's are its clients.
    let partner = match (interface.mode, stations) {
        ("client" | "p2p-client", [first, ..]) => Some(first),
        _ => None,
    };
    WifiView {
        interface: interface.name,
        mode: interface.mode,
        ssid: interface.ssid,
        bssid: partner.and_then(|station| station.address.clone()),
        frequency_mhz: interface.frequency_mhz,
        signal_dbm: partner.and_then(|station| station.signal_dbm),
        rx_mbit_s: partner.and_then(|station| station.rx_mbit_s),
        tx_mbit_s: partner.and_then(|station| station.tx_mbit_s),
        stations: stations.len(),
    }
}

#[cfg(test)]
mod tests;
