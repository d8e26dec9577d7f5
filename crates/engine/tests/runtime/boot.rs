//! The start: groups, order, events.

use pistack_engine::config::model::AutoRestart;
use pistack_engine::event::EventKind;
use pistack_engine::io::{Action, Now};
use pistack_engine::{Engine, io};

use super::world::{Kind, World, group, model, pool, program};

fn crowd() -> pistack_engine::config::model::Model {
    let with_priority = |name: &str, priority| program(name, |spec| spec.priority = priority);
    model(vec![
        group("zebra", 999, vec![with_priority("zebra", 999)]),
        group(
            "web",
            5,
            vec![
                with_priority("b", 2),
                with_priority("a", 3),
                with_priority("c", 1),
            ],
        ),
        group("apple", 999, vec![with_priority("apple", 1)]),
        pool("watch", &["EVENT"], None),
    ])
}

#[test]
fn groups_start_by_priority_and_name_and_programs_as_written() {
    let mut world = World::new(crowd(), vec![]);
    assert_eq!(
        world.take(&[Kind::Group, Kind::Event, Kind::Spawn]),
        [
            "0 added watch",
            "0 PROCESS_GROUP_ADDED \"groupname:watch\\n\"",
            "0 added web",
            "0 PROCESS_GROUP_ADDED \"groupname:web\\n\"",
            "0 added apple",
            "0 PROCESS_GROUP_ADDED \"groupname:apple\\n\"",
            "0 added zebra",
            "0 PROCESS_GROUP_ADDED \"groupname:zebra\\n\"",
            "0 SUPERVISOR_STATE_CHANGE_RUNNING \"\"",
            "0 spawn watch",
            "0 spawn web:b",
            "0 spawn web:a",
            "0 spawn web:c",
            "0 spawn apple",
            "0 spawn zebra",
        ]
    );
}

#[test]
fn lists_are_sorted_by_group_and_name() {
    let world = World::new(crowd(), vec![]);
    let listed: Vec<String> = world
        .engine
        .processes()
        .iter()
        .map(|view| super::world::full_name(view.spec))
        .collect();
    assert_eq!(listed, ["apple", "watch", "web:a", "web:b", "web:c", "zebra"]);
    let groups: Vec<&str> = world
        .engine
        .groups()
        .iter()
        .map(|group| group.name.as_str())
        .collect();
    assert_eq!(groups, ["watch", "web", "apple", "zebra"]);
}

#[test]
fn names_find_processes() {
    let world = World::new(crowd(), vec![]);
    for (name, found) in [
        ("apple", true),
        ("apple:apple", true),
        ("web:a", true),
        ("a", false),
        ("web", false),
        ("web:*", false),
        ("web:", false),
        ("web:d", false),
        (":a", false),
        ("", false),
    ] {
        assert_eq!(world.engine.find(name).is_some(), found, "{name:?}");
    }
}

#[test]
fn an_empty_configuration_is_one() {
    let mut world = World::new(model(vec![]), vec![]);
    assert_eq!(
        world.take(&[Kind::Event]),
        ["0 SUPERVISOR_STATE_CHANGE_RUNNING \"\""]
    );
    assert_eq!(world.engine.next_deadline(), None);
    assert!(world.engine.processes().is_empty());
}

#[test]
fn serials_begin_at_zero_and_go_on_after_a_restart_in_place() {
    let serials = |engine: &mut Engine| -> Vec<u64> {
        let actions = std::iter::from_fn(|| engine.poll_action());
        actions
            .filter_map(|action| {
                if let Action::Emit(event) = action {
                    Some(event.serial)
                } else {
                    None
                }
            })
            .collect()
    };
    let mut first = Engine::new(crowd(), Now::default());
    assert_eq!(serials(&mut first), (0..11).collect::<Vec<u64>>());
    assert_eq!(first.next_serial(), 11);
    let mut second = Engine::continuing(crowd(), Now::default(), first.next_serial());
    assert_eq!(serials(&mut second), (11..22).collect::<Vec<u64>>());
}

#[test]
fn events_carry_wall_time() {
    let now = Now {
        mono: std::time::Duration::ZERO,
        wall: std::time::Duration::from_secs(77),
    };
    let mut engine = Engine::new(crowd(), now);
    let first = std::iter::from_fn(|| engine.poll_action()).find_map(|action| match action {
        Action::Emit(event) => Some(event),
        _ => None,
    });
    let first = first.unwrap();
    assert_eq!(
        (first.kind, first.at.as_secs()),
        (EventKind::ProcessGroupAdded, 77)
    );
}

#[test]
fn inputs_about_nobody_are_no_trouble() {
    let mut world = World::new(crowd(), vec![]);
    world.run(2.0);
    world.take(&[]);
    let process = io::ProcessId(4711);
    let channel = io::Channel::Stdout;
    for input in [
        io::Input::Spawned { process, pid: 1 },
        io::Input::SpawnFailed {
            process,
            error: "x".into(),
        },
        io::Input::Exited {
            process,
            exit: io::Exit::Code(0),
        },
        io::Input::KillFailed {
            process,
            error: "x".into(),
        },
        io::Input::ListenerOutput {
            process,
            bytes: b"READY\n".to_vec(),
        },
        io::Input::Log {
            process,
            channel,
            bytes: vec![],
        },
        io::Input::Captured {
            process,
            channel,
            bytes: vec![],
        },
        io::Input::Tick,
    ] {
        world.input(input);
    }
    assert!(world.take_entries().is_empty());
}

#[test]
fn answers_that_nobody_asked_for_change_nothing() {
    let mut world = World::with(
        program("cat", |spec| spec.autorestart = AutoRestart::Never),
        super::world::Script::default(),
    );
    world.run(2.0);
    world.take(&[]);
    let process = world.id("cat");
    world.input(io::Input::Spawned { process, pid: 999 });
    world.input(io::Input::SpawnFailed {
        process,
        error: "late".into(),
    });
    assert!(world.take_entries().is_empty());
    world.end("cat", io::Exit::Code(0));
    world.take(&[]);
    world.input(io::Input::Exited {
        process,
        exit: io::Exit::Code(0),
    });
    world.input(io::Input::KillFailed {
        process,
        error: "late".into(),
    });
    assert!(world.take_entries().is_empty());
}
