//! The original's `supervisord.conf`, as it stands, with small Python programs in its programs' places.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use pistack_e2e::clients::supervisor_tool;
use pistack_e2e::{Stack, command, until};

const CONF: &str = include_str!("../data/original_supervisord.conf");

/// `python -m NAME.app` of the original: waits until it is told to stop.
const APP: &str =
    "import os, time\nprint('started in', os.getcwd(), flush=True)\nwhile True: time.sleep(1000)\n";
/// The original's listener: childutils' loop, each event to standard error.
const LISTENER: &str = "import sys\n\
while True:\n    sys.stdout.write('READY\\n'); sys.stdout.flush()\n    line = sys.stdin.readline()\n    if not line: break\n\
\x20   head = dict(pair.split(':') for pair in line.split())\n    body = sys.stdin.read(int(head['len']))\n\
\x20   open('events.txt', 'a').write(head['eventname'] + ' ' + body + '\\n')\n    sys.stdout.write('RESULT 2\\nOK'); sys.stdout.flush()\n";
/// gunicorn's stand-in takes its place in the virtual environment and shows its arguments.
const GUNICORN: &str = "#!/bin/sh\necho \"$@\"\nexec sleep 1000\n";

fn lay_out(folder: &Path) {
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    for name in [
        "supervisor_service",
        "auth_service",
        "email_service",
        "info_service",
        "io_service",
    ] {
        write(&format!("{name}/__init__.py"), "");
        write(&format!("{name}/app.py"), APP);
    }
    write("supervisor_service/listeners/event_listener.py", LISTENER);
    fs::create_dir_all(folder.join("logs")).unwrap();
    fs::create_dir_all(folder.join("control_service")).unwrap();
    fs::create_dir_all(folder.join("venv/bin")).unwrap();
    std::os::unix::fs::symlink(supervisor_tool("4.2.5", "python"), folder.join("venv/bin/python")).unwrap();
    write("venv/bin/gunicorn", GUNICORN);
    fs::set_permissions(
        folder.join("venv/bin/gunicorn"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
}

#[test]
fn runs_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    // Its socket is /tmp/supervisor.sock; a test may not share that with whatever runs on this machine.
    let socket = folder.path().join("supervisor.sock");
    let conf = CONF.replace("/tmp/supervisor.sock", &socket.display().to_string());
    let venv = folder.path().join("place/venv");
    let mut stack = Stack::builder()
        .no_account()
        .config("supervisord.conf", &conf)
        .env("VIRTUAL_ENV", &venv.display().to_string())
        .prepare();
    lay_out(stack.folder());
    fs::create_dir_all(folder.path().join("place")).unwrap();
    std::os::unix::fs::symlink(stack.folder().join("venv"), &venv).unwrap();
    stack.spawn();
    let status = || {
        let output = command(supervisor_tool("4.2.5", "supervisorctl"))
            .args(["-c", "supervisord.conf", "status"])
            .current_dir(stack.folder())
            .env("VIRTUAL_ENV", &venv)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let names = [
        "auth_service",
        "control_service",
        "email_service",
        "info_service",
        "io_service",
    ];
    until("the original's programs", || {
        let text = status();
        names
            .iter()
            .all(|name| {
                text.lines().any(|line| {
                    line.starts_with(&format!("RaspberryPiSystem:{name} ")) && line.contains("RUNNING")
                })
            })
            .then_some(())
    });
    let text = status();
    assert!(
        text.contains("RaspberryPiSystem:supervisor_service"),
        "startsecs=10, so STARTING or RUNNING: {text}"
    );
    assert!(
        text.lines()
            .any(|line| line.starts_with("event_listener") && line.contains("RUNNING")),
        "{text}"
    );
    assert!(!text.contains("gateway"), "only that file's programs run: {text}");
    let here = fs::canonicalize(stack.folder()).unwrap();
    let out = until("the log of the Django stand-in", || {
        fs::read_to_string(stack.folder().join("logs/control_service.out"))
            .ok()
            .filter(|text| !text.is_empty())
    });
    assert!(
        out.contains(&format!("{}/control_service", here.display())) && out.contains("127.0.0.1:8080"),
        "%(here)s: {out}"
    );
    let events = until("the listener's events", || {
        fs::read_to_string(stack.folder().join("events.txt"))
            .ok()
            .filter(|text| text.contains("PROCESS_STATE_RUNNING"))
    });
    assert!(events.contains("SUPERVISOR_STATE_CHANGE_RUNNING"), "{events}");
    assert_eq!(stack.stop("TERM"), Some(0), "{}", stack.complained());
    assert!(!socket.exists());
}
