//! What it does once it runs: background and foreground, flags over the file, HUP, the user, the two small programs.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Stdio;

use pistack_e2e::stack::signal_process;
use pistack_e2e::until;

use super::{Place, is_alive, text};

const SOCKET: &str = "[unix_http_server]\nfile=%(here)s/s.sock\n\
    [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
    [supervisorctl]\nserverurl=unix://%(here)s/s.sock\n";

/// Waits until a file of the place has a text in it.
fn wait_for(place: &Place, file: &str, wanted: &str) -> String {
    until(&format!("{wanted:?} in {file}"), || {
        Some(place.read(file)).filter(|text| text.contains(wanted))
    })
}

/// supervisord's own client; its exit code and output.
fn ctl(place: &Place, arguments: &[&str]) -> String {
    let output = place
        .theirs("supervisorctl")
        .args(["-c", "supervisord.conf"])
        .args(arguments)
        .output()
        .unwrap();
    text(&output.stdout)
}

#[test]
fn goes_to_the_background_and_leaves_nothing() {
    let place = Place::new();
    place.write(
        "supervisord.conf",
        &format!("[supervisord]\n{SOCKET}[program:cat]\ncommand=cat\nstartsecs=0\n"),
    );
    let daemon = place.background(&[]);
    let pid = daemon.pid();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let session = stat.rsplit(") ").next().unwrap().split(' ').nth(3).unwrap();
    assert_eq!(session, pid.to_string());
    assert_eq!(ctl(&place, &["pid"]).trim(), pid.to_string());
    until("the program", || {
        ctl(&place, &["status"]).contains("RUNNING").then_some(())
    });
    assert_eq!(ctl(&place, &["version"]), "4.3.0\n");
    daemon.stop();
    for left in ["supervisord.pid", "s.sock"] {
        assert!(!place.path(left).exists(), "{left} is left");
    }
    let log = place.read("supervisord.log");
    assert!(
        log.contains(&format!("INFO supervisord started with pid {pid}\n")),
        "{log}"
    );
    assert!(
        log.contains("INFO daemonizing the supervisord process\n"),
        "{log}"
    );
    let mut names: Vec<_> = fs::read_dir(place.folder.path())
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    // no state directory, no further socket
    assert_eq!(names, ["bin", "supervisord.conf", "supervisord.log", "tmp"]);
}

#[test]
fn flags_go_over_the_file() {
    let place = Place::new();
    fs::create_dir(place.path("work")).unwrap();
    place.write(
        "supervisord.conf",
        "[supervisord]\nlogfile=wrong.log\npidfile=wrong.pid\nloglevel=critical\n\
         [program:where]\ncommand=sh -c 'pwd; umask; exec sleep 1000'\nstartsecs=0\nstdout_logfile=out.log\n",
    );
    let daemon = place.background(&[
        "-l",
        "right.log",
        "-j",
        "supervisord.pid",
        "-d",
        "work",
        "-m",
        "027",
        "-e",
        "info",
        "-y0",
    ]);
    let out = wait_for(&place, "work/out.log", "0027");
    assert!(
        out.starts_with(&place.path("work").display().to_string()),
        "{out}"
    );
    wait_for(&place, "right.log", "set current directory: 'work'");
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("right.log"), 0o640);
    daemon.stop();
    for wrong in ["wrong.log", "wrong.pid", "supervisord.pid"] {
        assert!(!place.path(wrong).exists(), "{wrong}");
    }
}

#[test]
fn the_foreground_has_the_log_unless_silent() {
    let place = Place::new();
    place.write(
        "supervisord.conf",
        "[supervisord]\n[program:cat]\ncommand=cat\nstartsecs=0\n",
    );
    for (flags, shown) in [(&["-n"][..], true), (&["-n", "-s"], false)] {
        let _ = fs::remove_file(place.path("supervisord.log"));
        let out = fs::File::create(place.path("out")).unwrap();
        let mut child = place
            .tool("supervisord")
            .args(flags)
            .stdout(out)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for(&place, "supervisord.log", "entered RUNNING");
        signal_process("TERM", child.id());
        let code = until("the end", || child.try_wait().unwrap());
        assert_eq!(code.code(), Some(0));
        let log = place.read("supervisord.log");
        assert!(
            log.contains("WARN received SIGTERM indicating exit request"),
            "{log}"
        );
        let expected = if shown { log } else { String::new() };
        assert_eq!(place.read("out"), expected);
    }
}

