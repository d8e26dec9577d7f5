//! What holds for any programs, exits, commands and passing of time. The world itself checks that there are no two
//! children of one process, no spawn after the end began and no state change without its event.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use pistack_engine::config::model::{AutoRestart, GroupSpec, Model, ProcessSpec};
use pistack_engine::io::{Command, Exit};
use pistack_engine::state::ProcessState;

use super::world::{Entry, Kind, Run, Script, World, full_name, group, model, pool, program};

/// What happens to the supervisor.
#[derive(Debug, Clone)]
enum Step {
    Wait(u32),
    Order(Command),
    Crash(usize, Exit),
    Say(&'static str),
}

fn exit() -> impl Strategy<Value = Exit> {
    prop_oneof![
        (0..3_i32).prop_map(Exit::Code),
        prop_oneof![Just(9), Just(11), Just(15)].prop_map(Exit::Signal)
    ]
}

fn moment() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(0), 0..3000_u64, Just(1000), 0..30_000_u64].prop_map(Duration::from_millis)
}

fn run() -> impl Strategy<Value = Run> {
    let spawn_error = prop_oneof![4 => Just(None), 1 => Just(Some("can't find command 'x'".to_owned()))];
    let ends = prop::option::of((moment(), exit()));
    let on_stop = prop::option::weighted(0.8, (moment(), exit()));
    (spawn_error, ends, on_stop).prop_map(|(spawn_error, ends, on_stop)| Run {
        spawn_error,
        ends,
        on_stop,
        kill_error: None,
    })
}

fn script() -> impl Strategy<Value = Script> {
    prop_oneof![
        run().prop_map(Script::always),
        prop::collection::vec(run(), 0..6).prop_map(Script::first)
    ]
}

fn spec(name: String) -> impl Strategy<Value = ProcessSpec> {
    let restart = prop_oneof![
        Just(AutoRestart::Never),
        Just(AutoRestart::Unexpected),
        Just(AutoRestart::Always)
    ];
    let bools = any::<(bool, bool, bool)>();
    (0..3_u32, 0..4_u32, 0..4_u32, restart, bools, 0..3).prop_map(
        move |(
            startsecs,
            startretries,
            stopwaitsecs,
            autorestart,
            (autostart, as_group, kill_group),
            priority,
        )| {
            program(&name, |spec| {
                spec.startsecs = startsecs;
                spec.startretries = startretries;
                spec.stopwaitsecs = stopwaitsecs;
                spec.autorestart = autorestart;
                spec.autostart = autostart;
                spec.stopasgroup = as_group;
                spec.killasgroup = as_group || kill_group;
                spec.priority = priority;
            })
        },
    )
}

/// Three groups of one, two and one process, and a pool of listeners.
fn groups() -> impl Strategy<Value = Vec<GroupSpec>> {
    let members = ["solo", "a", "b", "c"].map(|name| spec(name.to_owned()));
    (members, [0..3, 0..3, 0..3_i32], prop::option::of(1..4_usize)).prop_map(
        |([solo, a, b, c], [first, second, third], buffer)| {
            vec![
                group("solo", first, vec![solo]),
                group("pair", second, vec![a, b]),
                group("other", third, vec![c]),
                pool("ears", &["PROCESS_STATE", "REMOTE_COMMUNICATION"], buffer),
            ]
        },
    )
}

const PROCESSES: [&str; 5] = ["solo", "pair:a", "pair:b", "other:c", "ears"];

fn command() -> impl Strategy<Value = Command> {
    let name = || {
        prop::sample::select(&["solo", "pair:a", "pair:*", "other:c", "other", "ears"][..])
            .prop_map(str::to_owned)
    };
    let group = || prop::sample::select(&["solo", "pair", "other", "ears"][..]).prop_map(str::to_owned);
    prop_oneof![
        (name(), any::<bool>()).prop_map(|(name, wait)| Command::Start { name, wait }),
        (name(), any::<bool>()).prop_map(|(name, wait)| Command::Stop { name, wait }),
        (group(), any::<bool>()).prop_map(|(name, wait)| Command::StartGroup { name, wait }),
        (group(), any::<bool>()).prop_map(|(name, wait)| Command::StopGroup { name, wait }),
        any::<bool>().prop_map(|wait| Command::StartAll { wait }),
        any::<bool>().prop_map(|wait| Command::StopAll { wait }),
        name().prop_map(|name| Command::Signal {
            name,
            signal: "USR1".into()
        }),
        name().prop_map(|name| Command::Signal {
            name,
            signal: "TERM".into()
        }),
        group().prop_map(|name| Command::AddGroup { name }),
        group().prop_map(|name| Command::RemoveGroup { name }),
        Just(Command::RemoteCommunication {
            kind: "t".into(),
            data: "d".into()
        }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4000_u32).prop_map(Step::Wait),
        4 => command().prop_map(Step::Order),
        1 => (0..PROCESSES.len(), exit()).prop_map(|(index, exit)| Step::Crash(index, exit)),
        2 => prop::sample::select(&["READY\n", "RESULT 2\nOK", "RESULT 4\nFAIL", "RESULT 2\nOKREADY\n", "x"][..])
            .prop_map(Step::Say),
    ]
}

