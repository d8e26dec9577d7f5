//! The gateway beside nginx: same certificate, same upstream (the stack's own service on its unix socket), in turns
//! within each round, medians, and the CPU time of each process for a request.

mod sides;
mod streams;

use std::fs;

use anyhow::{Context as _, bail};
use regex::Regex;

use crate::bench::table::median;
use crate::run;
use sides::{Nginx, Sides, cpu_seconds};

/// The service's cheapest answer: what is measured is what stands before it.
const PATH: &str = "/api/auth/health";

/// A kind of load.
struct Load {
    what: &'static str,
    tool: Tool,
    /// Which address of each side.
    address: Address,
    /// Least of ours to nginx's in requests a second, most in CPU time a request; `None` is shown and not judged.
    rate: Option<f64>,
    cpu: Option<f64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Tool {
    Wrk,
    /// A connection a request.
    WrkClose,
    /// Connections and streams on each.
    H2load(u32, u32),
}

#[derive(Clone, Copy)]
enum Address {
    Plain,
    Secure,
    /// nginx as the original configures it: no connection to the upstream is kept.
    Original,
}

const LOADS: [Load; 6] = [
    load(
        "HTTP/1.1 keep-alive",
        Tool::Wrk,
        Address::Plain,
        Some(1.0),
        Some(1.15),
    ),
    load(
        "HTTP/1.1 keep-alive, TLS",
        Tool::Wrk,
        Address::Secure,
        Some(1.0),
        Some(1.15),
    ),
    load(
        "HTTP/2, 32 connections",
        Tool::H2load(32, 1),
        Address::Secure,
        Some(1.1),
        Some(1.15),
    ),
    load(
        "HTTP/2, 4 connections of 8 streams",
        Tool::H2load(4, 8),
        Address::Secure,
        Some(1.1),
        Some(1.15),
    ),
    load(
        "a TLS connection a request",
        Tool::WrkClose,
        Address::Secure,
        None,
        Some(0.75),
    ),
    load(
        "beside the original's configuration, TLS",
        Tool::Wrk,
        Address::Original,
        Some(3.0),
        None,
    ),
];

const fn load(what: &'static str, tool: Tool, address: Address, rate: Option<f64>, cpu: Option<f64>) -> Load {
    Load {
        what,
        tool,
        address,
        rate,
        cpu,
    }
}

/// What one run gave: requests a second, microseconds of CPU a request.
type Figures = (f64, f64);

/// Measures and prints the tables; an unkept bound is an error.
pub(crate) fn run(rounds: usize, seconds: u32) -> anyhow::Result<()> {
    let scratch = run::root().join("target/bench/gateway");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    fs::create_dir_all(&scratch)?;
    let sides = Sides::start(&scratch)?;
    let mut broken = Vec::new();
    let mut text = String::from(
        "| load | nginx /s | pistack /s | ratio | nginx µs CPU | pistack µs CPU | ratio |\n|---|---:|---:|---:|---:|---:|---:|\n",
    );
    // Before the load: what an idle gateway takes.
    let memory = streams::idle(&sides)?;
    for load in &LOADS {
        let mut figures: [Vec<Figures>; 2] = [Vec::new(), Vec::new()];
        for round in 0..rounds {
            let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
            for side in order {
                figures[side].push(measure(&sides, load, side, seconds)?);
            }
        }
        let middle =
            |side: usize, of: fn(&Figures) -> f64| median(&figures[side].iter().map(of).collect::<Vec<_>>());
        let (rates, cpus) = (
            [0, 1].map(|side| middle(side, |f| f.0)),
            [0, 1].map(|side| middle(side, |f| f.1)),
        );
        let (rate, cpu) = (rates[1] / rates[0], cpus[1] / cpus[0]);
        let line = format!(
            "| {} | {:.0} | {:.0} | {rate:.2} | {:.1} | {:.1} | {cpu:.2} |\n",
            load.what, rates[0], rates[1], cpus[0], cpus[1]
        );
        print!("{line}");
        text.push_str(&line);
        if load.rate.is_some_and(|least| rate < least) {
            broken.push(format!("{}: {rate:.2} of nginx's requests a second", load.what));
        }
        if load.cpu.is_some_and(|most| cpu > most) {
            broken.push(format!("{}: {cpu:.2} of nginx's CPU a request", load.what));
        }
    }
    let streams = streams::bodies(&sides, &scratch)?;
    text.push_str(&memory.table(&streams));
    broken.extend(memory.broken());
    broken.extend(streams.broken());
    println!("\n{text}");
    fs::write(run::root().join("target/bench/gateway.md"), &text)?;
    if broken.is_empty() {
        return Ok(());
    }
    bail!("not as promised:\n  {}", broken.join("\n  "))
}

fn measure(sides: &Sides, load: &Load, side: usize, seconds: u32) -> anyhow::Result<Figures> {
    let ours = side == 1;
    let base = match (load.address, ours) {
        (Address::Plain, true) => Sides::plain(),
        (Address::Secure | Address::Original, true) => Sides::secure(),
        (Address::Plain, false) => Nginx::PLAIN.to_owned(),
        (Address::Secure, false) => Nginx::SECURE.to_owned(),
        (Address::Original, false) => Nginx::ORIGINAL.to_owned(),
    };
    let pid = if ours { sides.gateway } else { sides.nginx.worker };
    let url = format!("{base}{PATH}");
    let before = cpu_seconds(pid)?;
    let rate = rate(load.tool, &url, seconds)?;
    let cpu = cpu_seconds(pid)? - before;
    Ok((rate, cpu * 1e6 / (rate * f64::from(seconds))))
}

/// Requests a second, as the tool counts them.
fn rate(tool: Tool, url: &str, seconds: u32) -> anyhow::Result<f64> {
    let (text, pattern) = match tool {
        Tool::Wrk | Tool::WrkClose => {
            let mut wrk = run::command("wrk");
            wrk.args(["-t1", "-c32", &format!("-d{seconds}")]);
            if tool == Tool::WrkClose {
                wrk.args(["-H", "Connection: close"]);
            }
            (run::output(wrk.arg(url))?, r"Requests/sec:\s+([0-9.]+)")
        }
        Tool::H2load(connections, streams) => {
            let text = run::output(
                run::command("h2load")
                    .args([
                        &format!("-c{connections}"),
                        &format!("-m{streams}"),
                        &format!("-D{seconds}"),
                    ])
                    .arg(url),
            )?;
            (text, r"finished in [^,]+, ([0-9.]+) req/s")
        }
    };
    let failed = Regex::new(r"Non-2xx|[1-9][0-9]* (4xx|5xx|failed)")?;
    if let Some(found) = failed.find(&text) {
        bail!("{url}: {}:\n{text}", found.as_str());
    }
    let found = Regex::new(pattern)?;
    let rate = found
        .captures(&text)
        .with_context(|| format!("no rate in:\n{text}"))?;
    Ok(rate[1].parse()?)
}
