//! Configurations for tests.

use pistack_engine::config::model::{GroupKind, GroupSpec, Model, Origin, PoolSpec, ProcessSpec};
use pistack_engine::event::EventKind;

/// A program; the closure sets what the test is about.
pub(crate) fn program(name: &str, set: impl FnOnce(&mut ProcessSpec)) -> ProcessSpec {
    let mut spec = ProcessSpec::new(name, name);
    set(&mut spec);
    spec
}

/// A group of programs.
pub(crate) fn group(name: &str, priority: i32, processes: Vec<ProcessSpec>) -> GroupSpec {
    let processes = processes
        .into_iter()
        .map(|spec| ProcessSpec {
            group: name.to_owned(),
            ..spec
        })
        .collect();
    let origin = Origin::default();
    GroupSpec {
        name: name.to_owned(),
        priority,
        kind: GroupKind::Programs,
        processes,
        origin,
    }
}

/// A pool of one listener, named as the pool.
pub(crate) fn pool(name: &str, events: &[&str], buffer_size: Option<usize>) -> GroupSpec {
    let listener = program(name, |spec| spec.startsecs = 0);
    let events = events
        .iter()
        .flat_map(|event| EventKind::parse(event).expect("a known event"))
        .collect();
    let spec = PoolSpec {
        events,
        buffer_size,
        result_handler: "supervisor.dispatchers:default_handler".into(),
    };
    GroupSpec {
        kind: GroupKind::Listeners(spec),
        ..group(name, -1, vec![listener])
    }
}

/// A configuration of these groups.
pub(crate) fn model(groups: Vec<GroupSpec>) -> Model {
    Model {
        groups: groups
            .into_iter()
            .map(|group| (group.name.clone(), group))
            .collect(),
        ..Model::default()
    }
}

/// A configuration of programs that are groups of their own.
pub(crate) fn programs(specs: Vec<ProcessSpec>) -> Model {
    model(
        specs
            .into_iter()
            .map(|spec| group(&spec.name.clone(), spec.priority, vec![spec]))
            .collect(),
    )
}
