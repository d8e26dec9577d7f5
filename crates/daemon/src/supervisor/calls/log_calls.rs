//! Calls about logs: reading, tailing, clearing, following.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use pistack_api::xmlrpc::{Fault, Value, fault};
use pistack_engine::config::model::LogLevel;
use pistack_engine::io::{Channel, StatusRow};

use super::{Supervisor, done};
use crate::ask::{Answer, WhichLog};
use crate::logs::follow::Followed;
use crate::rpc::arguments::Arguments;
use crate::rpc::{faults, structs};

impl Supervisor {
    /// Answers a call about logs; `None` for other calls.
    pub(super) fn log_call(
        &mut self,
        method: &str,
        arguments: Arguments<'_>,
    ) -> Option<Result<Answer, Fault>> {
        Some(match method {
            "readLog" | "readMainLog" => self.read_main(arguments),
            "readProcessLog" | "readProcessStdoutLog" => self.read_process(arguments, Channel::Stdout),
            "readProcessStderrLog" => self.read_process(arguments, Channel::Stderr),
            "tailProcessLog" | "tailProcessStdoutLog" => self.tail_process(arguments, Channel::Stdout),
            "tailProcessStderrLog" => self.tail_process(arguments, Channel::Stderr),
            "clearLog" => self.clear_main().map(Answer::Value),
            "clearProcessLog" | "clearProcessLogs" => self.clear_process(arguments).map(Answer::Value),
            "clearAllProcessLogs" => Ok(Answer::Value(self.clear_all())),
            _ => return None,
        })
    }

    fn read_main(&self, arguments: Arguments<'_>) -> Result<Answer, Fault> {
        let (offset, length) = (arguments.int(0)?, arguments.int(1)?);
        let path = self.log.path().map(Path::to_owned);
        Ok(Answer::Read {
            path: existing(path)?,
            offset,
            length,
        })
    }

    fn read_process(&self, arguments: Arguments<'_>, channel: Channel) -> Result<Answer, Fault> {
        let (offset, length) = (arguments.int(1)?, arguments.int(2)?);
        let path = self.log_path(arguments.text(0)?, channel)?;
        Ok(Answer::Read {
            path: existing(path)?,
            offset,
            length,
        })
    }

    fn tail_process(&self, arguments: Arguments<'_>, channel: Channel) -> Result<Answer, Fault> {
        let (offset, length) = (arguments.int(1)?, arguments.int(2)?);
        Ok(match existing(self.log_path(arguments.text(0)?, channel)?) {
            Ok(path) => Answer::Tail { path, offset, length },
            // no log is an empty log here, unlike for reading
            Err(_) => Answer::Value(Value::Array(vec![
                Value::from(""),
                Value::Int(0),
                Value::Bool(false),
            ])),
        })
    }

    fn log_path(&self, name: &str, channel: Channel) -> Result<Option<PathBuf>, Fault> {
        let id = self.named(name)?.id;
        Ok(self
            .logs
            .get(&id)
            .and_then(|logs| logs.path(channel))
            .map(Path::to_owned))
    }

    fn clear_main(&mut self) -> Result<Value, Fault> {
        existing(self.log.path().map(Path::to_owned))?;
        self.log.clear().map_err(|_| faults::plain(fault::FAILED))?;
        self.note(LogLevel::Info, "reopening log file");
        Ok(done())
    }

    fn clear_process(&mut self, arguments: Arguments<'_>) -> Result<Value, Fault> {
        let name = arguments.text(0)?;
        let id = self.named(name)?.id;
        let cleared = self
            .logs
            .get_mut(&id)
            .map_or(Ok(()), crate::logs::process::ProcessLogs::clear);
        cleared.map_err(|_| faults::about(fault::FAILED, name))?;
        Ok(done())
    }

    fn clear_all(&mut self) -> Value {
        let priorities: HashMap<&str, i32> = self
            .engine
            .groups()
            .iter()
            .map(|group| (&*group.name, group.priority))
            .collect();
        let mut views = self.engine.processes();
        // by priority of the group, then of the process, then by name, which is the order already
        views.sort_by_key(|view| {
            (
                priorities.get(&*view.spec.group).copied(),
                view.spec.group.clone(),
                view.spec.priority,
            )
        });
        let all: Vec<_> = views
            .iter()
            .map(|view| (view.id, view.spec.name.clone(), view.spec.group.clone()))
            .collect();
        let rows = all.into_iter().map(|(id, name, group)| {
            let cleared = self
                .logs
                .get_mut(&id)
                .map_or(Ok(()), crate::logs::process::ProcessLogs::clear);
            let (status, description) = match cleared {
                Ok(()) => (fault::SUCCESS, "OK".to_owned()),
                Err(_) => (fault::FAILED, faults::about(fault::FAILED, &name).text),
            };
            structs::row(StatusRow {
                name,
                group,
                status,
                description,
            })
        });
        Value::Array(rows.collect())
    }

    /// A log to follow, if it is there.
    pub(super) fn follow(&mut self, which: &WhichLog) -> Option<Followed> {
        match which {
            WhichLog::Main => {
                let path = existing(self.log.path().map(Path::to_owned)).ok()?;
                Some(Followed {
                    path,
                    changed: self.log.follow(),
                })
            }
            WhichLog::Process { name, channel } => {
                let id = self.engine.find(name)?.id;
                let log = self.logs.get_mut(&id)?.channel(*channel)?;
                let path = existing(log.stream.path().map(Path::to_owned)).ok()?;
                Some(Followed {
                    path,
                    changed: log.stream.follow(),
                })
            }
        }
    }
}

/// The path of a log that exists, or NO_FILE.
fn existing(path: Option<PathBuf>) -> Result<PathBuf, Fault> {
    match path {
        Some(path) if path.exists() => Ok(path),
        Some(path) => Err(faults::about(fault::NO_FILE, path.display())),
        None => Err(faults::plain(fault::NO_FILE)),
    }
}
