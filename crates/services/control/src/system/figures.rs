//! What the board is, and how it fares now.

use super::{NowCard, Tile};
use crate::chart::Unit;
use crate::gpio::Look;
use crate::inert;
use crate::upstream::system::{BoardFacts, Now, Pressure, Throttling};
use crate::words::{Words, length};

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

/// The tiles of a card under way.
struct Tiles(Vec<Tile>);

impl Tiles {
    fn add(&mut self, icon: &'static str, label: &str, value: String, full: Option<f64>) {
        self.0.push(Tile {
            icon,
            label: inert::line(label),
            value,
            full: full.map(|full| full.clamp(0.0, 100.0).round() as u8),
        });
    }
}

/// The present figures.
pub(crate) fn now(now: &Now, t: &Words) -> NowCard {
    let mut tiles = Tiles(Vec::new());
    work(&mut tiles, now, t);
    warmth(&mut tiles, now, t);
    load(&mut tiles, now, t);
    traffic(&mut tiles, now, t);
    NowCard {
        tiles: tiles.0,
        warnings: now.throttling.as_ref().map(|throttling| warnings(throttling, t)),
    }
}

/// Processor and memory.
fn work(tiles: &mut Tiles, now: &Now, t: &Words) {
    let lang = t.lang();
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
        tiles.add("cpu", t.sys_cpu, value, Some(cpu));
    }
    if let Some(memory) = &now.memory {
        let used = memory.total.saturating_sub(memory.available);
        let of = |used, total: u64| t.of_total(lang.bytes(used), lang.bytes(total));
        let share = |part: u64, all: u64| (all > 0).then(|| part as f64 / all as f64 * 100.0);
        let value = of(used, memory.total);
        tiles.add("memory-stick", t.board_memory, value, share(used, memory.total));
        if memory.swap_total > 0 {
            let used = memory.swap_total.saturating_sub(memory.swap_free);
            let value = of(used, memory.swap_total);
            tiles.add("archive", t.sys_swap, value, share(used, memory.swap_total));
        }
    }
}

/// Temperatures and fans.
fn warmth(tiles: &mut Tiles, now: &Now, t: &Words) {
    let lang = t.lang();
    if let Some(celsius) = now.cpu_temperature {
        tiles.add("thermometer", t.board_temperature, lang.celsius(celsius), None);
    }
    for one in now.temperatures.iter().skip(1).take(8) {
        if let Some(celsius) = one.celsius {
            tiles.add("thermometer", &one.name, lang.celsius(celsius), None);
        }
    }
    for fan in &now.fans {
        if let Some(rpm) = fan.rpm {
            tiles.add("fan", &fan.name, t.sys_rpm(rpm), None);
        }
    }
}

/// Load, and how long work stood still.
fn load(tiles: &mut Tiles, now: &Now, t: &Words) {
    let lang = t.lang();
    if let Some(load) = now.load {
        let load: Vec<_> = load.iter().map(|load| lang.number(*load, 2)).collect();
        tiles.add("activity", t.board_load, load.join(" · "), None);
    }
    let stall = |pressure: &Option<Pressure>| {
        pressure
            .as_ref()
            .map(|pressure| lang.percent(pressure.some.avg60))
    };
    let psi = &now.psi;
    if let (Some(cpu), Some(memory), Some(io)) = (stall(&psi.cpu), stall(&psi.memory), stall(&psi.io)) {
        let value = t.sys_pressure_of(cpu, memory, io);
        tiles.add("hourglass", t.sys_pressure, value, None);
    }
}

/// What goes through disks and interfaces.
fn traffic(tiles: &mut Tiles, now: &Now, t: &Words) {
    let rate =
        |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| Unit::Rate.write(value, t.lang()));
    for disk in &now.disk_io {
        let value = t.sys_disk_rate(rate(disk.read_bytes_s), rate(disk.write_bytes_s));
        tiles.add("hard-drive", &disk.name, value, None);
    }
    for net in &now.net {
        let value = format!("↓ {} ↑ {}", rate(net.rx_bytes_s), rate(net.tx_bytes_s));
        tiles.add("network", &net.name, value, None);
    }
}

/// The firmware's bits in words: 0 to 3 are now, 16 to 19 since the start of the board.
pub(super) fn warnings(throttling: &Throttling, t: &Words) -> Vec<(Look, &'static str)> {
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
