//! Tests of who belongs where.

use std::path::Path;

use super::*;
use crate::config::options::Setting;
use crate::config::surroundings::Anything;

fn part(kind: &str, name: &str, line: u32, text: &[(&str, &str)]) -> Part {
    let origin = Origin {
        file: "x".into(),
        line,
    };
    let mut options = Options::new(origin.clone());
    for (key, value) in text {
        options.insert(*key, Setting::text(*value, origin.clone()));
    }
    Part {
        path: vec![format!("{kind}:{name}")],
        name: name.to_owned(),
        options,
    }
}

fn program(name: &str) -> Part {
    part("program", name, 1, &[("command", "x")])
}

fn assembled(parts: &Parts, native: bool) -> Assembled {
    let environment = IndexMap::new();
    let around = Surroundings {
        environment: &environment,
        host: "pi",
        cwd: Path::new("/"),
        outside: &Anything,
    };
    assemble(
        parts,
        &World {
            here: "/",
            environment: &environment,
            shared: &environment,
            shared_places: &IndexMap::new(),
            native,
            around,
        },
    )
}

fn shape(assembled: &Assembled) -> Vec<(&str, Vec<&str>)> {
    assembled
        .groups
        .values()
        .map(|group| {
            (
                group.name.as_str(),
                group
                    .processes
                    .iter()
                    .map(|process| process.name.as_str())
                    .collect(),
            )
        })
        .collect()
}

#[test]
fn listed_programs_leave_their_own_group_and_groups_are_sorted() {
    let parts = Parts {
        groups: vec![part(
            "group",
            "zoo",
            1,
            &[("programs", "c, a"), ("priority", "999")],
        )],
        programs: vec![
            program("a"),
            part("program", "z", 1, &[("command", "x"), ("priority", "1")]),
            program("c"),
            program("b"),
        ],
        listeners: vec![part(
            "eventlistener",
            "ear",
            1,
            &[("command", "x"), ("events", "TICK")],
        )],
        fastcgi: Vec::new(),
    };
    let assembled = assembled(&parts, false);
    assert_eq!(assembled.errors, []);
    assert_eq!(
        shape(&assembled),
        [
            ("ear", vec!["ear"]),
            ("z", vec!["z"]),
            ("b", vec!["b"]),
            ("zoo", vec!["c", "a"])
        ],
        "by priority, then name; members as listed"
    );
    assert_eq!(assembled.groups["ear"].priority, -1);
    assert_eq!(
        assembled.groups["ear"].processes[0].priority, 999,
        "the pool's priority is not the process's"
    );
    assert_eq!(assembled.groups["zoo"].processes[0].group, "zoo");
}

#[test]
fn a_program_may_be_in_two_groups_but_only_once_in_each() {
    let parts = Parts {
        groups: vec![
            part("group", "g", 1, &[("programs", "a,a")]),
            part("group", "h", 1, &[("programs", "a")]),
        ],
        programs: vec![program("a")],
        ..Parts::default()
    };
    let assembled = assembled(&parts, true);
    assert_eq!(shape(&assembled), [("g", vec!["a"]), ("h", vec!["a"])]);
    assert!(
        assembled.warnings[0]
            .message
            .contains("several processes are called `a`"),
        "{:?}",
        assembled.warnings
    );
}

#[test]
fn unknown_and_ambiguous_members_are_errors_with_advice() {
    let fastcgi = part(
        "fcgi-program",
        "web",
        1,
        &[("command", "x"), ("socket", "tcp://h:1")],
    );
    let parts = Parts {
        groups: vec![part("group", "g", 4, &[("programs", "camrea,web,nothing")])],
        programs: vec![program("camera"), program("web")],
        fastcgi: vec![fastcgi],
        ..Parts::default()
    };
    let errors = assembled(&parts, false).errors;
    let told: Vec<_> = errors
        .iter()
        .map(|error| (error.message.as_str(), error.help.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "[group:g] names unknown program or fcgi-program camrea",
                Some("did you mean `camera`?")
            ),
            (
                "[group:g] name web is ambiguous (exists as program and fcgi-program)",
                None
            ),
            (
                "[group:g] names unknown program or fcgi-program nothing",
                Some("the programs are: camera, web, web")
            ),
        ]
    );
    assert_eq!(errors[0].path, ["group:g", "programs"]);
}

#[test]
fn two_groups_of_one_name() {
    let parts = Parts {
        groups: vec![part("group", "b", 3, &[("programs", "a")])],
        programs: vec![
            program("a"),
            part("program", "b", 9, &[("command", "x"), ("priority", "1")]),
        ],
        ..Parts::default()
    };
    let ini = assembled(&parts, false);
    assert_eq!(ini.errors, []);
    assert_eq!(
        shape(&ini),
        [("b", vec!["b"])],
        "supervisord keeps the first by priority"
    );
    let message = "two groups are called `b`: [group:b] and [program:b] (x:9)";
    assert_eq!(
        ini.warnings[0].message,
        format!("{message}; only the latter runs")
    );
    let native = assembled(&parts, true);
    assert_eq!(
        (native.errors[0].message.as_str(), native.errors[0].origin.line),
        (message, 3)
    );
}