#[test]
fn hup_reads_the_same_file_again_and_refuses_a_broken_one() {
    let place = Place::new();
    fs::create_dir(place.path("work")).unwrap();
    let head = format!("[supervisord]\ndirectory=work\n{SOCKET}[include]\nfiles=*.ini\n");
    let program = |name: &str| format!("[program:{name}]\ncommand=cat\nstartsecs=0\n");
    place
        .write("supervisord.conf", &head)
        .write("a.ini", &program("one"));
    // a relative name, and another directory once it runs: it is still found
    let daemon = place.background(&["-c", "supervisord.conf", "-i", "me", "-e", "debug"]);
    let pid = daemon.pid();
    wait_for(&place, "supervisord.log", "success: one entered RUNNING");
    wait_for(&place, "supervisord.log", "a.ini\" during parsing");
    place.write("a.ini", "[program:one]\ncommand=cat\nautostart=maybe\n");
    signal_process("HUP", pid);
    wait_for(&place, "supervisord.log", "everything runs on as it is");
    assert!(ctl(&place, &["status", "one"]).contains("RUNNING"));
    place.write("a.ini", &program("two"));
    signal_process("HUP", pid);
    wait_for(&place, "supervisord.log", "success: two entered RUNNING");
    assert_eq!(daemon.pid(), pid);
    assert!(!ctl(&place, &["status"]).contains("one"));
    assert!(is_alive(pid));
    daemon.stop();
}

#[test]
fn becomes_the_user_that_is_asked_for() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return; // only root can become somebody
    }
    let place = Place::new();
    fs::set_permissions(place.folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    place.write(
        "supervisord.conf",
        &format!("[supervisord]\n{SOCKET}[program:id]\ncommand=sh -c 'id -u; exec cat'\nstartsecs=0\nstdout_logfile=out\n"),
    );
    let daemon = place.background(&["-u", "nobody"]);
    let nobody = fs::metadata(format!("/proc/{}", daemon.pid())).unwrap().uid();
    assert_ne!(nobody, 0);
    for file in ["s.sock", "supervisord.log", "supervisord.pid"] {
        assert_eq!(fs::metadata(place.path(file)).unwrap().uid(), nobody, "{file}");
    }
    wait_for(&place, "out", &nobody.to_string());
    wait_for(
        &place,
        "supervisord.log",
        &format!("Set uid to user {nobody} succeeded"),
    );
    daemon.stop();
}

#[test]
fn the_sample_is_good_for_both() {
    let place = Place::new();
    let output = place.tool("echo_supervisord_conf").output().unwrap();
    assert!(output.status.success());
    place.write("sample.conf", &text(&output.stdout));
    let also = place
        .here(&pistack_e2e::binary())
        .arg("echo_supervisord_conf")
        .output()
        .unwrap();
    assert_eq!(also.stdout, output.stdout);
    let python = pistack_e2e::clients::supervisor_tool("4.3.0", "python");
    let read = "from supervisor.options import ServerOptions as S; o = S(); o.realize(['-c', 'sample.conf']); \
                print(o.parse_warnings, o.serverurl)";
    let read = place.here(&python).args(["-c", read]).output().unwrap();
    assert_eq!(
        text(&read.stdout),
        "[] unix:///tmp/supervisor.sock\n",
        "{}",
        text(&read.stderr)
    );
}

