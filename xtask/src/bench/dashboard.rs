//! The dashboard beside the original's Django page and beside supervisord's own status page.

mod client;
mod open;
mod status;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::bench::load::{Request, login, requests_per_second};
use crate::bench::stack::{self, ORIGINAL, PISTACK};
use crate::bench::supervisor::kernel::{now, pss_mb, wait_for};
use crate::bench::table::{Row, markdown, median};
use crate::run;
use client::Client;

/// The control service's own port in this run (the last of those that `stack::pistack` gives out).
const CONTROL: &str = "127.0.0.1:25006";
/// Programs on Home while its server time is measured, and beside supervisord's page.
const PROGRAMS: usize = 50;
const MANY: usize = 100;
/// Pages of which the server time is the median.
const PAGES: usize = 400;
/// Lines of the log that is opened.
const LINES: usize = 100_000;

/// Bounds that are promised.
const MOST_HOME: Duration = Duration::from_millis(3);
const MOST_LOG: Duration = Duration::from_millis(300);
const MOST_MEMORY: f64 = 8.0;
const MOST_CPU: f64 = 3.0;
const MOST_FOR_STREAMS: f64 = 3.0;
const FASTER: f64 = 5.0;

/// Measures, prints the tables, and fails where a bound does not hold.
pub(crate) fn run(rounds: usize, seconds: u32) -> anyhow::Result<()> {
    let scratch = run::root().join("target/bench");
    fs::create_dir_all(&scratch)?;
    let mut verdict = Verdict::default();
    let django = beside_django(&scratch, rounds, seconds, &mut verdict)?;
    let status = beside_supervisord(&scratch, rounds, seconds, &mut verdict)?;
    let text = format!(
        "{}\n{}\n{}{}",
        markdown(&django).replace("| original |", "| Django |"),
        markdown(&status).replace("| original |", "| supervisord |"),
        verdict.table,
        verdict.notes
    );
    println!("{text}");
    fs::write(scratch.join("dashboard.md"), text)?;
    ensure!(verdict.broken.is_empty(), "{}", verdict.broken.join("\n"));
    Ok(())
}

/// Figures that have a bound of their own.
#[derive(Debug, Default)]
struct Verdict {
    table: String,
    /// What has no bound.
    notes: String,
    broken: Vec<String>,
}

impl Verdict {
    /// A figure without a bound.
    fn told(&mut self, text: &str) {
        self.notes.push_str(&format!("\n{text}\n"));
    }

    /// A figure and what it may be at most, in the same unit.
    fn at_most(&mut self, what: &str, figure: f64, bound: f64, unit: &str) {
        if self.table.is_empty() {
            self.table
                .push_str("| what | figure | at most |\n|---|---:|---:|\n");
        }
        self.table
            .push_str(&format!("| {what} | {figure:.2} {unit} | {bound} {unit} |\n"));
        if figure > bound {
            self.broken
                .push(format!("{what}: {figure:.2} {unit}, not {bound}"));
        }
    }
}

