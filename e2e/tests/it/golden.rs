//! Golden transcripts: every line of supervision.md 1.12, given to supervisor 4.3.0's supervisorctl and to ours, against
//! supervisord 4.3.0 and against pistack. The same configuration, the same order; pids, times and paths are masked,
//! and then nothing may differ.

mod lines;
mod live;
mod mask;
mod world;

use lines::{LINES, Step};
use world::{Client, Server, World};

/// What a step gave: exit code and standard output, masked.
type Entry = (Option<i32>, String);

/// Plays the whole script in a world of its own.
fn play(client: Client, server: Server) -> Vec<Entry> {
    let mut world = World::start(client, server);
    LINES
        .iter()
        .map(|step| {
            let (code, text) = world.step(step);
            match step {
                Step::Told(_, words) => (code, format!("{words}: {}", text.contains(words))),
                Step::Sorted(_) => {
                    let masked = mask::all(&text, &world);
                    let mut lines: Vec<&str> = masked.lines().collect();
                    let fits = code == Some(exit_code_of(&lines));
                    lines.sort_unstable();
                    (
                        None,
                        format!("{}\nexit code of the last error: {fits}", lines.join("\n")),
                    )
                }
                _ => (code, mask::all(&text, &world)),
            }
        })
        .collect()
}

/// What supervisorctl exits with after these results: its last error decides (`set_exitstatus_from_xmlrpc_fault`).
/// Where the order of the results is a matter of timing, so is the exit code.
fn exit_code_of(lines: &[&str]) -> i32 {
    let dead = ["(spawn error)", "(abnormal termination)", "(not running)"];
    match lines.iter().rfind(|line| line.contains(": ERROR (")) {
        None => 0,
        Some(line) if dead.iter().any(|words| line.contains(words)) => 7,
        Some(_) => 1,
    }
}

/// The differences from the reference, each with its line.
fn differences(name: &str, reference: &[Entry], played: &[Entry]) -> Vec<String> {
    LINES
        .iter()
        .zip(reference.iter().zip(played))
        .filter(|(_, (golden, ours))| golden != ours)
        .map(|(step, (golden, ours))| {
            format!(
                "{name}: {step:?}\n  supervisor: exit {:?}\n{}  here: exit {:?}\n{}",
                golden.0,
                indented(&golden.1),
                ours.0,
                indented(&ours.1)
            )
        })
        .collect()
}

fn indented(text: &str) -> String {
    text.lines().flat_map(|line| ["    | ", line, "\n"]).collect()
}

#[test]
fn every_line_reads_as_supervisors_own() {
    let worlds = [
        (
            "supervisorctl 4.3.0 on supervisord 4.3.0",
            Client::Theirs,
            Server::Theirs,
        ),
        ("supervisorctl 4.3.0 on pistack", Client::Theirs, Server::Ours),
        ("our supervisorctl on pistack", Client::Ours, Server::Ours),
        (
            "our supervisorctl on supervisord 4.3.0",
            Client::Ours,
            Server::Theirs,
        ),
    ];
    let threads =
        worlds.map(|(name, client, server)| (name, std::thread::spawn(move || play(client, server))));
    let played = threads.map(|(name, thread)| (name, thread.join().expect("the script is played")));
    let (_, reference) = &played[0];
    let found: Vec<String> = played[1..]
        .iter()
        .flat_map(|(name, entries)| differences(name, reference, entries))
        .collect();
    assert!(
        found.is_empty(),
        "{} differences\n{}",
        found.len(),
        found.join("\n")
    );
}
