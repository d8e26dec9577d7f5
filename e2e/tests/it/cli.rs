//! The command line against a running stack: tables, JSON, exit codes.

use pistack_e2e::Stack;

const PROGRAMS: &str = "[program.cat]\ncommand = \"cat\"\nstartsecs = 0\n\
    [program.broken]\ncommand = \"/does/not/exist\"\nstartretries = 0\n\
    [program.talker]\ncommand = [\"sh\", \"-c\", \"for i in 1 2 3 4 5; do echo line $i; done; exec sleep 1000\"]\n\
    [group.pair]\nprograms = [\"cat\", \"talker\"]\n";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn status_start_stop_restart_logs() {
    let stack = Stack::builder().config("pistack.toml", PROGRAMS).start();
    stack.wait_state("broken", "FATAL");
    let status = stack.cli(&["status"]);
    assert_eq!(status.status.code(), Some(8), "a FATAL program is not as wanted");
    assert!(
        text(&status.stdout).contains("pair:cat"),
        "{}",
        text(&status.stdout)
    );
    assert_eq!(
        stack.cli(&["status", "cat", "@RaspberryPiSystem"]).status.code(),
        Some(0)
    );
    let unknown = stack.cli(&["status", "cta"]);
    assert_eq!(unknown.status.code(), Some(6));
    assert!(
        text(&unknown.stderr).contains("Did you mean `cat`?"),
        "{}",
        text(&unknown.stderr)
    );

    assert_eq!(stack.cli(&["stop", "cat"]).status.code(), Some(0));
    assert_eq!(stack.process("cat").unwrap()["statename"], "STOPPED");
    assert_eq!(
        stack.cli(&["stop", "cat"]).status.code(),
        Some(0),
        "stopping twice is fine"
    );
    assert_eq!(stack.cli(&["start", "@pair"]).status.code(), Some(0));
    let before = stack.process("cat").unwrap()["pid"].clone();
    let restarted = stack.cli(&["restart", "cat", "--json"]);
    assert_eq!(restarted.status.code(), Some(0));
    let document: serde_json::Value = serde_json::from_slice(&restarted.stdout).unwrap();
    assert_eq!(document["schema_version"], 1);
    assert_ne!(document["processes"][0]["pid"], before);
    let failed = stack.cli(&["start", "broken"]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(
        text(&failed.stderr).contains("does not exist"),
        "{}",
        text(&failed.stderr)
    );

    let logs = stack.cli(&["logs", "talker", "-n", "2"]);
    assert_eq!(text(&logs.stdout), "line 4\nline 5\n");
    let own = stack.cli(&["logs"]);
    assert!(
        text(&own.stdout).contains("spawned: 'cat' with pid"),
        "{}",
        text(&own.stdout)
    );
}

#[test]
fn nothing_running_is_said_with_the_cure() {
    let stack = Stack::builder().no_account().prepare();
    for command in ["status", "logs", "down"] {
        let output = stack.cli(&[command]);
        assert_eq!(output.status.code(), Some(4), "{command}");
        assert!(
            text(&output.stderr).contains("pistack up"),
            "{command}: {}",
            text(&output.stderr)
        );
    }
    assert_eq!(stack.cli(&["statsu"]).status.code(), Some(2));
    assert!(
        stack.cli(&[]).status.success(),
        "pistack alone tells what to do next"
    );
}