/// Home with its programs, the control service's memory, open dashboards and a long log; beside Django's page.
fn beside_django(
    scratch: &Path,
    rounds: usize,
    seconds: u32,
    verdict: &mut Verdict,
) -> anyhow::Result<Vec<Row>> {
    let sides = [stack::original(scratch)?, stack::pistack(scratch)?];
    programs(scratch, PROGRAMS)?;
    let running = [stack::start(&sides[0])?, stack::start(&sides[1])?];
    let token = login(PISTACK, "root", sides[1].password)?;
    let stack = open::Stack::below(running[1].pid)?;
    let control = stack.pid_of("serve control")?;
    wait_for_programs(&mut Client::new(CONTROL, &token), PROGRAMS)?;

    let mut client = figures(&stack, &token, verdict)?;
    // Django's page says five names and asks nobody; so does ours beside it.
    let simple = rates(
        [ORIGINAL, PISTACK],
        ["/control/", "/control/offline"],
        &token,
        (rounds, seconds),
        scratch,
    )?;
    let home = rates(
        [ORIGINAL, PISTACK],
        ["/control/"; 2],
        &token,
        (rounds, seconds),
        scratch,
    )?;
    let most = pss_mb(control)?;
    let shown = client.page("/")?.1;
    if !shown.contains("idle-001") {
        verdict
            .broken
            .push("Home lost its programs under the load: its rate counts for nothing".to_owned());
    }
    println!("waiting {} s for quiet ...", open::SETTLE.as_secs());
    thread::sleep(open::SETTLE);
    let memory = pss_mb(control)?;
    verdict.at_most("control service, Pss after that load", memory, MOST_MEMORY, "MB");
    verdict.told(&format!(
        "control service at the end of the load (32 at once, {:.0} pages of {} kB): {most:.1} MB Pss",
        home[1] * f64::from(seconds),
        shown.len() / 1000
    ));
    if simple[1] < FASTER * simple[0] {
        verdict.broken.push(format!(
            "a page that asks nobody is {:.1} times as fast as Django's, not {FASTER}",
            simple[1] / simple[0]
        ));
    }
    let original = open::Stack::below(running[0].pid)?;
    Ok(vec![
        stack::row(
            "a page that asks nobody (Django's, of 104 bytes; ours of 4 kB), through TLS",
            "/s",
            true,
            simple,
        ),
        stack::row(
            &format!("Django's page, and Home with {PROGRAMS} programs and their figures, through TLS"),
            "/s",
            true,
            home,
        ),
        stack::row(
            "memory of the service, Pss",
            "MB",
            false,
            [original.memory_of("control_site.wsgi")?, memory],
        ),
    ])
}

/// Open dashboards, the server time of Home, and a long log. Gives the connection for more.
fn figures(stack: &open::Stack, token: &str, verdict: &mut Verdict) -> anyhow::Result<Client> {
    let open = open::measure(stack, &format!("{PISTACK}/control"), token)?;
    let mut client = Client::new(CONTROL, token);
    let home = median_time(&mut client, "/")?;
    let log = log_opens(&mut client)?;
    verdict.at_most(
        &format!("server time of Home with {PROGRAMS} programs, median"),
        milliseconds(home),
        milliseconds(MOST_HOME),
        "ms",
    );
    for (what, time) in log {
        verdict.at_most(&what, milliseconds(time), milliseconds(MOST_LOG), "ms");
    }
    verdict.at_most("20 open dashboards, of one core", open.cpu_percent, MOST_CPU, "%");
    verdict.at_most(
        "20 open dashboards, Pss of the whole stack",
        open.memory_mb,
        MOST_FOR_STREAMS,
        "MB",
    );
    Ok(client)
}

/// Medians of requests a second, of two addresses that take turns.
fn rates(
    bases: [&str; 2],
    paths: [&str; 2],
    token: &str,
    (rounds, seconds): (usize, u32),
    scratch: &Path,
) -> anyhow::Result<[f64; 2]> {
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (side, rates) in rates.iter_mut().enumerate() {
            let request = Request {
                url: format!("{}{}", bases[side], paths[side]),
                token,
                body: None,
            };
            rates.push(requests_per_second(&request, seconds, scratch)?);
        }
    }
    Ok([median(&rates[0]), median(&rates[1])])
}

