//! curl as the HTTP client, supervisor's own supervisorctl as the XML-RPC client.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Output, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use serde_json::Value;

use crate::{command, root};

/// An HTTP answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// HTTP version as curl says it: `2` or `1.1`.
    pub version: String,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: String,
}

impl Answer {
    /// The body as JSON; `null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The `message` of an error body.
    pub fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_default().to_owned()
    }
}

/// Runs curl; `arguments` end with the URL.
///
/// # Panics
/// When curl gets no answer.
pub fn curl(arguments: &[String]) -> Answer {
    try_curl(arguments).unwrap_or_else(|error| panic!("curl {arguments:?}: {error}"))
}

/// Runs curl; the text of its failure when it gets no answer.
pub fn try_curl(arguments: &[String]) -> Result<Answer, String> {
    let output = command("curl")
        .args([
            "-sS",
            "--max-time",
            "30",
            "-i",
            "-w",
            "\n%{http_version} %{response_code}",
        ])
        .args(arguments)
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n");
    let (text, trailer) = text.rsplit_once('\n').ok_or("curl printed nothing")?;
    let (version, status) = trailer.split_once(' ').ok_or("curl printed no status")?;
    // `100 Continue` heads come before the real one.
    let mut rest = text;
    let (head, body) = loop {
        let (head, body) = rest.split_once("\n\n").unwrap_or((rest, ""));
        if head.lines().next().is_some_and(|line| line.contains(" 100")) {
            rest = body;
            continue;
        }
        break (head, body);
    };
    let headers = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Ok(Answer {
        status: status
            .trim()
            .parse()
            .map_err(|_| format!("no status: {trailer}"))?,
        version: version.to_owned(),
        headers,
        body: body.to_owned(),
    })
}

/// A running `curl -N`: the lines of an endless answer.
#[derive(Debug)]
pub struct Stream {
    child: Child,
    lines: Receiver<String>,
}

impl Stream {
    /// Starts curl with these arguments.
    ///
    /// # Panics
    /// When curl cannot be started.
    pub fn open(arguments: &[String]) -> Self {
        let mut child = command("curl")
            .args(["-sSN", "--max-time", "120"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("curl starts");
        let output = child.stdout.take().expect("curl has an output");
        let (sender, lines) = sync_channel(1024);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    /// The next line that `wanted` accepts, 30 s at most.
    pub fn line(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        self.line_within(Duration::from_secs(30), wanted)
    }

    /// The same, with less patience for each line.
    pub fn line_within(&self, patience: Duration, wanted: impl Fn(&str) -> bool) -> Option<String> {
        loop {
            match self.lines.recv_timeout(patience) {
                Ok(line) if wanted(&line) => return Some(line),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A Python environment that `e2e/peers.sh` made: `4.2.5` or `4.3.0`.
///
/// # Panics
/// When it is not there.
pub fn supervisor_tool(version: &str, tool: &str) -> PathBuf {
    let path = root().join(format!("e2e/.venv-{version}/bin/{tool}"));
    assert!(path.exists(), "{}: run e2e/peers.sh first", path.display());
    path
}

/// Runs a program with a text on its standard input.
///
/// # Panics
/// When it cannot be started.
pub fn with_input(mut command: std::process::Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A program that refuses before it reads is no failure of the test.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    child.wait_with_output().expect("the program ends")
}
