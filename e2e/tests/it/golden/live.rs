//! What needs a person at the keyboard: the foreground, a log that is followed, a terminal; and `--json`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdout, Stdio};

use pistack_e2e::clients::supervisor_tool;
use pistack_e2e::stack::signal_process;
use pistack_e2e::{binary, command, until};
use serde_json::Value;

use super::world::{Client, Server, World};

fn running(world: &World, words: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let mut child = world
        .ctl_command(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (child, output)
}

fn line(output: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    line
}

#[test]
fn a_person_at_the_keyboard() {
    let world = World::start(Client::Ours, Server::Ours);
    foreground(&world);
    followed(&world);
    terminal(&world);
    json(&world);
}

/// What is typed reaches the process, and what it says comes back, until the input ends or Ctrl-C.
fn foreground(world: &World) {
    let (mut child, mut output) = running(world, &["fg", "cat"]);
    assert_eq!(line(&mut output), "==> Press Ctrl-C to exit <==\n");
    child.stdin.as_mut().unwrap().write_all(b"typed\n").unwrap();
    assert_eq!(line(&mut output), "typed\n");
    drop(child.stdin.take());
    assert_eq!(line(&mut output), "Exiting foreground\n");
    assert_eq!(child.wait().unwrap().code(), Some(0));

    let (mut child, mut output) = running(world, &["fg", "cat"]);
    assert_eq!(line(&mut output), "==> Press Ctrl-C to exit <==\n");
    // The log's end: it is being followed, so the signal's handler is in place.
    assert_eq!(line(&mut output), "typed\n");
    signal_process("INT", child.id());
    assert_eq!(line(&mut output), "Exiting foreground\n");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// `tail -f` shows what is there, then what comes, and Ctrl-C is its regular end.
fn followed(world: &World) {
    let (mut child, mut output) = running(world, &["tail", "-f", "cat"]);
    assert_eq!(line(&mut output), "==> Press Ctrl-C to exit <==\n");
    assert_eq!(line(&mut output), "typed\n");
    let (mut typist, _echo) = running(world, &["fg", "cat"]);
    typist.stdin.as_mut().unwrap().write_all(b"more\n").unwrap();
    assert_eq!(line(&mut output), "more\n");
    drop(typist.stdin.take());
    assert_eq!(typist.wait().unwrap().code(), Some(0));
    signal_process("INT", child.id());
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "\n");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Python's `pty` plays the terminal: the Tab key completes names, the history is kept.
fn terminal(world: &World) {
    const TYPE: &str = "
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.environ['TERM'] = 'xterm'
    os.execv(sys.argv[1], sys.argv[1:])
seen = b''
def until(words):
    global seen
    while words not in seen:
        seen += os.read(fd, 4096)
    seen = seen.split(words, 1)[1]
until(b'golden> ')
os.write(fd, b'status a_pro\\t\\r')
until(b'RUNNING')
until(b'golden> ')
os.write(fd, b'sto\\t off\\r')
until(b'off: ERROR (not running)')
until(b'golden> ')
os.write(fd, b'\\x04')
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";
    let history = world.file("history");
    let output = command(supervisor_tool("4.3.0", "python"))
        .current_dir(world.file(""))
        .args(["-c", TYPE])
        .arg(binary())
        .args(["supervisorctl", "-c", "supervisord.conf", "-r"])
        .arg(&history)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let kept = std::fs::read_to_string(history).unwrap();
    assert!(kept.contains("status a_program_with_a_very_long_name"), "{kept}");
}

/// One document for each command, with what the lines say.
fn json(world: &World) {
    let read = |words: &[&str]| -> (Option<i32>, Value) {
        let output = world
            .ctl_command(&[&["--json"], words].concat())
            .output()
            .unwrap();
        (
            output.status.code(),
            serde_json::from_slice(&output.stdout).unwrap(),
        )
    };
    let (code, status) = read(&["status", "cat", "nosuch"]);
    assert_eq!(code, Some(4));
    assert_eq!(status["exit_status"], 4);
    assert_eq!(status["results"][0]["message"], "nosuch: ERROR (no such process)");
    assert_eq!(status["results"][1]["statename"], "RUNNING");
    let (code, avail) = read(&["avail"]);
    assert_eq!(code, Some(0));
    assert!(
        avail["results"]
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["name"] == "off" && row["autostart"] == false)
    );
    let (code, start) = read(&["start", "cat", "off"]);
    assert_eq!(code, Some(0));
    assert_eq!(
        start["results"][0],
        serde_json::json!({ "name": "cat", "status": 60, "description": "ALREADY_STARTED: cat" })
    );
    assert_eq!(start["results"][1]["status"], 80);
    let (code, stop) = read(&["stop", "off", "nosuch"]);
    assert_eq!((code, &stop["results"][1]["status"]), (Some(1), &Value::from(10)));
    let pid = until("the pid", || read(&["pid"]).1["results"][0]["pid"].as_u64());
    assert_eq!(pid, u64::from(world.pid()));
}
