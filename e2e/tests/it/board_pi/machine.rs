//! The emulated Raspberry Pi, as a hand and an eye outside it: its console, its network, a root shell, and the registers
//! of its GPIO chip over QEMU's qtest socket.

#![expect(clippy::print_stdout, reason = "a failing test shows what the board wrote")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use pistack_e2e::clients::{Answer, try_curl};
use pistack_e2e::{command, root};
use serde_json::Value;
use tempfile::TempDir;

/// The registers of the GPIO chip: function of ten pins each, and the levels of pins 0 to 31 (BCM2835 ARM Peripherals,
/// chapter 6, at the address of the BCM2837).
const FUNCTIONS: u64 = 0x3f20_0000;
const SET: u64 = 0x3f20_001c;
const CLEAR: u64 = 0x3f20_0028;
const LEVELS: u64 = 0x3f20_0034;

/// How long a condition may take: the emulator runs beside other tests, and is some ten times slower than a Pi even alone.
const DEADLINE: Duration = Duration::from_mins(10);

/// A board that runs. Ended when dropped, by its own process id.
#[derive(Debug)]
pub(super) struct Machine {
    qemu: Child,
    https: u16,
    http: u16,
    shell: u16,
    qtest: Option<BufReader<UnixStream>>,
    folder: TempDir,
    log: PathBuf,
}

impl Machine {
    /// Boots it with a program.
    pub(super) fn boot(program: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = root().join("target/board/pi/console.log");
        let (https, http, shell) = (free_port(), free_port(), free_port());
        let qemu = command(root().join("e2e/board/pi.sh"))
            .arg(program)
            .arg(folder.path().join("qtest"))
            .env("HTTPS", https.to_string())
            .env("HTTP", http.to_string())
            .env("SHELL_PORT", shell.to_string())
            .env("BOARD_LOG", &log)
            .stdin(Stdio::null())
            .stdout(fs::File::create(folder.path().join("out")).unwrap())
            .stderr(fs::File::create(folder.path().join("err")).unwrap())
            .spawn()
            .unwrap();
        let mut machine = Self {
            qemu,
            https,
            http,
            shell,
            qtest: None,
            folder,
            log,
        };
        let socket = machine.folder.path().join("qtest");
        let stream = machine.until("QEMU's qtest socket", |_| UnixStream::connect(&socket).ok());
        machine.qtest = Some(BufReader::new(stream));
        machine
    }

