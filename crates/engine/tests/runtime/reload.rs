//! A new configuration: what changes, what is added, what is removed.

use pistack_engine::config::model::{GroupSpec, LogTarget, Model};
use pistack_engine::io::{Command, Exit};
use pistack_engine::state::ProcessState;

use super::world::{Kind, Run, Script, World, group, model, program, render_reply};

fn alone(name: &str, command: &str) -> GroupSpec {
    group(
        name,
        999,
        vec![program(name, |spec| command.clone_into(&mut spec.command))],
    )
}

fn reload(world: &mut World, model: Model) -> String {
    render_reply(&world.call(Command::Reload {
        model: Box::new(model),
    }))
}

#[test]
fn it_tells_what_is_different_from_what_runs_and_changes_nothing() {
    let mut world = World::new(
        model(vec![alone("same", "x"), alone("other", "x"), alone("gone", "x")]),
        vec![],
    );
    world.run(2.0);
    world.take(&[]);
    let new = || model(vec![alone("same", "x"), alone("other", "y"), alone("new", "x")]);
    let told = r#"added ["new"] changed ["other"] removed ["gone"]"#;
    assert_eq!(reload(&mut world, new()), told);
    let only_the_reply = world.take_entries();
    assert_eq!(only_the_reply.len(), 1, "{only_the_reply:?}");
    assert_eq!(world.engine.configured(), &new());
    assert_eq!(world.engine.groups().len(), 3);
    assert_eq!(reload(&mut world, new()), told, "again: compared with what runs");
}

#[test]
fn a_generated_log_name_is_no_difference() {
    let mut world = World::new(model(vec![alone("cat", "x")]), vec![]);
    assert_eq!(
        reload(&mut world, model(vec![alone("cat", "x")])),
        "added [] changed [] removed []"
    );
    let mut changed = alone("cat", "x");
    changed.processes[0].stdout.logfile = LogTarget::None;
    assert_eq!(
        reload(&mut world, model(vec![changed])),
        r#"added [] changed ["cat"] removed []"#
    );
}

#[test]
fn an_update_is_stop_remove_add() {
    let mut world = World::new(
        model(vec![alone("cat", "x")]),
        vec![("cat", Script::always(Run::slow_stop(500)))],
    );
    world.run(2.0);
    let first = world.id("cat");
    reload(&mut world, model(vec![alone("cat", "y")]));
    let name = || "cat".to_owned();
    let remove = Command::RemoveGroup { name: name() };
    assert_eq!(
        render_reply(&world.call(remove.clone())),
        "STILL_RUNNING: cat (91)"
    );
    world.send(Command::StopGroup {
        name: name(),
        wait: true,
    });
    world.run(1.0);
    world.take(&[]);
    assert_eq!(render_reply(&world.call(remove)), "True");
    assert!(world.engine.find("cat").is_none());
    assert!(world.engine.spec(first).is_none());
    assert_eq!(
        render_reply(&world.call(Command::AddGroup { name: name() })),
        "True"
    );
    assert_ne!(world.id("cat"), first, "numbers are not used again");
    assert_eq!(world.engine.find("cat").unwrap().spec.command, "y");
    world.run(2.0);
    assert_eq!(world.state("cat"), ProcessState::Running);
    assert_eq!(
        world.take(&[Kind::Group, Kind::Event, Kind::Spawn]),
        [
            "3 removed cat of 1 processes",
            "3 PROCESS_GROUP_REMOVED \"groupname:cat\\n\"",
            "3 added cat",
            "3 PROCESS_GROUP_ADDED \"groupname:cat\\n\"",
            "3 spawn cat",
        ]
    );
}

#[test]
fn a_group_is_added_from_the_configuration_last_read() {
    let mut world = World::new(model(vec![]), vec![]);
    let add = || Command::AddGroup { name: "cat".into() };
    assert_eq!(render_reply(&world.call(add())), "BAD_NAME: cat (10)");
    reload(&mut world, model(vec![alone("cat", "x")]));
    assert_eq!(render_reply(&world.call(add())), "True");
    assert_eq!(render_reply(&world.call(add())), "ALREADY_ADDED: cat (90)");
    assert_eq!(world.state("cat"), ProcessState::Starting);
}

#[test]
fn a_program_without_autostart_is_added_as_it_is() {
    let idle = group("cat", 999, vec![program("cat", |spec| spec.autostart = false)]);
    let mut world = World::new(model(vec![]), vec![]);
    reload(&mut world, model(vec![idle]));
    world.call(Command::AddGroup { name: "cat".into() }).unwrap();
    world.run(10.0);
    assert_eq!(world.state("cat"), ProcessState::Stopped);
}

#[test]
fn a_program_in_two_groups_is_two_processes() {
    let member = || program("cat", |_| ());
    let mut world = World::new(
        model(vec![group("a", 1, vec![member()]), group("b", 1, vec![member()])]),
        vec![],
    );
    world.run(2.0);
    world.end("a:cat", Exit::Code(0));
    assert_eq!(world.state("a:cat"), ProcessState::Exited);
    assert_eq!(world.state("b:cat"), ProcessState::Running);
}

#[test]
fn what_is_removed_while_its_restart_waits_stays_away() {
    let mut crashing = alone("cat", "x");
    crashing.processes[0].startsecs = 0;
    let mut world = World::new(
        model(vec![crashing]),
        vec![("cat", Script::always(Run::exits(0, 1)))],
    );
    world.run(4.0);
    world.call(Command::RemoveGroup { name: "cat".into() }).unwrap();
    world.take(&[]);
    assert_eq!(world.engine.next_deadline(), None);
    world.run(100.0);
    assert!(world.take_entries().is_empty());
}
