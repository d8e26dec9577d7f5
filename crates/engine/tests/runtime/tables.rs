//! Every rule of supervision.md 1.9, 1.10 and 1.13 as a table: `tests/tables/NAME.ini` is a configuration as
//! supervisord reads it, `NAME.trace` what is put in and what comes out, in virtual time.
//!
//! Lines that begin with `>` are put in, all others are what comes out of it, in this order and nothing else:
//!
//! ```text
//! > child cat exits 0.5 code 1, ignores stops     how the next child of `cat` lives; before the start
//! > children cat lives                            how all others do
//! > 5 start cat                                   at 5 s: a command, a signal, output of a listener
//! 5 cat STOPPED -> STARTING tries:0
//! 5 spawn cat
//! ```
//!
//! `PISTACK_WRITE_TABLES=1 cargo nextest run -p pistack-engine tables` writes down what comes out now; read it before
//! you believe it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indexmap::IndexMap;
use pistack_engine::config::model::Model;
use pistack_engine::config::supervisord::{Request, read};
use pistack_engine::config::surroundings::{Anything, Surroundings};
use pistack_engine::io::{Channel, Command, Exit, Input};

use super::world::{Kind, Run, Script, World};

/// All but debug lines.
const SHOWN: [Kind; 9] = [
    Kind::Spawn,
    Kind::Kill,
    Kind::State,
    Kind::Event,
    Kind::Stdin,
    Kind::Reply,
    Kind::Log,
    Kind::Group,
    Kind::Last,
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tables")
}

fn model(file: &Path) -> Model {
    let environment = IndexMap::new();
    let request = Request {
        file,
        text: &fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display())),
        around: Surroundings {
            environment: &environment,
            host: "pi",
            cwd: Path::new("/"),
            outside: &Anything,
        },
    };
    read(&request).unwrap_or_else(|errors| panic!("{}: {errors:?}", file.display()))
}

/// `code 1`, `signal 9`, `core 11`.
fn exit(kind: &str, number: &str) -> Exit {
    let number = number.parse().expect("a number");
    match kind {
        "code" => Exit::Code(number),
        "signal" => Exit::Signal(number),
        "core" => Exit::Core(number),
        other => panic!("no way to end: {other}"),
    }
}

fn seconds(text: &str) -> Duration {
    Duration::from_secs_f64(text.parse().unwrap_or_else(|_| panic!("no seconds: {text}")))
}

/// `exits 0.5 code 1, ignores stops`.
fn life(text: &str) -> Run {
    let mut run = Run::default();
    for part in text.split(", ") {
        let words: Vec<&str> = part.split(' ').collect();
        match *words {
            ["lives"] => {}
            ["exits", after, kind, number] => run.ends = Some((seconds(after), exit(kind, number))),
            ["stops", "after", after, kind, number] => {
                run.on_stop = Some((seconds(after), exit(kind, number)));
            }
            ["ignores", "stops"] => run.on_stop = None,
            ["cannot", "start", ..] => run.spawn_error = Some(words[2..].join(" ")),
            ["cannot", "be", "signalled", ..] => run.kill_error = Some(words[3..].join(" ")),
            _ => panic!("no life: {part}"),
        }
    }
    run
}

/// The children of all programs, from the lines before the start.
fn lives(trace: &str) -> Vec<(&str, Script)> {
    let mut lives: IndexMap<&str, (Vec<Run>, Run)> = IndexMap::new();
    for line in trace.lines() {
        let Some((which, rest)) = line.strip_prefix("> child").and_then(|rest| rest.split_once(' ')) else {
            continue;
        };
        let (name, text) = rest.split_once(' ').expect("a name and a life");
        let (first, then) = lives.entry(name).or_default();
        if which == "ren" {
            *then = life(text);
        } else {
            first.push(life(text));
        }
    }
    lives
        .into_iter()
        .map(|(name, (first, then))| (name, Script::of(first, then)))
        .collect()
}

/// The command of a line, if it is one.
fn command(words: &[&str]) -> Option<Command> {
    let (words, wait) = match words {
        [words @ .., "nowait"] => (words, false),
        words => (words, true),
    };
    let text = |word: &&str| (*word).to_owned();
    Some(match words {
        ["start", name] => Command::Start {
            name: text(name),
            wait,
        },
        ["stop", name] => Command::Stop {
            name: text(name),
            wait,
        },
        ["start-group", name] => Command::StartGroup {
            name: text(name),
            wait,
        },
        ["stop-group", name] => Command::StopGroup {
            name: text(name),
            wait,
        },
        ["start-all"] => Command::StartAll { wait },
        ["stop-all"] => Command::StopAll { wait },
        ["signal", signal, name] => Command::Signal {
            name: text(name),
            signal: text(signal),
        },
        ["signal-group", signal, name] => Command::SignalGroup {
            name: text(name),
            signal: text(signal),
        },
        ["signal-all", signal] => Command::SignalAll { signal: text(signal) },
        ["add", name] => Command::AddGroup { name: text(name) },
        ["remove", name] => Command::RemoveGroup { name: text(name) },
        ["reload", file] => Command::Reload {
            model: Box::new(model(&folder().join(file))),
        },
        ["remote", kind, data] => Command::RemoteCommunication {
            kind: text(kind),
            data: text(data),
        },
        ["shutdown"] => Command::Shutdown,
        ["restart"] => Command::Restart,
        _ => return None,
    })
}

