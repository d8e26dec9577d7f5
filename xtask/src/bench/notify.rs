//! `cargo xtask bench notify`: from an event on the listener's standard input to the webhook's receiver, with fifty
//! rules. The bench plays the supervisor and the receiver.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::run;

/// Rules beside the one that fires.
const OTHERS: usize = 49;
/// Events that are measured.
const EVENTS: usize = 200;
/// What must be reached for half of them.
const WANTED: Duration = Duration::from_millis(10);

/// Starts the listener, sends events, and prints the middle, the 99th and the slowest of the times.
pub(crate) fn run() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let receiver = TcpListener::bind("127.0.0.1:0")?;
    let config = folder.path().join("pistack.toml");
    std::fs::write(&config, configuration(receiver.local_addr()?.port()))?;
    let (told, heard) = mpsc::sync_channel(16);
    std::thread::spawn(move || answer(&receiver, &told));
    let mut child = Killed(
        run::command(
            run::pistack()?
                .to_str()
                .context("the program's path is not UTF-8")?,
        )
        .arg("-c")
        .arg(&config)
        .arg("--state-dir")
        .arg(folder.path().join("state"))
        .args(["serve", "rules"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?,
    );
    let mut input = child.0.stdin.take().context("no pipe")?;
    let mut output = BufReader::new(child.0.stdout.take().context("no pipe")?);
    let mut line = String::new();
    output.read_line(&mut line)?;
    ensure!(line == "READY\n", "the listener said {line:?}");
    let mut times = Vec::new();
    for serial in 0..EVENTS {
        // Each program is a matter of its own, of which the rule speaks at once.
        let payload = format!("processname:cam{serial} groupname:cam from_state:RUNNING expected:0 pid:7");
        let header = format!(
            "ver:3.0 server:s serial:{serial} pool:p poolserial:{serial} eventname:PROCESS_STATE_EXITED len:{}\n",
            payload.len()
        );
        let began = now();
        input.write_all(format!("{header}{payload}").as_bytes())?;
        let arrived: Instant = heard
            .recv_timeout(Duration::from_secs(10))
            .context("the webhook did not come")?;
        times.push(arrived - began);
        line.clear();
        output.read_line(&mut line)?;
        let mut rest = [0; 8];
        output.read_exact(&mut rest)?;
        ensure!(
            line == "RESULT 2\n" && rest == *b"OKREADY\n",
            "the listener said {line:?} {rest:?}"
        );
    }
    times.sort_unstable();
    let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)];
    println!(
        "event to webhook with {} rules, {EVENTS} events: p50 {:.1?}, p99 {:.1?}, slowest {:.1?}",
        OTHERS + 1,
        at(50),
        at(99),
        at(100)
    );
    ensure!(at(50) <= WANTED, "p50 {:?} is more than {WANTED:?}", at(50));
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn now() -> Instant {
    Instant::now()
}

fn configuration(port: u16) -> String {
    let mut text = format!(
        "[rules]\nmatching = \"all\"\n\
         [channel.hook]\nwebhook = {{ url = \"http://127.0.0.1:{port}/\", private = true }}\n\
         limit = {{ hour = 100000, day = 100000 }}\n\
         [rule.hit]\nwhen = {{ event = \"crashed\" }}\nthen = [{{ notify = \"hook\" }}]\n"
    );
    for number in 0..OTHERS {
        let _ = write!(
            text,
            "[rule.other{number}]\nwhen = {{ event = \"PROCESS_STATE_*\", group = \"g{number}*\", count = 3, within = \"1m\" }}\n\
             then = [{{ log = \"{{key}}\" }}]\n"
        );
    }
    text
}

/// Answers each request and tells when it was there as a whole.
fn answer(receiver: &TcpListener, told: &mpsc::SyncSender<Instant>) {
    for stream in receiver.incoming().map_while(Result::ok) {
        let mut stream = stream;
        let mut bytes = Vec::new();
        let mut buffer = [0; 16 * 1024];
        while !is_whole(&bytes) {
            match stream.read(&mut buffer) {
                Ok(count @ 1..) => bytes.extend_from_slice(&buffer[..count]),
                _ => break,
            }
        }
        if told.send(now()).is_err() {
            return;
        }
        // A listener that is gone needs no answer.
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
}

fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        line.strip_prefix("content-length: ")?
            .trim()
            .parse::<usize>()
            .ok()
    });
    body.len() >= length.unwrap_or_default()
}

/// Ends with the bench, whatever happens.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
