//! Tests of the programs' rules; `tests/data/configs.json` compares whole configurations with supervisor itself.

use std::path::Path;

use super::*;
use crate::config::model::Origin;
use crate::config::options::Setting;
use crate::config::surroundings::{Anything, Outside};

fn options(text: &[(&str, &str)]) -> Options {
    let mut options = Options::new(Origin {
        file: "x".into(),
        line: 1,
    });
    for (line, (key, value)) in (2..).zip(text) {
        options.insert(
            *key,
            Setting::text(
                *value,
                Origin {
                    file: "x".into(),
                    line,
                },
            ),
        );
    }
    options
}

fn read_with(text: &[(&str, &str)], outside: &dyn Outside) -> Read {
    let environment = [("HOME", "/root"), ("A", "daemon"), ("PCT", "5%")];
    let environment = environment
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let shared = IndexMap::from([
        ("SHARED".to_owned(), "s".to_owned()),
        ("A".to_owned(), "shared".to_owned()),
    ]);
    let around = Surroundings {
        environment: &environment,
        host: "pi",
        cwd: Path::new("/srv"),
        outside,
    };
    let scope = Scope {
        program: "cat",
        group: "zoo",
        label: "program:cat",
        here: "/etc",
        environment: &environment,
        shared: &shared,
        shared_places: &IndexMap::new(),
        group_priority: None,
        logfile_twice: true,
        around,
    };
    read(&options(text), &scope)
}

fn processes(text: &[(&str, &str)]) -> Vec<ProcessSpec> {
    let read = read_with(text, &Anything);
    assert_eq!(read.errors, [], "{text:?}");
    read.processes
}

fn messages(text: &[(&str, &str)]) -> Vec<String> {
    read_with(text, &Anything)
        .errors
        .into_iter()
        .map(|error| error.message)
        .collect()
}

