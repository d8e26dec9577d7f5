//! The state machine of one process: each row of supervisord's table, as a trace of states, spawns and signals.

use pistack_engine::config::model::{AutoRestart, ProcessSpec};
use pistack_engine::io::{Command, Exit};
use pistack_engine::state::ProcessState;

use super::world::{Kind, Run, Script, World, program};

const COURSE: [Kind; 3] = [Kind::Spawn, Kind::State, Kind::Kill];

/// A program, what its children do, for how long, and what comes of it.
struct Case {
    what: &'static str,
    spec: ProcessSpec,
    script: Script,
    seconds: f64,
    course: &'static [&'static str],
}

fn cat(set: impl FnOnce(&mut ProcessSpec)) -> ProcessSpec {
    program("cat", set)
}

fn check(cases: Vec<Case>) {
    for case in cases {
        let mut world = World::with(case.spec, case.script);
        world.run(case.seconds);
        assert_eq!(world.take(&COURSE), case.course, "{}", case.what);
    }
}

#[test]
fn starting() {
    check(vec![
        Case {
            what: "autostart, alive for startsecs",
            spec: cat(|spec| spec.startsecs = 3),
            script: Script::default(),
            seconds: 100.0,
            course: &[
                "0 cat STOPPED -> STARTING tries:0",
                "0 spawn cat",
                "3 cat STARTING -> RUNNING pid:101",
            ],
        },
        Case {
            what: "no autostart",
            spec: cat(|spec| spec.autostart = false),
            script: Script::default(),
            seconds: 100.0,
            course: &[],
        },
        Case {
            what: "startsecs 0: RUNNING as soon as there is a child",
            spec: cat(|spec| spec.startsecs = 0),
            script: Script::default(),
            seconds: 1.0,
            course: &[
                "0 cat STOPPED -> STARTING tries:0",
                "0 spawn cat",
                "0 cat STARTING -> RUNNING pid:101",
            ],
        },
        Case {
            what: "startsecs 0 and an exit: both events",
            spec: cat(|spec| spec.startsecs = 0),
            script: Script::always(Run::exits(0, 0)),
            seconds: 1.0,
            course: &[
                "0 cat STOPPED -> STARTING tries:0",
                "0 spawn cat",
                "0 cat STARTING -> RUNNING pid:101",
                "0 cat RUNNING -> EXITED expected:1 pid:101",
            ],
        },
        Case {
            what: "an exit at the very moment of startsecs is none too early",
            spec: cat(|_| ()),
            script: Script::always(Run::exits(1000, 0)),
            seconds: 5.0,
            course: &[
                "0 cat STOPPED -> STARTING tries:0",
                "0 spawn cat",
                "1 cat STARTING -> RUNNING pid:101",
                "1 cat RUNNING -> EXITED expected:1 pid:101",
            ],
        },
    ]);
}

