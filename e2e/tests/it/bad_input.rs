//! What goes wrong is told with its place and its cure, and nothing half-made stays.

use std::fs;
use std::net::TcpListener;

use pistack_e2e::{Stack, until};

fn refused(stack: &Stack, arguments: &[&str], code: i32, wanted: &[&str]) {
    let output = stack.cli(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    for part in wanted {
        assert!(said.contains(part), "`{part}` is not in:\n{said}");
    }
}

#[test]
fn every_configuration_error_at_once() {
    let config = "[program.cam]\ncomand = \"cat\"\nautostart = \"maybe\"\n\n[gatewy]\nhttps = 5\n\n[line.a]\nbcm = 99\n\n\
                  [rule.r]\nwhen = { event = \"PROCESS_STATE_EXITTED\" }\nthen = [{ start = \"cma\" }]\n";
    let stack = Stack::builder().no_account().config("pistack.toml", config).prepare();
    let wanted = ["pistack.toml", "comand", "command", "autostart", "gatewy", "gateway"];
    refused(&stack, &["config", "check"], 3, &wanted);
    refused(&stack, &["up"], 3, &wanted);
    assert!(!stack.state().join("run/supervisor.sock").exists());
    fs::write(
        stack.folder().join("pistack.toml"),
        "[program.cam]\ncommand = \"cat\"\n[line.a]\nbcm = 99\n[rule.r]\nwhen = { event = \"PROCESS_STATE_EXITTED\" }\nthen = [{ start = \"cma\" }]\n",
    )
    .unwrap();
    refused(&stack, &["config", "check"], 3, &["99", "PROCESS_STATE_EXITED", "cam"]);
    fs::write(stack.folder().join("pistack.toml"), "[program.cam]\ncommand = \"cat\"\n").unwrap();
    assert_eq!(stack.cli(&["config", "check"]).status.code(), Some(0));
}

#[test]
fn a_name_defined_twice_names_both_places() {
    let stack = Stack::builder()
        .no_account()
        .file("pistack.toml", "[program.cam]\ncommand = \"cat\"\n")
        .config("supervisord.conf", "[supervisord]\n[program:cam]\ncommand=cat\n")
        .prepare();
    refused(&stack, &["config", "check"], 3, &["cam", "pistack.toml", "supervisord.conf"]);
}

#[test]
fn broken_files_and_missing_ones() {
    let stack = Stack::builder().no_account().config("pistack.toml", "[program.cam\n").prepare();
    refused(&stack, &["config", "check"], 3, &["pistack.toml", "1"]);
    let stack = Stack::builder().no_account().config("supervisord.conf", "[supervisord]\n[program:x]\ncommand=%(nope)s\n").prepare();
    refused(&stack, &["config", "check"], 3, &["supervisord.conf", "3", "nope"]);
    refused(&stack, &["-c", "/no/such/file.toml", "config", "check"], 2, &[]);
    let stack = Stack::builder().no_account().env("AUTH_PORT", "abc").prepare();
    refused(&stack, &["up"], 3, &["AUTH_PORT", "abc"]);
}

#[test]
fn an_unwritable_state_directory() {
    let stack = Stack::builder().no_account().file("state", "a file where a directory should be").prepare();
    refused(&stack, &["up"], 1, &["state"]);
}

#[test]
fn a_port_in_use_is_named_with_its_holder() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut stack = Stack::builder().env("PISTACK_HTTPS", &address).prepare();
    stack.spawn();
    let log = until("the gateway's complaint", || {
        let text = fs::read_to_string(stack.state().join("logs/gateway.log")).ok()?;
        text.contains("in use").then_some(text)
    });
    assert!(log.contains(&address), "{log}");
    stack.stop("TERM");
}

#[test]
fn a_damaged_database_is_named_and_left_untouched() {
    let mut stack = Stack::start();
    stack.stop("TERM");
    let path = stack.state().join("db/auth.sqlite3");
    let noise = vec![0x5a; 8192];
    fs::write(&path, &noise).unwrap();
    for ending in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{ending}", path.display()));
    }
    stack.spawn();
    let log = until("auth's complaint", || {
        let text = fs::read_to_string(stack.state().join("logs/auth_service.log")).ok()?;
        text.contains("damaged").then_some(text)
    });
    assert!(log.contains("auth.sqlite3"), "{log}");
    assert!(fs::read(&path).unwrap() == noise, "the file was changed");
    assert!(!stack.state().join("secrets/setup_code").exists(), "never an open setup instead of the users");
    stack.stop("TERM");
}

#[test]
fn a_missing_or_wrong_key_is_named() {
    let mut stack = Stack::start();
    stack.stop("TERM");
    fs::write(stack.state().join("secrets/auth_ed25519.pk8"), b"noise").unwrap();
    fs::write(stack.state().join("tls/ca.key"), "noise").unwrap();
    stack.spawn();
    for (log, wanted) in [("auth_service.log", "auth_ed25519.pk8"), ("gateway.log", "ca.key")] {
        until(wanted, || {
            let text = fs::read_to_string(stack.state().join("logs").join(log)).ok()?;
            text.contains(wanted).then_some(())
        });
    }
    stack.stop("TERM");
}
