//! The auth service beside the original's, and how much memory logins take.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::bench::load::{Request, login, requests_per_second};
use crate::bench::stack::{self, ORIGINAL, PISTACK};
use crate::bench::table::{markdown, median};
use crate::run;

/// Our auth service's own port in this run (the first of those that `stack::pistack` gives out).
const AUTH: &str = "127.0.0.1:25001";
/// Logins at once.
const LOGINS: usize = 50;
/// Exchanges of refresh tokens, one after the other.
const REFRESHES: usize = 500;
/// Bounds that are promised, in MB of Pss, and for an answer of the health check meanwhile.
const MOST_PEAK: f64 = 48.0;
const MOST_IDLE: f64 = 4.0;
const HEALTH_WITHIN: Duration = Duration::from_secs(1);
/// After a start; a service that has gone quiet gives memory back after a look of 15 s.
const SETTLE: Duration = Duration::from_secs(40);
/// How many times faster `me` and `validate` have to be.
const FASTER: f64 = 15.0;

/// Measures, prints the table, and fails where a bound does not hold.
pub(crate) fn run(rounds: usize, seconds: u32) -> anyhow::Result<()> {
    let scratch = run::root().join("target/bench");
    fs::create_dir_all(&scratch)?;
    let sides = [stack::original(&scratch)?, stack::pistack(&scratch)?];
    let running = [stack::start(&sides[0])?, stack::start(&sides[1])?];
    let auth = child(running[1].pid, "serve auth")?;
    let idle = at_rest(auth)?;
    let tokens = [
        login(ORIGINAL, "root", sides[0].password)?,
        login(PISTACK, "root", sides[1].password)?,
    ];
    let mut rows = Vec::new();
    let mut slow = Vec::new();
    for (path, body) in [
        ("/api/auth/session/me", None),
        ("/api/auth/session/validate", Some("{}")),
    ] {
        let mut rates = [Vec::new(), Vec::new()];
        for _ in 0..rounds {
            for (index, base) in [ORIGINAL, PISTACK].into_iter().enumerate() {
                let request = Request {
                    url: format!("{base}{path}"),
                    token: &tokens[index],
                    body,
                };
                rates[index].push(requests_per_second(&request, seconds, &scratch)?);
            }
        }
        let rates = [median(&rates[0]), median(&rates[1])];
        if rates[1] < FASTER * rates[0] {
            slow.push(path);
        }
        rows.push(stack::row(&format!("`{path}`"), "/s", true, rates));
    }
    let refreshes = refreshes_per_second(sides[1].password)?;
    let storm = storm(auth, sides[1].password)?;
    let table = markdown(&rows);
    println!(
        "{table}\nrefreshes: {refreshes:.0} /s by one client (the original answers 500)\nauth idle: {idle:.1} MB Pss\n\
         {LOGINS} logins at once: {} let in, {} told to come back, peak {:.1} MB Pss, health within {:.0} ms, \
         afterwards {:.1} MB",
        storm.let_in,
        storm.busy,
        storm.peak,
        storm.health.as_secs_f64() * 1000.0,
        pss(auth)?
    );
    fs::write(scratch.join("auth.md"), table)?;
    ensure!(
        slow.is_empty(),
        "not {FASTER} times as fast as the original: {slow:?}"
    );
    ensure!(
        idle <= MOST_IDLE,
        "idle takes {idle:.1} MB, more than {MOST_IDLE}"
    );
    ensure!(
        storm.peak <= MOST_PEAK,
        "logins take {:.1} MB, more than {MOST_PEAK}",
        storm.peak
    );
    ensure!(
        storm.health <= HEALTH_WITHIN,
        "health took {:?} during logins",
        storm.health
    );
    ensure!(
        storm.let_in + storm.busy == LOGINS,
        "some logins had another answer"
    );
    Ok(())
}

/// Pss of a process that has not been asked anything yet, MB.
fn at_rest(pid: i64) -> anyhow::Result<f64> {
    println!("waiting {} s for quiet ...", SETTLE.as_secs());
    thread::sleep(SETTLE);
    pss(pid)
}

