//! Any bytes from an event listener, in any pieces: it gets at most one event for each `READY`.
#![no_main]

use std::path::Path;
use std::time::Duration;

use indexmap::IndexMap;
use libfuzzer_sys::fuzz_target;
use pistack_engine::Engine;
use pistack_engine::config::model::Model;
use pistack_engine::config::supervisord::{Request, read};
use pistack_engine::config::surroundings::{Anything, Surroundings};
use pistack_engine::io::{Action, Input, Now, ProcessId};

const CONFIG: &str = "[supervisord]\n[program:cat]\ncommand=cat\nstartsecs=0\n\
    [eventlistener:ear]\ncommand=ear\nevents=EVENT\nstartsecs=0\n";

fn model() -> Model {
    let environment = IndexMap::new();
    let around = Surroundings {
        environment: &environment,
        host: "pi",
        cwd: Path::new("/"),
        outside: &Anything,
    };
    let request = Request {
        file: Path::new("/x.conf"),
        text: CONFIG,
        around,
    };
    read(&request).expect("a good configuration")
}

/// Does what the engine wants; gives the listener's process and how many events it was sent.
fn act(engine: &mut Engine, now: Now, listener: &mut Option<ProcessId>) -> usize {
    let mut sent = 0;
    while let Some(action) = engine.poll_action() {
        match action {
            Action::Spawn { process } => {
                if engine.spec(process).is_some_and(|spec| spec.name == "ear") {
                    *listener = Some(process);
                }
                engine.handle(
                    now,
                    Input::Spawned {
                        process,
                        pid: 100 + process.0 as i32,
                    },
                );
            }
            Action::WriteStdin { .. } => sent += 1,
            _ => {}
        }
    }
    sent
}

fuzz_target!(|pieces: Vec<Vec<u8>>| {
    let mut now = Now {
        mono: Duration::ZERO,
        wall: Duration::from_secs(1_700_000_000),
    };
    let mut engine = Engine::new(model(), now);
    let mut listener = None;
    let mut sent = act(&mut engine, now, &mut listener);
    now.mono += Duration::from_secs(1);
    engine.handle(now, Input::Tick);
    sent += act(&mut engine, now, &mut listener);
    let process = listener.expect("the listener starts");
    let ready = pieces
        .concat()
        .windows(6)
        .filter(|window| window == b"READY\n")
        .count();
    for bytes in pieces {
        engine.handle(now, Input::ListenerOutput { process, bytes });
        sent += act(&mut engine, now, &mut listener);
    }
    assert!(sent <= ready, "{sent} events for {ready} READY");
});
