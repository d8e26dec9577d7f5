//! Rates between two samples. A counter that began anew gives none.

use std::collections::BTreeMap;

use super::Sample;
use crate::now::{DiskRate, NetRate};
use crate::read::counters::{DiskWork, Traffic, grown, rate};

/// Fills in everything that takes two samples.
pub(super) fn fill(sample: &mut Sample, before: Option<&Sample>, physical: &BTreeMap<String, bool>) {
    let seconds = before.map_or(0.0, |before| sample.at.saturating_sub(before.at).as_secs_f64());
    let busy = |now: &crate::read::cpu::Ticks, before: Option<&crate::read::cpu::Ticks>| {
        before.and_then(|before| now.busy_since(before))
    };
    sample.now.cpu_percent = sample
        .ticks
        .as_ref()
        .and_then(|now| busy(now, before.and_then(|before| before.ticks.as_ref())));
    sample.now.cores = sample
        .cores
        .iter()
        .enumerate()
        .map(|(core, now)| busy(now, before.and_then(|before| before.cores.get(core))))
        .collect();
    sample.now.net = sample
        .net
        .iter()
        .filter(|(name, _)| *name != "lo")
        .map(|(name, now)| {
            let before = before.and_then(|before| before.net.get(name));
            let is_physical = physical.get(name).copied().unwrap_or(false);
            net(name, *now, before, seconds, is_physical)
        })
        .collect();
    sample.now.disk_io = sample
        .disks
        .iter()
        .map(|(name, now)| {
            disk(
                name,
                *now,
                before.and_then(|before| before.disks.get(name)),
                seconds,
            )
        })
        .collect();
}

fn net(name: &str, now: Traffic, before: Option<&Traffic>, seconds: f64, is_physical: bool) -> NetRate {
    let of = |counter: fn(&Traffic) -> u64| rate(counter(&now), counter(before?), seconds);
    let errors = |count: u64, dropped: u64| count.saturating_add(dropped);
    NetRate {
        name: name.to_owned(),
        is_physical,
        rx_bytes_s: of(|traffic| traffic.rx_bytes),
        tx_bytes_s: of(|traffic| traffic.tx_bytes),
        rx_packets_s: of(|traffic| traffic.rx_packets),
        tx_packets_s: of(|traffic| traffic.tx_packets),
        rx_errors: errors(now.rx_errors, now.rx_dropped),
        tx_errors: errors(now.tx_errors, now.tx_dropped),
    }
}

fn disk(name: &str, now: DiskWork, before: Option<&DiskWork>, seconds: f64) -> DiskRate {
    let of = |counter: fn(&DiskWork) -> u64| rate(counter(&now), counter(before?), seconds);
    DiskRate {
        name: name.to_owned(),
        read_bytes_s: of(|work| work.read_bytes),
        write_bytes_s: of(|work| work.written_bytes),
        // Milliseconds a second, as a share of it.
        busy_percent: of(|work| work.busy_ms).map(|busy| (busy / 10.0).min(100.0)),
    }
}

/// Bytes written to each disk since the sample before. What a disk wrote before it was first seen is not known to be
/// of this run, and is left out.
pub(super) fn written(sample: &Sample, before: &Sample) -> Vec<(String, u64)> {
    let of = |(name, now): (&String, &DiskWork)| {
        let before = before.disks.get(name)?;
        let bytes = grown(now.written_bytes, before.written_bytes)?;
        (bytes > 0).then(|| (name.clone(), bytes))
    };
    sample.disks.iter().filter_map(of).collect()
}