#[expect(clippy::disallowed_methods, reason = "a measurement on the real clock")]
fn now() -> Instant {
    Instant::now()
}

/// One connection to the auth service.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect() -> anyhow::Result<Self> {
        let stream = TcpStream::connect(AUTH)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Status and body of one request.
    fn ask(&mut self, method: &str, path: &str, body: &str) -> anyhow::Result<(u16, Value)> {
        let text = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.get_mut().write_all(text.as_bytes())?;
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let status = line.split(' ').nth(1).context("no status line")?.parse()?;
        let mut length = 0;
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            let header = line.trim_end();
            if header.is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    fn login(&mut self, password: &str) -> anyhow::Result<(u16, Value)> {
        let body = json!({ "name": "root", "password": password }).to_string();
        self.ask("POST", "/api/auth/session/login", &body)
    }
}

/// One client that goes on exchanging its token; each exchange is on the disk before it is answered.
fn refreshes_per_second(password: &str) -> anyhow::Result<f64> {
    let mut client = Client::connect()?;
    let (status, mut answer) = client.login(password)?;
    ensure!(status == 200, "login answered {status}");
    let began = now();
    for _ in 0..REFRESHES {
        let body = json!({ "refresh_token": answer["refresh_token"] }).to_string();
        let (status, next) = client.ask("POST", "/api/auth/session/refresh", &body)?;
        ensure!(status == 200, "refresh answered {status}: {next}");
        answer = next;
    }
    Ok(REFRESHES as f64 / began.elapsed().as_secs_f64())
}

/// What came of many logins at once.
struct Storm {
    let_in: usize,
    busy: usize,
    peak: f64,
    health: Duration,
}

fn storm(auth: i64, password: &'static str) -> anyhow::Result<Storm> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut peak: f64 = 0.0;
            while !over.load(Ordering::Relaxed) {
                peak = peak.max(pss(auth)?);
                thread::sleep(Duration::from_millis(5));
            }
            anyhow::Ok(peak)
        });
        let health = scope.spawn(|| {
            let (mut client, mut slowest) = (Client::connect()?, Duration::ZERO);
            while !over.load(Ordering::Relaxed) {
                let began = now();
                let (status, _) = client.ask("GET", "/api/auth/health", "")?;
                ensure!(status == 200, "health answered {status}");
                slowest = slowest.max(began.elapsed());
                thread::sleep(Duration::from_millis(10));
            }
            anyhow::Ok(slowest)
        });
        let logins: Vec<_> = (0..LOGINS)
            .map(|_| scope.spawn(move || anyhow::Ok(Client::connect()?.login(password)?.0)))
            .collect();
        let statuses: anyhow::Result<Vec<u16>> = logins.into_iter().map(joined).collect();
        over.store(true, Ordering::Relaxed);
        let (peak, health) = (joined(watcher)?, joined(health)?);
        let statuses = statuses?;
        let count = |wanted: u16| statuses.iter().filter(|status| **status == wanted).count();
        Ok(Storm {
            let_in: count(200),
            busy: count(503),
            peak,
            health,
        })
    })
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, anyhow::Result<T>>) -> anyhow::Result<T> {
    thread
        .join()
        .map_err(|_| anyhow::anyhow!("a thread of the bench panicked"))?
}

/// The process below `parent` whose command line ends so.
fn child(parent: i64, ending: &str) -> anyhow::Result<i64> {
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i64>().ok()) else {
            continue;
        };
        // Processes come and go meanwhile.
        let Ok(command) = fs::read(format!("/proc/{pid}/cmdline")) else {
            continue;
        };
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        if command.trim_end().ends_with(ending) && status.contains(&format!("\nPPid:\t{parent}\n")) {
            return Ok(pid);
        }
    }
    anyhow::bail!("no process `{ending}` below {parent}")
}

/// Memory of one process in MB, shared pages by their share.
fn pss(pid: i64) -> anyhow::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .context("no Pss")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}
