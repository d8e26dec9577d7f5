//! The guard against crash storms: it changes when a program restarts, never which states it goes through.

use pistack_engine::config::model::AutoRestart;
use pistack_engine::io::{Command, Exit};
use pistack_engine::state::ProcessState;

use super::world::{Kind, Run, Script, World, program};

fn storm(run: Run) -> World {
    let spec = program("cat", |spec| {
        spec.startsecs = 0;
        spec.autorestart = AutoRestart::Always;
    });
    World::with(spec, Script::always(run))
}

fn spawn_times(world: &mut World) -> Vec<String> {
    world
        .take(&[Kind::Spawn])
        .iter()
        .map(|line| line.trim_end_matches(" spawn cat").to_owned())
        .collect()
}

#[test]
fn crashes_at_once_restart_ever_later() {
    let mut world = storm(Run::exits(0, 1));
    world.run(20.0);
    assert_eq!(
        spawn_times(&mut world),
        [
            "0", "0", "0", "0", "0", "0", "0.25", "0.75", "1.75", "3.75", "7.75", "12.75", "17.75"
        ]
    );
}

#[test]
fn a_short_job_that_is_repeated_keeps_supervisords_pace() {
    let mut world = storm(Run::exits(0, 0));
    world.run(5.0);
    assert_eq!(
        spawn_times(&mut world),
        [
            "0", "0", "0", "0", "0", "0", "0.25", "0.75", "1.75", "2.75", "3.75", "4.75"
        ]
    );
}

#[test]
fn a_program_that_lives_for_a_second_restarts_at_once() {
    let mut world = storm(Run::exits(1000, 1));
    world.run(12.5);
    let expected: Vec<String> = (0..=12).map(|second: u32| second.to_string()).collect();
    assert_eq!(spawn_times(&mut world), expected);
}

#[test]
fn the_states_are_those_without_the_guard() {
    let mut world = storm(Run::exits(0, 1));
    world.run(0.6);
    let states = world.take(&[Kind::State]);
    let round = |index: usize| -> Vec<&str> {
        states[index * 3..][..3]
            .iter()
            .map(|line| line.split(' ').nth(4).unwrap())
            .collect()
    };
    for index in 0..7 {
        assert_eq!(round(index), ["STARTING", "RUNNING", "EXITED"]);
    }
}

#[test]
fn a_delayed_restart_can_be_called_off_and_hurried() {
    let mut world = storm(Run::exits(0, 1));
    world.run(4.0);
    assert_eq!(world.state("cat"), ProcessState::Exited);
    assert!(world.engine.next_deadline().is_some());
    let fault = world
        .call(Command::Stop {
            name: "cat".into(),
            wait: true,
        })
        .unwrap_err();
    assert_eq!(fault.text, "NOT_RUNNING: cat");
    assert_eq!(world.engine.next_deadline(), None);
    world.take(&[]);
    world.run(100.0);
    assert_eq!(world.take(&[Kind::Spawn]), [""; 0]);

    world
        .call(Command::Start {
            name: "cat".into(),
            wait: false,
        })
        .unwrap();
    world.run(0.1);
    assert_eq!(spawn_times(&mut world).len(), 6, "the past is forgotten");
}

#[test]
fn calls_to_groups_call_it_off_too() {
    for command in [
        Command::StopAll { wait: true },
        Command::StopGroup {
            name: "cat".into(),
            wait: true,
        },
        Command::Stop {
            name: "cat:*".into(),
            wait: true,
        },
    ] {
        let mut world = storm(Run::exits(0, 1));
        world.run(4.0);
        let reply = world.call(command.clone()).unwrap();
        assert_eq!(reply, pistack_engine::io::Reply::Rows(vec![]), "{command:?}");
        assert_eq!(world.engine.next_deadline(), None, "{command:?}");
    }
}

#[test]
fn one_kill_of_a_healthy_program_restarts_it_at_once() {
    let mut world = storm(Run::default());
    for second in 1..50 {
        world.run(1.0);
        world.end("cat", Exit::Signal(9));
        assert_eq!(world.state("cat"), ProcessState::Running, "after {second} s");
    }
}
