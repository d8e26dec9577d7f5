//! The exact payloads of events.

use pistack_engine::io::{Action, Channel, Command, Exit, Input};

use super::world::{Run, Script, World, group, model, program};

/// Kind and payload of each event that comes of `happening`.
fn told(world: &mut World, happening: Input) -> Vec<(&'static str, String)> {
    world.engine.handle(world.now, happening);
    let actions = std::iter::from_fn(|| world.engine.poll_action());
    let events = actions.filter_map(|action| match action {
        Action::Emit(event) => Some((event.kind.name(), event.payload)),
        _ => None,
    });
    events.collect()
}

fn running(script: Script) -> World {
    let member = program("cat_01", |spec| spec.startretries = 0);
    let mut world = World::new(
        model(vec![group("pets", 999, vec![member])]),
        vec![("pets:cat_01", script)],
    );
    world.run(2.0);
    world
}

fn command(command: Command) -> Input {
    Input::Command {
        request: pistack_engine::io::RequestId(77),
        command,
    }
}

const HEAD: &str = "processname:cat_01 groupname:pets";

#[test]
fn process_states() {
    let mut world = running(Script::default());
    let process = world.id("pets:cat_01");
    let stop = || {
        command(Command::Stop {
            name: "pets:cat_01".into(),
            wait: false,
        })
    };
    let start = || {
        command(Command::Start {
            name: "pets:cat_01".into(),
            wait: false,
        })
    };
    let spawned = |pid| Input::Spawned { process, pid };
    let exited = |exit| Input::Exited { process, exit };
    for (happening, expected) in [
        (
            stop(),
            vec![("PROCESS_STATE_STOPPING", "from_state:RUNNING pid:101")],
        ),
        (
            exited(Exit::Code(0)),
            vec![("PROCESS_STATE_STOPPED", "from_state:STOPPING pid:101")],
        ),
        (
            start(),
            vec![("PROCESS_STATE_STARTING", "from_state:STOPPED tries:0")],
        ),
        (
            Input::SpawnFailed {
                process,
                error: "x".into(),
            },
            vec![
                ("PROCESS_STATE_BACKOFF", "from_state:STARTING tries:1"),
                ("PROCESS_STATE_FATAL", "from_state:BACKOFF"),
            ],
        ),
        (
            start(),
            vec![("PROCESS_STATE_STARTING", "from_state:FATAL tries:0")],
        ),
        (spawned(205), vec![]),
        (
            stop(),
            vec![("PROCESS_STATE_STOPPING", "from_state:STARTING pid:205")],
        ),
        (
            Input::KillFailed {
                process,
                error: "EPERM".into(),
            },
            vec![("PROCESS_STATE_UNKNOWN", "from_state:STOPPING")],
        ),
    ] {
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(name, rest)| (name, format!("{HEAD} {rest}")))
            .collect();
        assert_eq!(told(&mut world, happening), expected);
    }
}

#[test]
fn exits() {
    for (exit, expected) in [(Exit::Code(0), 1), (Exit::Code(1), 0), (Exit::Signal(9), 0)] {
        let mut world = running(Script::default());
        let process = world.id("pets:cat_01");
        let events = told(&mut world, Input::Exited { process, exit });
        let payload = format!("{HEAD} from_state:RUNNING expected:{expected} pid:101");
        assert_eq!(events[0], ("PROCESS_STATE_EXITED", payload));
    }
}

#[test]
fn the_failure_counter_survives_a_stop_as_in_supervisord() {
    let spec = program("cat", |_| ());
    let mut world = World::with(spec, Script::always(Run::no_spawn("x")));
    world.run(2.0);
    world
        .call(Command::Stop {
            name: "cat".into(),
            wait: true,
        })
        .unwrap();
    let events = told(
        &mut world,
        command(Command::Start {
            name: "cat".into(),
            wait: false,
        }),
    );
    let payload = "processname:cat groupname:cat from_state:STOPPED tries:2".to_owned();
    assert_eq!(events, [("PROCESS_STATE_STARTING", payload)]);
}

#[test]
fn output() {
    let mut world = running(Script::default());
    let process = world.id("pets:cat_01");
    let log = |channel, bytes: &[u8]| Input::Log {
        process,
        channel,
        bytes: bytes.to_vec(),
    };
    let captured = |channel, bytes: &[u8]| Input::Captured {
        process,
        channel,
        bytes: bytes.to_vec(),
    };
    for (happening, name, rest) in [
        (
            log(Channel::Stdout, b"one\ntwo"),
            "PROCESS_LOG_STDOUT",
            "channel:stdout\none\ntwo",
        ),
        (
            log(Channel::Stderr, "gęś".as_bytes()),
            "PROCESS_LOG_STDERR",
            "channel:stderr\ngęś",
        ),
        (
            log(Channel::Stdout, b""),
            "PROCESS_LOG_STDOUT",
            "channel:stdout\n",
        ),
        (
            log(Channel::Stdout, b"a'\xff\n"),
            "PROCESS_LOG_STDOUT",
            "channel:stdout\nUndecodable: b\"a'\\xff\\n\"",
        ),
    ] {
        assert_eq!(
            told(&mut world, happening),
            [(name, format!("{HEAD} pid:101 {rest}"))]
        );
    }
    for (happening, name, rest) in [
        (
            captured(Channel::Stdout, b"x"),
            "PROCESS_COMMUNICATION_STDOUT",
            "x",
        ),
        (
            captured(Channel::Stderr, b"\xc5"),
            "PROCESS_COMMUNICATION_STDERR",
            "Undecodable: b'\\xc5'",
        ),
    ] {
        assert_eq!(
            told(&mut world, happening),
            [(name, format!("{HEAD} pid:101\n{rest}"))]
        );
    }
}

#[test]
fn messages_and_groups() {
    let mut world = running(Script::default());
    let message = Command::RemoteCommunication {
        kind: "t y".into(),
        data: "a\nb".into(),
    };
    assert_eq!(
        told(&mut world, command(message)),
        [("REMOTE_COMMUNICATION", "type:t y\na\nb".to_owned())]
    );
    world
        .call(Command::Stop {
            name: "pets:*".into(),
            wait: false,
        })
        .unwrap();
    world.run(1.0);
    let group = "groupname:pets\n".to_owned();
    let remove = command(Command::RemoveGroup { name: "pets".into() });
    assert_eq!(
        told(&mut world, remove),
        [("PROCESS_GROUP_REMOVED", group.clone())]
    );
    let add = command(Command::AddGroup { name: "pets".into() });
    let starting = format!("{HEAD} from_state:STOPPED tries:0");
    assert_eq!(
        told(&mut world, add),
        [
            ("PROCESS_GROUP_ADDED", group),
            ("PROCESS_STATE_STARTING", starting)
        ]
    );
}

#[test]
fn the_end() {
    let mut world = World::new(model(vec![]), vec![]);
    assert_eq!(
        told(&mut world, Input::ShutdownSignal),
        [("SUPERVISOR_STATE_CHANGE_STOPPING", String::new())]
    );
}
