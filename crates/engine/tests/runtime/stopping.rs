//! Stopping, killing, signals that cannot be sent.

use pistack_engine::io::{Command, Input};
use pistack_engine::state::ProcessState;

use super::world::{Kind, Run, Script, World, program, render_reply};

fn running(run: Run, set: impl FnOnce(&mut pistack_engine::config::model::ProcessSpec)) -> World {
    let mut world = World::with(program("cat", set), Script::always(run));
    world.run(2.0);
    world.take(&[]);
    world
}

fn stop(wait: bool) -> Command {
    Command::Stop {
        name: "cat".into(),
        wait,
    }
}

const ALL: [Kind; 4] = [Kind::State, Kind::Kill, Kind::Reply, Kind::Log];

#[test]
fn a_program_that_obeys() {
    let mut world = running(Run::slow_stop(500), |_| ());
    world.send(stop(true));
    world.run(10.0);
    assert_eq!(
        world.take(&ALL),
        [
            "2 cat RUNNING -> STOPPING pid:101",
            "2 signal 15 to cat",
            "2 Info: waiting for cat to stop",
            "2.5 cat STOPPING -> STOPPED pid:101",
            "2.5 Info: stopped: cat (exit status 0)",
            "2.5 reply 1: True",
        ]
    );
    assert_eq!(world.engine.next_deadline(), None);
}

#[test]
fn a_program_that_does_not() {
    let mut world = running(Run::stubborn(), |spec| spec.stopwaitsecs = 5);
    world.send(stop(true));
    world.run(10.0);
    assert_eq!(
        world.take(&ALL),
        [
            "2 cat RUNNING -> STOPPING pid:101",
            "2 signal 15 to cat",
            "2 Info: waiting for cat to stop",
            "4 Info: waiting for cat to stop",
            "6 Info: waiting for cat to stop",
            "7 Warn: killing 'cat' (101) with SIGKILL",
            "7 signal 9 to cat",
            "7 cat STOPPING -> STOPPED pid:101",
            "7 Warn: stopped: cat (terminated by SIGKILL)",
            "7 reply 1: True",
        ]
    );
}

#[test]
fn sigkill_is_repeated_until_the_child_is_gone() {
    // A child in uninterruptible sleep: no signal has an effect, and none fails.
    for (stopwaitsecs, kills) in [(3, ["5", "8", "11"]), (0, ["2", "3", "4"])] {
        let mut world = running(Run::default(), |spec| spec.stopwaitsecs = stopwaitsecs);
        let process = world.id("cat");
        let mut at = world.now;
        let mut seen = Vec::new();
        let request = pistack_engine::io::RequestId(1);
        world.engine.handle(
            at,
            Input::Command {
                request,
                command: stop(false),
            },
        );
        while seen.len() < 3 {
            while let Some(action) = world.engine.poll_action() {
                if let pistack_engine::io::Action::Kill {
                    signal: 9,
                    process: whom,
                    ..
                } = action
                {
                    assert_eq!(whom, process);
                    seen.push((at.mono.as_secs() - 1000).to_string());
                }
            }
            at.mono = world.engine.next_deadline().expect("it goes on").max(at.mono);
            world.engine.handle(at, Input::Tick);
        }
        assert_eq!(seen, kills, "stopwaitsecs {stopwaitsecs}");
    }
}

#[test]
fn signals_go_to_the_group_where_asked() {
    for (stopasgroup, killasgroup, kills) in [
        (false, false, ["2 signal 12 to cat", "12 signal 9 to cat"]),
        (false, true, ["2 signal 12 to cat", "12 signal 9 to group of cat"]),
        (
            true,
            true,
            ["2 signal 12 to group of cat", "12 signal 9 to group of cat"],
        ),
    ] {
        let mut world = running(Run::stubborn(), |spec| {
            spec.stopsignal = 12;
            spec.stopasgroup = stopasgroup;
            spec.killasgroup = killasgroup;
        });
        world.send(stop(false));
        world.run(20.0);
        assert_eq!(world.take(&[Kind::Kill]), kills);
    }
}

#[test]
fn a_program_that_is_starting_or_backing_off() {
    let mut world = World::with(program("cat", |_| ()), Script::always(Run::exits(300, 1)));
    world.run(0.1);
    world.take(&[]);
    world.send(stop(true));
    world.run(0.1);
    world.send(Command::Start {
        name: "cat".into(),
        wait: false,
    });
    world.run(0.5);
    world.send(stop(true));
    world.run(100.0);
    assert_eq!(
        world.take(&[Kind::State, Kind::Reply, Kind::Kill]),
        [
            "0.1 cat STARTING -> STOPPING pid:101",
            "0.1 signal 15 to cat",
            "0.1 cat STOPPING -> STOPPED pid:101",
            "0.1 reply 1: True",
            "0.2 cat STOPPED -> STARTING tries:0",
            "0.2 reply 2: True",
            "0.5 cat STARTING -> BACKOFF tries:1",
            "0.7 cat BACKOFF -> STOPPED pid:0",
            "0.7 reply 3: True",
        ]
    );
}

