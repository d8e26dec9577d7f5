//! Beside the original: `supervisord.json` is what supervisor 4.3.0 itself did (recorded by `supervisord.py`) with
//! random programs and listeners; the engine has to do the same, event by event and line by line.

use std::time::Duration;

use pistack_engine::config::model::{AutoRestart, LogLevel, ProcessSpec};
use pistack_engine::io::{Action, Command, Exit, Input};
use serde_json::Value;

use super::world::{Run, Script, World, model, pool, program, render_reply};

const RECORD: &str = include_str!("supervisord.json");
/// What the recorder's fork fails with.
const NO_FORK: &str = "Too many processes in process table to spawn 'cat'";

fn cases(of: &str) -> Vec<Value> {
    let record: Value = serde_json::from_str(RECORD).expect("the record is JSON");
    record[of].as_array().expect("a list of cases").clone()
}

fn texts(value: &Value) -> Vec<String> {
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(|text| text.as_str().expect("a text").to_owned())
        .collect()
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

fn flag(value: &Value) -> bool {
    value.as_bool().expect("a boolean")
}

fn exit(value: &Value) -> Exit {
    let number = number(&value[1]) as i32;
    if value[0] == "code" {
        Exit::Code(number)
    } else {
        Exit::Signal(number)
    }
}

fn spec(value: &Value) -> ProcessSpec {
    program("cat", |spec| {
        spec.startsecs = number(&value["startsecs"]) as u32;
        spec.startretries = number(&value["startretries"]) as u32;
        spec.stopwaitsecs = number(&value["stopwaitsecs"]) as u32;
        spec.autostart = flag(&value["autostart"]);
        spec.stopasgroup = flag(&value["stopasgroup"]);
        spec.killasgroup = flag(&value["killasgroup"]);
        let codes = value["exitcodes"].as_array().expect("a list");
        spec.exitcodes = codes.iter().map(|code| number(code) as i32).collect();
        spec.autorestart = match value["autorestart"].as_str() {
            Some("always") => AutoRestart::Always,
            Some("never") => AutoRestart::Never,
            _ => AutoRestart::Unexpected,
        };
    })
}

fn run(value: &Value) -> Run {
    if value.get("fails").is_some() {
        return Run::no_spawn(NO_FORK);
    }
    let millis = |value: &Value| Duration::from_millis(number(value));
    Run {
        ends: value.get("life").map(|life| (millis(life), exit(&value["exit"]))),
        on_stop: value
            .get("stubborn")
            .is_none()
            .then(|| (millis(&value["stop"]), exit(&value["stop_exit"]))),
        ..Run::default()
    }
}

fn command(kind: &str, wait: bool) -> Command {
    let name = || "cat".to_owned();
    match kind {
        "start" => Command::Start { name: name(), wait },
        "stop" => Command::Stop { name: name(), wait },
        "startgroup" => Command::StartGroup { name: name(), wait },
        "stopgroup" => Command::StopGroup { name: name(), wait },
        signal => Command::Signal {
            name: name(),
            signal: signal.to_owned(),
        },
    }
}

/// An action as the recorder writes it; `None` for what it does not record.
fn line(action: &Action) -> Option<String> {
    match action {
        Action::Emit(event) if event.kind.name().starts_with("PROCESS_STATE") => {
            Some(format!("event {} {}", event.kind.name(), event.payload))
        }
        Action::Kill { signal, group, .. } => Some(format!(
            "signal {signal} to {}",
            if *group { "group" } else { "child" }
        )),
        Action::Log { level, text } => Some(format!("{level:?}: {text}")),
        Action::Reply { request, result } => Some(format!("reply {}: {}", request.0, render_reply(result))),
        Action::WriteStdin { bytes, .. } => Some(format!("stdin {}", String::from_utf8_lossy(bytes))),
        _ => None,
    }
}

#[test]
fn programs_go_the_same_way() {
    let cases = cases("programs");
    assert!(cases.len() >= 100);
    for (index, case) in cases.iter().enumerate() {
        let runs = case["runs"].as_array().expect("a list").iter().map(run).collect();
        let mut world = World::with(spec(&case["spec"]), Script::first(runs));
        let mut at = 0;
        for step in case["steps"].as_array().expect("a list") {
            world.run_millis(number(&step[0]) - at);
            at = number(&step[0]);
            world.send(command(step[1].as_str().expect("a text"), flag(&step[2])));
        }
        world.run_millis(number(&case["end"]) - at);
        // supervisord lets a moment pass between BACKOFF and FATAL, in which it answers: so answers are compared
        // with answers and deeds with deeds.
        let is_reply = |line: &String| line.starts_with("reply ");
        let seen: (Vec<String>, Vec<String>) =
            world.take_actions().iter().filter_map(line).partition(is_reply);
        let recorded: (Vec<String>, Vec<String>) = texts(&case["trace"]).into_iter().partition(is_reply);
        assert_eq!(seen, recorded, "case {index}: {}", case["spec"]);
    }
}

#[test]
fn listeners_are_served_the_same() {
    let cases = cases("listeners");
    assert!(cases.len() >= 100);
    // The original takes an event out of the buffer to see that nobody is ready, and puts it back with a word.
    let is_told = |line: &String| !line.starts_with("Debug: rebuffering");
    for (index, case) in cases.iter().enumerate() {
        let size = number(&case["buffer"]) as usize;
        let mut world = World::new(
            model(vec![pool("ears", &["REMOTE_COMMUNICATION"], Some(size))]),
            vec![],
        );
        let process = world.id("ears");
        world.take_actions();
        let mut seen = Vec::new();
        for step in case["steps"].as_array().expect("a list") {
            let data = step[1].as_str().expect("a text");
            match step[0].as_str() {
                Some("event") => {
                    world.send(Command::RemoteCommunication {
                        kind: "t".into(),
                        data: data.to_owned(),
                    });
                }
                Some("say") => {
                    let bytes = data.chars().map(|character| character as u8).collect();
                    world.input(Input::ListenerOutput { process, bytes });
                }
                _ => world.end("ears", Exit::Code(1)),
            }
            let about_listener = |action: &Action| match action {
                Action::WriteStdin { .. } => true,
                Action::Log { text, level } => *level == LogLevel::Error || !is_about_its_life(text),
                _ => false,
            };
            seen.extend(
                world
                    .take_actions()
                    .iter()
                    .filter(|action| about_listener(action))
                    .filter_map(line),
            );
        }
        let (mut seen, mut expected) = (seen, texts(&case["trace"]));
        seen.retain(is_told);
        expected.retain(is_told);
        assert_eq!(seen, expected, "case {index}: {}", case["steps"]);
    }
}

/// Log lines of the listener's process, which the recorder leaves out.
fn is_about_its_life(text: &str) -> bool {
    ["spawned:", "success:", "exited:"]
        .iter()
        .any(|start| text.starts_with(start))
}