/// What a program writes: a JSON text whose characters are bytes.
fn output(channel: &str, quoted: &str) -> (Channel, Vec<u8>) {
    let text: String = serde_json::from_str(quoted).unwrap_or_else(|_| panic!("no text: {quoted}"));
    let channel = match channel {
        "stdout" => Channel::Stdout,
        "stderr" => Channel::Stderr,
        other => panic!("no channel: {other}"),
    };
    let byte = |character| u8::try_from(character).expect("a byte");
    (channel, text.chars().map(byte).collect())
}

/// Puts one line in.
fn put_in(world: &mut World, text: &str) {
    let words: Vec<&str> = text.split(' ').collect();
    if let Some(command) = command(&words) {
        world.send(command);
        return;
    }
    match *words {
        ["nothing"] => {}
        ["end", name, kind, number] => world.end(name, exit(kind, number)),
        ["says", name, ..] => {
            let quoted = words[2..].join(" ");
            let text: String = serde_json::from_str(&quoted).unwrap_or_else(|_| panic!("no text: {quoted}"));
            world.say(name, &text);
        }
        ["writes", name, channel, ..] => {
            let process = world.id(name);
            let (channel, bytes) = output(channel, &words[3..].join(" "));
            world.input(Input::Log {
                process,
                channel,
                bytes,
            });
        }
        ["captures", name, channel, ..] => {
            let process = world.id(name);
            let (channel, bytes) = output(channel, &words[3..].join(" "));
            world.input(Input::Captured {
                process,
                channel,
                bytes,
            });
        }
        ["closes", name] => {
            let process = world.id(name);
            world.input(Input::StdinClosed { process });
        }
        ["clock", step] => world.step_wall(step.parse().expect("seconds")),
        ["TERM"] => world.input(Input::ShutdownSignal),
        ["HUP"] => world.input(Input::RestartSignal),
        _ => panic!("nothing to put in: {text}"),
    }
}

/// The trace again, with what comes out now.
fn play(model: Model, trace: &str) -> String {
    let mut world = World::new(model, lives(trace));
    let mut played = String::new();
    let mut begun = false;
    let out = |world: &mut World, played: &mut String| {
        for line in world.take(&SHOWN) {
            played.push_str(&line.replace('\n', "\\n"));
            played.push('\n');
        }
    };
    for line in trace.lines() {
        let input = line.strip_prefix("> ").filter(|rest| !rest.starts_with("child"));
        if line.starts_with('#') || line.starts_with("> child") || (line.is_empty() && !begun) {
            played.push_str(line);
            played.push('\n');
        }
        let Some(input) = input else { continue };
        if !begun {
            begun = true;
            out(&mut world, &mut played);
        }
        let (at, text) = input.split_once(' ').expect("a time and what is put in");
        let already = world.now.mono.saturating_sub(Duration::from_secs(1000));
        let ahead = seconds(at).checked_sub(already).expect("times go up");
        world.run(ahead.as_secs_f64());
        out(&mut world, &mut played);
        played.push_str(line);
        played.push('\n');
        put_in(&mut world, text);
        out(&mut world, &mut played);
    }
    played
}

#[test]
fn tables() {
    let write = std::env::var_os("PISTACK_WRITE_TABLES").is_some();
    let mut names: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "trace"))
        .collect();
    names.sort();
    assert!(names.len() >= 20, "only {} tables", names.len());
    let mut wrong = Vec::new();
    for path in names {
        let expected = fs::read_to_string(&path).unwrap();
        let played = play(model(&path.with_extension("ini")), &expected);
        if write {
            fs::write(&path, &played).unwrap();
        } else if played != expected {
            let (seen, wanted): (Vec<&str>, Vec<&str>) =
                (played.lines().collect(), expected.lines().collect());
            let line = seen
                .iter()
                .zip(&wanted)
                .take_while(|(seen, wanted)| seen == wanted)
                .count();
            let shown = |lines: &[&str]| {
                lines
                    .get(line)
                    .map_or("the end".to_owned(), |line| format!("{line:?}"))
            };
            let (seen, wanted) = (shown(&seen), shown(&wanted));
            wrong.push(format!(
                "{}:{}: expected {wanted}, came {seen}",
                path.display(),
                line + 1
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