#[test]
fn backing_off() {
    check(vec![
        Case {
            what: "linear backoff, four attempts, FATAL",
            spec: cat(|_| ()),
            script: Script::always(Run::exits(500, 0)),
            seconds: 60.0,
            course: &[
                "0 cat STOPPED -> STARTING tries:0",
                "0 spawn cat",
                "0.5 cat STARTING -> BACKOFF tries:1",
                "1.5 cat BACKOFF -> STARTING tries:1",
                "1.5 spawn cat",
                "2 cat STARTING -> BACKOFF tries:2",
                "4 cat BACKOFF -> STARTING tries:2",
                "4 spawn cat",
                "4.5 cat STARTING -> BACKOFF tries:3",
                "7.5 cat BACKOFF -> STARTING tries:3",
                "7.5 spawn cat",
                "8 cat STARTING -> BACKOFF tries:4",
                "8 cat BACKOFF -> FATAL",
            ],
        },
        Case {
            what: "an early exit backs off whatever autorestart and exit code say",
            spec: cat(|spec| {
                spec.autorestart = AutoRestart::Never;
                spec.startretries = 0;
            }),
            script: Script::always(Run::exits(999, 0)),
            seconds: 60.0,
            course: &[
                "0 cat STOPPED -> STARTING tries:0",
                "0 spawn cat",
                "0.999 cat STARTING -> BACKOFF tries:1",
                "0.999 cat BACKOFF -> FATAL",
            ],
        },
        Case {
            what: "a spawn that fails backs off, even with startsecs 0; success resets the counter",
            spec: cat(|spec| spec.startsecs = 0),
            script: Script::first(vec![
                Run::no_spawn("can't find command 'cat'"),
                Run::exits(2000, 1),
            ]),
            seconds: 60.0,
            course: &[
                "0 cat STOPPED -> STARTING tries:0",
                "0 spawn cat",
                "0 cat STARTING -> BACKOFF tries:1",
                "1 cat BACKOFF -> STARTING tries:1",
                "1 spawn cat",
                "1 cat STARTING -> RUNNING pid:101",
                "3 cat RUNNING -> EXITED expected:0 pid:101",
                "3 cat EXITED -> STARTING tries:0",
                "3 spawn cat",
                "3 cat STARTING -> RUNNING pid:102",
            ],
        },
    ]);
}

#[test]
fn exiting() {
    let fate = |autorestart, exitcodes: Vec<i32>, exit| {
        let spec = cat(|spec| {
            spec.autorestart = autorestart;
            spec.exitcodes = exitcodes;
        });
        let mut world = World::with(spec, Script::default());
        world.run(5.0);
        world.take(&[]);
        world.end("cat", exit);
        world.take(&[Kind::State]).join(", ")
    };
    let stays = |expected| format!("5 cat RUNNING -> EXITED expected:{expected} pid:101");
    let returns = |expected| format!("{}, 5 cat EXITED -> STARTING tries:0", stays(expected));
    let (never, unexpected, always) = (AutoRestart::Never, AutoRestart::Unexpected, AutoRestart::Always);
    for (what, autorestart, codes, exit, course) in [
        ("expected", unexpected, vec![0], Exit::Code(0), stays(1)),
        (
            "another expected code",
            unexpected,
            vec![0, 2],
            Exit::Code(2),
            stays(1),
        ),
        ("unexpected", unexpected, vec![0], Exit::Code(2), returns(0)),
        (
            "no code is expected",
            unexpected,
            vec![],
            Exit::Code(0),
            returns(0),
        ),
        (
            "a signal is never expected",
            unexpected,
            vec![0],
            Exit::Signal(15),
            returns(0),
        ),
        ("never, expected", never, vec![0], Exit::Code(0), stays(1)),
        ("never, unexpected", never, vec![0], Exit::Signal(9), stays(0)),
        ("always, expected", always, vec![0], Exit::Code(0), returns(1)),
        ("always, unexpected", always, vec![0], Exit::Core(11), returns(0)),
    ] {
        assert_eq!(fate(autorestart, codes, exit), course, "{what}");
    }
}

#[test]
fn a_fatal_or_exited_program_starts_on_request_with_a_fresh_counter() {
    let spec = cat(|spec| spec.startretries = 0);
    let mut world = World::with(spec, Script::first(vec![Run::exits(0, 1), Run::exits(3000, 0)]));
    world.run(1.0);
    assert_eq!(world.state("cat"), ProcessState::Fatal);
    world.take(&[]);
    world.send(Command::Start {
        name: "cat".into(),
        wait: false,
    });
    world.run(5.0);
    assert_eq!(world.state("cat"), ProcessState::Exited);
    world.send(Command::Start {
        name: "cat".into(),
        wait: false,
    });
    assert_eq!(
        world.take(&[Kind::State]),
        [
            "1 cat FATAL -> STARTING tries:0",
            "2 cat STARTING -> RUNNING pid:102",
            "4 cat RUNNING -> EXITED expected:1 pid:102",
            "6 cat EXITED -> STARTING tries:0",
        ]
    );
}

