//! Tests of the flags.

use std::path::Path;

use indexmap::IndexMap;
use pistack_daemon::System;

use super::*;

fn asked(words: &[&str]) -> Result<Asked, String> {
    let environment = IndexMap::new();
    let around = Surroundings {
        environment: &environment,
        host: "pi",
        cwd: Path::new("/"),
        outside: &System,
    };
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    parse(&words, around)
}

fn settings(words: &[&str]) -> Result<Settings, String> {
    let environment = IndexMap::new();
    let around = Surroundings {
        environment: &environment,
        host: "pi",
        cwd: Path::new("/"),
        outside: &System,
    };
    let Asked::Run(flags) = asked(words)? else {
        panic!("{words:?} asks for a text")
    };
    let mut settings = Settings {
        silent: true,
        ..Settings::default()
    };
    flags.lay_over(&mut settings, around)?;
    Ok(settings)
}

#[test]
fn every_flag_goes_over_the_file() {
    let all = settings(&[
        "-nkt",
        "-u",
        "root",
        "-m",
        "027",
        "-d",
        "/",
        "-l",
        "/tmp/a.log",
        "-y",
        "1MB",
        "-z",
        "3",
        "-e",
        "debug",
        "-j",
        "/tmp/a.pid",
        "-i",
        "me",
        "-q",
        "/tmp",
        "-a",
        "64",
        "--minprocs=5",
    ]);
    let expected = Settings {
        nodaemon: true,
        silent: true,
        nocleanup: true,
        strip_ansi: true,
        user: Some("root".into()),
        umask: 0o27,
        directory: Some("/".into()),
        logfile: LogTarget::File("/tmp/a.log".into()),
        logfile_maxbytes: 1 << 20,
        logfile_backups: 3,
        loglevel: LogLevel::Debug,
        pidfile: "/tmp/a.pid".into(),
        identifier: "me".into(),
        childlogdir: Some("/tmp".into()),
        minfds: 64,
        minprocs: 5,
        ..Settings::default()
    };
    assert_eq!(all, Ok(expected));
    let nothing = Settings {
        silent: true,
        ..Settings::default()
    };
    assert_eq!(settings(&["-l", "", "-j", ""]), Ok(nothing));
    assert_eq!(
        settings(&["-l", "syslog"]).map(|it| it.logfile),
        Ok(LogTarget::Syslog)
    );
}

#[test]
fn help_and_version_win_where_they_stand() {
    assert_eq!(asked(&["-n", "-h", "-m", "x"]), Ok(Asked::Help));
    assert_eq!(asked(&["-?"]), Ok(Asked::Help));
    assert_eq!(asked(&["--vers"]), Ok(Asked::Version));
    assert!(asked(&["-m", "x", "-h"]).is_err());
}

#[test]
fn refuses_in_supervisords_words() {
    for (words, text) in [
        (
            &["-m", "x"][..],
            "invalid value for -m 'x': x can not be converted to an octal type",
        ),
        (
            &["-n", "--nodaemon"],
            "conflicting command line option '--nodaemon'",
        ),
        (
            &["-n", "a b", "-h"],
            "positional arguments are not supported: ['a b', '-h']",
        ),
        (
            &["-e", "loud"],
            "invalid value for -e 'loud': bad logging level name 'loud'",
        ),
        (
            &["-a", "x"],
            "invalid value for -a 'x': invalid literal for int() with base 10: 'x'",
        ),
        (
            &["-d", "/no/such"],
            "invalid value for -d '/no/such': /no/such is not an existing directory",
        ),
        (
            &["--pidfile=/no/such/x"],
            "invalid value for --pidfile '/no/such/x': The directory named as part of the path /no/such/x does not exist",
        ),
        (&["-u", "nobody-here"], "Invalid user name nobody-here"),
        (&["--no"], "option --no not a unique prefix"),
    ] {
        assert_eq!(settings(words).unwrap_err(), text, "{words:?}");
    }
}
