//! The board's and the programs' families. Names and units follow Prometheus' naming rules: base units, `_total` for
//! counters, shares from 0 to 1.

use super::Text;
use crate::programs::ProgramTotals;
use crate::read::cpu::{MODES, TICKS_PER_SECOND, Ticks};
use crate::read::memory::{Pressure, Stall};
use crate::read::throttling::Throttling;
use crate::sampler::Sample;
use crate::state::Info;
use crate::storage;

/// The board.
pub(super) fn write(text: &mut Text, info: &Info, sample: &Sample) {
    text.family("pistack_build_info", "gauge", "Always 1; the version is a label.");
    text.sample(
        "pistack_build_info",
        &[
            ("version", env!("CARGO_PKG_VERSION")),
            ("architecture", std::env::consts::ARCH),
        ],
        1.0,
    );
    text.single(
        "pistack_uptime_seconds",
        "gauge",
        "Time since the start of the kernel.",
        sample.uptime.map(|uptime| uptime.as_secs_f64()),
    );
    cpu(text, sample);
    memory(text, sample);
    sensors(text, sample);
    counters(text, sample);
    file_systems(text, info);
}

fn cpu(text: &mut Text, sample: &Sample) {
    let modes = |ticks: &Ticks| {
        MODES
            .into_iter()
            .zip(ticks.by_mode)
            .map(|(mode, ticks)| (mode, ticks as f64 / TICKS_PER_SECOND))
    };
    if !sample.cores.is_empty() {
        let name = "pistack_cpu_seconds_total";
        text.family(name, "counter", "Time that each processor spent in each mode.");
        for (core, ticks) in sample.cores.iter().enumerate() {
            for (mode, seconds) in modes(ticks) {
                text.sample(name, &[("cpu", &core.to_string()), ("mode", mode)], seconds);
            }
        }
    }
    for (index, minutes) in ["1", "5", "15"].into_iter().enumerate() {
        text.single(
            &format!("pistack_load{minutes}"),
            "gauge",
            &format!("Load average of {minutes} minutes."),
            sample.now.load.map(|load| load[index]),
        );
    }
    let psi = &sample.now.psi;
    let resources = [("cpu", psi.cpu), ("memory", psi.memory), ("io", psi.io)];
    let total = |of: fn(&Pressure) -> Option<Stall>| {
        resources.map(|(name, pressure)| (name, pressure.as_ref().and_then(of).map(|stall| stall.total_s)))
    };
    text.labelled(
        "pistack_pressure_waiting_seconds_total",
        "counter",
        "Time in which some programs stood still for want of a resource.",
        "resource",
        total(|pressure| Some(pressure.some)),
    );
    text.labelled(
        "pistack_pressure_stalled_seconds_total",
        "counter",
        "Time in which all programs stood still for want of a resource.",
        "resource",
        total(|pressure| pressure.full),
    );
}

fn memory(text: &mut Text, sample: &Sample) {
    let memory = sample.now.memory;
    let mut gauge = |name: &str, help: &str, value: fn(&crate::read::memory::Memory) -> u64| {
        text.single(
            name,
            "gauge",
            help,
            memory.as_ref().map(|memory| value(memory) as f64),
        );
    };
    gauge("pistack_memory_total_bytes", "Main memory.", |memory| {
        memory.total
    });
    gauge(
        "pistack_memory_available_bytes",
        "Main memory that programs may still take.",
        |memory| memory.available,
    );
    gauge("pistack_swap_total_bytes", "Swap.", |memory| memory.swap_total);
    gauge("pistack_swap_free_bytes", "Unused swap.", |memory| {
        memory.swap_free
    });
}

fn sensors(text: &mut Text, sample: &Sample) {
    // Two sensors of one name would be one sample twice.
    let mut seen = std::collections::BTreeSet::new();
    text.labelled(
        "pistack_temperature_celsius",
        "gauge",
        "Temperature of a zone or chip.",
        "sensor",
        sample
            .now
            .temperatures
            .iter()
            .filter(|one| seen.insert(&one.name))
            .map(|one| (&*one.name, one.celsius)),
    );
    text.single(
        "pistack_cpu_temperature_celsius",
        "gauge",
        "Temperature of the CPU.",
        sample.cpu_celsius,
    );
    let mut seen = std::collections::BTreeSet::new();
    text.labelled(
        "pistack_fan_rpm",
        "gauge",
        "Turns of a fan a minute.",
        "fan",
        sample
            .now
            .fans
            .iter()
            .filter(|one| seen.insert(&one.name))
            .map(|one| (&*one.name, one.rpm.map(f64::from))),
    );
    if let Some(throttling) = &sample.now.throttling {
        let flag = |of: fn(&Throttling) -> bool| Some(f64::from(u8::from(of(throttling))));
        text.labelled(
            "pistack_throttling",
            "gauge",
            "1 while the firmware warns.",
            "reason",
            [
                ("under_voltage", flag(|state| state.under_voltage)),
                ("frequency_capped", flag(|state| state.frequency_capped)),
                ("throttled", flag(|state| state.throttled)),
                (
                    "soft_temperature_limit",
                    flag(|state| state.soft_temperature_limit),
                ),
            ],
        );
    }
}