fn scripts() -> impl Strategy<Value = Vec<Script>> {
    prop::collection::vec(script(), PROCESSES.len())
}

fn begin(model: Model, scripts: &[Script]) -> World {
    World::new(
        model,
        PROCESSES.into_iter().zip(scripts.iter().cloned()).collect(),
    )
}

fn take(world: &mut World, step: &Step) {
    match step {
        Step::Wait(ms) => world.run(f64::from(*ms) / 1000.0),
        Step::Order(command) => {
            world.send(command.clone());
        }
        Step::Crash(index, exit) => {
            let name = PROCESSES[*index];
            if world.engine.find(name).is_some_and(|view| view.pid != 0) {
                world.end(name, *exit);
            }
        }
        Step::Say(text) => {
            if world.engine.find("ears").is_some() {
                world.say("ears", text);
            }
        }
    }
}

/// Where a process stands in the order.
#[derive(Debug)]
struct Standing {
    group: String,
    group_priority: i32,
    priority: i32,
    index: usize,
}

fn places(groups: &[GroupSpec]) -> BTreeMap<String, Standing> {
    let each = groups.iter().flat_map(|group| {
        let members = group.processes.iter().enumerate();
        members.map(|(index, spec)| {
            let standing = Standing {
                group: group.name.clone(),
                group_priority: group.priority,
                priority: spec.priority,
                index,
            };
            (full_name(spec), standing)
        })
    });
    each.collect()
}

/// The processes that were started, in order.
fn spawned(entries: &[Entry]) -> Vec<String> {
    let spawns = entries.iter().filter(|entry| entry.kind == Kind::Spawn);
    spawns
        .filter_map(|entry| entry.text.strip_prefix("spawn "))
        .map(str::to_owned)
        .collect()
}

fn states(world: &World) -> BTreeMap<String, ProcessState> {
    let views = world.engine.processes();
    views
        .iter()
        .map(|view| (full_name(view.spec), view.state))
        .collect()
}

/// Whether nothing can happen by itself any more, as far as one can see from outside.
fn is_quiet(world: &World) -> bool {
    let states = world.engine.processes();
    states.iter().all(|view| match view.state {
        ProcessState::Stopped | ProcessState::Running | ProcessState::Fatal => true,
        ProcessState::Exited => view.spec.autorestart == AutoRestart::Never,
        _ => false,
    })
}