#[test]
fn listeners_have_their_own_rules() {
    let pool = |text: &[(&str, &str)]| {
        let text = [&[("command", "x")], text].concat();
        assembled(
            &Parts {
                listeners: vec![part("eventlistener", "l", 1, &text)],
                ..Parts::default()
            },
            false,
        )
    };
    let fine = pool(&[
        ("events", "tick_5, PROCESS_LOG,TICK"),
        ("buffer_size", "7"),
        ("priority", "3"),
    ]);
    let GroupKind::Listeners(spec) = &fine.groups["l"].kind else {
        panic!("{:?}", fine.groups)
    };
    let names: Vec<&str> = spec.events.iter().map(|kind| kind.name()).collect();
    assert_eq!(
        names,
        [
            "PROCESS_LOG_STDOUT",
            "PROCESS_LOG_STDERR",
            "TICK_5",
            "TICK_60",
            "TICK_3600"
        ]
    );
    assert_eq!(spec.buffer_size, Some(7));
    assert_eq!(
        (fine.groups["l"].priority, fine.groups["l"].processes[0].priority),
        (3, 3)
    );
    let unset = pool(&[("events", "EVENT")]);
    let GroupKind::Listeners(spec) = &unset.groups["l"].kind else {
        panic!("{:?}", unset.groups)
    };
    assert_eq!((spec.buffer_size, spec.events.len()), (None, 20));
    assert_eq!(spec.result_handler, "supervisor.dispatchers:default_handler");
    for (text, message) in [
        (&[][..], "[eventlistener:l] section requires an \"events\" line"),
        (
            &[("events", "")],
            "[eventlistener:l] section requires an \"events\" line",
        ),
        (
            &[("events", "TICK_6")],
            "Unknown event type TICK_6 in [eventlistener:l] events",
        ),
        (
            &[("events", "TICK"), ("buffer_size", "0")],
            "[eventlistener:l] section sets invalid buffer_size (0)",
        ),
        (
            &[("events", "TICK"), ("redirect_stderr", "on")],
            "[eventlistener:l] section sets redirect_stderr=true but this is not allowed because it will interfere with \
             the eventlistener protocol",
        ),
    ] {
        assert_eq!(pool(text).errors[0].message, message);
    }
    assert_eq!(
        pool(&[("events", "TICK_6")]).errors[0].help.as_deref(),
        Some("did you mean `TICK_60`?")
    );
}

#[test]
fn fastcgi_sockets_are_checked() {
    let kind = |text: &[(&str, &str)]| {
        let text = [&[("command", "x")], text].concat();
        let parts = Parts {
            fastcgi: vec![part("fcgi-program", "web", 1, &text)],
            ..Parts::default()
        };
        let mut assembled = assembled(&parts, false);
        match assembled.errors.pop() {
            Some(error) => Err(error.message),
            None => Ok(assembled.groups["web"].kind.clone()),
        }
    };
    let whole = [
        ("socket", "unix:///run/../%(program_name)s.sock"),
        ("socket_owner", "www:data"),
        ("socket_mode", "0770"),
        ("socket_backlog", "9"),
    ];
    let owner = Some(("www".to_owned(), Some("data".to_owned())));
    let socket = "unix:///web.sock".to_owned();
    assert_eq!(
        kind(&whole),
        Ok(GroupKind::FastCgi {
            socket,
            owner,
            mode: 0o770,
            backlog: Some(9)
        })
    );
    let socket = "tcp://host:9000".to_owned();
    let plain = GroupKind::FastCgi {
        socket,
        owner: None,
        mode: 0o700,
        backlog: None,
    };
    assert_eq!(kind(&[("socket", "tcp://Host:9000")]), Ok(plain));
    for (text, message) in [
        (&[][..], "[fcgi-program:web] section requires a \"socket\" line"),
        (
            &[("socket", "x")],
            "Bad socket format x in [fcgi-program:web] socket",
        ),
        (
            &[("socket", "unix://a")],
            "Unix socket path a is not an absolute path in [fcgi-program:web] socket",
        ),
        (
            &[("socket", "tcp://h:0")],
            "0 is below lower bound (1) in [fcgi-program:web] socket",
        ),
        (
            &[("socket", "unix:///a"), ("socket_backlog", "0")],
            "Invalid socket_backlog value 0",
        ),
        (
            &[("socket", "unix:///a"), ("socket_mode", "9")],
            "Invalid socket_mode value 9",
        ),
        (
            &[("socket", "tcp://h:1"), ("socket_mode", "7")],
            "socket_owner and socket_mode params should only be used with a Unix domain socket in [fcgi-program:web] \
             socket",
        ),
    ] {
        assert_eq!(kind(text), Err(message.to_owned()));
    }
}