fn counters(text: &mut Text, sample: &Sample) {
    use crate::read::counters::{DiskWork, Traffic};
    type Of<T> = fn(&T) -> u64;
    let net: [(&str, &str, Of<Traffic>); 8] = [
        ("receive_bytes", "Bytes received.", |one| one.rx_bytes),
        ("receive_packets", "Packets received.", |one| one.rx_packets),
        ("receive_errors", "Packets received broken.", |one| one.rx_errors),
        ("receive_dropped", "Packets received and thrown away.", |one| {
            one.rx_dropped
        }),
        ("transmit_bytes", "Bytes sent.", |one| one.tx_bytes),
        ("transmit_packets", "Packets sent.", |one| one.tx_packets),
        ("transmit_errors", "Packets that could not be sent.", |one| {
            one.tx_errors
        }),
        (
            "transmit_dropped",
            "Packets thrown away before they were sent.",
            |one| one.tx_dropped,
        ),
    ];
    for (name, help, of) in net {
        text.labelled(
            &format!("pistack_network_{name}_total"),
            "counter",
            help,
            "interface",
            sample
                .net
                .iter()
                .map(|(name, one)| (&**name, Some(of(one) as f64))),
        );
    }
    let disks: [(&str, &str, Of<DiskWork>); 4] = [
        ("reads", "Reads done.", |one| one.reads),
        ("read_bytes", "Bytes read.", |one| one.read_bytes),
        ("writes", "Writes done.", |one| one.writes),
        ("written_bytes", "Bytes written.", |one| one.written_bytes),
    ];
    for (name, help, of) in disks {
        text.labelled(
            &format!("pistack_disk_{name}_total"),
            "counter",
            help,
            "disk",
            sample
                .disks
                .iter()
                .map(|(name, one)| (&**name, Some(of(one) as f64))),
        );
    }
    text.labelled(
        "pistack_disk_busy_seconds_total",
        "counter",
        "Time with something to do.",
        "disk",
        sample
            .disks
            .iter()
            .map(|(name, one)| (&**name, Some(one.busy_ms as f64 / 1000.0))),
    );
}

fn file_systems(text: &mut Text, info: &Info) {
    type Of = fn(&storage::MountView) -> Option<u64>;
    let storage = storage::read(&info.tree, Vec::new());
    let gauges: [(&str, &str, Of); 4] = [
        ("size_bytes", "Size of a file system.", |mount| mount.total),
        (
            "available_bytes",
            "Room that is left for programs that are not root's.",
            |mount| mount.available,
        ),
        ("files", "Files that it may hold.", |mount| mount.inodes),
        ("files_free", "Files that it may still take.", |mount| {
            mount.inodes_free
        }),
    ];
    for (name, help, of) in gauges {
        text.labelled(
            &format!("pistack_filesystem_{name}"),
            "gauge",
            help,
            "mountpoint",
            storage
                .mounts
                .iter()
                .map(|mount| (&*mount.point, of(mount).map(|value| value as f64))),
        );
    }
    text.labelled(
        "pistack_filesystem_read_only",
        "gauge",
        "1 for a file system that may not be written.",
        "mountpoint",
        storage
            .mounts
            .iter()
            .map(|mount| (&*mount.point, Some(f64::from(u8::from(mount.read_only))))),
    );
    text.labelled(
        "pistack_disk_wear_ratio",
        "gauge",
        "Share of an eMMC chip's life that is used up.",
        "disk",
        storage.disks.iter().map(|disk| {
            let used = disk.wear.as_ref().and_then(|wear| wear.used_percent);
            (&*disk.name, used.map(|percent| f64::from(percent) / 100.0))
        }),
    );
}

/// The supervised programs.
pub(super) fn write_programs(text: &mut Text, programs: &[ProgramTotals]) {
    let rows = |of: fn(&ProgramTotals) -> Option<f64>| {
        programs.iter().map(move |program| (&*program.name, of(program)))
    };
    text.labelled(
        "pistack_program_processes",
        "gauge",
        "Processes in the tree of a supervised program.",
        "program",
        rows(|program| Some(program.processes as f64)),
    );
    text.labelled(
        "pistack_program_cpu_seconds_total",
        "counter",
        "CPU time of a supervised program's tree.",
        "program",
        rows(|program| program.cpu_seconds),
    );
    text.labelled(
        "pistack_program_memory_bytes",
        "gauge",
        "Memory of a supervised program's tree: its fair share, or what is resident.",
        "program",
        rows(|program| program.memory_bytes.map(|bytes| bytes as f64)),
    );
}
