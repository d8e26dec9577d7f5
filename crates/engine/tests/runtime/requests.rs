//! Answers that wait.

use pistack_engine::io::{Command, Exit};
use pistack_engine::state::ProcessState;

use super::world::{Kind, Run, Script, World, group, model, program, programs, render_reply};

fn idle(name: &str) -> pistack_engine::config::model::ProcessSpec {
    program(name, |spec| spec.autostart = false)
}

fn start(wait: bool) -> Command {
    Command::Start {
        name: "cat".into(),
        wait,
    }
}

/// What a start answers and when, for a child that lives like this.
fn started(run: Run, wait: bool, startsecs: u32) -> String {
    let spec = program("cat", |spec| {
        spec.autostart = false;
        spec.startsecs = startsecs;
    });
    let mut world = World::with(spec, Script::always(run));
    world.send(start(wait));
    world.run(100.0);
    world.take(&[Kind::Reply]).join(", ")
}

#[test]
fn a_start_is_answered_when_it_is_known() {
    let broken = || Run::no_spawn("can't find command 'cat'");
    for (what, run, wait, startsecs, expected) in [
        ("waits for RUNNING", Run::default(), true, 5, "5 reply 1: True"),
        ("does not wait", Run::default(), false, 5, "0 reply 1: True"),
        ("startsecs 0", Run::default(), true, 0, "0 reply 1: True"),
        (
            "no child, waiting",
            broken(),
            true,
            5,
            "0 reply 1: SPAWN_ERROR: cat (50)",
        ),
        (
            "no child, not waiting",
            broken(),
            false,
            5,
            "0 reply 1: SPAWN_ERROR: cat (50)",
        ),
        (
            "exits too quickly",
            Run::exits(2000, 0),
            true,
            5,
            "2 reply 1: SPAWN_ERROR: cat (50)",
        ),
        (
            "exits too quickly, not waiting",
            Run::exits(2000, 0),
            false,
            5,
            "0 reply 1: True",
        ),
        (
            "runs and exits in one moment",
            Run::exits(0, 1),
            true,
            0,
            "0 reply 1: True",
        ),
        (
            "exits as it becomes RUNNING",
            Run::exits(5000, 1),
            true,
            5,
            "5 reply 1: True",
        ),
    ] {
        assert_eq!(started(run, wait, startsecs), expected, "{what}");
    }
}

#[test]
fn a_start_that_is_stopped_by_another_ended_abnormally() {
    let mut world = World::with(idle("cat"), Script::default());
    world.send(start(true));
    world.run(0.5);
    world.send(Command::Stop {
        name: "cat".into(),
        wait: true,
    });
    world.run(0.5);
    assert_eq!(
        world.take(&[Kind::Reply]),
        ["0.5 reply 1: ABNORMAL_TERMINATION: cat (40)", "0.5 reply 2: True",]
    );
}

#[test]
fn a_start_ends_abnormally_when_the_end_comes() {
    let mut world = World::with(idle("cat"), Script::always(Run::stubborn()));
    world.send(start(true));
    world.send(Command::Shutdown);
    world.run(60.0);
    assert_eq!(
        world.take(&[Kind::Reply, Kind::Last]),
        [
            "0 reply 2: True",
            "0 reply 1: ABNORMAL_TERMINATION: cat (40)",
            "10 shutdown",
        ]
    );
}

#[test]
fn several_wait_for_the_same() {
    let mut world = World::with(program("cat", |_| ()), Script::always(Run::slow_stop(3000)));
    world.run(2.0);
    world.take(&[]);
    let stop = || Command::Stop {
        name: "cat".into(),
        wait: true,
    };
    world.send(Command::StopAll { wait: true });
    world.run(1.0);
    let second = world.send(stop());
    assert_eq!(
        render_reply(&world.reply(second).unwrap()),
        "NOT_RUNNING: cat (70)"
    );
    world.run(10.0);
    assert_eq!(
        world.take(&[Kind::Reply, Kind::Log]),
        [
            "2 Info: waiting for cat to stop",
            "3 reply 2: NOT_RUNNING: cat (70)",
            "4 Info: waiting for cat to stop",
            "5 Info: stopped: cat (exit status 0)",
            "5 reply 1: [cat:cat 80 OK]",
        ]
    );
}

