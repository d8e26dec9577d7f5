//! The board in detail as the page shows it: facts, warnings in words, tables, charts.

mod figures;
mod places;

use askama::Template;

use crate::chart::{Chart, Unit, Values, chart};
use crate::gpio::Look;
use crate::inert;
use crate::moment::Moment;
use crate::upstream::system::{History, Login, Probe, Process, Reachability};
use crate::visit::Visit;
use crate::words::Words;

pub(crate) use figures::{board, now};
pub(crate) use places::{network, storage};

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
mod tests;
