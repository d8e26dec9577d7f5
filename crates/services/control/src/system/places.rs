//! The network and the disks.

use super::{InterfaceRow, MountRow, NetworkCard, StorageCard, Tile};
use crate::chart::Unit;
use crate::gpio::Look;
use crate::inert;
use crate::upstream::system::{Interface, Mount, Network, Storage};
use crate::words::Words;

/// Interfaces, gateways, name servers.
pub(crate) fn network(network: &Network, t: &Words) -> NetworkCard {
    let gateways: Vec<_> = network
        .routes
        .iter()
        .filter(|route| route.destination == "default")
        .filter_map(|route| {
            let by = route.interface.as_deref().unwrap_or("?");
            Some(inert::line(&format!("{} ({by})", route.gateway.as_deref()?)))
        })
        .collect();
    NetworkCard {
        interfaces: network
            .interfaces
            .iter()
            .map(|one| interface_row(one, network, t))
            .collect(),
        gateways: gateways.join(", "),
        dns: inert::line(&network.dns.servers.join(", ")),
    }
}

fn interface_row(one: &Interface, network: &Network, t: &Words) -> InterfaceRow {
    let lang = t.lang();
    let rate = |value: Option<f64>| value.map(|value| Unit::Rate.write(value, lang));
    let look = match one.state.as_str() {
        "up" => Look {
            icon: "circle-check",
            word: t.sys_up,
            class: "ok",
        },
        // The loopback and tunnels never say anything else.
        "unknown" => Look {
            icon: "circle",
            word: t.sys_up,
            class: "idle",
        },
        _ => Look {
            icon: "circle-x",
            word: t.sys_net_down,
            class: "idle",
        },
    };
    let wifi = network.wifi.iter().find(|wifi| wifi.interface == one.name);
    InterfaceRow {
        name: inert::line(&one.name),
        mac: inert::line(one.mac.as_deref().unwrap_or_default()),
        look,
        addresses: one
            .addresses
            .iter()
            .map(|address| inert::line(&format!("{}/{}", address.address, address.prefix)))
            .collect(),
        traffic: match (rate(one.rx_bytes_s), rate(one.tx_bytes_s)) {
            (Some(rx), Some(tx)) => format!("↓ {rx} ↑ {tx}"),
            _ => String::new(),
        },
        wifi: wifi
            .and_then(|wifi| {
                let ssid = inert::line(wifi.ssid.as_deref()?);
                Some(match wifi.signal_dbm {
                    Some(signal) => t.sys_wifi(ssid, signal),
                    None => ssid,
                })
            })
            .unwrap_or_default(),
    }
}

/// File systems and disks.
pub(crate) fn storage(storage: &Storage, t: &Words) -> StorageCard {
    let lang = t.lang();
    let disks = storage.disks.iter().map(|disk| {
        let size = disk.bytes.map(|bytes| lang.bytes(bytes));
        let written = storage
            .written
            .iter()
            .rfind(|written| written.disk == disk.name)
            .map(|written| t.sys_written(lang.bytes(written.bytes)));
        let wear = disk.wear.as_ref().and_then(|wear| wear.used_percent);
        let parts = [size, wear.map(|used| t.sys_wear(used)), written];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        Tile {
            icon: "hard-drive",
            label: inert::line(disk.model.as_deref().unwrap_or(&disk.name)),
            value: parts.join(" · "),
            full: wear.map(|used| used.min(100)),
        }
    });
    StorageCard {
        mounts: storage.mounts.iter().map(|mount| mount_row(mount, t)).collect(),
        disks: disks.collect(),
        root_read_only: storage.root_read_only,
    }
}

fn mount_row(mount: &Mount, t: &Words) -> MountRow {
    let lang = t.lang();
    let used = mount
        .total
        .zip(mount.available)
        .map(|(total, available)| t.of_total(lang.bytes(total.saturating_sub(available)), lang.bytes(total)));
    let inodes = mount
        .inodes
        .zip(mount.inodes_free)
        .filter(|(all, _)| *all > 0)
        .map(|(all, free)| lang.percent(all.saturating_sub(free) as f64 / all as f64 * 100.0));
    MountRow {
        point: inert::line(&mount.point),
        source: inert::line(&format!("{} · {}", mount.source, mount.kind)),
        used: used.unwrap_or_else(|| "–".to_owned()),
        full: mount
            .used_percent
            .map(|used| used.clamp(0.0, 100.0).round() as u8),
        inodes: inodes.unwrap_or_else(|| "–".to_owned()),
        read_only: mount.read_only,
    }
}
