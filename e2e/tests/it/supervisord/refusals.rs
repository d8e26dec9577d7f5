//! What both refuse, and how.

use std::collections::BTreeSet;

use super::{Place, refusal, text};

const PLAIN: &str = "[supervisord]\nnodaemon=true\n";

#[test]
fn command_lines() {
    let place = Place::new();
    place.write("supervisord.conf", PLAIN);
    for arguments in [
        &["-x"][..],
        &["-nx"],
        &["-c"],
        &["--nope"],
        &["--no"],
        &["--nodaemon=1"],
        &["--user"],
        &["word"],
        &["-n", "a b", "c'd"],
        &["-n", "--nodaemon"],
        &["-i", "a", "-i", "b"],
        &["-m", "9"],
        &["-d", "/no/such"],
        &["-l", "/no/such/x"],
        &["--pidfile=/no/such/x"],
        &["-y", "1K"],
        &["-z", "x"],
        &["-e", "warning"],
        &["-q", "/no/such"],
        &["-a", "x"],
        &["--minprocs=x"],
        &["-u", "nobody-here"],
        &["-u", "987654"],
        &["-u", ""],
        &["-c", "missing.conf"],
        &["-c", "."],
    ] {
        let ours = refusal(&place.tool("supervisord").args(arguments).output().unwrap());
        let theirs = refusal(&place.theirs("supervisord").args(arguments).output().unwrap());
        assert_eq!(ours, theirs, "{arguments:?}");
        assert_eq!(ours.0, Some(2), "{arguments:?}");
    }
}

/// Configurations with one thing wrong.
const BROKEN: [&str; 51] = [
    "",
    "a=b\n",
    "a=b",
    "[supervisord]\nnovalue\nnonsense",
    "[supervisord]\n[nonsense\n= x",
    "[supervisord]\nnovalue\nother thing\n",
    "[supervisord]\nnodaemon=maybe\n",
    "[supervisord]\nloglevel=warning\n",
    "[supervisord]\numask=9\n",
    "[supervisord]\nlogfile=/no/such/x\n",
    "[supervisord]\ndirectory=/no/such\n",
    "[supervisord]\nminfds=x\n",
    "[supervisord]\nuser=nobody-here\n",
    "[supervisord]\nenvironment=A=x@y\n",
    "[supervisord]\nlogfile_maxbytes=1K\n",
    "[supervisord]\nidentifier=%(nope)s\n",
    "[supervisord]\nidentifier=100%\n",
    "[supervisord]\n[include]\n",
    "[supervisord]\n[include]\nfiles=%(nope)s\n",
    "[supervisord]\n[program:x]\n",
    "[supervisord]\n[program:a b]\ncommand=cat\n",
    "[supervisord]\n[program:x]\ncommand=cat\nautostart=maybe\n",
    "[supervisord]\n[program:x]\ncommand=cat\npriority=x\n",
    "[supervisord]\n[program:x]\ncommand=cat\nnumprocs=2\n",
    "[supervisord]\n[program:x]\ncommand=cat\nnumprocs=x\n",
    "[supervisord]\n[program:x]\ncommand=cat\nstopasgroup=true\nkillasgroup=false\n",
    "[supervisord]\n[program:x]\ncommand=cat\nexitcodes=300\n",
    "[supervisord]\n[program:x]\ncommand=cat\nstopsignal=FOO\n",
    "[supervisord]\n[program:x]\ncommand=cat\nautorestart=x\n",
    "[supervisord]\n[program:x]\ncommand=cat\nenvironment=A\n",
    "[supervisord]\n[program:x]\ncommand=cat\nuser=nobody-here\n",
    "[supervisord]\n[program:x]\ncommand=cat\numask=9\n",
    "[supervisord]\n[program:x]\ncommand=cat\nstdout_logfile=/no/such/x\n",
    "[supervisord]\n[program:x]\ncommand=%(nope)s\n",
    "[supervisord]\n[program:x]\ncommand=cat 100%\n",
    "[supervisord]\n[group:g]\nprograms=nope\n",
    "[supervisord]\n[group:g]\nprograms=x\n[program:x]\ncommand=cat\nautostart=maybe\n",
    "[supervisord]\n[eventlistener:e]\ncommand=cat\n",
    "[supervisord]\n[eventlistener:e]\ncommand=cat\nevents=NOPE\n",
    "[supervisord]\n[eventlistener:e]\ncommand=cat\nevents=TICK_5\nbuffer_size=0\n",
    "[supervisord]\n[eventlistener:e]\ncommand=cat\nevents=TICK_5\nredirect_stderr=true\n",
    "[supervisord]\n[eventlistener:e]\nevents=TICK_5\n",
    "[supervisord]\n[fcgi-program:f]\ncommand=cat\n",
    "[supervisord]\n[unix_http_server]\n",
    "[supervisord]\n[unix_http_server]\nfile=x.sock\nchmod=9\n",
    "[supervisord]\n[unix_http_server]\nfile=x.sock\nusername=a\n",
    "[supervisord]\n[inet_http_server]\n",
    "[supervisord]\n[inet_http_server]\nport=70000\n",
    "[supervisord]\n[rpcinterface:supervisor]\n",
    "[supervisord]\nuser=root\n[inet_http_server]\nport=192.0.2.1:9001\n",
    "[supervisord]\nuser=root\n[unix_http_server]\nfile=/no/such/s.sock\n",
];

