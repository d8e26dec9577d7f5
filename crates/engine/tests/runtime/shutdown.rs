//! The end: order, waiting, no new children.

use pistack_engine::io::{Action, Command, Exit, Input};
use pistack_engine::state::{ProcessState, SupervisorState};

use super::world::{Kind, Run, Script, World, group, model, pool, program, programs};

#[test]
fn strict_order_between_priorities_together_within_one() {
    let alone = |name: &str, priority| group(name, priority, vec![program(name, |_| ())]);
    let groups = vec![
        alone("db", 1),
        alone("web1", 20),
        alone("web2", 20),
        alone("front", 30),
        pool("watch", &["EVENT"], None),
    ];
    let slow = |ms| Script::always(Run::slow_stop(ms));
    let scripts = vec![
        ("front", slow(300)),
        ("web1", slow(500)),
        ("web2", slow(1000)),
        ("db", slow(100)),
    ];
    let mut world = World::new(model(groups), scripts);
    world.run(2.0);
    world.take(&[]);
    world.input(Input::ShutdownSignal);
    world.run(10.0);
    assert_eq!(
        world.take(&[Kind::Kill, Kind::Last]),
        [
            "2 signal 15 to front",
            "2.3 signal 15 to web1",
            "2.3 signal 15 to web2",
            "3.3 signal 15 to db",
            "3.4 signal 15 to watch",
            "3.4 shutdown",
        ]
    );
    assert_eq!(world.alive(), 0);
}

#[test]
fn twenty_programs_that_need_a_moment_need_one_moment() {
    let names: Vec<String> = (0..20).map(|number| format!("p{number:02}")).collect();
    let specs = names.iter().map(|name| program(name, |_| ())).collect();
    let scripts = names
        .iter()
        .map(|name| (name.as_str(), Script::always(Run::slow_stop(300))))
        .collect();
    let mut world = World::new(programs(specs), scripts);
    world.run(2.0);
    world.take(&[]);
    world.send(Command::Shutdown);
    world.run(10.0);
    assert_eq!(world.take(&[Kind::Last]), ["2.3 shutdown"]);
}

#[test]
fn within_a_group_higher_numbers_are_asked_first_and_nobody_is_waited_for() {
    let with_priority = |name: &str, priority| program(name, |spec| spec.priority = priority);
    let members = vec![
        with_priority("a", 1),
        with_priority("b", 3),
        with_priority("c", 2),
    ];
    let mut world = World::new(
        model(vec![group("g", 999, members)]),
        vec![("g:b", Script::always(Run::slow_stop(900)))],
    );
    world.run(2.0);
    world.take(&[]);
    world.input(Input::ShutdownSignal);
    assert_eq!(
        world.take(&[Kind::Kill]),
        ["2 signal 15 to g:b", "2 signal 15 to g:c", "2 signal 15 to g:a",]
    );
}

#[test]
fn it_says_for_whom_it_waits() {
    let specs = vec![
        program("a", |spec| spec.stopwaitsecs = 7),
        program("b", |spec| spec.priority = 1),
    ];
    let mut world = World::new(programs(specs), vec![("a", Script::always(Run::stubborn()))]);
    world.run(2.0);
    world.take(&[]);
    world.input(Input::ShutdownSignal);
    world.run(20.0);
    assert_eq!(
        world.take(&[Kind::Log, Kind::Event]),
        [
            "2 SUPERVISOR_STATE_CHANGE_STOPPING \"\"",
            "2 Info: waiting for b, a to die",
            "5 Info: waiting for b, a to die",
            "8 Info: waiting for b, a to die",
            "9 Warn: killing 'a' (102) with SIGKILL",
            "9 Warn: stopped: a (terminated by SIGKILL)",
            "9 Info: stopped: b (exit status 0)",
        ]
    );
    assert_eq!(world.engine.next_deadline(), None);
}

#[test]
fn nothing_starts_any_more() {
    let specs = vec![
        program("backoff", |spec| spec.priority = 1),
        program("crashing", |spec| spec.priority = 2),
        program("starting", |spec| {
            spec.priority = 3;
            spec.startsecs = 2;
        }),
        program("slow", |_| ()),
    ];
    let scripts = vec![
        ("backoff", Script::always(Run::no_spawn("x"))),
        ("slow", Script::always(Run::slow_stop(5000))),
        ("crashing", Script::always(Run::exits(3000, 1))),
    ];
    let mut world = World::new(programs(specs), scripts);
    world.run(1.5);
    assert_eq!(world.state("backoff"), ProcessState::Backoff);
    world.take(&[]);
    world.input(Input::ShutdownSignal);
    world.run(60.0);
    assert_eq!(
        world.take(&[Kind::Spawn, Kind::State, Kind::Last]),
        [
            "1.5 slow RUNNING -> STOPPING pid:103",
            "2 starting STARTING -> RUNNING pid:102",
            "3 crashing RUNNING -> EXITED expected:0 pid:101",
            "6.5 slow STOPPING -> STOPPED pid:103",
            "6.5 starting RUNNING -> STOPPING pid:102",
            "6.5 starting STOPPING -> STOPPED pid:102",
            "6.5 backoff BACKOFF -> FATAL",
            "6.5 shutdown",
        ]
    );
}

