//! The board in detail as the page shows it: facts, warnings in words, tables, charts.

use askama::Template;

use crate::chart::{Chart, Unit, Values, chart};
use crate::gpio::Look;
use crate::inert;
use crate::moment::Moment;
use crate::upstream::system::{
    BoardFacts, History, Interface, Login, Mount, Network, Now, Probe, Process, Reachability, Storage,
    Throttling,
};
use crate::visit::Visit;
use crate::words::{Words, length};

/// A time that the charts can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Range {
    #[default]
    Hour,
    Day,
    Week,
    Month,
}

impl Range {
    pub(crate) const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    /// In addresses.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    pub(crate) const fn word(self, t: &Words) -> &'static str {
        match self {
            Self::Hour => t.range_hour,
            Self::Day => t.range_day,
            Self::Week => t.range_week,
            Self::Month => t.range_month,
        }
    }

    /// The range of a code; an hour where it is none.
    pub(crate) fn of(code: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|range| range.code() == code)
            .unwrap_or_default()
    }
}

/// One fact: what, and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tile {
    pub(crate) icon: &'static str,
    pub(crate) label: String,
    pub(crate) value: String,
    /// How full it is, in percent, where that is the question.
    pub(crate) full: Option<u8>,
}

/// An interface's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InterfaceRow {
    pub(crate) name: String,
    pub(crate) mac: String,
    pub(crate) look: Look,
    pub(crate) addresses: Vec<String>,
    pub(crate) traffic: String,
    pub(crate) wifi: String,
}

/// A file system's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MountRow {
    pub(crate) point: String,
    pub(crate) source: String,
    pub(crate) used: String,
    pub(crate) full: Option<u8>,
    pub(crate) inodes: String,
    pub(crate) read_only: bool,
}

/// A process's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProcessRow {
    pub(crate) pid: i64,
    pub(crate) name: String,
    pub(crate) user: String,
    pub(crate) cpu: String,
    pub(crate) memory: String,
}

/// A login's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoginRow {
    pub(crate) user: String,
    pub(crate) by: String,
    pub(crate) from: String,
    pub(crate) since: Option<Moment>,
}

/// Where the board reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProbeRow {
    pub(crate) label: &'static str,
    pub(crate) target: String,
    pub(crate) look: Look,
    pub(crate) detail: String,
}

/// The page. A part whose answer did not come is `None`.
#[derive(Debug, Template)]
#[template(path = "system.html")]
pub(crate) struct SystemPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) board: Option<Vec<Tile>>,
    pub(crate) now: Option<NowCard>,
    pub(crate) network: Option<NetworkCard>,
    pub(crate) storage: Option<StorageCard>,
    pub(crate) logins: Option<Vec<LoginRow>>,
    pub(crate) processes: Option<Vec<ProcessRow>>,
    pub(crate) by_memory: bool,
    pub(crate) probes: Vec<ProbeRow>,
    pub(crate) charts: Option<Vec<Chart>>,
    pub(crate) range: Range,
}

/// How the board fares now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NowCard {
    pub(crate) tiles: Vec<Tile>,
    /// What the firmware warns of; `None` where nothing tells.
    pub(crate) warnings: Option<Vec<(Look, &'static str)>>,
}

/// The card of the present figures, which replaces itself.
#[derive(Debug, Template)]
#[template(path = "parts/changed_now.html")]
pub(crate) struct ChangedNow<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) now: Option<NowCard>,
}

/// Interfaces, gateways and name servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NetworkCard {
    pub(crate) interfaces: Vec<InterfaceRow>,
    pub(crate) gateways: String,
    pub(crate) dns: String,
}

/// File systems and disks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StorageCard {
    pub(crate) mounts: Vec<MountRow>,
    pub(crate) disks: Vec<Tile>,
    pub(crate) root_read_only: bool,
}

