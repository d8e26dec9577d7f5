//! What the engine asked for, as readable lines.

use std::fmt;
use std::time::Duration;

use pistack_engine::config::model::LogLevel;
use pistack_engine::event::EventKind;
use pistack_engine::io::{Action, Fault, ProcessId, Reply};

/// Sorts of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Spawn,
    Kill,
    State,
    Event,
    Stdin,
    Reply,
    /// Log lines of INFO and above.
    Log,
    /// Log lines below that.
    Detail,
    Group,
    Last,
}

/// One thing that the engine asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) at: Duration,
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.at.as_secs_f64(), self.text)
    }
}

impl Entry {
    /// The line for an action.
    pub(crate) fn of(at: Duration, action: &Action, name: &dyn Fn(&ProcessId) -> String) -> Self {
        let (kind, text) = match action {
            Action::Spawn { process } => (Kind::Spawn, format!("spawn {}", name(process))),
            Action::Kill {
                process,
                signal,
                group,
                ..
            } => {
                let whom = if *group { "group of " } else { "" };
                (Kind::Kill, format!("signal {signal} to {whom}{}", name(process)))
            }
            Action::WriteStdin { process, bytes } => (
                Kind::Stdin,
                format!("{} <- {}", name(process), String::from_utf8_lossy(bytes)),
            ),
            Action::Emit(event) => match event.kind {
                EventKind::ProcessState(to) => (Kind::State, state_line(to.name(), &event.payload)),
                kind => (Kind::Event, format!("{} {:?}", kind.name(), event.payload)),
            },
            Action::Reply { request, result } => (
                Kind::Reply,
                format!("reply {}: {}", request.0, render_reply(result)),
            ),
            Action::Log { level, text } => {
                let kind = if *level >= LogLevel::Info {
                    Kind::Log
                } else {
                    Kind::Detail
                };
                (kind, format!("{level:?}: {text}"))
            }
            Action::GroupAdded { group } => (Kind::Group, format!("added {}", group.name)),
            Action::GroupRemoved { name, processes } => (
                Kind::Group,
                format!("removed {name} of {} processes", processes.len()),
            ),
            Action::Shutdown => (Kind::Last, "shutdown".to_owned()),
            Action::Restart => (Kind::Last, "restart".to_owned()),
        };
        Self { at, kind, text }
    }
}

/// `cat STOPPED -> STARTING tries:0`.
fn state_line(to: &str, payload: &str) -> String {
    let mut fields: Vec<&str> = payload.split(' ').collect();
    let mut take = |key: &str| {
        let index = fields
            .iter()
            .position(|field| field.starts_with(key))
            .expect("the field is there");
        fields.remove(index).trim_start_matches(key).to_owned()
    };
    let (process, group, from) = (take("processname:"), take("groupname:"), take("from_state:"));
    let name = if process == group {
        process
    } else {
        format!("{group}:{process}")
    };
    [
        vec![format!("{name} {from} -> {to}")],
        fields.into_iter().map(str::to_owned).collect(),
    ]
    .concat()
    .join(" ")
}

/// `True`, `BAD_NAME: x (10)`, `[a 80 OK, b:c 70 NOT_RUNNING: b:c]`.
pub(crate) fn render_reply(result: &Result<Reply, Fault>) -> String {
    match result {
        Ok(Reply::True) => "True".to_owned(),
        Ok(Reply::Rows(rows)) => {
            let rows: Vec<String> = rows
                .iter()
                .map(|row| format!("{}:{} {} {}", row.group, row.name, row.status, row.description))
                .collect();
            format!("[{}]", rows.join(", "))
        }
        Ok(Reply::Changes {
            added,
            changed,
            removed,
        }) => {
            format!("added {added:?} changed {changed:?} removed {removed:?}")
        }
        Err(fault) => format!("{} ({})", fault.text, fault.code),
    }
}