#[test]
fn a_bare_program_has_supervisors_defaults() {
    let expected = ProcessSpec {
        group: "zoo".to_owned(),
        environment: [("SHARED", "s"), ("A", "shared")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
        origin: Origin {
            file: "x".into(),
            line: 1,
        },
        ..ProcessSpec::new("cat", "/bin/cat")
    };
    let read = processes(&[("command", "/bin/cat")]);
    let expected = ProcessSpec {
        places: read[0].places.clone(),
        ..expected
    };
    assert_eq!(read[0].places.option("command"), Some((Path::new("x"), 2)));
    assert_eq!(read, [expected]);
}

#[test]
fn numprocs_makes_processes_sorted_by_name() {
    let all = processes(&[
        ("command", "run %(process_num)d of %(numprocs)d"),
        ("process_name", "p_%(process_num)d"),
        ("numprocs", "3"),
        ("numprocs_start", "9"),
    ]);
    let names: Vec<&str> = all.iter().map(|process| process.name.as_str()).collect();
    assert_eq!(names, ["p_10", "p_11", "p_9"]);
    assert_eq!(all[2].command, "run 9 of 3");
    assert!(processes(&[("command", "x"), ("numprocs", "0")]).is_empty());
    let names = [("command", "x"), ("numprocs", "2")];
    assert_eq!(
        messages(&names),
        ["%(process_num) must be present within process_name when numprocs > 1"]
    );
    assert_eq!(
        messages(&[
            ("command", "x"),
            ("numprocs", "10001"),
            ("process_name", "%(process_num)d")
        ]),
        ["10001 is above upper bound (10000)"]
    );
}

#[test]
fn names_reach_only_where_supervisor_knows_them() {
    let known = processes(&[
        (
            "command",
            "%(program_name)s %(group_name)s %(host_node_name)s %(here)s %(ENV_OWN)s",
        ),
        ("environment", "OWN=\"%(ENV_A)s-%(process_num)d\",A=own"),
        ("directory", "/d/%(ENV_OWN)s"),
    ]);
    assert_eq!(known[0].command, "cat zoo pi /etc daemon-0");
    assert_eq!(known[0].directory.as_deref(), Some(Path::new("/d/daemon-0")));
    assert_eq!(known[0].environment.get("A").map(String::as_str), Some("own"));
    for key in ["user", "priority", "stdout_capture_maxbytes", "umask"] {
        let messages = messages(&[("command", "x"), (key, "%(process_num)s")]);
        assert!(
            messages[0].contains("contains names ('process_num')"),
            "{key}: {messages:?}"
        );
        assert!(
            messages[0].contains(&format!("for 'program:cat.{key}'")),
            "{messages:?}"
        );
    }
}

#[test]
fn own_variables_leak_to_later_processes_but_not_those_of_the_daemon() {
    let all = processes(&[
        ("command", "x"),
        ("process_name", "%(process_num)d"),
        ("numprocs", "2"),
        ("environment", "A=%(ENV_A)s%(process_num)d"),
    ]);
    let of = |index: usize| all[index].environment.get("A").cloned();
    assert_eq!(
        (of(0), of(1)),
        (Some("daemon0".to_owned()), Some("daemon1".to_owned()))
    );
}

#[test]
fn log_files_expand_twice_and_need_their_directory() {
    let all = processes(&[
        ("command", "x"),
        ("stdout_logfile", "/l/%%%%.log"),
        ("stderr_logfile", "~/e%%(here)s"),
    ]);
    assert_eq!(all[0].stdout.logfile, LogTarget::File("/l/%.log".into()));
    assert_eq!(all[0].stderr.logfile, LogTarget::File("/root/e/etc".into()));
    let twice = messages(&[("command", "x"), ("stdout_logfile", "/l/%(ENV_PCT)s")]);
    assert!(
        twice[0].contains("badly formatted: incomplete format"),
        "{twice:?}"
    );

    struct OnlySrv;
    impl Outside for OnlySrv {
        fn is_directory(&self, path: &Path) -> bool {
            path == Path::new("/srv/logs")
        }
    }
    let read = read_with(
        &[
            ("command", "x"),
            ("stdout_logfile", "logs/a"),
            ("stderr_logfile", "/no/a"),
        ],
        &OnlySrv,
    );
    assert_eq!(
        read.processes[0].stdout.logfile,
        LogTarget::File("logs/a".into()),
        "relative stays relative"
    );
    assert_eq!(
        read.errors[0].message,
        "The directory named as part of the path /no/a does not exist"
    );
    assert_eq!(
        read.errors[0].help.as_deref(),
        Some("make the directory: mkdir -p /no")
    );
    let plain = read_with(&[("command", "x"), ("stdout_logfile", "a.log")], &OnlySrv);
    assert_eq!(plain.errors, [], "a plain name is in the working directory");
}

#[test]
fn group_stops_and_logs_follow_their_rules() {
    let spec = &processes(&[("command", "x"), ("stopasgroup", "true")])[0];
    assert!(spec.stopasgroup && spec.killasgroup);
    assert_eq!(
        messages(&[
            ("command", "x"),
            ("stopasgroup", "true"),
            ("killasgroup", "false")
        ]),
        ["Cannot set stopasgroup=true and killasgroup=false"]
    );
    let read = read_with(
        &[
            ("command", "x"),
            ("redirect_stderr", "true"),
            ("stderr_logfile", "/e"),
            ("stdout_logfile", "syslog"),
            ("startsecs", "-1"),
        ],
        &Anything,
    );
    let spec = &read.processes[0];
    assert_eq!(
        (&spec.stderr.logfile, &spec.stdout.logfile),
        (&LogTarget::None, &LogTarget::None)
    );
    assert!(spec.stdout.syslog && !spec.stderr.syslog);
    assert_eq!(spec.startsecs, 0);
    assert_eq!(read.warnings.len(), 3, "{:?}", read.warnings);
    let auto = read_with(&[("command", "x"), ("stdout_logfile_maxbytes", "0")], &Anything);
    assert!(
        auto.warnings[0]
            .message
            .contains("AUTO logging used for stdout_logfile without rollover")
    );
    assert_eq!(auto.warnings[0].origin.line, 3);
}

#[test]
fn every_error_is_told_with_its_line() {
    let read = read_with(
        &[
            ("priority", "high"),
            ("autostart", "maybe"),
            ("stopsignal", "TREM"),
            ("process_name", "a b"),
        ],
        &Anything,
    );
    let lines: Vec<u32> = read.errors.iter().map(|error| error.origin.line).collect();
    assert_eq!(lines, [2, 3, 4, 5, 1], "{:#?}", read.errors);
    assert_eq!(
        read.errors[4].message,
        "program section program:cat does not specify a command"
    );
}
