//! What the Tab key offers: actions, groups, processes.

use std::cell::RefCell;
use std::rc::Rc;

use pistack_api::process::ProcessInfo;
use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};
use tokio::runtime::Runtime;

use super::commands::ACTIONS;
use super::server::Server;

/// Completes lines by asking the server, once per line.
#[derive(Debug)]
pub(super) struct Completion {
    /// The server of the line that is being typed.
    server: RefCell<Server>,
    processes: RefCell<Option<Vec<ProcessInfo>>>,
    runtime: Rc<Runtime>,
}

impl Completion {
    /// Completion that waits for answers on this runtime.
    pub(super) fn new(server: Server, runtime: Rc<Runtime>) -> Self {
        Self {
            server: RefCell::new(server),
            processes: RefCell::new(None),
            runtime,
        }
    }

    /// Starts a line: what was known of processes is out of date.
    pub(super) fn renew(&mut self, server: Server) {
        self.server.replace(server);
        self.processes.replace(None);
    }

    fn ask(&self) {
        if self.processes.borrow().is_some() {
            return;
        }
        let mut server = self.server.borrow_mut();
        let answer = self
            .runtime
            .block_on(server.call("getAllProcessInfo", Vec::new()));
        let rows = answer
            .ok()
            .and_then(|answer| answer.as_array().map(<[_]>::to_vec));
        let processes = rows
            .unwrap_or_default()
            .iter()
            .filter_map(ProcessInfo::from_value)
            .collect();
        self.processes.replace(Some(processes));
    }
}

/// What may stand at the end of a line.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Action,
    Group,
    Process,
    Nothing,
}

fn wanted(line: &str) -> Wanted {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        [_] if !line.ends_with(' ') => Wanted::Action,
        [] | ["help", ..] => Wanted::Action,
        ["add" | "remove" | "update", ..] => Wanted::Group,
        [
            "clear" | "fg" | "pid" | "restart" | "signal" | "start" | "status" | "stop" | "tail",
            ..,
        ] => Wanted::Process,
        _ => Wanted::Nothing,
    }
}

/// Candidates that begin with `word`, each with the space that follows it.
fn candidates(wanted: &Wanted, word: &str, processes: &[ProcessInfo]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    match wanted {
        Wanted::Action => {
            names.push("help".to_owned());
            names.extend(ACTIONS.map(str::to_owned));
        }
        Wanted::Group => names.extend(processes.iter().map(|process| process.group.clone())),
        Wanted::Process => {
            for process in processes {
                if word.contains(':') || process.group != process.name {
                    names.push(format!("{}:{}", process.group, process.name));
                    names.push(format!("{}:*", process.group));
                } else {
                    names.push(process.name.clone());
                }
            }
        }
        Wanted::Nothing => {}
    }
    let mut fits: Vec<String> = Vec::new();
    for name in names.into_iter().filter(|name| name.starts_with(word)) {
        let name = format!("{name} ");
        if !fits.contains(&name) {
            fits.push(name);
        }
    }
    fits
}

impl Completer for Completion {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let line = &line[..position];
        let wanted = wanted(line);
        if matches!(wanted, Wanted::Group | Wanted::Process) {
            self.ask();
        }
        let start = line.rfind(char::is_whitespace).map_or(0, |space| space + 1);
        let processes = self.processes.borrow();
        let fits = candidates(&wanted, &line[start..], processes.as_deref().unwrap_or_default());
        Ok((start, fits))
    }
}

impl Hinter for Completion {
    type Hint = String;
}
impl Highlighter for Completion {}
impl Validator for Completion {}
impl Helper for Completion {}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(group: &str, name: &str) -> ProcessInfo {
        ProcessInfo {
            name: name.into(),
            group: group.into(),
            start: 0,
            stop: 0,
            now: 0,
            state: 20,
            statename: "RUNNING".into(),
            spawnerr: String::new(),
            exitstatus: 0,
            logfile: String::new(),
            stdout_logfile: String::new(),
            stderr_logfile: String::new(),
            pid: 1,
            description: String::new(),
        }
    }

    #[test]
    fn the_line_decides_what_is_offered() {
        for (line, expected) in [
            ("", Wanted::Action),
            ("sta", Wanted::Action),
            ("start ", Wanted::Process),
            ("start a b", Wanted::Process),
            ("help s", Wanted::Action),
            ("update ", Wanted::Group),
            ("version ", Wanted::Nothing),
        ] {
            assert_eq!(wanted(line), expected, "{line}");
        }
    }

    #[test]
    fn names_as_they_can_be_typed() {
        let all = [process("g", "a"), process("g", "b"), process("cat", "cat")];
        assert_eq!(candidates(&Wanted::Action, "re", &[]).len(), 4);
        assert_eq!(candidates(&Wanted::Process, "g", &all), ["g:a ", "g:* ", "g:b "]);
        assert_eq!(candidates(&Wanted::Process, "c", &all), ["cat "]);
        assert_eq!(candidates(&Wanted::Process, "cat:", &all), ["cat:cat ", "cat:* "]);
        assert_eq!(candidates(&Wanted::Group, "", &all), ["g ", "cat "]);
    }
}
