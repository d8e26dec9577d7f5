//! Every fault of the commands, with its exact text.

use pistack_engine::config::model::{GroupSpec, Model};
use pistack_engine::io::{Command, FaultCode};

use super::world::{Run, Script, World, group, model, program, render_reply};

/// A program in each state. `stopping` is in a group, so that full names are seen.
fn zoo() -> World {
    let idle = |name: &str| program(name, |spec| spec.autostart = false);
    let alone = |name: &str| -> GroupSpec { group(name, 999, vec![program(name, |_| ())]) };
    let groups = vec![
        group("stopped", 999, vec![idle("stopped")]),
        alone("running"),
        group("exited", 999, vec![program("exited", |_| ())]),
        group("fatal", 999, vec![program("fatal", |spec| spec.startretries = 0)]),
        group(
            "backoff",
            999,
            vec![program("backoff", |spec| spec.startretries = 100)],
        ),
        group(
            "starting",
            999,
            vec![program("starting", |spec| spec.startsecs = 1000)],
        ),
        group(
            "g",
            999,
            vec![program("stopping", |spec| spec.stopwaitsecs = 10_000)],
        ),
        alone("unknown"),
    ];
    let scripts = vec![
        ("exited", Script::always(Run::exits(1500, 0))),
        ("fatal", Script::always(Run::exits(0, 1))),
        (
            "backoff",
            Script::always(Run::no_spawn("can't find command 'backoff'")),
        ),
        ("g:stopping", Script::always(Run::stubborn())),
        ("unknown", Script::always(Run::untouchable("EPERM"))),
    ];
    let mut world = World::new(model(groups), scripts);
    world.run(2.0);
    world.send(Command::Stop {
        name: "g:stopping".into(),
        wait: false,
    });
    world.send(Command::Stop {
        name: "unknown".into(),
        wait: false,
    });
    world
}

fn start(name: &str) -> Command {
    Command::Start {
        name: name.into(),
        wait: true,
    }
}

fn stop(name: &str) -> Command {
    Command::Stop {
        name: name.into(),
        wait: true,
    }
}

fn signal(name: &str, signal: &str) -> Command {
    Command::Signal {
        name: name.into(),
        signal: signal.into(),
    }
}

fn check(cases: Vec<(Command, &str)>) {
    for (command, expected) in cases {
        let mut world = zoo();
        let request = world.send(command.clone());
        world.run(3.0);
        let reply = world
            .reply(request)
            .unwrap_or_else(|| panic!("no reply to {command:?}"));
        assert_eq!(render_reply(&reply), expected, "{command:?}");
    }
}

#[test]
fn starting() {
    let group = |name: &str| Command::StartGroup {
        name: name.into(),
        wait: true,
    };
    check(vec![
        (start("nobody"), "BAD_NAME: nobody (10)"),
        (start("g:nobody"), "BAD_NAME: g:nobody (10)"),
        (start("g"), "BAD_NAME: g (10)"),
        (start("stopping"), "BAD_NAME: stopping (10)"),
        (start("nobody:*"), "BAD_NAME: nobody:* (10)"),
        (start("running"), "ALREADY_STARTED: running (60)"),
        (start("running:running"), "ALREADY_STARTED: running:running (60)"),
        (start("starting"), "ALREADY_STARTED: starting (60)"),
        (start("backoff"), "ALREADY_STARTED: backoff (60)"),
        (
            start("unknown"),
            "FAILED: unknown is in an unknown process state (30)",
        ),
        (start("g:stopping"), "ABNORMAL_TERMINATION: g:stopping (40)"),
        (
            Command::Start {
                name: "g:stopping".into(),
                wait: false,
            },
            "True",
        ),
        (start("fatal"), "SPAWN_ERROR: fatal (50)"),
        (start("exited"), "True"),
        (group("nobody"), "BAD_NAME: nobody (10)"),
        (group("g:*"), "BAD_NAME: g:* (10)"),
    ]);
}

#[test]
fn stopping() {
    check(vec![
        (stop("nobody"), "BAD_NAME: nobody (10)"),
        (stop("nobody:"), "BAD_NAME: nobody: (10)"),
        (stop("stopped"), "NOT_RUNNING: stopped (70)"),
        (stop("exited"), "NOT_RUNNING: exited (70)"),
        (stop("fatal"), "NOT_RUNNING: fatal (70)"),
        (stop("unknown"), "NOT_RUNNING: unknown (70)"),
        (stop("g:stopping"), "NOT_RUNNING: g:stopping (70)"),
        (stop("backoff"), "True"),
        (
            Command::StopGroup {
                name: "x".into(),
                wait: true,
            },
            "BAD_NAME: x (10)",
        ),
    ]);
}

#[test]
fn signalling() {
    check(vec![
        (signal("nobody", "HUP"), "BAD_NAME: nobody (10)"),
        (signal("running", "SIGNAL"), "BAD_SIGNAL: SIGNAL (11)"),
        (signal("running", "1234"), "BAD_SIGNAL: 1234 (11)"),
        (signal("stopped", "1234"), "BAD_SIGNAL: 1234 (11)"),
        (signal("stopped", "HUP"), "NOT_RUNNING: stopped (70)"),
        (signal("backoff", "HUP"), "NOT_RUNNING: backoff (70)"),
        (signal("running", "1"), "True"),
        (signal("running", "0"), "True"),
        (signal("g:stopping", "HUP"), "True"),
        (
            Command::SignalGroup {
                name: "x".into(),
                signal: "HUP".into(),
            },
            "BAD_NAME: x (10)",
        ),
    ]);
}

