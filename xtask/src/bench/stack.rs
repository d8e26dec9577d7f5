//! The whole stack beside the original one.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::bench::load::{Request, login, requests_per_second};
use crate::bench::table::{Row, markdown, median};
use crate::run;

pub(super) const ORIGINAL: &str = "https://127.0.0.1:18443";
pub(super) const PISTACK: &str = "https://127.0.0.1:28443";
const SERVICES: [&str; 5] = ["auth", "supervisor", "email", "info", "io"];
const PASSWORD: &str = "bench-only-passphrase";
/// How long the idle supervisor is watched for wake-ups.
const IDLE: Duration = Duration::from_secs(30);

/// One of the two stacks.
pub(super) struct Side {
    name: &'static str,
    base: &'static str,
    /// Shell command that starts it in the foreground.
    start: String,
    pub(super) password: &'static str,
}

/// A running stack; ended when dropped.
pub(super) struct Running {
    pub(super) pid: i64,
    seconds: f64,
    pss_mb: f64,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = run::output(run::command("kill").arg(self.pid.to_string()));
        for _ in 0..600 {
            if !Path::new(&format!("/proc/{}", self.pid)).exists() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Measures both and prints the table.
pub(crate) fn run(rounds: usize, seconds: u32, starts: usize) -> anyhow::Result<()> {
    let scratch = run::root().join("target/bench");
    fs::create_dir_all(&scratch)?;
    let sides = [original(&scratch)?, pistack(&scratch)?];
    let mut up = [Vec::new(), Vec::new()];
    for _ in 1..starts {
        for (side, times) in sides.iter().zip(&mut up) {
            times.push(start(side)?.seconds);
        }
    }
    let running = [start(&sides[0])?, start(&sides[1])?];
    for (one, times) in running.iter().zip(&mut up) {
        times.push(one.seconds);
    }
    let wakeups = idle_wakeups(running[1].pid)?;
    let mut rows = vec![
        row(
            "start to all health endpoints through TLS",
            "s",
            false,
            [median(&up[0]), median(&up[1])],
        ),
        row(
            "memory idle, sum of Pss",
            "MB",
            false,
            [running[0].pss_mb, running[1].pss_mb],
        ),
    ];
    let tokens = [
        login(ORIGINAL, "root", sides[0].password)?,
        login(PISTACK, "root", sides[1].password)?,
    ];
    for (what, paths, body) in loads() {
        let mut rates = [Vec::new(), Vec::new()];
        for _ in 0..rounds {
            for (index, side) in sides.iter().enumerate() {
                let url = format!("{}{}", side.base, paths[index]);
                let request = Request {
                    url,
                    token: &tokens[index],
                    body: body[index],
                };
                rates[index].push(requests_per_second(&request, seconds, &scratch)?);
            }
        }
        rows.push(row(what, "/s", true, [median(&rates[0]), median(&rates[1])]));
    }
    rows.push(row(
        "memory after that load, sum of Pss",
        "MB",
        false,
        [pss(running[0].pid)?, pss(running[1].pid)?],
    ));
    let table = markdown(&rows);
    println!(
        "{table}\nidle supervisor: {wakeups} wake-ups of its own in {} s",
        IDLE.as_secs()
    );
    fs::write(scratch.join("stack.md"), table)?;
    Ok(())
}

/// A load: its name, the path on the original and on ours, the body for each.
type Load = (&'static str, [&'static str; 2], [Option<&'static str>; 2]);

fn loads() -> [Load; 3] {
    [
        (
            "`GET /api/auth/session/me`",
            ["/api/auth/session/me"; 2],
            [None; 2],
        ),
        (
            "process list, checked",
            ["/api/supervisor/processes", "/api/supervisor/processes/list"],
            [None; 2],
        ),
        (
            "GPIO write",
            ["/api/io/gpio/17", "/api/io/gpio/set"],
            [Some(r#"{"value":1}"#), Some(r#"{"pin":17,"value":1}"#)],
        ),
    ]
}

pub(super) fn row(
    what: &str,
    unit: &'static str,
    more_is_better: bool,
    [original, pistack]: [f64; 2],
) -> Row {
    Row {
        what: what.to_owned(),
        original,
        pistack,
        unit,
        more_is_better,
    }
}

/// The original, with a Python environment of its own.
pub(super) fn original(scratch: &Path) -> anyhow::Result<Side> {
    let venv = scratch.join("venv");
    let folder = run::root().join("bench/original");
    if !venv.join("bin/supervisord").exists() {
        println!("making the original's Python environment (once) ...");
        run::output(run::command("python3").arg("-m").arg("venv").arg(&venv))?;
        let requirements = folder.join("requirements.txt");
        run::output(
            run::command(&venv.join("bin/pip").display().to_string())
                .args(["install", "-q", "-r"])
                .arg(requirements),
        )?;
    }
    let state = fresh(&scratch.join("original"))?;
    let start = format!(
        "exec {} {} {}",
        folder.join("run.sh").display(),
        state.display(),
        venv.display()
    );
    Ok(Side {
        name: "original",
        base: ORIGINAL,
        start,
        password: "password",
    })
}

/// Ours, with a Root.
pub(super) fn pistack(scratch: &Path) -> anyhow::Result<Side> {
    let program = std::env::var_os("PISTACK_BIN")
        .map_or_else(|| run::root().join("target/release/pistack"), PathBuf::from);
    if !program.exists() {
        bail!("build it first: cargo build --release -p pistack");
    }
    let state = fresh(&scratch.join("pistack"))?;
    let config = scratch.join("pistack.toml");
    // The original's own ports are taken by the original in this run.
    let parts = SERVICES.iter().chain(&["control"]).zip(25001..);
    let ports: Vec<String> = parts
        .map(|(name, port)| format!("[services.{name}]\nport = {port}\n"))
        .collect();
    fs::write(&config, ports.concat())?;
    let passwd = format!(
        "echo {PASSWORD} | {} -c {} --state-dir {} user passwd root --stdin",
        program.display(),
        config.display(),
        state.display()
    );
    run::output(run::command("sh").args(["-c", &passwd]))?;
    let start = format!(
        "exec {} -c {} --state-dir {} up --quiet --https 127.0.0.1:28443 --http 127.0.0.1:28080",
        program.display(),
        config.display(),
        state.display()
    );
    Ok(Side {
        name: "pistack",
        base: PISTACK,
        start,
        password: PASSWORD,
    })
}

fn fresh(folder: &Path) -> anyhow::Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    Ok(folder.to_owned())
}

/// Starts a stack and waits until every health endpoint answers through TLS; the same clock for both.
pub(super) fn start(side: &Side) -> anyhow::Result<Running> {
    println!("starting {} ...", side.name);
    let urls = SERVICES
        .iter()
        .map(|name| format!("{}/api/{name}/health", side.base));
    let text = run::output(
        run::command("python3")
            .arg("bench/original/measure.py")
            .arg("start")
            .arg(&side.start)
            .args(urls),
    )?;
    let first = text.lines().next().context("measure.py printed nothing")?;
    let answer: Value = serde_json::from_str(first)?;
    let running = Running {
        pid: answer["pid"].as_i64().context("no pid")?,
        seconds: answer["seconds_until_all_up"].as_f64().context("no time")?,
        pss_mb: answer["pss_mb"].as_f64().context("no memory")?,
    };
    if answer["missing"]
        .as_array()
        .is_none_or(|missing| !missing.is_empty())
    {
        bail!("{} did not come up: {}", side.name, answer["missing"]);
    }
    println!("{text}");
    Ok(running)
}

fn pss(pid: i64) -> anyhow::Result<f64> {
    let text =
        run::output(run::command("python3").args(["bench/original/measure.py", "pss", &pid.to_string()]))?;
    println!("{text}");
    Ok(text
        .split_whitespace()
        .next()
        .context("measure.py printed nothing")?
        .parse()?)
}

/// Voluntary context switches of the supervisor's threads while nothing happens.
fn idle_wakeups(pid: i64) -> anyhow::Result<u64> {
    println!("watching the idle supervisor for {} s ...", IDLE.as_secs());
    let before = switches(pid)?;
    thread::sleep(IDLE);
    Ok(switches(pid)? - before)
}

fn switches(pid: i64) -> anyhow::Result<u64> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let status = fs::read_to_string(thread?.path().join("status"))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        sum += line.context("no count of switches")?.trim().parse::<u64>()?;
    }
    Ok(sum)
}
