//! Event listeners: header, pools, buffer. Their protocol has a file of its own.

use pistack_engine::config::model::{GroupSpec, Model};
use pistack_engine::io::{Channel, Command, Exit, Input};

use super::world::{Kind, Run, Script, World, group, model, pool, program};

pub(crate) fn message(text: &str) -> Command {
    Command::RemoteCommunication {
        kind: "t".into(),
        data: text.into(),
    }
}

/// A pool that listens to messages.
pub(crate) fn listening(buffer_size: Option<usize>) -> World {
    let mut world = World::new(
        model(vec![pool("ears", &["REMOTE_COMMUNICATION"], buffer_size)]),
        vec![],
    );
    world.take(&[]);
    world
}

pub(crate) fn send(world: &mut World, texts: &[&str]) {
    for text in texts {
        world.send(message(text));
    }
}

/// The data of the messages that were sent to listeners, each with the listener's name.
pub(crate) fn heard(world: &mut World) -> Vec<String> {
    let lines = world.take(&[Kind::Stdin]);
    let short = |line: &String| {
        let name = line.split(' ').nth(1).expect("a name");
        format!("{name} {}", line.rsplit('\n').next().expect("data"))
    };
    lines.iter().map(short).collect()
}

#[test]
fn the_header_is_supervisords() {
    let mut world = listening(None);
    send(&mut world, &["zażółć"]);
    world.say("ears", "READY\n");
    assert_eq!(
        world.take(&[Kind::Stdin]),
        [
            "0 ears <- ver:3.0 server:supervisor serial:4 pool:ears poolserial:0 eventname:REMOTE_COMMUNICATION \
          len:13\ntype:t\nzażółć"
        ]
    );
    world.say("ears", "RESULT 2\nOKREADY\n");
    send(&mut world, &[""]);
    assert_eq!(
        world.take(&[Kind::Stdin]),
        [
            "0 ears <- ver:3.0 server:supervisor serial:5 pool:ears poolserial:1 eventname:REMOTE_COMMUNICATION \
          len:7\ntype:t\n"
        ]
    );
}

#[test]
fn an_event_goes_only_to_who_is_ready_and_running() {
    let mut groups = vec![pool("ears", &["REMOTE_COMMUNICATION"], None)];
    groups[0].processes[0].startsecs = 10;
    let mut world = World::new(model(groups), vec![]);
    send(&mut world, &["one", "two"]);
    world.say("ears", "READY\n");
    assert_eq!(heard(&mut world), [""; 0], "still STARTING");
    world.run(20.0);
    assert_eq!(heard(&mut world), ["ears one"]);
    world.say("ears", "RESULT 2\nOK");
    assert_eq!(heard(&mut world), [""; 0], "ACKNOWLEDGED is not READY");
    world.say("ears", "READY\n");
    assert_eq!(heard(&mut world), ["ears two"]);
}

fn two_listeners() -> Model {
    let mut spec: GroupSpec = pool("ears", &["REMOTE_COMMUNICATION"], None);
    let listener = |name: &str| {
        let mut listener = spec.processes[0].clone();
        name.clone_into(&mut listener.name);
        listener
    };
    spec.processes = vec![listener("left"), listener("right")];
    model(vec![spec])
}

#[test]
fn any_ready_listener_of_the_pool_takes_the_next_event() {
    let mut world = World::new(two_listeners(), vec![]);
    world.say("ears:right", "READY\n");
    send(&mut world, &["one", "two"]);
    assert_eq!(heard(&mut world), ["ears:right one"]);
    world.say("ears:left", "READY\n");
    assert_eq!(heard(&mut world), ["ears:left two"]);
    world.end("ears:right", Exit::Code(0));
    send(&mut world, &["three"]);
    world.say("ears:left", "RESULT 2\nOKREADY\n");
    assert_eq!(
        heard(&mut world),
        ["ears:left one"],
        "the one that came back is first"
    );
}

