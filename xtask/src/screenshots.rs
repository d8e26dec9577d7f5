//! `cargo xtask screenshots`: pictures of the dashboard's pages for the documentation, taken by Chromium of a real stack
//! with a few programs, simulated lines, rules and mails. One command from a clean checkout: it builds the program
//! (unless `PISTACK_BIN` names one) and fetches the browser's driver; Chromium and Node have to be there.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::run::{command, output, root};

const PASSWORD: &str = "correct-horse-battery";
/// What runs on the board, and what the weather is there.
const BOARD: &str = include_str!("screenshots/board.toml");
const FORECAST: &str = include_str!("screenshots/forecast.json");
/// Looks at the address before giving up, a tenth of a second apart.
const LOOKS: usize = 300;
/// Charts have some points after this long; the info service looks every ten seconds.
const CHARTS: Duration = Duration::from_secs(75);
/// Pictures of the documentation are small.
const MOST_BYTES: u64 = 150_000;

/// Ends with its value.
struct Stack {
    child: Child,
    base: String,
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SIGTERM, so that it ends its programs too.
        let _ = output(command("kill").arg(self.child.id().to_string()));
        let _ = self.child.wait();
    }
}

/// Takes the committed few, or with `all` every page in both themes, sizes and languages into `e2e/artifacts/pages`.
pub(crate) fn run(all: bool) -> Result<()> {
    let program = program()?;
    if !root().join("e2e/browser/node_modules").exists() {
        let install = ["ci", "--silent", "--no-audit", "--no-fund"];
        output(
            command("npm")
                .args(install)
                .current_dir(root().join("e2e/browser")),
        )?;
    }
    let place = tempfile::tempdir()?;
    let stack = start(&program, place.path())?;
    println!(
        "waiting {} s, so that charts have something to show ...",
        CHARTS.as_secs()
    );
    std::thread::sleep(CHARTS);
    let (folder, which) = if all {
        ("e2e/artifacts/pages", "all")
    } else {
        ("docs/screenshots", "docs")
    };
    fs::create_dir_all(root().join(folder))?;
    let script = [
        "e2e/browser/screenshots.mjs",
        &stack.base,
        folder,
        which,
        PASSWORD,
    ];
    let said = output(command("node").args(script))?;
    println!("{} in {folder}", said.trim());
    if !all {
        small(&root().join(folder))?;
    }
    Ok(())
}

/// The program that is asked for, else a fresh debug build.
fn program() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("PISTACK_BIN") {
        return Ok(path.into());
    }
    output(command("cargo").args(["build", "-q", "-p", "pistack"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    Ok(target.join("debug/pistack"))
}

/// Starts the board with a Root and waits until it shows its sign-in page.
fn start(program: &Path, place: &Path) -> Result<Stack> {
    let config = place.join("pistack.toml");
    fs::write(&config, BOARD.replace("FORECAST", &weather()?))?;
    let options = ["-c", "pistack.toml", "--state-dir", "state"];
    let program = program.display().to_string();
    let mut passwd = command(&program)
        .args(options)
        .args(["user", "passwd", "root", "--stdin"])
        .current_dir(place)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let mut input = passwd.stdin.take().context("no standard input")?;
    writeln!(input, "{PASSWORD}")?;
    drop(input);
    if !passwd.wait()?.success() {
        bail!("the account could not be made");
    }
    // The kernel gives the port to nobody else within a moment.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let address = format!("127.0.0.1:{port}");
    // Another stack may have the services' usual ports.
    let ports =
        ["AUTH", "SUPERVISOR", "EMAIL", "INFO", "IO", "CONTROL"].map(|name| (format!("{name}_PORT"), "0"));
    let child = command(&program)
        .envs(ports)
        .args(options)
        .args(["up", "--quiet", "--https", &address, "--http", "127.0.0.1:0"])
        .current_dir(place)
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start the stack")?;
    let mut stack = Stack {
        child,
        base: format!("https://{address}"),
    };
    let page = format!("{}/control/login", stack.base);
    for _ in 0..LOOKS {
        if output(command("curl").args(["-skf", "-o", "/dev/null", &page])).is_ok() {
            return Ok(stack);
        }
        if let Some(status) = stack.child.try_wait()? {
            bail!("the stack ended with {status}");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("nothing answers at {page}")
}

/// The address of a weather service that knows one forecast. It serves as long as this program runs.
fn weather() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    let answer = |mut stream: TcpStream| -> std::io::Result<()> {
        let mut request = [0; 4096];
        let _ = stream.read(&mut request)?;
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{FORECAST}",
            FORECAST.len()
        )
    };
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // One that hung up asks again.
            let _ = answer(stream);
        }
    });
    Ok(address)
}

fn small(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let size = entry.metadata()?.len();
        if size > MOST_BYTES {
            bail!(
                "{} has {size} bytes, more than {MOST_BYTES}",
                entry.path().display()
            );
        }
    }
    Ok(())
}
