//! `cargo xtask bench rules`: how many events a second the rules decide on one core.

use anyhow::{Context as _, ensure};

use crate::run;

/// What must be reached, in events a second with fifty rules.
const WANTED: f64 = 10_000.0;

/// Builds the example optimised, runs it, and compares.
pub(crate) fn run() -> anyhow::Result<()> {
    let said = run::output(run::command("cargo").args([
        "run",
        "--release",
        "-q",
        "-p",
        "pistack-rules",
        "--example",
        "decide_rate",
    ]))?;
    println!("decided: {}", said.trim());
    let rate: f64 = said
        .split_whitespace()
        .next()
        .and_then(|word| word.parse().ok())
        .context("no figure")?;
    ensure!(rate >= WANTED, "{rate:.0} events/s are fewer than {WANTED:.0}");
    Ok(())
}