/// Home beside supervisord's status page.
fn beside_supervisord(
    scratch: &Path,
    rounds: usize,
    seconds: u32,
    verdict: &mut Verdict,
) -> anyhow::Result<Vec<Row>> {
    let side = stack::pistack(scratch)?;
    programs(scratch, MANY)?;
    let running = stack::start(&side)?;
    let page = status::start(scratch, MANY)?;
    let token = login(PISTACK, "root", side.password)?;
    let mut clients = [Client::new(status::ADDRESS, ""), Client::new(CONTROL, &token)];
    for client in &mut clients {
        wait_for_programs(client, MANY)?;
    }
    let mut times = [0.0; 2];
    for (client, time) in clients.iter_mut().zip(&mut times) {
        *time = milliseconds(median_time(client, "/")?);
    }
    let bases = [status::ADDRESS, CONTROL].map(|address| format!("http://{address}"));
    let rates = rates(
        [&bases[0], &bases[1]],
        ["/"; 2],
        &token,
        (rounds, seconds),
        scratch,
    )?;
    drop((page, running));
    if times[1] > times[0] {
        verdict.broken.push(format!(
            "Home with {MANY} programs takes {:.2} ms, supervisord's page {:.2}",
            times[1], times[0]
        ));
    }
    Ok(vec![
        stack::row(
            &format!("page with {MANY} programs, median time"),
            "ms",
            false,
            times,
        ),
        stack::row(
            &format!("page with {MANY} programs, plain HTTP"),
            "/s",
            true,
            rates,
        ),
    ])
}

/// Adds programs to the configuration that `stack::pistack` wrote, and one with a long log.
fn programs(scratch: &Path, count: usize) -> anyhow::Result<()> {
    let mut config = OpenOptions::new()
        .append(true)
        .open(scratch.join("pistack.toml"))?;
    for number in 1..count {
        writeln!(
            config,
            "[program.idle-{number:03}]\ncommand = \"sleep 100000\"\nstartsecs = 0"
        )?;
    }
    writeln!(
        config,
        "[program.talker]\ncommand = \"sh -c 'seq -f \\\"2026-11-23 10:00:00 INFO picture %%06.0f stored, 1920 x 1080, \
         42 kB\\\" {LINES}; exec sleep 100000'\"\nstartsecs = 0\nstdout_logfile_maxbytes = 0"
    )?;
    Ok(())
}

/// Until every program runs and is on the page.
fn wait_for_programs(client: &mut Client, count: usize) -> anyhow::Result<()> {
    let last = format!("idle-{:03}", count - 1);
    wait_for("all programs on the page", Duration::from_secs(30), || {
        let (_, text) = client.page("/").ok()?;
        text.contains(&last).then_some(())
    })
}

fn median_time(client: &mut Client, path: &str) -> anyhow::Result<Duration> {
    let mut times = Vec::with_capacity(PAGES);
    for _ in 0..PAGES {
        times.push(client.page(path)?.0.as_secs_f64());
    }
    Ok(Duration::from_secs_f64(median(&times)))
}

/// The page of a long log: its end, its beginning, and a search through all of it. The slowest of five each.
fn log_opens(client: &mut Client) -> anyhow::Result<Vec<(String, Duration)>> {
    let last = format!("picture {LINES} stored");
    wait_for("the whole log", Duration::from_secs(30), || {
        let (_, text) = client.page("/logs?p=talker%3Atalker").ok()?;
        text.contains(&last).then_some(())
    })?;
    let pages = [
        ("its end", "/logs?p=talker%3Atalker", last.as_str()),
        (
            "its beginning",
            "/logs?p=talker%3Atalker&s=stdout&at=0",
            "picture 000001 stored",
        ),
        (
            "a piece on the way",
            "/logs/window?p=talker%3Atalker&s=stdout&before=4000000",
            "stored, 1920 x 1080",
        ),
    ];
    let mut times = Vec::new();
    for (what, path, shown) in pages {
        let mut slowest = Duration::ZERO;
        for _ in 0..5 {
            let (time, text) = client.page(path)?;
            ensure!(text.contains(shown), "{path} does not show `{shown}`:\n{text}");
            slowest = slowest.max(time);
        }
        times.push((format!("a log of {LINES} lines opened at {what}"), slowest));
    }
    let begun = now();
    let (_, text) = client.page("/logs?p=talker%3Atalker&s=stdout&q=picture+050000")?;
    ensure!(text.contains("<mark"), "the search finds nothing");
    times.push((format!("a line found in a log of {LINES} lines"), begun.elapsed()));
    Ok(times)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Text of a command that must not fail.
fn said(command: &mut std::process::Command) -> anyhow::Result<String> {
    run::output(command).context("a peer of the bench")
}
