//! The supervisor beside supervisord: the same `supervisord.conf`, the same measurements, in one run.
//!
//! | file | subject |
//! | --- | --- |
//! | `daemon` | both daemons, started and stopped alike |
//! | `programs` | what they supervise |
//! | `measures` | one function a measurement |
//! | `thousand` | all of them with 1,000 programs, in two runs of each daemon |
//! | `client`, `kernel` | XML-RPC over a socket; CPU time, memory, wake-ups |
//! | `verdict` | bounds, and whether they hold |

mod client;
mod daemon;
pub(super) mod kernel;
mod measures;
mod programs;
mod thousand;
mod verdict;

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::bail;

use self::daemon::Side;
use self::verdict::{Bound, Shown};
use crate::bench::table::{markdown, median};
use crate::run;

/// Cold starts of each daemon.
const STARTS: usize = 5;
/// Kills of one program.
const KILLS: u32 = 9;
/// Floods of 200 MB for each size of write.
const FLOODS: usize = 5;
/// How long programs write while CPU is measured, and how long nothing happens while wake-ups are counted.
const WATCHED: Duration = Duration::from_secs(15);

/// Measures both and prints the tables. `with_thousand`: with 1,000 programs as well.
pub(crate) fn run(with_thousand: bool) -> anyhow::Result<()> {
    let scratch = run::root().join("target/bench/supervisor");
    fs::create_dir_all(&scratch)?;
    for name in ["writer", "ticker", "listener", "starter"] {
        daemon::compile(name, &scratch)?;
    }
    let sides = [original(&scratch)?, pistack(&scratch)?];
    let begun = kernel::now();
    let mut shown = Vec::new();
    shown.extend(starting(&sides)?);
    shown.extend(resting(&sides)?);
    shown.extend(writing(&sides, &scratch)?);
    shown.extend(stopping(&sides, &scratch)?);
    if with_thousand {
        say("1,000 programs");
        shown.extend(thousand::all(&sides, &scratch, WATCHED)?);
    }
    let rows: Vec<_> = shown.iter().map(Shown::row).collect();
    let text = format!(
        "{}\n{}\nmeasured in {} s\n",
        markdown(&rows),
        verdict::markdown(&shown),
        begun.elapsed().as_secs()
    );
    println!("{text}");
    fs::write(scratch.join("supervisor.md"), &text)?;
    let missed = shown.iter().filter(|shown| !shown.holds()).count();
    if missed > 0 {
        bail!("{missed} bounds are missed");
    }
    Ok(())
}

/// supervisord from the environment of the end-to-end tests.
fn original(scratch: &Path) -> anyhow::Result<Side> {
    let program = run::root().join("e2e/.venv-4.3.0/bin/supervisord");
    if !program.exists() {
        run::output(&mut run::command("e2e/peers.sh"))?;
    }
    Side::new(vec![program.display().to_string()], scratch.join("original"))
}

/// The release build, or what `PISTACK_BIN` names.
fn pistack(scratch: &Path) -> anyhow::Result<Side> {
    let program = std::env::var_os("PISTACK_BIN").map_or_else(
        || run::root().join("target/release/pistack"),
        std::path::PathBuf::from,
    );
    if !program.exists() {
        bail!("build it first: cargo build --release -p pistack");
    }
    Side::new(
        vec![program.display().to_string(), "supervisord".to_owned()],
        scratch.join("pistack"),
    )
}

/// Says what is measured now.
fn say(what: &str) {
    println!("measuring: {what} ...");
}

/// The same figure of both sides, one after the other.
fn both(sides: &[Side; 2], measure: impl Fn(&Side) -> anyhow::Result<f64>) -> anyhow::Result<[f64; 2]> {
    Ok([measure(&sides[0])?, measure(&sides[1])?])
}

