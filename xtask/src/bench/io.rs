//! `cargo xtask bench io`: lines of a chip beside gpiozero with lgpio, in the virtual machine of `e2e/board/sim.sh`, and
//! the call that sets a line beside the original's, on this machine.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use regex::Regex;
use serde_json::{Map, Value};

use crate::bench::load::login;
use crate::bench::stack::{ORIGINAL, PISTACK, original, pistack, row, start};
use crate::bench::table::{Row, markdown, median};
use crate::run;

/// What the original drives its lines with, in its newest versions.
const PEERS: [&str; 2] = ["gpiozero==2.0.1", "lgpio==0.2.2.0"];
/// What must be reached.
const TOGGLES: f64 = 40.0;
const EDGE: f64 = 8.0;
const SSE_US: f64 = 500.0;
const PSS_MB: f64 = 6.0;
const SET: f64 = 3.0;
/// Share of one processor that counts as none, per cent.
const IDLE: f64 = 0.05;

/// Measures and prints the table.
pub(crate) fn run(rounds: usize, seconds: u32) -> anyhow::Result<()> {
    let scratch = run::root().join("target/bench");
    fs::create_dir_all(&scratch)?;
    let figures = in_the_guest(&scratch)?;
    let of = |name: &str| {
        let value = figures.get(name).and_then(Value::as_f64);
        value.with_context(|| format!("the guest said nothing of {name}"))
    };
    let pair = |name: &str| {
        Ok::<_, anyhow::Error>([of(&format!("gpiozero_{name}"))?, of(&format!("pistack_{name}"))?])
    };
    let (toggles, edge) = (pair("toggles")?, pair("edge_p50_us")?);
    let (memory, idle) = (pair("pss_mb")?, pair("idle_percent")?);
    let set = set_latency(&scratch, rounds, seconds)?;
    let sse = of("pistack_sse_p50_us")?;
    let rows: Vec<Row> = vec![
        row("toggles", "/s", true, toggles),
        row("reads", "/s", true, pair("reads")?),
        row("pull to handler, p50", "µs", false, edge),
        row("pull to handler, p95", "µs", false, pair("edge_p95_us")?),
        row("memory with one output and one input, Pss", "MB", false, memory),
        row("CPU with one watched input", "%", false, idle),
        row("`POST /api/io/gpio/set` through TLS, p50", "ms", false, set),
    ];
    let table = markdown(&rows);
    println!(
        "{table}\nThe first column is gpiozero with lgpio; in the last row the original itself.\n\
         pull to server-sent event: p50 {sse:.0} µs, p95 {:.0} µs\n\
         lines set with all checks, events and limits: {:.0} /s",
        of("pistack_sse_p95_us")?,
        of("pistack_sets")?
    );
    fs::write(scratch.join("io.md"), table)?;
    let times = |[slow, fast]: [f64; 2]| slow / fast;
    let gates = [
        (toggles[1] / toggles[0] >= TOGGLES, "toggles"),
        (times(edge) >= EDGE, "pull to handler"),
        (sse < SSE_US, "pull to server-sent event"),
        (memory[1] <= PSS_MB, "memory"),
        (idle[1] <= IDLE, "idle CPU"),
        (times(set) >= SET, "setting a line"),
    ];
    let missed: Vec<&str> = gates
        .iter()
        .filter(|(reached, _)| !reached)
        .map(|(_, name)| *name)
        .collect();
    ensure!(missed.is_empty(), "not reached: {}", missed.join(", "));
    Ok(())
}

/// Runs both in the virtual machine and gives all that they printed.
fn in_the_guest(scratch: &Path) -> anyhow::Result<Map<String, Value>> {
    let python = python(scratch)?;
    let program = run::root().join("target/release/pistack");
    ensure!(
        program.exists(),
        "build it first: cargo build --release -p pistack"
    );
    let tests = tests()?;
    println!("measuring in the virtual machine ...");
    let root = run::root();
    let console = run::output(
        run::command(&root.join("e2e/board/sim.sh").display().to_string())
            .arg(root.join("e2e/board/guest/bench.sh"))
            .args([python, program, tests])
            .env("BOARD_LOG", root.join("e2e/artifacts/board-bench.log"))
            .env("LIMIT", "600"),
    )?;
    let mut all = Map::new();
    for figures in console.lines().filter_map(|line| line.split_once("figure: ")) {
        all.append(&mut serde_json::from_str(figures.1)?);
    }
    Ok(all)
}

/// A Python with gpiozero and lgpio.
fn python(scratch: &Path) -> anyhow::Result<PathBuf> {
    let folder = scratch.join("venv-io");
    let python = folder.join("bin/python");
    if !folder.join("bin/pinout").exists() {
        println!("making gpiozero's Python environment (once) ...");
        run::output(run::command("python3").args(["-m", "venv"]).arg(&folder))?;
        run::output(
            run::command(&python.display().to_string())
                .args(["-m", "pip", "install", "-q"])
                .args(PEERS),
        )?;
    }
    Ok(python)
}

/// The optimised tests of the io service, of which `measure` is one.
fn tests() -> anyhow::Result<PathBuf> {
    println!("building the measurement ...");
    let said = run::output(run::command("cargo").args([
        "test",
        "--release",
        "--no-run",
        "-q",
        "-p",
        "pistack-io",
        "--lib",
        "--message-format=json",
    ]))?;
    said.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back()
        .context("cargo built no tests")
}

/// p50 of setting a line, one call after the other, in milliseconds: the original's, ours.
fn set_latency(scratch: &Path, rounds: usize, seconds: u32) -> anyhow::Result<[f64; 2]> {
    let sides = [original(scratch)?, pistack(scratch)?];
    let _running = [start(&sides[0])?, start(&sides[1])?];
    let calls = [
        (ORIGINAL, "/api/io/gpio/17", r#"{"value":1}"#),
        (PISTACK, "/api/io/gpio/set", r#"{"pin":17,"value":1}"#),
    ];
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (index, (base, path, body)) in calls.iter().enumerate() {
            let token = login(base, "root", sides[index].password)?;
            times[index].push(p50(&format!("{base}{path}"), &token, body, seconds, scratch)?);
        }
    }
    Ok([median(&times[0]), median(&times[1])])
}

/// wrk with one connection; an answer that is not 2xx is an error.
fn p50(url: &str, token: &str, body: &str, seconds: u32, scratch: &Path) -> anyhow::Result<f64> {
    let script = scratch.join("set.lua");
    fs::write(
        &script,
        format!(
            "wrk.method = 'POST'\nwrk.body = '{body}'\nwrk.headers['Content-Type'] = 'application/json'\n\
             wrk.headers['Authorization'] = 'Bearer {token}'\n"
        ),
    )?;
    let text = run::output(
        run::command("wrk")
            .args(["-t1", "-c1", "--latency", &format!("-d{seconds}"), "-s"])
            .arg(&script)
            .arg(url),
    )?;
    if let Some(line) = text.lines().find(|line| line.contains("Non-2xx")) {
        bail!("{url}: {}", line.trim());
    }
    let found = Regex::new(r"50%\s+([0-9.]+)(us|ms|s)")?;
    let found = found
        .captures(&text)
        .with_context(|| format!("wrk said nothing of latency:\n{text}"))?;
    let unit = match &found[2] {
        "us" => 0.001,
        "ms" => 1.0,
        _ => 1000.0,
    };
    Ok(found[1].parse::<f64>()? * unit)
}