#[test]
fn configurations() {
    let place = Place::new();
    let mut different = Vec::new();
    for configuration in BROKEN {
        place.write("x.conf", configuration);
        let arguments = ["-n", "-c", "x.conf"];
        let ours = refusal(&place.tool("supervisord").args(arguments).output().unwrap());
        let theirs = refusal(&place.theirs("supervisord").args(arguments).output().unwrap());
        assert_eq!(ours.0, Some(2), "{configuration}");
        if ours != theirs {
            different.push(format!(
                "{configuration}\nours: {}\ntheirs: {}\n",
                ours.1, theirs.1
            ));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn every_error_has_its_line_below() {
    let place = Place::new();
    place.write(
        "x.conf",
        "[supervisord]\nloglevel=loud\n[program:x]\nautostart=maybe\ncommand=cat\n",
    );
    let output = place.tool("supervisord").args(["-c", "x.conf"]).output().unwrap();
    let said = text(&output.stderr);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 4, "{said}");
    assert!(
        lines[2].starts_with("  x.conf:2: [supervisord] loglevel: "),
        "{said}"
    );
    assert!(
        lines[3].starts_with("  x.conf:4: [program:x] autostart: "),
        "{said}"
    );
}

#[test]
fn the_first_argument_chooses_as_the_name_does() {
    let place = Place::new();
    let pistack = pistack_e2e::binary();
    let output = place.here(&pistack).args(["supervisord", "-x"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        format!(
            "Error: option -x not recognized\nFor help, use {} supervisord -h\n",
            pistack.display()
        )
    );
}

#[test]
fn help_and_version() {
    let place = Place::new();
    let run = |mut command: std::process::Command, flag: &str| {
        let output = command.arg(flag).output().unwrap();
        (output.status.code(), text(&output.stdout))
    };
    assert_eq!(
        run(place.tool("supervisord"), "-v"),
        run(place.theirs("supervisord"), "-v")
    );
    let flags = |(code, help): (Option<i32>, String)| -> BTreeSet<String> {
        assert_eq!(code, Some(0));
        help.lines()
            .filter(|line| line.starts_with('-'))
            .filter_map(|line| line.split(" -- ").next())
            .map(|flags| flags.trim().to_owned())
            .collect()
    };
    let theirs = flags(run(place.theirs("supervisord"), "-h"));
    assert!(theirs.len() > 15, "{theirs:?}");
    assert_eq!(flags(run(place.tool("supervisord"), "-h")), theirs);
}

#[test]
fn no_configuration_anywhere() {
    let place = Place::new();
    let masked = |output: &std::process::Output| {
        let (code, said) = refusal(output);
        let from = said.find('(').unwrap();
        let until = said.find("supervisord.conf, supervisord.conf").unwrap();
        (code, format!("{}{}", &said[..from], &said[until..]))
    };
    let ours = place.tool("supervisord").output().unwrap();
    assert!(text(&ours.stderr).contains(&format!(
        "({0}/etc/supervisord.conf, {0}/supervisord.conf, supervisord.conf, ",
        place.folder.path().display()
    )));
    let theirs = place.theirs("supervisord").output().unwrap();
    assert_eq!(masked(&ours), masked(&theirs));
}

#[test]
fn addresses_and_limits_that_cannot_be_had() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    place.write(
        "x.conf",
        &format!("[supervisord]\nlogfile=/dev/null\nlogfile_maxbytes=0\n[inet_http_server]\nport=127.0.0.1:{port}\n"),
    );
    let arguments = ["-c", "x.conf", "-u", "root"];
    let theirs = refusal(
        &place
            .theirs("supervisord")
            .arg("-n")
            .args(arguments)
            .output()
            .unwrap(),
    );
    let ours = place
        .tool("supervisord")
        .arg("-n")
        .args(arguments)
        .output()
        .unwrap();
    assert_eq!(refusal(&ours), theirs);
    assert!(text(&ours.stderr).contains(&format!("  127.0.0.1:{port}: ")));
    // in the background the one who waits says the same
    assert_eq!(
        refusal(&place.tool("supervisord").args(arguments).output().unwrap()),
        theirs
    );
    // beyond what the kernel gives to anybody
    let begin = |output: &std::process::Output| {
        let (code, said) = refusal(output);
        let end = said.find("The current environment").unwrap();
        (code, said[..end].to_owned())
    };
    let arguments = ["-n", "-c", "x.conf", "-a", "99999999999"];
    assert_eq!(
        begin(&place.tool("supervisord").args(arguments).output().unwrap()),
        begin(&place.theirs("supervisord").args(arguments).output().unwrap())
    );
}
