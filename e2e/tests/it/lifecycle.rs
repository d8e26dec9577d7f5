//! Start and end: nothing half-made, nothing left behind.

use std::fs;
use std::path::Path;

use pistack_e2e::stack::signal_process;
use pistack_e2e::{Stack, command, until};

#[test]
fn sigterm_leaves_no_process_socket_or_lock() {
    let mut stack = Stack::start();
    let pids: Vec<u64> = stack
        .status()
        .iter()
        .filter_map(|process| process["pid"].as_u64())
        .filter(|pid| *pid > 0)
        .collect();
    assert!(pids.len() >= 8, "{pids:?}");
    assert_eq!(stack.stop("TERM"), Some(0), "{}", stack.complained());
    for pid in pids {
        assert!(
            !Path::new(&format!("/proc/{pid}")).exists(),
            "process {pid} is left"
        );
    }
    let left: Vec<_> = fs::read_dir(stack.state().join("run"))
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    let allowed = ["jwks.json"];
    assert!(
        left.iter().all(|name| allowed.contains(&name.to_str().unwrap())),
        "left in run/: {left:?}"
    );
}

#[test]
fn a_second_start_in_the_same_directory_is_refused() {
    let stack = Stack::start();
    let second = stack.cli(&["up"]);
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(
        said.contains("already running") && said.contains(&stack.pid().to_string()),
        "{said}"
    );
    assert!(said.contains("pistack down"), "it names the cure: {said}");
    assert_eq!(stack.get("/api/auth/health").status, 200, "the first one goes on");
}

#[test]
fn down_stops_everything() {
    let mut stack = Stack::start();
    let down = stack.cli(&["down"]);
    assert!(down.status.success(), "{down:?}");
    assert_eq!(stack.ended(), Some(0));
    let again = stack.cli(&["down"]);
    assert_eq!(again.status.code(), Some(4), "{again:?}");
    assert!(String::from_utf8_lossy(&again.stderr).contains("pistack up"));
}

#[test]
fn after_kill_9_the_next_start_works() {
    let mut stack = Stack::start();
    let before: Vec<u64> = stack
        .status()
        .iter()
        .filter_map(|process| process["pid"].as_u64())
        .collect();
    stack.stop("KILL");
    // Nobody is left to end them; the harness does, as a reboot would.
    for pid in before.iter().filter(|pid| **pid > 0) {
        signal_process("KILL", u32::try_from(*pid).unwrap());
    }
    stack.up();
    assert_eq!(stack.get("/api/auth/health").status, 200);
}

#[test]
fn the_greeting_tells_everything_that_a_first_start_needs() {
    let stack = Stack::builder().no_account().start();
    let text = until("the greeting", || {
        Some(stack.printed()).filter(|text| text.contains("Stop it with"))
    });
    let code = fs::read_to_string(stack.state().join("secrets/setup_code")).unwrap();
    assert!(text.contains(code.trim()), "{text}");
    assert!(text.contains("/control/setup#"), "{text}");
    let openssl = command("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
        .arg(stack.state().join("tls/ca.pem"))
        .output()
        .unwrap();
    let line = String::from_utf8_lossy(&openssl.stdout).into_owned();
    let fingerprint = line.trim().rsplit_once('=').unwrap().1;
    assert!(text.contains(fingerprint), "{fingerprint} is not in {text}");
}

#[test]
fn secrets_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let stack = Stack::start();
    let mut looked_at = 0;
    for folder in ["secrets", "tls", "db"] {
        for entry in fs::read_dir(stack.state().join(folder)).unwrap().flatten() {
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            let public = entry
                .path()
                .extension()
                .is_some_and(|ending| ending == "pem" && !entry.path().to_string_lossy().contains("key"));
            assert!(
                public || mode & 0o077 == 0,
                "{}: {mode:o}",
                entry.path().display()
            );
            looked_at += 1;
        }
    }
    assert!(looked_at >= 4);
}

#[test]
fn an_idle_supervisor_does_not_wake_up() {
    let stack = Stack::start();
    let switches = || {
        let status = fs::read_to_string(format!("/proc/{}/status", stack.pid())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))
            .unwrap()
            .to_owned();
        line.trim().parse::<u64>().unwrap()
    };
    // Settles once the last service is up; then three seconds must pass without a single wake-up.
    let mut last = switches();
    let mut quiet_since = 0;
    until("three quiet seconds", || {
        let now = switches();
        quiet_since = if now == last { quiet_since + 1 } else { 0 };
        last = now;
        (quiet_since >= 150).then_some(())
    });
}
