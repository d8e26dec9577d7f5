//! Calls that change something: handed to the engine, which answers when it can.

use std::borrow::Cow;

use pistack_api::xmlrpc::{Fault, fault};
use pistack_engine::io::{self, Command, Input, RequestId};

use super::{Reply, Supervisor};
use crate::command::CommandError;
use crate::rpc::arguments::Arguments;
use crate::rpc::faults;

impl Supervisor {
    /// The engine's command for a call; `None` for calls that are answered by reading.
    pub(super) fn command(
        &mut self,
        method: &str,
        arguments: Arguments<'_>,
    ) -> Result<Option<Command>, Fault> {
        let name = || arguments.text(0).map(str::to_owned);
        let group = || arguments.group(0).map(Cow::into_owned);
        Ok(Some(match method {
            "startProcess" => Command::Start {
                name: name()?,
                wait: arguments.flag(1)?,
            },
            "startProcessGroup" => Command::StartGroup {
                name: group()?,
                wait: arguments.flag(1)?,
            },
            "startAllProcesses" => Command::StartAll {
                wait: arguments.flag(0)?,
            },
            "stopProcess" => Command::Stop {
                name: name()?,
                wait: arguments.flag(1)?,
            },
            "stopProcessGroup" => Command::StopGroup {
                name: group()?,
                wait: arguments.flag(1)?,
            },
            "stopAllProcesses" => Command::StopAll {
                wait: arguments.flag(0)?,
            },
            "signalProcess" => Command::Signal {
                name: name()?,
                signal: arguments.signal(1)?,
            },
            "signalProcessGroup" => Command::SignalGroup {
                name: group()?,
                signal: arguments.signal(1)?,
            },
            "signalAllProcesses" => Command::SignalAll {
                signal: arguments.signal(0)?,
            },
            "addProcessGroup" => Command::AddGroup {
                name: arguments.any(0)?.into_owned(),
            },
            "removeProcessGroup" => Command::RemoveGroup { name: group()? },
            "sendRemoteCommEvent" => Command::RemoteCommunication {
                kind: arguments.any(0)?.into_owned(),
                data: arguments.any(1)?.into_owned(),
            },
            "reloadConfig" => {
                let model = (self.load)().map_err(cannot_reread)?;
                self.logs_named.clear();
                Command::Reload {
                    model: Box::new(model),
                }
            }
            "shutdown" => Command::Shutdown,
            "restart" => {
                self.prepare_restart().map_err(cannot_reread)?;
                Command::Restart
            }
            _ => return Ok(None),
        }))
    }

    /// Hands a command to the engine; the answer comes as an action.
    pub(super) fn command_later(&mut self, command: Command, reply: Reply) {
        for process in self.engine.start_candidates(&command) {
            let Some(spec) = self.engine.spec(process) else {
                continue;
            };
            let Err(error) = self.resolve(spec) else { continue };
            let fault = match &error {
                CommandError::NotFound(text) => faults::about(fault::NO_FILE, text),
                CommandError::NotExecutable(text) => faults::about(fault::NOT_EXECUTABLE, text),
            };
            self.engine.veto(
                process,
                io::Fault {
                    code: fault.code,
                    text: fault.text,
                },
            );
        }
        let request = RequestId(self.next_request);
        self.next_request += 1;
        self.requests.insert(request, reply);
        self.tell(Input::Command { request, command });
    }
}

fn cannot_reread(reason: String) -> Fault {
    faults::about(fault::CANT_REREAD, reason)
}
