//! Memory: idle, for each idle TLS connection, and while large bodies pass; and that no byte of them is written to the
//! card.

use std::fs::{self, File};
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;

use crate::bench::gateway::sides::Sides;
use crate::run;

/// A body of this size goes each way.
const BODY: u64 = 200_000_000;
/// Connections that are opened and left alone.
const CONNECTIONS: u32 = 300;
/// A service that has gone quiet gives memory back after a look of 15 s.
const SETTLE: Duration = Duration::from_secs(35);

/// kB of each side: nginx, ours.
#[derive(Debug)]
pub(super) struct Memory {
    idle: [f64; 2],
    per_connection: [f64; 2],
}

/// Of ours, while bodies pass.
#[derive(Debug)]
pub(super) struct Streams {
    /// Most Pss in kB: up, down.
    peak: [f64; 2],
    /// Bytes written to the disk.
    written: u64,
}

impl Memory {
    pub(super) fn table(&self, streams: &Streams) -> String {
        let [idle, per] = [self.idle, self.per_connection];
        format!(
            "\n| memory | nginx | pistack |\n|---|---:|---:|\n\
             | idle, Pss | {:.2} MB | {:.2} MB |\n| an idle TLS connection | {:.1} kB | {:.1} kB |\n\
             | 200 MB up, most Pss | – | {:.2} MB |\n| 200 MB down, most Pss | – | {:.2} MB |\n\
             | written to the disk meanwhile | – | {} bytes |\n",
            idle[0] / 1024.0,
            idle[1] / 1024.0,
            per[0],
            per[1],
            streams.peak[0] / 1024.0,
            streams.peak[1] / 1024.0,
            streams.written
        )
    }

    pub(super) fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        if self.idle[1] > 3.0 * 1024.0 {
            broken.push(format!("idle: {:.2} MB, not 3", self.idle[1] / 1024.0));
        }
        if self.per_connection[1] > 32.0 {
            broken.push(format!(
                "an idle TLS connection: {:.1} kB, not 32",
                self.per_connection[1]
            ));
        }
        broken
    }
}

impl Streams {
    pub(super) fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let peak = self.peak[0].max(self.peak[1]);
        if peak > 6.0 * 1024.0 {
            broken.push(format!("200 MB up and down: {:.2} MB, not 6", peak / 1024.0));
        }
        if self.written > 0 {
            broken.push(format!(
                "{} bytes of the bodies were written to the disk",
                self.written
            ));
        }
        broken
    }
}

/// Measures both sides at rest, and with idle connections.
pub(super) fn idle(sides: &Sides) -> anyhow::Result<Memory> {
    println!("waiting {} s for quiet ...", SETTLE.as_secs());
    thread::sleep(SETTLE);
    let pids = [sides.nginx.worker, sides.gateway];
    let idle = [pss(pids[0])?, pss(pids[1])?];
    let ports = ["39443", "38443"];
    let mut per_connection = [0.0; 2];
    for side in [0, 1] {
        let text = run::output(run::command("python3").args([
            "-c",
            HOLD,
            ports[side],
            &CONNECTIONS.to_string(),
            &pids[side].to_string(),
        ]))?;
        per_connection[side] = text.trim().parse().context("no figure")?;
    }
    Ok(Memory { idle, per_connection })
}

/// Opens connections, sends one request on each, and prints by how many kB the process has grown for each.
const HOLD: &str = "
import resource, socket, ssl, sys
port, count, pid = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
context = ssl.create_default_context(); context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
def pss():
    return next(int(line.split()[1]) for line in open(f'/proc/{pid}/smaps_rollup') if line.startswith('Pss:'))
def opened():
    one = context.wrap_socket(socket.create_connection(('127.0.0.1', port)), server_hostname='localhost')
    one.sendall(b'GET /api/auth/health HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n')
    assert one.recv(65536).startswith(b'HTTP/1.1 200')
    return one
held = [opened() for _ in range(20)]
before = pss()
held += [opened() for _ in range(count)]
print((pss() - before) / count)
";

/// Reads every body to its end before it answers, as an application that stores it does.
const SINK: &str = "
import socket
server = socket.create_server(('127.0.0.1', 39091))
while True:
    one, _ = server.accept()
    head = b''
    while b'\\r\\n\\r\\n' not in head:
        head += one.recv(4096)
    head, rest = head.split(b'\\r\\n\\r\\n', 1)
    left = int(next(line.split(b':')[1] for line in head.lower().split(b'\\r\\n') if line.startswith(b'content-length:'))) - len(rest)
    while left > 0:
        left -= len(one.recv(min(left, 65536)))
    one.sendall(b'HTTP/1.1 204 No Content\\r\\nConnection: close\\r\\n\\r\\n')
    one.close()
";

/// 200 MB through ours each way.
pub(super) fn bodies(sides: &Sides, scratch: &Path) -> anyhow::Result<Streams> {
    let files = scratch.join("nginx/files");
    fs::create_dir_all(&files)?;
    // Holes: nobody's disk has to hold it.
    File::create(files.join("large"))?.set_len(BODY)?;
    println!("waiting {} s for quiet ...", SETTLE.as_secs());
    thread::sleep(SETTLE);
    let before = written(sides.gateway)?;
    let large = files.join("large");
    let large = large.display().to_string();
    let mut sink = run::command("python3").args(["-c", SINK]).spawn()?;
    let up = format!("{}/sink/", Sides::secure());
    let down = format!("{}/big/large", Sides::secure());
    thread::sleep(Duration::from_secs(1));
    let upload = peak_while(sides.gateway, &["-X", "POST", "-T", &large, "-H", "Expect:", &up])?;
    sink.kill()?;
    sink.wait()?;
    let download = peak_while(sides.gateway, &[&down])?;
    Ok(Streams {
        peak: [upload, download],
        written: written(sides.gateway)? - before,
    })
}

/// Runs curl and gives the most Pss of the process meanwhile, in kB.
fn peak_while(pid: u32, arguments: &[&str]) -> anyhow::Result<f64> {
    let mut child = run::command("curl")
        .args(["-sSkf", "--max-time", "120", "-o", "/dev/null"])
        .args(arguments)
        .spawn()?;
    let mut peak = pss(pid)?;
    loop {
        if let Some(status) = child.try_wait()? {
            anyhow::ensure!(status.success(), "curl {arguments:?} ended with {status}");
            return Ok(peak);
        }
        peak = peak.max(pss(pid)?);
        thread::sleep(Duration::from_millis(5));
    }
}

fn pss(pid: u32) -> anyhow::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let number = line
        .and_then(|line| line.split_whitespace().next())
        .context("no Pss")?;
    Ok(number.parse()?)
}

fn written(pid: u32) -> anyhow::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/io"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    Ok(line.context("no count of written bytes")?.parse()?)
}
