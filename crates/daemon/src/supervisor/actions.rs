//! Doing what the engine decides.

use pistack_engine::config::model::{GroupSpec, LogLevel};
use pistack_engine::io::{Action, Input, ProcessId};

use super::Supervisor;
use crate::ask::Answer;
use crate::options::Ending;
use crate::rpc::structs;
use crate::sys::signals;

impl Supervisor {
    /// Does everything that the engine has decided.
    pub(super) fn act(&mut self) {
        while let Some(action) = self.engine.poll_action() {
            self.perform(action);
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Spawn { process } => self.spawn(process),
            Action::Kill {
                process,
                pid,
                signal,
                group,
            } => self.kill(process, pid, signal, group),
            Action::WriteStdin { process, bytes } => {
                if self.write_stdin(process, &bytes).is_err() {
                    let name = self
                        .engine
                        .spec(process)
                        .map_or_else(String::new, |spec| spec.name.clone());
                    self.note(
                        LogLevel::Warn,
                        &format!("'{name}' does not read its standard input"),
                    );
                    self.tell(Input::StdinClosed { process });
                }
            }
            Action::Emit(event) => self.events.add(&event),
            Action::Reply { request, result } => {
                let result = match result {
                    Ok(reply) => Ok(Answer::Value(structs::reply(reply))),
                    Err(fault) => Err(pistack_api::xmlrpc::Fault {
                        code: fault.code,
                        text: fault.text,
                    }),
                };
                if let Some(reply) = self.requests.remove(&request) {
                    // a client that has left needs no answer
                    let _ = reply.send(result);
                }
            }
            Action::Log { level, text } => self.note(level, &text),
            Action::GroupAdded { group } => self.group_added(&group),
            Action::GroupRemoved { processes, .. } => {
                for process in processes {
                    self.logs.remove(&process);
                }
            }
            Action::Shutdown => self.ending = Some(Ending::Shutdown),
            Action::Restart => self.begin_anew(),
        }
    }

    fn kill(&mut self, process: ProcessId, pid: i32, signal: i32, group: bool) {
        let Err(error) = signals::send(pid, signal, group) else {
            return;
        };
        if error.raw_os_error() == Some(libc::ESRCH) {
            // it is gone already; SIGCHLD tells the rest
            self.note(
                LogLevel::Debug,
                &format!("pid {pid} was gone before signal {signal} reached it"),
            );
        } else {
            self.tell(Input::KillFailed {
                process,
                error: error.to_string(),
            });
        }
    }

    /// Makes the logs of a new group, so that clients learn their names before the first start.
    fn group_added(&mut self, group: &GroupSpec) {
        self.logs_named.insert(group.name.clone());
        for spec in &group.processes {
            let id = self
                .engine
                .find(&format!("{}:{}", spec.group, spec.name))
                .map(|view| view.id);
            if let Some(id) = id {
                self.make_logs(id, spec);
            }
        }
    }
}
