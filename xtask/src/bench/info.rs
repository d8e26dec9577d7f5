//! `cargo xtask bench info`: the info service with its sampler beside Glances and node_exporter, idle and scraped, all
//! in one run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::run;

/// How long everything may settle, and how long it is then watched.
const SETTLE: Duration = Duration::from_secs(20);
/// Scrapes of each.
const SCRAPES: u32 = 50;
/// What must be reached: share of one processor, per cent, and memory, MB.
const WANTED_CPU: f64 = 0.2;
const WANTED_PSS: f64 = 6.0;

/// A program under measurement; ended when dropped.
struct Side {
    name: &'static str,
    child: Child,
    /// Arguments for curl that scrape it.
    scrape: Option<Vec<String>>,
}

impl Drop for Side {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What was found out about a side.
struct Figures {
    cpu_percent: f64,
    pss_mb: f64,
    scrape_ms: Option<f64>,
}

/// Starts all three, watches them for `seconds`, scrapes, and prints the table.
pub(crate) fn run(seconds: u64) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let sides = [pistack(folder.path())?, glances()?, node_exporter()?];
    println!(
        "settling for {} s, then watching for {seconds} s ...",
        SETTLE.as_secs()
    );
    thread::sleep(SETTLE);
    let began = now();
    let before = sides
        .iter()
        .map(|side| on_cpu(side.child.id()))
        .collect::<Result<Vec<_>, _>>()?;
    thread::sleep(Duration::from_secs(seconds));
    let mut all = Vec::new();
    for (side, before) in sides.iter().zip(before) {
        let share =
            on_cpu(side.child.id())?.saturating_sub(before).as_secs_f64() / began.elapsed().as_secs_f64();
        all.push((side, share * 100.0, pss(side.child.id())?));
    }
    println!("| idle | CPU of one core | Pss | CPU a scrape |\n|---|---:|---:|---:|");
    let mut ours = None;
    for (side, cpu_percent, pss_mb) in all {
        let scrape_ms = side
            .scrape
            .as_ref()
            .map(|arguments| scrape(side, arguments))
            .transpose()?;
        let scrape = scrape_ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.2} ms"));
        println!(
            "| {} | {cpu_percent:.3} % | {pss_mb:.1} MB | {scrape} |",
            side.name
        );
        ours.get_or_insert(Figures {
            cpu_percent,
            pss_mb,
            scrape_ms,
        });
    }
    let ours = ours.context("nothing was measured")?;
    ensure!(
        ours.cpu_percent <= WANTED_CPU,
        "{:.3} % of a core is more than {WANTED_CPU} %",
        ours.cpu_percent
    );
    ensure!(
        ours.pss_mb <= WANTED_PSS,
        "{:.1} MB are more than {WANTED_PSS} MB",
        ours.pss_mb
    );
    ensure!(ours.scrape_ms.is_some(), "it could not be scraped");
    Ok(())
}

fn start(name: &'static str, program: &Path, arguments: &[&str]) -> anyhow::Result<Side> {
    let program = program.to_str().context("the program's path is not UTF-8")?;
    let child = run::command(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    Ok(Side {
        name,
        child,
        scrape: None,
    })
}

fn pistack(folder: &Path) -> anyhow::Result<Side> {
    let state = folder.join("state");
    let config = folder.join("pistack.toml");
    fs::write(&config, "")?;
    let text = |path: &Path| path.display().to_string();
    let arguments = [
        "-c",
        &text(&config),
        "--state-dir",
        &text(&state),
        "serve",
        "info",
    ];
    let mut side = start("pistack info", &run::pistack()?, &arguments)?;
    let socket = text(&state.join("run/info_service.sock"));
    let scrape = ["--unix-socket", &socket, "http://localhost/internal/metrics"];
    side.scrape = Some(scrape.map(str::to_owned).to_vec());
    Ok(side)
}

/// `GLANCES`, else the one that `e2e/peers.sh` installs, else the one of the path.
fn glances() -> anyhow::Result<Side> {
    let named = std::env::var_os("GLANCES").map(PathBuf::from);
    let installed = run::root().join("e2e/.venv-glances/bin/glances");
    let program = named.unwrap_or_else(|| {
        if installed.exists() {
            installed
        } else {
            "glances".into()
        }
    });
    start("Glances, quiet", &program, &["--quiet"])
}

fn node_exporter() -> anyhow::Result<Side> {
    let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let listen = format!("--web.listen-address={address}");
    let program = Path::new("prometheus-node-exporter");
    let mut side = start("node_exporter", program, &[&listen])?;
    side.scrape = Some(vec![format!("http://{address}/metrics")]);
    Ok(side)
}

/// CPU time of all threads so far: the first number of each `schedstat` (proc(5)).
fn on_cpu(pid: u32) -> anyhow::Result<Duration> {
    let mut sum = 0;
    let threads = fs::read_dir(format!("/proc/{pid}/task")).context("it ended")?;
    for thread in threads {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        let first = text.split_whitespace().next().context("no figure")?;
        sum += first.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(sum))
}

/// Fair share of memory, MB.
fn pss(pid: u32) -> anyhow::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib: f64 = line
        .and_then(|line| line.split_whitespace().next())
        .context("no Pss")?
        .parse()?;
    Ok(kib * 1024.0 / 1e6)
}

/// CPU time of one scrape, ms.
fn scrape(side: &Side, arguments: &[String]) -> anyhow::Result<f64> {
    let before = on_cpu(side.child.id())?;
    for _ in 0..SCRAPES {
        let text = run::output(
            run::command("curl")
                .args(["-sS", "-f", "--noproxy", "*"])
                .args(arguments),
        )?;
        if !text.contains("# TYPE ") {
            bail!("{} gave no figures", side.name);
        }
    }
    let took = on_cpu(side.child.id())?.saturating_sub(before);
    Ok(took.as_secs_f64() * 1000.0 / f64::from(SCRAPES))
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn now() -> Instant {
    Instant::now()
}