#[test]
fn a_group_answers_when_all_of_it_is_done_in_the_order_in_which_it_was() {
    let with_priority = |name: &str, priority| {
        program(name, |spec| {
            spec.autostart = false;
            spec.priority = priority;
        })
    };
    let members = vec![
        with_priority("slow", 1),
        with_priority("bad", 2),
        with_priority("quick", 3),
    ];
    let mut specs = members;
    specs[0].startsecs = 5;
    specs[2].startsecs = 2;
    let scripts = vec![("g:bad", Script::always(Run::no_spawn("x")))];
    let mut world = World::new(model(vec![group("g", 999, specs)]), scripts);
    world.send(Command::StartGroup {
        name: "g".into(),
        wait: true,
    });
    world.run(10.0);
    assert_eq!(
        world.take(&[Kind::Spawn, Kind::Reply])[..3],
        ["0 spawn g:slow", "0 spawn g:bad", "0 spawn g:quick"]
    );
    assert_eq!(
        render_reply(&world.reply(1).unwrap()),
        "[g:bad 50 SPAWN_ERROR: g:bad, g:quick 80 OK, g:slow 80 OK]"
    );
}

#[test]
fn start_all_and_stop_all_go_up_the_priorities() {
    let with_priority = |name: &str, priority| program(name, |spec| spec.priority = priority);
    let groups = vec![
        group("late", 20, vec![with_priority("x", 2), with_priority("y", 1)]),
        group("early", 10, vec![with_priority("x", 9), with_priority("y", 9)]),
    ];
    let mut world = World::new(model(groups), vec![]);
    world.run(2.0);
    world.take(&[]);
    world.send(Command::StopAll { wait: true });
    world.run(1.0);
    assert_eq!(
        world.take(&[Kind::Kill]),
        [
            "2 signal 15 to early:x",
            "2 signal 15 to early:y",
            "2 signal 15 to late:y",
            "2 signal 15 to late:x",
        ]
    );
    world.send(Command::StartAll { wait: true });
    assert_eq!(
        world.take(&[Kind::Spawn]),
        [
            "3 spawn early:x",
            "3 spawn early:y",
            "3 spawn late:y",
            "3 spawn late:x",
        ]
    );
}

#[test]
fn an_answer_comes_after_what_it_answers() {
    let mut world = World::with(program("cat", |_| ()), Script::default());
    world.run(2.0);
    world.take(&[]);
    world.send(Command::Stop {
        name: "cat".into(),
        wait: false,
    });
    let order: Vec<Kind> = world.take_entries().iter().map(|entry| entry.kind).collect();
    assert_eq!(order, [Kind::Detail, Kind::State, Kind::Kill, Kind::Reply]);
}

#[test]
fn a_restart_by_stop_and_start_works_on_a_slow_program() {
    let mut world = World::new(
        programs(vec![program("cat", |_| ())]),
        vec![("cat", Script::always(Run::slow_stop(1500)))],
    );
    world.run(2.0);
    let stop = world.send(Command::Stop {
        name: "cat".into(),
        wait: true,
    });
    world.run(2.0);
    assert_eq!(render_reply(&world.reply(stop).unwrap()), "True");
    let start = world.send(start(true));
    world.run(2.0);
    assert_eq!(render_reply(&world.reply(start).unwrap()), "True");
    assert_eq!(world.state("cat"), ProcessState::Running);
    world.end("cat", Exit::Code(0));
    assert_eq!(world.state("cat"), ProcessState::Exited);
}