#[test]
fn pidproxy_passes_signals_to_the_process_of_the_pid_file() {
    let place = Place::new();
    // the command stays; another process is the one that counts
    place.write(
        "server.sh",
        "trap 'echo hup >> heard' HUP\ntrap 'echo term >> heard; exit 0' TERM\necho $$ > pid.tmp\nmv pid.tmp pid\n\
         while :; do sleep 0.05; done\n",
    );
    place.write("start.sh", "sh server.sh &\nwait\n");
    let start = |arguments: &[&str]| place.tool("pidproxy").args(arguments).spawn().unwrap();
    let mut proxy = start(&["pid", "/bin/sh", "start.sh"]);
    wait_for(&place, "pid", "\n");
    signal_process("HUP", proxy.id());
    wait_for(&place, "heard", "hup");
    signal_process("TERM", proxy.id());
    let ended = until("the end of pidproxy", || proxy.try_wait().unwrap());
    assert_eq!(ended.code(), Some(0));
    wait_for(&place, "heard", "term");
    // it ends with its command
    let mut proxy = start(&["pid", "/bin/true"]);
    assert_eq!(until("the end", || proxy.try_wait().unwrap()).code(), Some(0));
    let usage = place.tool("pidproxy").arg("pid").output().unwrap();
    assert_eq!(usage.status.code(), Some(1));
    assert!(text(&usage.stdout).contains("<pidfile name> <command>"));
    let missing = place
        .tool("pidproxy")
        .args(["pid", "./no-such"])
        .output()
        .unwrap();
    assert_eq!(missing.status.code(), Some(127));
}

#[test]
fn of_many_that_start_together_one_has_the_socket() {
    const MANY: usize = 6;
    let place = Place::new();
    place.write(
        "supervisord.conf",
        &format!("[supervisord]\nlogfile_maxbytes=0\n{SOCKET}"),
    );
    // a socket that nobody listens on is in the way of all of them
    drop(std::os::unix::net::UnixListener::bind(place.path("s.sock")).unwrap());
    let mut running: Vec<_> = (0..MANY)
        .map(|number| {
            let pid_file = format!("{number}.pid");
            place
                .tool("supervisord")
                .args(["-n", "-s", "-l", "/dev/null", "-j", &pid_file])
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    until("all but one to give up", || {
        running.retain_mut(|child| match child.try_wait().unwrap() {
            Some(ended) => {
                assert_eq!(ended.code(), Some(2));
                false
            }
            None => true,
        });
        (running.len() == 1).then_some(())
    });
    let mut last = running.pop().unwrap();
    let pid = until("the one that is left to answer", || {
        Some(ctl(&place, &["pid"])).filter(|pid| pid.trim() == last.id().to_string())
    });
    assert_eq!(pid.trim(), last.id().to_string());
    signal_process("TERM", last.id());
    assert_eq!(until("the end", || last.try_wait().unwrap()).code(), Some(0));
    assert!(!place.path("s.sock").exists());
}

#[test]
fn the_foreground_keeps_the_mask_that_it_finds() {
    let mask = |theirs: bool, asked: &str| {
        let place = Place::new();
        place.write(
            "supervisord.conf",
            &format!(
                "[supervisord]\n{asked}[program:p]\ncommand=sh -c 'umask; exec cat'\nstartsecs=0\nstdout_logfile=out\n"
            ),
        );
        let program = if theirs {
            pistack_e2e::clients::supervisor_tool("4.3.0", "supervisord")
        } else {
            place.path("bin/supervisord")
        };
        let mut child = place
            .here("sh".as_ref())
            .args(["-c", "umask 077; exec \"$0\" -n -s -c supervisord.conf"])
            .arg(program)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = wait_for(&place, "out", "\n");
        signal_process("TERM", child.id());
        until("the end", || child.try_wait().unwrap());
        out
    };
    assert_eq!(mask(true, ""), "0077\n");
    assert_eq!(mask(false, ""), "0077\n");
    // asked for, it holds: supervisord only does so in the background
    assert_eq!(mask(false, "umask=002\n"), "0002\n");
}
