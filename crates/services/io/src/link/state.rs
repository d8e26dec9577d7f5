//! Whether the link is up, from `/sys/class/net` and `/proc/net`.

use std::path::Path;

/// `RTF_UP` of `/proc/net/route`.
const ROUTE_UP: u32 = 1;
/// `RTF_REJECT` of `/proc/net/ipv6_route`: a route that says that there is none.
const ROUTE_REJECT: u32 = 0x200;

/// True while a default route leads through an interface that has a carrier.
pub(crate) fn is_up(sysroot: &Path) -> bool {
    let read = |path: &str| std::fs::read_to_string(sysroot.join(path)).unwrap_or_default();
    let (four, six) = (read("proc/net/route"), read("proc/net/ipv6_route"));
    let ways = [default_ways_v4(&four), default_ways_v6(&six)];
    ways.iter().flatten().any(|name| has_carrier(sysroot, name))
}

fn has_carrier(sysroot: &Path, name: &str) -> bool {
    // Reading fails with EINVAL while the interface is switched off.
    let carrier = sysroot.join("sys/class/net").join(name).join("carrier");
    name != "lo" && std::fs::read_to_string(carrier).is_ok_and(|text| text.trim() == "1")
}

/// Interfaces of default routes: name, destination, gateway, flags, ..., mask (hexadecimal, as the kernel keeps them).
fn default_ways_v4(table: &str) -> Vec<&str> {
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let flags = u32::from_str_radix(fields.get(3)?, 16).ok()?;
            let everywhere = *fields.get(1)? == "00000000" && *fields.get(7)? == "00000000";
            (everywhere && flags & ROUTE_UP != 0).then_some(*fields.first()?)
        })
        .collect()
}

/// The same for IPv6: destination, its prefix length, ..., flags, name.
fn default_ways_v6(table: &str) -> Vec<&str> {
    table
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let flags = u32::from_str_radix(fields.get(8)?, 16).ok()?;
            let everywhere = fields.first()?.bytes().all(|byte| byte == b'0') && *fields.get(1)? == "00";
            (everywhere && flags & ROUTE_UP != 0 && flags & ROUTE_REJECT == 0).then_some(*fields.get(9)?)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n";
    const DEFAULT: &str = "eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n";
    const LOCAL: &str = "eth0\t0002A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";

    fn board(route: &str, route6: &str, carriers: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("proc/net")).unwrap();
        std::fs::write(root.path().join("proc/net/route"), route).unwrap();
        std::fs::write(root.path().join("proc/net/ipv6_route"), route6).unwrap();
        for (name, carrier) in carriers {
            let path = root.path().join("sys/class/net").join(name);
            std::fs::create_dir_all(&path).unwrap();
            std::fs::write(path.join("carrier"), carrier).unwrap();
        }
        root
    }

    #[test]
    fn a_link_is_a_carrier_and_a_default_route_through_it() {
        let with_default = format!("{HEAD}{LOCAL}{DEFAULT}");
        let up = |route: &str, carriers: &[(&str, &str)]| is_up(board(route, "", carriers).path());
        assert!(up(&with_default, &[("eth0", "1\n")]));
        assert!(!up(&with_default, &[("eth0", "0\n")]));
        assert!(
            !up(&with_default, &[("wlan0", "1\n")]),
            "not the one that the route leads through"
        );
        assert!(!up(&format!("{HEAD}{LOCAL}"), &[("eth0", "1\n")]));
        assert!(!up("", &[]));
    }

    #[test]
    fn ipv6_alone_is_enough_and_unreachable_routes_do_not_count() {
        let zeros = "0".repeat(32);
        let row = |flags: &str, name: &str| {
            format!("{zeros} 00 {zeros} 00 {zeros} 00000400 00000001 00000000 {flags}     {name}\n")
        };
        let up = |row: &str| is_up(board("", row, &[("eth0", "1"), ("lo", "1")]).path());
        assert!(up(&row("00000003", "eth0")));
        assert!(!up(&row("00200200", "lo")));
        assert!(!up(&row("00000203", "eth0")));
    }
}