#[test]
fn with_nothing_to_stop_it_ends_at_once() {
    for (input, last, state) in [
        (Input::ShutdownSignal, Action::Shutdown, SupervisorState::Shutdown),
        (Input::RestartSignal, Action::Restart, SupervisorState::Restarting),
    ] {
        let mut world = World::new(model(vec![]), vec![]);
        assert_eq!(world.engine.state(), SupervisorState::Running);
        world.input(input);
        assert_eq!(world.ended, Some(last));
        assert_eq!(world.engine.state(), state);
        assert_eq!(world.engine.next_deadline(), None);
    }
}

#[test]
fn a_restart_may_become_a_shutdown_but_not_the_other_way_round() {
    for (first, second, last) in [
        (Input::RestartSignal, Input::ShutdownSignal, Action::Shutdown),
        (Input::ShutdownSignal, Input::RestartSignal, Action::Shutdown),
        (Input::RestartSignal, Input::RestartSignal, Action::Restart),
        (Input::ShutdownSignal, Input::ShutdownSignal, Action::Shutdown),
    ] {
        let mut world = World::with(program("cat", |_| ()), Script::always(Run::slow_stop(1000)));
        world.run(2.0);
        world.take(&[]);
        world.input(first);
        world.run(0.5);
        world.input(second);
        world.run(10.0);
        assert_eq!(world.ended, Some(last));
        assert_eq!(
            world.take(&[Kind::Event, Kind::Kill]),
            ["2 SUPERVISOR_STATE_CHANGE_STOPPING \"\"", "2 signal 15 to cat",]
        );
    }
}

#[test]
fn the_answer_comes_before_the_end() {
    for (command, last) in [(Command::Shutdown, "0 shutdown"), (Command::Restart, "0 restart")] {
        let mut world = World::new(model(vec![]), vec![]);
        world.take(&[]);
        world.send(command);
        assert_eq!(world.take(&[Kind::Reply, Kind::Last]), ["0 reply 1: True", last]);
    }
}

#[test]
fn a_child_that_cannot_be_signalled_does_not_hold_up_the_end() {
    let mut world = World::with(program("cat", |_| ()), Script::always(Run::untouchable("EPERM")));
    world.run(2.0);
    world.input(Input::ShutdownSignal);
    assert_eq!(world.state("cat"), ProcessState::Unknown);
    assert_eq!(world.ended, Some(Action::Shutdown));
}

#[test]
fn an_exited_program_that_waits_for_its_restart_is_let_go() {
    let spec = program("cat", |spec| spec.startsecs = 0);
    let mut world = World::with(spec, Script::always(Run::exits(0, 1)));
    world.run(4.0);
    assert_eq!(world.state("cat"), ProcessState::Exited);
    world.input(Input::ShutdownSignal);
    assert_eq!(world.ended, Some(Action::Shutdown));
    assert_eq!(world.engine.next_deadline(), None);
}

#[test]
fn a_stop_that_was_under_way_goes_on() {
    let mut world = World::with(program("cat", |_| ()), Script::always(Run::slow_stop(3000)));
    world.run(2.0);
    let stop = world.send(Command::Stop {
        name: "cat".into(),
        wait: true,
    });
    world.run(1.0);
    world.take(&[]);
    world.input(Input::ShutdownSignal);
    world.run(10.0);
    assert_eq!(
        world.take(&[Kind::Kill, Kind::Reply, Kind::Last]),
        [format!("5 reply {stop}: True"), "5 shutdown".into()]
    );
}

#[test]
fn a_listener_hears_of_the_end_of_the_others() {
    let groups = vec![
        group("cat", 999, vec![program("cat", |_| ())]),
        pool("watch", &["PROCESS_STATE"], None),
    ];
    let mut world = World::new(model(groups), vec![("cat", Script::always(Run::slow_stop(500)))]);
    world.run(2.0);
    for _ in 0..4 {
        world.say("watch", "READY\n");
        world.say("watch", "RESULT 2\nOK");
    }
    world.take(&[]);
    world.input(Input::ShutdownSignal);
    world.say("watch", "READY\n");
    world.say("watch", "RESULT 2\nOK");
    world.say("watch", "READY\n");
    world.run(10.0);
    let heard = world.take(&[Kind::Stdin]);
    assert_eq!(heard.len(), 2);
    assert!(
        heard[1].starts_with("2.5 ") && heard[1].contains("PROCESS_STATE_STOPPED"),
        "{heard:?}"
    );
    assert_eq!(world.ended, Some(Action::Shutdown));
}

#[test]
fn a_child_that_dies_first_ends_nothing_else() {
    let specs = vec![program("a", |_| ()), program("b", |_| ())];
    let mut world = World::new(programs(specs), vec![]);
    world.run(2.0);
    world.end("a", Exit::Signal(9));
    assert_eq!(world.state("a"), ProcessState::Starting);
    assert_eq!(world.state("b"), ProcessState::Running);
    assert_eq!(world.engine.state(), SupervisorState::Running);
}