    /// What the console showed so far.
    pub(super) fn console(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.path().join("out")).unwrap_or_default())
            .replace('\0', "")
    }

    /// The words behind a line of the console that begins with `name`.
    pub(super) fn said(&self, name: &str) -> Option<String> {
        self.console()
            .lines()
            .find_map(|line| line.trim().strip_prefix(name).map(|rest| rest.trim().to_owned()))
    }

    /// Waits for a condition. Ends at once when the machine or the stack in it has ended.
    #[expect(clippy::disallowed_methods, reason = "the deadline of a test is real time")]
    pub(super) fn until<T>(&mut self, what: &str, mut condition: impl FnMut(&mut Self) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(value) = condition(self) {
                return value;
            }
            if let Some(status) = self.qemu.try_wait().unwrap() {
                panic!(
                    "waiting for {what}: e2e/board/pi.sh has ended with {status}: {}",
                    self.complaint()
                );
            }
            for failure in ["BOARD_FAILED", "Kernel panic", "is not loaded"] {
                assert!(
                    !self.console().contains(failure),
                    "waiting for {what}: the console says {failure}"
                );
            }
            assert!(began.elapsed() < DEADLINE, "waited {DEADLINE:?} for {what}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn complaint(&self) -> String {
        fs::read_to_string(self.folder.path().join("err")).unwrap_or_default()
    }

    /// Runs lines in the guest's shell as root; what they printed. `None` while there is no network.
    pub(super) fn try_shell(&self, script: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.shell)).ok()?;
        stream.set_read_timeout(Some(Duration::from_mins(2))).ok()?;
        // The marker tells an end from a connection that broke.
        stream
            .write_all(format!("PATH=/usr/bin\n{script}\necho; echo \"END$?\"; exit\n").as_bytes())
            .ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (text, _) = text.rsplit_once("\nEND")?;
        Some(text.trim().to_owned())
    }

    /// The same, waiting for the network.
    pub(super) fn shell(&mut self, script: &str) -> String {
        self.until("the guest's shell", |machine| machine.try_shell(script))
    }

    /// Takes the root certificate as a device does, by plain HTTP.
    pub(super) fn learn_root(&mut self) {
        let url = format!("http://127.0.0.1:{}/ca.pem", self.http);
        let answer = self.until("the root certificate", |_| {
            try_curl(std::slice::from_ref(&url))
                .ok()
                .filter(|answer| answer.status == 200)
        });
        fs::write(self.folder.path().join("ca.pem"), answer.body).unwrap();
    }

    /// A request through TLS that trusts the board's root certificate and nothing else.
    pub(super) fn try_request(&self, arguments: &[&str], path: &str) -> Result<Answer, String> {
        self.request_trusting(
            &[
                "--cacert",
                &self.folder.path().join("ca.pem").display().to_string(),
            ],
            arguments,
            path,
        )
    }

    /// A request that trusts every certificate: for the time in which the board believes in 1970.
    pub(super) fn try_request_trusting_all(&self, path: &str) -> Result<Answer, String> {
        self.request_trusting(&["--insecure"], &[], path)
    }

    fn request_trusting(&self, trust: &[&str], arguments: &[&str], path: &str) -> Result<Answer, String> {
        let mut all: Vec<String> = [trust, arguments]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect();
        // A login hashes a password, which takes seconds here.
        all.extend(["--max-time".to_owned(), "180".to_owned()]);
        all.push(format!("https://127.0.0.1:{}{path}", self.https));
        try_curl(&all)
    }

    /// A request with a token and perhaps a JSON body.
    pub(super) fn send(&self, method: &str, token: &str, path: &str, body: Option<&Value>) -> Answer {
        let (authorization, body) = (
            format!("Authorization: Bearer {token}"),
            body.map(Value::to_string),
        );
        let mut arguments = vec!["-X", method];
        if !token.is_empty() {
            arguments.extend(["-H", &authorization]);
        }
        if let Some(body) = &body {
            arguments.extend(["-H", "Content-Type: application/json", "-d", body]);
        }
        self.try_request(&arguments, path)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// What a pin is: 0 input, 1 output, 2 to 7 alternative functions, as the chip's register says.
    pub(super) fn function(&mut self, bcm: u32) -> u64 {
        let register = self.read(FUNCTIONS + u64::from(bcm / 10) * 4);
        register >> (bcm % 10 * 3) & 7
    }

    /// The voltage of a pin, as the chip's register says.
    pub(super) fn level(&mut self, bcm: u32) -> bool {
        self.read(LEVELS) >> bcm & 1 == 1
    }

    /// Puts a voltage on a pin from outside.
    pub(super) fn drive(&mut self, bcm: u32, high: bool) {
        let register = if high { SET } else { CLEAR };
        self.qtest(&format!("writel {register:#x} {:#x}", 1_u64 << bcm));
    }

    fn read(&mut self, register: u64) -> u64 {
        let answer = self.qtest(&format!("readl {register:#x}"));
        let number = answer.trim().trim_start_matches("0x");
        u64::from_str_radix(number, 16).unwrap_or_else(|error| panic!("{answer}: {error}"))
    }

    fn qtest(&mut self, line: &str) -> String {
        let qtest = self.qtest.as_mut().expect("the socket is open");
        writeln!(qtest.get_mut(), "{line}").unwrap();
        let mut answer = String::new();
        qtest.read_line(&mut answer).unwrap();
        answer
            .strip_prefix("OK")
            .unwrap_or_else(|| panic!("{line}: {answer}"))
            .trim()
            .to_owned()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
        if std::thread::panicking() {
            let console = self.console();
            let lines: Vec<&str> = console.lines().collect();
            let tail = lines[lines.len().saturating_sub(60)..].join("\n");
            println!(
                "--- the end of the console, which is in {} as a whole:\n{tail}",
                self.log.display()
            );
        }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
