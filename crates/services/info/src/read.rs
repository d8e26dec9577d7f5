//! Parsers and readers of `/proc`, `/sys`, `/etc` and `/run`. A parser takes text and never fails: what makes no
//! sense is absent.

pub(crate) mod accounts;
pub(crate) mod counters;
pub(crate) mod cpu;
pub(crate) mod files;
pub(crate) mod identity;
pub(crate) mod memory;
pub(crate) mod mounts;
pub(crate) mod processes;
pub(crate) mod resolver;
pub(crate) mod sensors;
pub(crate) mod throttling;
pub(crate) mod wear;

#[cfg(test)]
mod tests;

/// Gives any text to every parser: none may panic, whatever it is. For tests and the fuzz target.
pub fn every_parser(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut cores = Vec::new();
    let ticks = cpu::stat(&text, &mut cores);
    if let (Some(ticks), Some(core)) = (ticks, cores.first()) {
        let _ = ticks.busy_since(core);
    }
    let _ = (cpu::load(&text), cpu::boot_time(&text));
    if let Some(memory) = memory::meminfo(&text) {
        let _ = (memory.used_percent(), memory.swap_used_percent());
    }
    let _ = memory::pressure(&text);
    let _ = (counters::net_dev(&text), counters::diskstats(&text));
    let _ = throttling::bits(&text).map(throttling::Throttling::of);
    let _ = mounts::mountinfo(&text);
    let _ = (accounts::passwd(&text), accounts::session(&text));
    let _ = resolver::resolv_conf(&text);
    let _ = (processes::stat(&text), processes::uid(&text));
    let _ = identity::os_release(&text, "NAME");
    crate::netlink::every_parser(bytes);
}