#[test]
fn adding_and_removing() {
    let add = |name: &str| Command::AddGroup { name: name.into() };
    let remove = |name: &str| Command::RemoveGroup { name: name.into() };
    check(vec![
        (add("x"), "BAD_NAME: x (10)"),
        (add("g"), "ALREADY_ADDED: g (90)"),
        (remove("x"), "BAD_NAME: x (10)"),
        (remove("g"), "STILL_RUNNING: g (91)"),
        (remove("backoff"), "STILL_RUNNING: backoff (91)"),
        (remove("stopped"), "True"),
        (remove("unknown"), "True"),
    ]);
}

#[test]
fn calls_to_all_leave_out_those_in_the_wanted_state() {
    check(vec![
        (
            Command::StartAll { wait: false },
            "[exited:exited 80 OK, fatal:fatal 80 OK, g:stopping 80 OK, stopped:stopped 80 OK, \
             unknown:unknown 30 FAILED: unknown is in an unknown process state]",
        ),
        (
            Command::StartAll { wait: true },
            "[unknown:unknown 30 FAILED: unknown is in an unknown process state, \
             g:stopping 40 ABNORMAL_TERMINATION: g:stopping, \
             fatal:fatal 50 SPAWN_ERROR: fatal, exited:exited 80 OK, stopped:stopped 80 OK]",
        ),
        (
            Command::StopAll { wait: false },
            "[backoff:backoff 80 OK, running:running 80 OK, starting:starting 80 OK]",
        ),
        (
            Command::SignalAll {
                signal: "USR1".into(),
            },
            "[g:stopping 80 OK, running:running 80 OK, starting:starting 80 OK]",
        ),
        (
            Command::SignalAll { signal: "X".into() },
            "[g:stopping 11 BAD_SIGNAL: X, running:running 11 BAD_SIGNAL: X, starting:starting 11 BAD_SIGNAL: X]",
        ),
        (
            Command::StartGroup {
                name: "running".into(),
                wait: true,
            },
            "[]",
        ),
        (start("running:*"), "[]"),
        (start("running:"), "[]"),
        (stop("stopped:*"), "[]"),
        (signal("stopped:*", "X"), "[]"),
        (start("g:*"), "[g:stopping 40 ABNORMAL_TERMINATION: g:stopping]"),
        (
            Command::SignalGroup {
                name: "g".into(),
                signal: "HUP".into(),
            },
            "[g:stopping 80 OK]",
        ),
    ]);
}

#[test]
fn everything_but_messages_is_refused_while_stopping() {
    for end in [Command::Shutdown, Command::Restart] {
        let mut world = zoo();
        assert_eq!(render_reply(&world.call(end)), "True");
        for command in [
            start("stopped"),
            start("nobody"),
            stop("running"),
            signal("running", "X"),
            Command::StartAll { wait: true },
            Command::StopAll { wait: true },
            Command::SignalAll { signal: "HUP".into() },
            Command::StartGroup {
                name: "g".into(),
                wait: true,
            },
            Command::AddGroup { name: "g".into() },
            Command::RemoveGroup { name: "g".into() },
            Command::Reload {
                model: Box::new(Model::default()),
            },
            Command::Shutdown,
            Command::Restart,
        ] {
            assert_eq!(render_reply(&world.call(command)), "SHUTDOWN_STATE (6)");
        }
        let message = Command::RemoteCommunication {
            kind: "a".into(),
            data: "b".into(),
        };
        assert_eq!(render_reply(&world.call(message)), "True");
    }
}

#[test]
fn a_veto_answers_instead_of_a_start() {
    let mut world = zoo();
    let names = |world: &World, command: &Command| -> Vec<String> {
        let ids = world.engine.start_candidates(command);
        ids.iter()
            .map(|id| world.engine.spec(*id).unwrap().name.clone())
            .collect()
    };
    let all = Command::StartAll { wait: false };
    assert_eq!(
        names(&world, &all),
        ["exited", "fatal", "stopping", "stopped", "unknown"]
    );
    assert_eq!(
        names(&world, &start("running")),
        ["running"],
        "checked before its state is"
    );
    assert_eq!(names(&world, &start("g:*")), ["stopping"]);
    assert_eq!(names(&world, &start("running:*")), [""; 0]);
    assert_eq!(names(&world, &start("nobody")), [""; 0]);
    assert_eq!(names(&world, &stop("running")), [""; 0]);

    let no_file = FaultCode::NoFile.with("can't find command 'x'");
    world.engine.veto(world.id("running"), no_file.clone());
    assert_eq!(
        render_reply(&world.call(start("running"))),
        "NO_FILE: can't find command 'x' (20)"
    );
    assert_eq!(
        render_reply(&world.call(start("running"))),
        "ALREADY_STARTED: running (60)",
        "it is forgotten"
    );

    world.engine.veto(world.id("stopped"), no_file);
    let rows = render_reply(&world.call(all));
    assert!(
        rows.contains("stopped:stopped 20 NO_FILE: can't find command 'x'"),
        "{rows}"
    );
}