/// The facts that do not change.
pub(crate) fn board(board: &BoardFacts, t: &Words) -> Vec<Tile> {
    let tile = |icon, label: &str, value: Option<String>| {
        value.filter(|value| !value.is_empty()).map(|value| Tile {
            icon,
            label: label.to_owned(),
            value,
            full: None,
        })
    };
    let text = |value: &Option<String>| value.as_deref().map(inert::line);
    let kernel = match (text(&board.kernel), text(&board.architecture)) {
        (Some(kernel), Some(architecture)) => Some(format!("{kernel} · {architecture}")),
        (kernel, architecture) => kernel.or(architecture),
    };
    [
        tile("cpu", t.board_model, text(&board.model)),
        tile("server", t.board_host, text(&board.hostname)),
        tile("layers", t.board_system, text(&board.os)),
        tile("terminal", t.sys_kernel, kernel),
        tile("key-round", t.sys_serial, text(&board.serial)),
        tile("clock", t.board_uptime, board.uptime_s.map(length)),
        tile(
            "history",
            t.sys_clock,
            board.clock.as_ref().and_then(|clock| clock_words(clock, t)),
        ),
        tile(
            "rotate-cw",
            t.sys_reboot,
            board
                .reboot_required
                .filter(|wanted| *wanted)
                .map(|_| t.sys_reboot_wanted.to_owned()),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// How the clock is known, whichever way it is told.
fn clock_words(clock: &serde_json::Value, t: &Words) -> Option<String> {
    let word = match clock {
        serde_json::Value::String(word) => word.as_str(),
        serde_json::Value::Object(fields) => match fields
            .get("synchronised")
            .or_else(|| fields.get("ntp_synchronised"))
        {
            Some(serde_json::Value::Bool(true)) => "synchronised",
            Some(serde_json::Value::Bool(false)) => "untrusted",
            _ => return None,
        },
        _ => return None,
    };
    Some(match word {
        "synchronised" | "synchronized" => t.sys_clock_good.to_owned(),
        "untrusted" | "unsynchronised" => t.sys_clock_bad.to_owned(),
        other => inert::line(other),
    })
}

/// The present figures.
pub(crate) fn now(now: &Now, t: &Words) -> NowCard {
    let lang = t.lang();
    let mut tiles = Vec::new();
    let mut add = |icon, label: &str, value: String, full: Option<f64>| {
        tiles.push(Tile {
            icon,
            label: inert::line(label),
            value,
            full: full.map(|full| full.clamp(0.0, 100.0).round() as u8),
        });
    };
    if let Some(cpu) = now.cpu_percent {
        let cores: Vec<_> = now
            .cores
            .iter()
            .flatten()
            .map(|core| lang.percent(*core))
            .collect();
        let value = if cores.len() > 1 {
            format!("{} ({})", lang.percent(cpu), cores.join(" · "))
        } else {
            lang.percent(cpu)
        };
        add("cpu", t.sys_cpu, value, Some(cpu));
    }
    if let Some(memory) = &now.memory {
        let used = memory.total.saturating_sub(memory.available);
        let of = |used, total: u64| t.of_total(lang.bytes(used), lang.bytes(total));
        let share = |part: u64, all: u64| (all > 0).then(|| part as f64 / all as f64 * 100.0);
        add(
            "memory-stick",
            t.board_memory,
            of(used, memory.total),
            share(used, memory.total),
        );
        if memory.swap_total > 0 {
            let used = memory.swap_total.saturating_sub(memory.swap_free);
            add(
                "archive",
                t.sys_swap,
                of(used, memory.swap_total),
                share(used, memory.swap_total),
            );
        }
    }
    if let Some(celsius) = now.cpu_temperature {
        add("thermometer", t.board_temperature, lang.celsius(celsius), None);
    }
    for one in now.temperatures.iter().skip(1).take(8) {
        if let Some(celsius) = one.celsius {
            add("thermometer", &one.name, lang.celsius(celsius), None);
        }
    }
    for fan in &now.fans {
        if let Some(rpm) = fan.rpm {
            add("fan", &fan.name, t.sys_rpm(rpm), None);
        }
    }
    if let Some(load) = now.load {
        let load: Vec<_> = load.iter().map(|load| lang.number(*load, 2)).collect();
        add("activity", t.board_load, load.join(" · "), None);
    }
    let stall = |pressure: &Option<crate::upstream::system::Pressure>| {
        pressure
            .as_ref()
            .map(|pressure| lang.percent(pressure.some.avg60))
    };
    if let (Some(cpu), Some(memory), Some(io)) =
        (stall(&now.psi.cpu), stall(&now.psi.memory), stall(&now.psi.io))
    {
        add(
            "hourglass",
            t.sys_pressure,
            t.sys_pressure_of(cpu, memory, io),
            None,
        );
    }
    let rate =
        |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| Unit::Rate.write(value, lang));
    for disk in &now.disk_io {
        let value = t.sys_disk_rate(rate(disk.read_bytes_s), rate(disk.write_bytes_s));
        add("hard-drive", &disk.name, value, None);
    }
    for net in &now.net {
        add(
            "network",
            &net.name,
            format!("↓ {} ↑ {}", rate(net.rx_bytes_s), rate(net.tx_bytes_s)),
            None,
        );
    }
    NowCard {
        tiles,
        warnings: now.throttling.as_ref().map(|throttling| warnings(throttling, t)),
    }
}

/// The firmware's bits in words: 0 to 3 are now, 16 to 19 since the start of the board.
fn warnings(throttling: &Throttling, t: &Words) -> Vec<(Look, &'static str)> {
    let bits = throttling.bits.unwrap_or_default();
    let causes = [
        (throttling.under_voltage, t.sys_under_voltage),
        (throttling.frequency_capped, t.sys_capped),
        (throttling.throttled, t.sys_throttled),
        (throttling.soft_temperature_limit, t.sys_soft_limit),
    ];
    let mut said = Vec::new();
    for (bit, (now, text)) in causes.into_iter().enumerate() {
        if now || bits & (1 << bit) != 0 {
            let look = Look {
                icon: "triangle-alert",
                word: t.sys_is_now,
                class: "bad",
            };
            said.push((look, text));
        } else if bits & (1 << (bit + 16)) != 0 {
            let look = Look {
                icon: "history",
                word: t.sys_was_since,
                class: "busy",
            };
            said.push((look, text));
        }
    }
    said
}

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

/// The processes that use most.
pub(crate) fn process_rows(processes: &[Process], t: &Words) -> Vec<ProcessRow> {
    let lang = t.lang();
    processes
        .iter()
        .map(|process| ProcessRow {
            pid: process.pid,
            name: inert::line(&process.name),
            user: inert::line(process.user.as_deref().unwrap_or_default()),
            cpu: process
                .cpu_percent
                .map_or_else(|| "–".to_owned(), |cpu| lang.percent(cpu)),
            memory: process
                .memory_bytes
                .map_or_else(|| "–".to_owned(), |bytes| lang.bytes(bytes)),
        })
        .collect()
}

/// Who is logged in to the operating system.
pub(crate) fn login_rows(logins: &[Login], t: &Words) -> Vec<LoginRow> {
    logins
        .iter()
        .map(|login| LoginRow {
            user: inert::line(&login.user),
            by: inert::line(
                login
                    .service
                    .as_deref()
                    .or(login.tty.as_deref())
                    .unwrap_or_default(),
            ),
            from: inert::line(login.from.as_deref().unwrap_or_default()),
            since: login.since.map(|since| Moment::at(since, t.lang())),
        })
        .collect()
}

/// Whether gateway and host answer.
pub(crate) fn probe_rows(reach: &Reachability, t: &Words) -> Vec<ProbeRow> {
    let row = |label, probe: &Option<Probe>| {
        probe.as_ref().map(|probe| ProbeRow {
            label,
            target: inert::line(&probe.target),
            look: if probe.reachable {
                Look {
                    icon: "circle-check",
                    word: t.sys_reached,
                    class: "ok",
                }
            } else {
                Look {
                    icon: "circle-x",
                    word: t.sys_not_reached,
                    class: "bad",
                }
            },
            detail: match (&probe.error, probe.latency_ms) {
                (Some(error), _) => inert::line(error),
                (None, Some(latency)) => format!("{} ms", t.lang().number(latency, 1)),
                (None, None) => String::new(),
            },
        })
    };
    [row(t.sys_gateway, &reach.gateway), row(t.sys_host, &reach.host)]
        .into_iter()
        .flatten()
        .collect()
}

/// The charts of the history.
pub(crate) fn charts(history: &History, t: &Words) -> Vec<Chart> {
    let of = |metric: &str| Values {
        from: history.from,
        step_s: history.step_s,
        points: history.series.get(metric).map(Vec::as_slice).unwrap_or_default(),
    };
    let charts = [
        chart(
            "cpu",
            t.sys_cpu,
            Unit::Percent,
            &[("cpu", t.sys_cpu, of("cpu"))],
            t,
        ),
        chart(
            "memory",
            t.board_memory,
            Unit::Percent,
            &[("memory", t.board_memory, of("memory"))],
            t,
        ),
        chart(
            "temperature",
            t.board_temperature,
            Unit::Celsius,
            &[("temperature", t.board_temperature, of("temperature"))],
            t,
        ),
        chart(
            "load",
            t.board_load,
            Unit::Number,
            &[("load", t.board_load, of("load"))],
            t,
        ),
        chart(
            "net",
            t.sys_network,
            Unit::Rate,
            &[
                ("net_rx", t.sys_received, of("net_rx")),
                ("net_tx", t.sys_sent, of("net_tx")),
            ],
            t,
        ),
        chart(
            "disk",
            t.board_disk,
            Unit::Percent,
            &[("disk", t.board_disk, of("disk"))],
            t,
        ),
    ];
    charts.into_iter().filter(|chart| !chart.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;

    #[test]
    fn the_firmware_s_bits_are_words_now_and_since_the_start() {
        let t = Lang::English.words();
        let bits = Throttling {
            bits: Some(0x5_0005),
            under_voltage: true,
            throttled: true,
            ..Throttling::default()
        };
        let said: Vec<_> = warnings(&bits, t)
            .into_iter()
            .map(|(look, text)| (look.word, text))
            .collect();
        assert_eq!(
            said,
            [
                (t.sys_is_now, t.sys_under_voltage),
                (t.sys_is_now, t.sys_throttled)
            ]
        );
        let past = Throttling {
            bits: Some(0x8_0000),
            ..Throttling::default()
        };
        let said = warnings(&past, t);
        assert_eq!(
            (said.len(), said[0].0.word, said[0].1),
            (1, t.sys_was_since, t.sys_soft_limit)
        );
        assert!(
            warnings(
                &Throttling {
                    bits: Some(0),
                    ..Throttling::default()
                },
                t
            )
            .is_empty()
        );
    }

    #[test]
    fn an_empty_sample_has_no_tiles_and_breaks_nothing() {
        let t = Lang::Polish.words();
        let card = now(&Now::default(), t);
        assert!(card.tiles.is_empty() && card.warnings.is_none());
        assert!(charts(&History::default(), t).is_empty());
        assert!(board(&BoardFacts::default(), t).is_empty());
        let card = storage(
            &Storage {
                mounts: vec![Mount::default()],
                ..Storage::default()
            },
            t,
        );
        assert_eq!((card.mounts[0].used.as_str(), card.mounts[0].full), ("–", None));
    }

    #[test]
    fn ranges_have_codes_and_nonsense_is_an_hour() {
        for range in Range::ALL {
            assert_eq!(Range::of(range.code()), range);
        }
        assert_eq!(Range::of("../../etc"), Range::Hour);
    }
}
