//! The network of this machine and of copies of file trees.

use super::*;
use crate::sampler::Sampler;

use pistack_kit::clock::Clock;

fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Tree) {
    let root = tempfile::tempdir().unwrap();
    let tree = Tree::new(root.path());
    for (path, text) in files {
        let path = tree.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    (root, tree)
}

#[test]
fn this_machine_has_a_loopback_with_its_address() {
    let tree = Tree::new("/");
    let sample = Sampler::new(&tree, "/".into(), &Clock::system()).latest();
    let view = Network::new(&tree).view(Duration::ZERO, &sample);
    assert_eq!(view.source, "netlink");
    let lo = view.interfaces.iter().find(|one| one.name == "lo").unwrap();
    assert!(lo.flags.contains(&"loopback") && lo.mtu.is_some() && lo.rx_bytes.is_some());
    let address = lo
        .addresses
        .iter()
        .find(|one| one.address == "127.0.0.1")
        .unwrap();
    assert_eq!(
        (address.prefix, address.scope, address.valid_s),
        (8, "host", None)
    );
}

#[test]
fn a_copy_of_a_tree_is_read_from_sysfs_and_never_mixed_with_this_machine() {
    let (_root, tree) = tree(&[
        ("sys/class/net/eth0/address", "dc:a6:32:00:00:01\n"),
        ("sys/class/net/eth0/mtu", "1500\n"),
        ("sys/class/net/eth0/operstate", "up\n"),
        ("sys/class/net/eth0/flags", "0x1003\n"),
        ("sys/class/net/bonding_masters", "\n"),
        ("etc/resolv.conf", "nameserver 192.168.1.1\n"),
        (
            "proc/net/dev",
            "a\nb\n eth0: 100 1 1 2 0 0 0 0 50 1 0 0 0 0 0 0\n",
        ),
    ]);
    let sample = Sampler::new(&tree, "/".into(), &Clock::manual(5)).latest();
    let network = Network::new(&tree);
    let view = network.view(Duration::ZERO, &sample);
    let names: Vec<_> = view.interfaces.iter().map(|one| &*one.name).collect();
    assert_eq!((view.source, &*names), ("sysfs", &["eth0"][..]));
    let eth0 = &view.interfaces[0];
    assert_eq!(
        (eth0.mac.as_deref(), &*eth0.state),
        (Some("dc:a6:32:00:00:01"), "up")
    );
    assert_eq!(eth0.flags, ["up", "broadcast", "multicast"]);
    assert_eq!((eth0.rx_bytes, eth0.rx_errors), (Some(100), Some(3)));
    assert_eq!(view.dns.servers, ["192.168.1.1"]);
    assert!(
        view.routes.is_empty() && view.wifi.is_empty() && network.gateways(Duration::ZERO, 53).is_empty()
    );
}

#[test]
fn lifetimes_run_down_and_routes_are_in_order() {
    let link = |index, name: &str| Link {
        index,
        name: name.into(),
        mac: None,
        mtu: None,
        flags: 1,
        state: "up",
    };
    let route = |destination: Option<(&str, u8)>, gateway: Option<&str>, metric| Route {
        destination: destination.map(|(network, prefix)| (network.parse().unwrap(), prefix)),
        gateway: gateway.map(|gateway| gateway.parse().unwrap()),
        index: Some(2),
        metric,
        is_v6: gateway.is_some_and(|gateway| gateway.contains(':')),
    };
    let dumped = Dumped {
        at: Duration::from_secs(100),
        links: vec![link(1, "lo"), link(2, "wlan0")],
        addresses: vec![Address {
            index: 2,
            ip: "192.168.1.20".parse().unwrap(),
            prefix: 24,
            scope: "global",
            preferred_s: Some(30),
            valid_s: Some(3600),
        }],
        routes: vec![
            route(None, Some("fe80::1"), 1024),
            route(Some(("192.168.1.0", 24)), None, 600),
            route(None, Some("192.168.1.9"), 700),
            route(None, Some("192.168.1.1"), 600),
        ],
    };
    let seen = interfaces(&dumped, Duration::from_secs(160), &Sample::default());
    let address = &seen[1].addresses[0];
    assert_eq!((address.preferred_s, address.valid_s), (Some(0), Some(3540)));
    let order: Vec<_> = routes(&dumped)
        .into_iter()
        .map(|route| (route.destination, route.gateway.unwrap_or_default()))
        .collect();
    let expected = [
        ("default", "192.168.1.1"),
        ("default", "192.168.1.9"),
        ("192.168.1.0/24", ""),
        ("default", "fe80::1"),
    ];
    assert_eq!(order, expected.map(|(to, by)| (to.to_owned(), by.to_owned())));

    let network = Network::new(&Tree::new("/"));
    *lock(&network.kept) = Some(Arc::new(dumped));
    network.is_watched.store(true, Ordering::Relaxed);
    let gateways: Vec<_> = network
        .gateways(Duration::ZERO, 53)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(gateways, ["192.168.1.1:53", "192.168.1.9:53", "[fe80::1%2]:53"]);
    network.forget();
    assert!(
        network
            .view(Duration::ZERO, &Sample::default())
            .interfaces
            .iter()
            .all(|one| one.name != "wlan0" || one.mac.is_some()),
        "news of a change make it ask again"
    );
}

#[test]
fn only_a_client_has_a_signal() {
    let station = |address: &str| wifi::Station {
        address: Some(address.into()),
        signal_dbm: Some(-50),
        ..wifi::Station::default()
    };
    let interface = |mode| wifi::Interface {
        name: "wlan0".into(),
        mode,
        ..wifi::Interface::default()
    };
    let client = wifi_view(interface("client"), &[station("a")]);
    assert_eq!(
        (client.bssid.as_deref(), client.signal_dbm),
        (Some("a"), Some(-50))
    );
    let point = wifi_view(interface("access-point"), &[station("a"), station("b")]);
    assert_eq!((point.bssid, point.signal_dbm, point.stations), (None, None, 2));
    assert_eq!(wifi_view(interface("client"), &[]).signal_dbm, None);
}