#[test]
fn a_stop_between_the_spawn_and_its_answer_is_kept() {
    use pistack_engine::Engine;
    use pistack_engine::io::{Action, Now, RequestId};
    for fails in [false, true] {
        let mut engine = Engine::new(
            super::world::programs(vec![program("cat", |_| ())]),
            Now::default(),
        );
        let process = engine.find("cat").unwrap().id;
        engine.handle(
            Now::default(),
            Input::Command {
                request: RequestId(1),
                command: stop(true),
            },
        );
        let taken: Vec<Action> = std::iter::from_fn(|| engine.poll_action()).collect();
        assert!(
            !taken
                .iter()
                .any(|action| matches!(action, Action::Kill { .. } | Action::Reply { .. }))
        );
        assert_eq!(engine.find("cat").unwrap().state, ProcessState::Starting);
        if fails {
            engine.handle(
                Now::default(),
                Input::SpawnFailed {
                    process,
                    error: "no".into(),
                },
            );
        } else {
            engine.handle(Now::default(), Input::Spawned { process, pid: 7 });
            assert_eq!(engine.find("cat").unwrap().state, ProcessState::Stopping);
            let exit = pistack_engine::io::Exit::Signal(15);
            engine.handle(Now::default(), Input::Exited { process, exit });
        }
        assert_eq!(engine.find("cat").unwrap().state, ProcessState::Stopped);
        let taken: Vec<Action> = std::iter::from_fn(|| engine.poll_action()).collect();
        let answer = Action::Reply {
            request: RequestId(1),
            result: Ok(pistack_engine::io::Reply::True),
        };
        assert_eq!(taken.last(), Some(&answer));
        assert_eq!(engine.next_deadline(), None);
    }
}

#[test]
fn a_signal_that_cannot_be_sent_leads_to_unknown() {
    for wait in [false, true] {
        let mut world = running(Run::untouchable("EPERM"), |_| ());
        world.send(stop(wait));
        let mut course = world.take(&ALL);
        course.retain(|line| !line.contains("waiting for"));
        assert_eq!(
            course,
            [
                "2 cat RUNNING -> STOPPING pid:101",
                "2 signal 15 to cat",
                "2 Critical: unknown problem killing cat (101):EPERM",
                "2 cat STOPPING -> UNKNOWN",
                "2 reply 1: FAILED: unknown problem killing cat (101):EPERM (30)",
            ],
            "wait {wait}"
        );
        let start = world.call(Command::Start {
            name: "cat".into(),
            wait: true,
        });
        assert_eq!(
            render_reply(&start),
            "FAILED: cat is in an unknown process state (30)"
        );
        assert_eq!(render_reply(&world.call(stop(true))), "NOT_RUNNING: cat (70)");
        world.end("cat", pistack_engine::io::Exit::Code(0));
        assert_eq!(
            world.state("cat"),
            ProcessState::Stopped,
            "it was to be stopped, and is"
        );
    }
}

#[test]
fn a_request_signal_that_cannot_be_sent_leads_to_unknown_too() {
    let mut world = running(Run::untouchable("EPERM"), |_| ());
    let all = Command::SignalAll {
        signal: "USR1".into(),
    };
    let reply = world.call(all);
    let text = "FAILED: unknown problem sending sig cat (101):EPERM";
    assert_eq!(render_reply(&reply), format!("[cat:cat 30 {text}]"));
    assert_eq!(world.state("cat"), ProcessState::Unknown);
    world.end("cat", pistack_engine::io::Exit::Code(1));
    assert_eq!(
        world.state("cat"),
        ProcessState::Starting,
        "nobody wanted it stopped"
    );
}

#[test]
fn details_are_there_for_those_who_want_them() {
    let mut world = running(Run::stubborn(), |spec| spec.killasgroup = true);
    world.send(Command::Signal {
        name: "cat".into(),
        signal: "usr1".into(),
    });
    world.send(stop(false));
    world.run(20.0);
    assert_eq!(
        world.take(&[Kind::Detail]),
        [
            "2 Debug: sending cat (pid 101) sig SIGUSR1",
            "2 Debug: killing cat (pid 101) with signal SIGTERM",
            "12 Debug: killing cat (pid 101) process group with signal SIGKILL",
        ]
    );
}