/// Everything that was asked for, without the time of the wall clock.
fn deeds(world: &mut World) -> Vec<Entry> {
    world
        .take_entries()
        .into_iter()
        .filter(|entry| entry.kind != Kind::Detail)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn it_ends_and_everybody_is_answered(
        groups in groups(),
        scripts in scripts(),
        steps in prop::collection::vec(step(), 0..40),
        restart in any::<bool>(),
    ) {
        let mut world = begin(model(groups), &scripts);
        for step in &steps {
            take(&mut world, step);
        }
        let before = world.engine.next_deadline();
        prop_assert!(!is_quiet(&world) || before.is_none(), "woken for nothing");
        let last = world.send(if restart { Command::Restart } else { Command::Shutdown });
        world.run(1000.0);
        prop_assert!(world.ended.is_some(), "it did not end");
        prop_assert_eq!(world.alive(), 0, "a child outlived it");
        prop_assert_eq!(world.engine.next_deadline(), None);
        for request in 1..=last {
            prop_assert!(world.reply(request).is_some(), "request {} was never answered", request);
        }
    }

    #[test]
    fn every_stop_ends(
        groups in groups(),
        scripts in scripts(),
        steps in prop::collection::vec(step(), 0..20),
    ) {
        let mut world = begin(model(groups), &scripts);
        for step in &steps {
            take(&mut world, step);
        }
        let request = world.send(Command::StopAll { wait: true });
        world.run(10.0);
        prop_assert!(world.reply(request).is_some());
        prop_assert_eq!(world.alive(), 0);
        prop_assert_eq!(world.engine.next_deadline(), None);
    }

    #[test]
    fn steps_of_the_wall_clock_change_nothing(
        groups in groups(),
        scripts in scripts(),
        steps in prop::collection::vec((step(), -100_000..100_000_i64), 0..30),
    ) {
        let mut steady = begin(model(groups.clone()), &scripts);
        let mut stepped = begin(model(groups), &scripts);
        for (step, seconds) in &steps {
            take(&mut steady, step);
            stepped.step_wall(*seconds);
            take(&mut stepped, step);
            prop_assert_eq!(steady.engine.next_deadline(), stepped.engine.next_deadline());
        }
        prop_assert_eq!(deeds(&mut steady), deeds(&mut stepped));
    }

    #[test]
    fn a_quiet_supervisor_sleeps(groups in groups(), scripts in scripts()) {
        let mut world = begin(model(groups), &scripts);
        world.run(60.0);
        if is_quiet(&world) {
            prop_assert_eq!(world.engine.next_deadline(), None);
        }
        if world.engine.next_deadline().is_none() {
            for view in world.engine.processes() {
                let waits = matches!(view.state, ProcessState::Starting | ProcessState::Backoff | ProcessState::Stopping);
                prop_assert!(!waits, "{} waits for ever", view.spec.name);
            }
        }
    }

    #[test]
    fn nothing_starts_before_its_priority_allows(
        groups in groups(),
        scripts in scripts(),
        steps in prop::collection::vec(step(), 0..20),
    ) {
        let mut world = begin(model(groups.clone()), &scripts);
        let places = places(&groups);
        // at boot: groups by priority and name, processes as they are written down
        let booted = spawned(&world.take_entries());
        let key = |name: &String| (places[name].group_priority, places[name].group.clone(), places[name].index);
        prop_assert!(booted.is_sorted_by_key(key), "booted in this order: {booted:?}");
        for step in &steps {
            take(&mut world, step);
        }
        world.take_entries();
        let stopped: Vec<String> = states(&world)
            .into_iter()
            .filter_map(|(name, state)| state.is_stopped().then_some(name))
            .collect();
        world.send(Command::StartAll { wait: false });
        let mut started = spawned(&world.take_entries());
        started.retain(|name| stopped.contains(name));
        prop_assert!(
            started.is_sorted_by_key(|name| places[name].group_priority),
            "started in this order: {started:?}"
        );
        for group in &groups {
            let own = started.iter().filter(|name| places[*name].group == group.name);
            prop_assert!(own.is_sorted_by_key(|name| places[name].priority), "started in this order: {started:?}");
        }
    }

    #[test]
    fn nothing_is_stopped_before_those_above_it_have(
        groups in groups(),
        scripts in scripts(),
        steps in prop::collection::vec(step(), 0..20),
    ) {
        let mut world = begin(model(groups.clone()), &scripts);
        let places = places(&groups);
        for step in &steps {
            take(&mut world, step);
        }
        world.take_entries();
        let mut states = states(&world);
        // what was being stopped before may be killed at any time
        let stopping: Vec<String> = states
            .iter()
            .filter(|(_, state)| **state == ProcessState::Stopping)
            .map(|(name, _)| name.clone())
            .collect();
        world.send(Command::Shutdown);
        world.run(1000.0);
        for entry in world.take_entries() {
            let words: Vec<&str> = entry.text.split(' ').collect();
            match (entry.kind, &*words) {
                (Kind::State, [name, _, _, to, ..]) => {
                    let to = ProcessState::ALL.into_iter().find(|state| state.name() == *to);
                    states.insert((*name).to_owned(), to.expect("a state"));
                }
                (Kind::Kill, [.., name]) if !stopping.iter().any(|known| known == name) => {
                    let priority = places[*name].group_priority;
                    let above = states.iter().find(|(other, state)| {
                        !state.is_stopped() && places[*other].group_priority > priority
                    });
                    prop_assert!(above.is_none(), "{name} was stopped before {above:?}");
                }
                _ => {}
            }
        }
    }

    #[test]
    fn a_listener_may_write_anything(noise in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
        let mut world = World::new(model(vec![pool("ears", &["EVENT"], Some(3))]), vec![]);
        let process = world.id("ears");
        for bytes in noise {
            world.input(pistack_engine::io::Input::ListenerOutput { process, bytes });
            world.send(Command::RemoteCommunication { kind: "t".into(), data: "d".into() });
        }
    }
}