#[test]
fn the_log_tells_it_in_supervisords_words() {
    let script = Script::first(vec![
        Run::no_spawn("can't find command 'cat'"),
        Run::exits(200, 3),
        Run::exits(5000, 3),
        Run::exits(5000, 0),
    ]);
    let mut world = World::with(cat(|_| ()), script);
    world.run(20.0);
    assert_eq!(
        world.take(&[Kind::Log]),
        [
            "0 Info: spawnerr: can't find command 'cat'",
            "1 Info: spawned: 'cat' with pid 101",
            "1.2 Warn: exited: cat (exit status 3; not expected)",
            "3.2 Info: spawned: 'cat' with pid 102",
            "4.2 Info: success: cat entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)",
            "8.2 Warn: exited: cat (exit status 3; not expected)",
            "8.2 Info: spawned: 'cat' with pid 103",
            "9.2 Info: success: cat entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)",
            "13.2 Info: exited: cat (exit status 0; expected)",
        ]
    );
}

#[test]
fn the_log_says_that_it_gave_up() {
    let mut world = World::with(
        cat(|spec| spec.startretries = 0),
        Script::always(Run::exits(0, 1)),
    );
    world.run(1.0);
    assert_eq!(
        world.take(&[Kind::Log]),
        [
            "0 Info: spawned: 'cat' with pid 101",
            "0 Warn: exited: cat (exit status 1; not expected)",
            "0 Info: gave up: cat entered FATAL state, too many start retries too quickly",
        ]
    );
}

#[test]
fn the_log_names_signals_and_cores() {
    for (exit, words) in [
        (Exit::Signal(15), "terminated by SIGTERM"),
        (Exit::Core(11), "terminated by SIGSEGV (core dumped)"),
        (Exit::Signal(40), "terminated by signal 40"),
    ] {
        let mut world = World::with(
            cat(|spec| spec.autorestart = AutoRestart::Never),
            Script::default(),
        );
        world.run(2.0);
        world.take(&[]);
        world.end("cat", exit);
        assert_eq!(
            world.take(&[Kind::Log]),
            [format!("2 Warn: exited: cat ({words}; not expected)")]
        );
    }
}

#[test]
fn a_view_shows_what_is_known() {
    let script = Script::first(vec![Run::exits(200, 3), Run::exits(5000, 3)]);
    let mut world = World::with(cat(|spec| spec.autorestart = AutoRestart::Never), script);
    let seen = |world: &World| {
        let view = world.engine.find("cat").unwrap();
        let base = super::world::EPOCH as i64;
        let since = |at: i64| if at == 0 { -1 } else { at - base };
        (
            view.state,
            view.pid,
            since(view.start),
            since(view.stop),
            view.spawnerr.to_owned(),
            view.exitstatus,
        )
    };
    let quick = "Exited too quickly (process log may have details)".to_owned();
    assert_eq!(
        seen(&world),
        (ProcessState::Starting, 101, 0, -1, String::new(), None)
    );
    world.run(1.0);
    assert_eq!(seen(&world), (ProcessState::Backoff, 0, 0, 0, quick, None));
    world.run(2.0);
    assert_eq!(
        seen(&world),
        (ProcessState::Running, 102, 1, 0, String::new(), None)
    );
    world.run(10.0);
    assert_eq!(
        seen(&world),
        (
            ProcessState::Exited,
            0,
            1,
            6,
            "Bad exit code 3".to_owned(),
            Some(3)
        )
    );
}

#[test]
fn an_idle_supervisor_never_wakes() {
    let mut world = World::with(cat(|_| ()), Script::default());
    world.run(1.0);
    let before = world.wakeups;
    assert_eq!(world.engine.next_deadline(), None);
    world.run(1_000_000.0);
    assert_eq!(world.wakeups, before);
}
