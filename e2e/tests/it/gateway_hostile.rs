//! Clients that mean harm: slowhttptest's modes, crowds of slow and idle clients, and a process that has given up its
//! rights.

use std::fs;
use std::process::Stdio;

use pistack_e2e::{Stack, command, until};
use serde_json::Value;

fn gateway_pid(stack: &Stack) -> u32 {
    let process = stack.wait_state("gateway", "RUNNING");
    u32::try_from(process["pid"].as_u64().unwrap()).unwrap()
}

/// A port that nobody has at the moment.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Patience that a test can wait out. `{more}` is added to `[gateway]`.
fn impatient(more: &str) -> String {
    format!(
        "[gateway]\nheader_timeout = \"2s\"\nbody_timeout = \"2s\"\nidle_timeout = \"4s\"\n{more}\n\
             [gateway.limits]\nread_timeout = \"2s\"\nupload_grace = \"2s\"\n"
    )
}

#[test]
fn the_modes_of_slowhttptest_are_survived() {
    let stack = Stack::builder()
        .config("pistack.toml", &impatient("max_connections = 400\n"))
        .start();
    let url = format!("{}/api/auth/health", stack.https());
    let modes: [(&str, &[&str]); 4] = [
        ("slow heads", &["-H", "-i", "1"]),
        ("slow bodies", &["-B", "-i", "1", "-s", "8192"]),
        ("ranges", &["-R", "-a", "10", "-b", "3000"]),
        (
            "slow readers",
            &["-X", "-n", "5", "-z", "32", "-w", "256", "-y", "512", "-k", "3"],
        ),
    ];
    for (name, arguments) in modes {
        let mut attack = command("slowhttptest")
            .args(["-c", "300", "-r", "150", "-l", "8", "-p", "3", "-u", &url])
            .args(arguments)
            .current_dir(stack.folder())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("slowhttptest (Debian package slowhttptest) starts");
        let mut served = 0;
        while attack.try_wait().unwrap().is_none() {
            assert_eq!(stack.get("/api/auth/health").status, 200, "{name}");
            served += 1;
        }
        assert!(served > 5, "{name}: only {served} requests got through");
        assert_eq!(stack.get("/api/auth/health").status, 200, "after {name}");
    }
}

#[test]
fn a_crowd_of_slow_clients_and_idle_websockets_disturbs_nobody() {
    let upstream = free_port();
    let config = format!(
        "{}[route.ws]\npath = \"/ws\"\nto = \"http://127.0.0.1:{upstream}\"\nauth = \"public\"\n",
        impatient("max_connections = 1500\n")
    );
    let stack = Stack::builder().config("pistack.toml", &config).start();
    let output = command("python3")
        .arg(pistack_e2e::root().join("e2e/tests/data/gateway_crowd.py"))
        .arg(stack.https().rsplit(':').next().unwrap())
        .arg(stack.state().join("tls/ca.pem"))
        .arg(gateway_pid(&stack).to_string())
        .args([&upstream.to_string(), "500"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let seen: Value = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(
        (seen["websockets"].as_u64(), seen["good"].as_u64()),
        (Some(500), Some(200)),
        "{seen}"
    );
    assert!(seen["p99"].as_f64().unwrap() < 1.0, "{seen}");
    let kilobytes = |name: &str| seen[name].as_u64().unwrap();
    let grown = kilobytes("pss_during_kb") - kilobytes("pss_before_kb");
    // Two TLS connections and one to the upstream for each pair; 64 kB apiece would be too much.
    assert!(grown < 64 * 1024, "{seen}");
    let kept = kilobytes("pss_after_kb").saturating_sub(kilobytes("pss_before_kb"));
    assert!(kept < grown / 2, "memory comes back: {seen}");
}

/// One line of `/proc/PID/status`.
fn status_line(pid: u32, name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap_or_default();
    line.trim().to_owned()
}

#[test]
fn services_give_up_the_rights_of_root() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return; // only root has rights to give up
    }
    let mut stack = Stack::builder()
        .config("pistack.toml", "[services]\nuser = \"65534\"\n")
        .env("PISTACK_HTTPS", &format!("127.0.0.1:{}", free_port()))
        .prepare();
    // A temporary directory is closed to others, and a service would then keep its rights and say so.
    fs::set_permissions(stack.folder(), fs::Permissions::from_mode(0o711)).unwrap();
    stack.up();
    for name in [
        "gateway",
        "auth_service",
        "email_service",
        "control_service",
        "supervisor_service",
        "info_service",
    ] {
        let process = stack.wait_state(name, "RUNNING");
        let pid = u32::try_from(process["pid"].as_u64().unwrap()).unwrap();
        assert_eq!(status_line(pid, "Uid:"), "65534\t65534\t65534\t65534", "{name}");
        assert_eq!(status_line(pid, "Gid:"), "65534\t65534\t65534\t65534", "{name}");
        assert_eq!(status_line(pid, "CapEff:"), "0000000000000000", "{name}");
        assert_eq!(status_line(pid, "CapPrm:"), "0000000000000000", "{name}");
        assert_eq!(status_line(pid, "NoNewPrivs:"), "1", "{name}");
    }
    let owner = |path: &str| fs::metadata(stack.state().join(path)).unwrap().uid();
    for path in ["run", "db", "tls", "secrets", "tls/ca.key", "db/auth.sqlite3"] {
        assert_eq!(owner(path), 65534, "{path}");
    }
    assert_eq!(owner("logs"), 0, "logs are the supervisor's");
    // Everything still works, across restarts of a service and of the gateway, and for root at the console.
    let token = stack.root_token();
    assert_eq!(stack.get_as(&token, "/api/supervisor/processes/list").status, 200);
    assert!(
        stack
            .cli_input(&["user", "add", "anna", "--stdin"], "another-long-passphrase\n")
            .status
            .success()
    );
    assert!(
        stack
            .cli(&["restart", "auth_service", "gateway"])
            .status
            .success()
    );
    until("both to be back", || {
        let health = stack.try_get("/api/auth/health")?;
        (health.status == 200).then_some(())
    });
    assert_eq!(stack.login("anna", "another-long-passphrase").status, 200);
    assert_eq!(stack.stop("TERM"), Some(0));
    // And a second start over what the user owns by now.
    stack.up();
    assert_eq!(stack.login("root", pistack_e2e::stack::PASSWORD).status, 200);
}
