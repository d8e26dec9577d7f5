//! What goes wrong is told with its place and its cure, and nothing half-made stays.

use std::fs;
use std::net::TcpListener;

use pistack_e2e::{Stack, command, until};

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
    let stack = Stack::builder()
        .no_account()
        .config("pistack.toml", config)
        .prepare();
    let wanted = [
        "pistack.toml",
        "comand",
        "command",
        "autostart",
        "gatewy",
        "gateway",
    ];
    refused(&stack, &["config", "check"], 3, &wanted);
    refused(&stack, &["up"], 3, &wanted);
    assert!(!stack.state().join("run/supervisor.sock").exists());
    fs::write(
        stack.folder().join("pistack.toml"),
        "[program.cam]\ncommand = \"cat\"\n[line.a]\nbcm = 99\n[rule.r]\nwhen = { event = \"PROCESS_STATE_EXITTED\" }\nthen = [{ start = \"cma\" }]\n",
    )
    .unwrap();
    refused(
        &stack,
        &["config", "check"],
        3,
        &["99", "PROCESS_STATE_EXITED", "cam"],
    );
    fs::write(
        stack.folder().join("pistack.toml"),
        "[program.cam]\ncommand = \"cat\"\n",
    )
    .unwrap();
    assert_eq!(stack.cli(&["config", "check"]).status.code(), Some(0));
}

#[test]
fn a_name_defined_twice_names_both_places() {
    let stack = Stack::builder()
        .no_account()
        .file("pistack.toml", "[program.cam]\ncommand = \"cat\"\n")
        .config("supervisord.conf", "[supervisord]\n[program:cam]\ncommand=cat\n")
        .prepare();
    refused(
        &stack,
        &["config", "check"],
        3,
        &["cam", "pistack.toml", "supervisord.conf"],
    );
}

#[test]
fn broken_files_and_missing_ones() {
    let stack = Stack::builder()
        .no_account()
        .config("pistack.toml", "[program.cam\n")
        .prepare();
    refused(&stack, &["config", "check"], 3, &["pistack.toml", "1"]);
    let stack = Stack::builder()
        .no_account()
        .config(
            "supervisord.conf",
            "[supervisord]\n[program:x]\ncommand=%(nope)s\n",
        )
        .prepare();
    refused(
        &stack,
        &["config", "check"],
        3,
        &["supervisord.conf", "3", "nope"],
    );
    refused(&stack, &["-c", "/no/such/file.toml", "config", "check"], 2, &[]);
    let stack = Stack::builder().no_account().env("AUTH_PORT", "abc").prepare();
    refused(&stack, &["up"], 3, &["AUTH_PORT", "abc"]);
}

#[test]
fn an_unwritable_state_directory() {
    let stack = Stack::builder()
        .no_account()
        .file("state", "a file where a directory should be")
        .prepare();
    refused(&stack, &["up"], 1, &["state"]);
}

#[test]
fn a_port_in_use_is_named_with_its_holder() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for (name, value) in [
        ("PISTACK_HTTPS", address.to_string()),
        ("INFO_PORT", address.port().to_string()),
    ] {
        let stack = Stack::builder().env(name, &value).prepare();
        refused(
            &stack,
            &["up"],
            1,
            &[
                &address.to_string(),
                "in use",
                &format!("pid {}", std::process::id()),
            ],
        );
        nothing_is_left(&stack);
    }
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
    refused(&stack, &["up"], 1, &["auth.sqlite3", "damaged", "untouched"]);
    assert!(fs::read(&path).unwrap() == noise, "the file was changed");
    assert!(
        !stack.state().join("secrets/setup_code").exists(),
        "never an open setup instead of the users"
    );
    nothing_is_left(&stack);
}

#[test]
fn a_missing_or_wrong_key_is_named() {
    let mut stack = Stack::start();
    stack.stop("TERM");
    let key = stack.state().join("secrets/auth_ed25519.pk8");
    fs::remove_file(&key).unwrap();
    refused(&stack, &["up"], 1, &["auth_ed25519.pk8", "missing"]);
    fs::write(&key, b"noise").unwrap();
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    fs::write(stack.state().join("tls/ca.key"), "noise").unwrap();
    refused(&stack, &["up"], 1, &["auth_ed25519.pk8", "ca.key"]);
    nothing_is_left(&stack);
}

#[test]
fn a_certificate_that_does_not_fit_its_key_is_named() {
    let stack = Stack::builder()
        .config(
            "pistack.toml",
            "[gateway]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n",
        )
        .prepare();
    for name in ["one", "two"] {
        let path = |ending: &str| stack.folder().join(format!("{name}.{ending}"));
        let made = command("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ])
            .args([
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost",
                "-keyout",
            ])
            .args([path("key"), "-out".into(), path("pem")])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
    }
    refused(&stack, &["up"], 1, &["cert.pem"]);
    fs::copy(stack.folder().join("one.pem"), stack.folder().join("cert.pem")).unwrap();
    fs::copy(stack.folder().join("two.key"), stack.folder().join("key.pem")).unwrap();
    refused(&stack, &["up"], 1, &["cert.pem", "key.pem"]);
    nothing_is_left(&stack);
}

#[test]
fn what_can_be_started_is_started_when_asked_to() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut stack = Stack::builder()
        .config(
            "pistack.toml",
            "[program.cat]\ncommand = \"cat\"\nstartsecs = 0\n",
        )
        .env("PISTACK_HTTPS", &address)
        .prepare();
    stack.spawn_with(&["up", "--keep-going"]);
    until("the program of the user", || {
        let status = stack.cli(&["status", "cat"]);
        String::from_utf8_lossy(&status.stdout)
            .contains("RUNNING")
            .then_some(())
    });
    let said = until("the gateway's last words", || {
        Some(stack.printed()).filter(|text| text.contains("✖ gateway"))
    });
    assert!(said.contains(&address), "{said}");
    stack.stop("TERM");
}

fn nothing_is_left(stack: &Stack) {
    let run = stack.state().join("run");
    let left: Vec<_> = fs::read_dir(run)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert!(
        left.iter().all(|name| name == "jwks.json"),
        "left in run/: {left:?}"
    );
}
