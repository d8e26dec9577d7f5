//! Tests.

use super::*;
use crate::config::model::GroupKind;

fn group(name: &str, priority: i32, processes: Vec<ProcessSpec>) -> GroupSpec {
    GroupSpec {
        name: name.to_owned(),
        priority,
        kind: GroupKind::Programs,
        processes,
        origin: Origin {
            file: "a".into(),
            line: 1,
        },
    }
}

fn model(groups: Vec<GroupSpec>) -> Model {
    let groups = groups
        .into_iter()
        .map(|group| (group.name.clone(), group))
        .collect();
    Model {
        groups,
        ..Model::default()
    }
}

fn cat(name: &str) -> ProcessSpec {
    ProcessSpec::new(name, "cat")
}

#[test]
fn names_come_in_the_order_of_the_configurations() {
    let old = model(vec![
        group("z", 1, vec![cat("z")]),
        group("b", 2, vec![]),
        group("y", 2, vec![]),
        group("c", 9, vec![]),
    ]);
    let new = model(vec![
        group("n", 0, vec![]),
        group("y", 1, vec![]),
        group("b", 3, vec![]),
        group("a", 4, vec![]),
        group("c", 9, vec![]),
    ]);
    assert_eq!(
        compare(&old, &new),
        Changes {
            added: vec!["n".to_owned(), "a".to_owned()],
            changed: vec!["y".to_owned(), "b".to_owned()],
            removed: vec!["z".to_owned()],
        }
    );
    assert!(compare(&old, &old).is_empty());
    assert!(!compare(&old, &new).is_empty());
}

#[test]
fn a_group_changes_with_any_member() {
    let old = group("g", 1, vec![cat("a"), cat("b")]);
    let mut moved = old.clone();
    moved.origin.line = 7;
    moved.processes[0].origin.line = 9;
    assert!(same(&old, &moved), "the place does not count");
    for change in [
        |group: &mut GroupSpec| group.priority = 2,
        |group: &mut GroupSpec| group.processes[1].command = "dog".to_owned(),
        |group: &mut GroupSpec| group.processes[1].stderr.backups = 3,
        |group: &mut GroupSpec| group.processes.swap(0, 1),
        |group: &mut GroupSpec| group.processes.truncate(1),
        |group: &mut GroupSpec| group.processes[0].environment = [("A".to_owned(), String::new())].into(),
        |group: &mut GroupSpec| group.processes[0].stdout.logfile = LogTarget::File("/x".into()),
    ] {
        let mut new = old.clone();
        change(&mut new);
        assert!(!same(&old, &new), "{new:?}");
    }
}

#[test]
fn the_name_of_an_automatic_log_does_not_count() {
    let new = group("g", 1, vec![cat("a")]);
    let mut running = new.clone();
    running.processes[0].stdout.logfile = LogTarget::File("/tmp/a-stdout---supervisor-x.log".into());
    assert!(same(&running, &new));
}