#[test]
fn pools_have_serials_of_their_own() {
    let groups = vec![
        pool("a", &["REMOTE_COMMUNICATION"], None),
        pool("b", &["REMOTE_COMMUNICATION", "PROCESS_STATE"], None),
    ];
    let mut world = World::new(model(groups), vec![]);
    for name in ["a", "b"] {
        world.say(name, "READY\n");
    }
    world.say("b", "RESULT 2\nOKREADY\n");
    world.take(&[]);
    send(&mut world, &["one"]);
    let lines = world.take(&[Kind::Stdin]);
    let numbers = |line: &String| {
        line.split(' ')
            .filter(|word| word.contains("serial:"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        lines.iter().map(numbers).collect::<Vec<_>>(),
        ["serial:7 poolserial:0"]
    );
    for _ in 0..3 {
        world.say("b", "RESULT 2\nOKREADY\n");
    }
    let lines = world.take(&[Kind::Stdin]);
    assert_eq!(numbers(lines.last().unwrap()), "serial:7 poolserial:4");
}

#[test]
fn an_explicit_buffer_drops_the_oldest_and_says_so() {
    let mut world = listening(Some(2));
    send(&mut world, &["one", "two", "three", "four"]);
    assert_eq!(
        world.take(&[Kind::Log]),
        [
            "0 Error: pool ears event buffer overflowed, discarding event 4",
            "0 Error: pool ears event buffer overflowed, discarding event 5",
        ]
    );
    world.say("ears", "READY\n");
    send(&mut world, &["five", "six"]);
    world.take(&[]);
    world.say("ears", "RESULT 4\nFAIL");
    world.say("ears", "READY\n");
    assert_eq!(heard(&mut world), ["ears three"]);
    world.say("ears", "RESULT 2\nOKREADY\n");
    assert_eq!(
        heard(&mut world),
        ["ears six"],
        "five had to make room for the one that came back"
    );
}

#[test]
fn without_a_size_no_life_cycle_event_is_lost_at_boot() {
    let mut groups: Vec<GroupSpec> = (0..100)
        .map(|n| group(&format!("p{n}"), 999, vec![program(&format!("p{n}"), |_| ())]))
        .collect();
    groups.push(pool("ears", &["PROCESS_STATE"], None));
    let mut world = World::new(model(groups), vec![]);
    world.run(10.0);
    assert_eq!(
        world
            .take(&[Kind::Log])
            .iter()
            .filter(|line| line.contains("overflowed"))
            .count(),
        0
    );
    world.say("ears", "READY\n");
    for _ in 0..400 {
        world.say("ears", "RESULT 2\nOKREADY\n");
    }
    assert_eq!(
        world.take(&[Kind::Stdin]).len(),
        202,
        "STARTING and RUNNING of everyone"
    );
}

#[test]
fn without_a_size_the_buffer_still_has_an_end() {
    let groups = vec![
        pool("ears", &["PROCESS_STATE"], None),
        group("cat", 999, vec![program("cat", |spec| spec.startsecs = 0)]),
    ];
    let mut world = World::new(model(groups), vec![("cat", Script::always(Run::default()))]);
    let (start, stop) = (
        Command::Start {
            name: "cat".into(),
            wait: false,
        },
        Command::Stop {
            name: "cat".into(),
            wait: false,
        },
    );
    // 4 of the boot, then 4 a round.
    for _ in 0..2500 {
        world.send(stop.clone());
        world.run(0.0);
        world.send(start.clone());
    }
    let lost = world
        .take(&[Kind::Log])
        .into_iter()
        .filter(|line| line.contains("overflowed"))
        .collect::<Vec<_>>();
    assert_eq!(lost.len(), 4, "{lost:?}");
}

#[test]
fn without_a_size_data_does_not_push_out_life() {
    let groups = vec![
        pool("ears", &["EVENT"], None),
        group("cat", 999, vec![program("cat", |_| ())]),
    ];
    let mut world = World::new(model(groups), vec![]);
    world.take(&[]);
    let process = world.id("cat");
    for _ in 0..30 {
        world.input(Input::Log {
            process,
            channel: Channel::Stdout,
            bytes: b"x".to_vec(),
        });
    }
    assert_eq!(world.take(&[Kind::Log]).len(), 20);
    world.say("ears", "READY\n");
    for _ in 0..40 {
        world.say("ears", "RESULT 2\nOKREADY\n");
    }
    let names: Vec<String> = world
        .take(&[Kind::Stdin])
        .iter()
        .map(|line| {
            line.split("eventname:")
                .nth(1)
                .unwrap()
                .split(' ')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect();
    let of = |prefix: &str| names.iter().filter(|name| name.starts_with(prefix)).count();
    assert_eq!(
        (
            of("PROCESS_STATE"),
            of("PROCESS_GROUP"),
            of("SUPERVISOR"),
            of("PROCESS_LOG")
        ),
        (3, 2, 1, 10)
    );
}

#[test]
fn details_are_there_for_those_who_want_them() {
    let mut world = listening(None);
    send(&mut world, &["one"]);
    world.take(&[]);
    world.say("ears", "READY\n");
    world.say("ears", "RESULT 4\nFAIL");
    world.say("ears", "READY\n");
    world.say("ears", "RESULT 2\nOK");
    assert_eq!(
        world.take(&[Kind::Detail]),
        [
            "0 Debug: ears: ACKNOWLEDGED -> READY",
            "0 Debug: event 4 sent to listener ears",
            "0 Debug: ears: BUSY -> ACKNOWLEDGED",
            "0 Debug: rebuffering event 4 for pool ears (buf size=0, max=10000)",
            "0 Debug: ears: ACKNOWLEDGED -> READY",
            "0 Debug: event 4 sent to listener ears",
            "0 Debug: ears: event was processed",
            "0 Debug: ears: BUSY -> ACKNOWLEDGED",
        ]
    );
}