fn starting(sides: &[Side; 2]) -> anyhow::Result<Vec<Shown>> {
    say("cold start of 100 programs");
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..STARTS {
        for (side, times) in sides.iter().zip(&mut times) {
            times.push(measures::cold_start(side, 100)?);
        }
    }
    say("kill -9 to the new process");
    let respawns = measures::respawn(sides, KILLS)?;
    Ok(vec![
        Shown::new(
            "cold start to 100 RUNNING",
            "s",
            times.map(|times| median(&times)),
            Bound::OfOriginal(0.1),
        ),
        Shown::new(
            "kill -9 to the new process",
            "ms",
            respawns.map(|times| median(&times)),
            Bound::AtMost(20.0),
        ),
    ])
}

fn resting(sides: &[Side; 2]) -> anyhow::Result<Vec<Shown>> {
    say("100 silent programs: memory, wake-ups, getAllProcessInfo");
    let rest = [
        measures::at_rest(&sides[0], 100, WATCHED)?,
        measures::at_rest(&sides[1], 100, WATCHED)?,
    ];
    let figures = |of: fn(&measures::AtRest) -> f64| [of(&rest[0]), of(&rest[1])];
    Ok(vec![
        Shown::new(
            "Pss with 100 programs",
            "MB",
            figures(|rest| rest.pss_mb),
            Bound::AtMost(4.0),
        ),
        Shown::new(
            format!("idle wake-ups in {} s, 100 programs", WATCHED.as_secs()),
            "",
            figures(|rest| rest.wakeups),
            Bound::AtMost(0.0),
        ),
        Shown::new(
            "getAllProcessInfo, 100 programs: CPU a call",
            "ms",
            figures(|rest| rest.call_cpu_ms),
            Bound::OfOriginal(0.1),
        ),
        Shown::new(
            "getAllProcessInfo, 100 programs: time of a call",
            "ms",
            figures(|rest| rest.call_ms),
            Bound::None,
        ),
    ])
}

fn writing(sides: &[Side; 2], tools: &Path) -> anyhow::Result<Vec<Shown>> {
    say("100 programs, 10 lines a second each");
    let small = both(sides, |side| measures::small_writers(side, 100, tools, WATCHED))?;
    let mut shown = vec![Shown::new(
        "100 programs × 10 lines/s: CPU",
        "% of a core",
        small,
        Bound::OfOriginal(0.2),
    )];
    for (block, bound) in [(4096, Bound::NoSlower), (100, Bound::None)] {
        say(&format!("200 MB in writes of {block} bytes"));
        let floods = measures::floods(sides, FLOODS, block, tools)?;
        shown.push(
            Shown::new(
                format!("200 MB in {block}-byte writes, rotated at 50 MB"),
                "MB/s",
                [median(&floods[0].rates), median(&floods[1].rates)],
                bound,
            )
            .more_is_better(),
        );
        shown.push(Shown::new(
            format!("200 MB in {block}-byte writes: CPU"),
            "s",
            [median(&floods[0].cpu), median(&floods[1].cpu)],
            Bound::None,
        ));
    }
    Ok(shown)
}

fn stopping(sides: &[Side; 2], tools: &Path) -> anyhow::Result<Vec<Shown>> {
    say("shutdown of 20 programs that need 0.3 s each");
    let shutdown = both(sides, measures::shutdown)?;
    say("stops right after a start");
    let stops = both(sides, measures::lost_stops)?;
    say("events of a start-up burst");
    let events = both(sides, |side| measures::lost_events(side, 100, tools))?;
    Ok(vec![
        Shown::new(
            "SIGTERM to the end, 20 programs of 0.3 s",
            "s",
            shutdown,
            Bound::AtMost(0.5),
        ),
        Shown::new(
            "lost stops in 100 start-stop pairs",
            "",
            stops,
            Bound::AtMost(0.0),
        ),
        Shown::new(
            "lost events, 100 programs start, default buffer",
            "",
            events,
            Bound::AtMost(0.0),
        ),
    ])
}
