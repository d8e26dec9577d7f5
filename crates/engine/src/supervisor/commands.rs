//! Commands of clients: what each does and how it is answered (`supervisor/rpcinterface.py`).

use super::Engine;
use super::group::Resolved;
use super::payload;
use super::requests::{Progress, Shape, Target, Want};
use crate::config::diff;
use crate::config::model::{LogLevel, Model};
use crate::config::values;
use crate::event::EventKind;
use crate::io::{Command, Fault, FaultCode, ProcessId, Reply, RequestId};
use crate::state::{ProcessState, SupervisorState};

/// What is done to each of several processes.
#[derive(Clone, Copy)]
enum Operation<'a> {
    Start { wait: bool },
    Stop { wait: bool },
    Signal { signal: &'a str },
}

impl Operation<'_> {
    /// Group calls leave out those that are in the wanted state.
    fn concerns(self, state: ProcessState) -> bool {
        match self {
            Self::Start { .. } => !state.is_running(),
            Self::Stop { .. } => state.is_running(),
            Self::Signal { .. } => state.is_signallable(),
        }
    }
}

impl Engine {
    /// Does what a client asked for.
    pub(super) fn command(&mut self, request: RequestId, command: Command) {
        let stopping = self.state < SupervisorState::Running;
        if stopping && !matches!(command, Command::RemoteCommunication { .. }) {
            self.requests
                .answer(request, Err(FaultCode::ShutdownState.bare()));
            self.vetoes.clear();
            return;
        }
        match command {
            Command::Start { name, wait } => self.by_name(request, &name, Operation::Start { wait }),
            Command::Stop { name, wait } => self.by_name(request, &name, Operation::Stop { wait }),
            Command::Signal { name, signal } => {
                self.by_name(request, &name, Operation::Signal { signal: &signal });
            }
            Command::StartGroup { name, wait } => self.by_group(request, &name, Operation::Start { wait }),
            Command::StopGroup { name, wait } => self.by_group(request, &name, Operation::Stop { wait }),
            Command::SignalGroup { name, signal } => {
                self.by_group(request, &name, Operation::Signal { signal: &signal });
            }
            Command::StartAll { wait } => self.on_all(request, Operation::Start { wait }),
            Command::StopAll { wait } => self.on_all(request, Operation::Stop { wait }),
            Command::SignalAll { signal } => self.on_all(request, Operation::Signal { signal: &signal }),
            other => {
                let result = self.plain_command(other);
                self.requests.answer(request, result);
            }
        }
        self.vetoes.clear();
    }

    /// Commands that are about no process and answered at once.
    fn plain_command(&mut self, command: Command) -> Result<Reply, Fault> {
        match command {
            Command::AddGroup { name } => self.add_configured_group(&name),
            Command::RemoveGroup { name } => self.remove_stopped_group(&name),
            Command::Reload { model } => Ok(self.reload(*model)),
            Command::RemoteCommunication { kind, data } => {
                let payload = payload::remote_communication(&kind, &data);
                self.out.event(EventKind::RemoteCommunication, payload);
                Ok(Reply::True)
            }
            Command::Shutdown => {
                self.begin_shutdown(SupervisorState::Shutdown);
                Ok(Reply::True)
            }
            Command::Restart => {
                self.begin_shutdown(SupervisorState::Restarting);
                Ok(Reply::True)
            }
            _ => Err(FaultCode::UnknownMethod.bare()),
        }
    }

    /// The processes that a start command would start or, when one is named, try to: those whose file the daemon
    /// should look for before it hands the command in. Empty for other commands.
    pub(super) fn candidates(&self, command: &Command) -> Vec<ProcessId> {
        let stopped = |ids: Vec<ProcessId>| -> Vec<ProcessId> {
            let concerned = |id: &ProcessId| self.concerns(Operation::Start { wait: false }, *id);
            ids.into_iter().filter(concerned).collect()
        };
        let group_members = |name: &str| {
            self.group(name)
                .map(|group| stopped(self.members_by_priority(group)))
                .unwrap_or_default()
        };
        match command {
            Command::Start { name, .. } => match self.resolve(name) {
                Ok(Resolved::Process(id)) => vec![id],
                Ok(Resolved::Group(group)) => group_members(&group),
                Err(_) => Vec::new(),
            },
            Command::StartGroup { name, .. } => group_members(name),
            Command::StartAll { .. } => stopped(self.all_by_priority()),
            _ => Vec::new(),
        }
    }

    fn by_name(&mut self, request: RequestId, name: &str, operation: Operation<'_>) {
        match self.resolve(name) {
            Err(fault) => self.requests.answer(request, Err(fault)),
            Ok(Resolved::Group(group)) => self.by_group(request, &group, operation),
            Ok(Resolved::Process(id)) => {
                let member = self.apply(id, Some(name), operation);
                self.requests
                    .add(request, Shape::Single, member.into_iter().collect());
            }
        }
    }

    fn by_group(&mut self, request: RequestId, name: &str, operation: Operation<'_>) {
        match self.group(name).map(|group| self.members_by_priority(group)) {
            None => self.requests.answer(request, Err(FaultCode::BadName.with(name))),
            Some(members) => self.on_each(request, members, operation),
        }
    }

    fn on_all(&mut self, request: RequestId, operation: Operation<'_>) {
        let members = self.all_by_priority();
        self.on_each(request, members, operation);
    }

    fn on_each(&mut self, request: RequestId, members: Vec<ProcessId>, operation: Operation<'_>) {
        let mut applied = Vec::new();
        for id in members {
            if self.concerns(operation, id) {
                applied.extend(self.apply(id, None, operation));
            } else if matches!(operation, Operation::Stop { .. }) {
                self.cancel_restart(id);
            }
        }
        self.requests.add(request, Shape::Rows, applied);
    }

    fn all_by_priority(&self) -> Vec<ProcessId> {
        self.groups_by_priority()
            .into_iter()
            .flat_map(|group| self.members_by_priority(group))
            .collect()
    }

    fn concerns(&self, operation: Operation<'_>, id: ProcessId) -> bool {
        self.processes
            .get(&id)
            .is_some_and(|process| operation.concerns(process.state))
    }

    fn apply(
        &mut self,
        id: ProcessId,
        asked: Option<&str>,
        operation: Operation<'_>,
    ) -> Option<(Target, Progress)> {
        let process = self.processes.get(&id)?;
        let target = Target::new(
            process,
            asked.map_or_else(|| process.namespec(), ToOwned::to_owned),
        );
        let progress = match operation {
            Operation::Start { wait } => self.start_one(id, &target.asked, wait),
            Operation::Stop { wait } => self.stop_one(id, &target.asked, wait),
            Operation::Signal { signal } => self.signal_one(id, &target.asked, signal),
        };
        Some((
            target,
            progress.unwrap_or_else(|fault| Progress::Done(Err(fault))),
        ))
    }

    fn start_one(&mut self, id: ProcessId, asked: &str, wait: bool) -> Result<Progress, Fault> {
        if let Some(fault) = self.vetoes.remove(&id) {
            return Err(fault);
        }
        let Some(process) = self.processes.get_mut(&id) else {
            return Err(FaultCode::BadName.with(asked));
        };
        match process.state {
            state if state.is_running() => return Err(FaultCode::AlreadyStarted.with(asked)),
            ProcessState::Unknown => {
                return Err(FaultCode::Failed.with(format_args!("{asked} is in an unknown process state")));
            }
            ProcessState::Stopping => {
                self.out.log(
                    LogLevel::Warn,
                    format!("process '{}' already running", process.name),
                );
                // As in supervisord: without waiting nobody notices that there was nothing to start.
                return Ok(if wait {
                    Progress::Late(Err(FaultCode::AbnormalTermination.with(asked)))
                } else {
                    Progress::Done(Ok(()))
                });
            }
            _ => process.start(&mut self.out),
        }
        Ok(Progress::Waits(if wait { Want::Running } else { Want::Spawned }))
    }

    fn stop_one(&mut self, id: ProcessId, asked: &str, wait: bool) -> Result<Progress, Fault> {
        let Some(process) = self.processes.get_mut(&id) else {
            return Err(FaultCode::BadName.with(asked));
        };
        if !process.state.is_running() {
            self.cancel_restart(id);
            return Err(FaultCode::NotRunning.with(asked));
        }
        process.stop(&mut self.out);
        if process.state.is_stopped() {
            return Ok(Progress::Done(Ok(())));
        }
        Ok(if wait {
            Progress::Waits(Want::Stopped)
        } else {
            Progress::Signalled
        })
    }

    fn signal_one(&mut self, id: ProcessId, asked: &str, signal: &str) -> Result<Progress, Fault> {
        let number = values::signal(signal).map_err(|_| FaultCode::BadSignal.with(signal))?;
        let Some(process) = self.processes.get_mut(&id) else {
            return Err(FaultCode::BadName.with(asked));
        };
        if !process.state.is_signallable() {
            return Err(FaultCode::NotRunning.with(asked));
        }
        process
            .signal(number, &mut self.out)
            .map_err(|text| FaultCode::Failed.with(text))?;
        Ok(Progress::Signalled)
    }

    /// An exited program whose restart is being delayed stays as it is once somebody wants it stopped.
    fn cancel_restart(&mut self, id: ProcessId) {
        if let Some(process) = self.processes.get_mut(&id)
            && process.cancel_restart(&mut self.out)
        {
            self.out.log(
                LogLevel::Info,
                format!("delayed restart of '{}' called off", process.name),
            );
        }
    }

    fn add_configured_group(&mut self, name: &str) -> Result<Reply, Fault> {
        let spec = self
            .configured
            .groups
            .get(name)
            .ok_or_else(|| FaultCode::BadName.with(name))?
            .clone();
        if self.group(name).is_some() {
            return Err(FaultCode::AlreadyAdded.with(name));
        }
        self.add_group(spec);
        self.subscribe_ticks();
        let members = self
            .group(name)
            .map(|group| group.members.clone())
            .unwrap_or_default();
        self.autostart(&members);
        Ok(Reply::True)
    }

    fn remove_stopped_group(&mut self, name: &str) -> Result<Reply, Fault> {
        let group = self.group(name).ok_or_else(|| FaultCode::BadName.with(name))?;
        if self.is_active(group) {
            return Err(FaultCode::StillRunning.with(name));
        }
        self.remove_group(name);
        Ok(Reply::True)
    }

    /// Compares the active groups with the new configuration and remembers the latter.
    fn reload(&mut self, model: Model) -> Reply {
        let active = self
            .groups
            .iter()
            .map(|(name, group)| (name.clone(), group.spec.clone()))
            .collect();
        let active = Model {
            groups: active,
            ..Model::default()
        };
        let diff::Changes {
            added,
            changed,
            removed,
        } = diff::compare(&active, &model);
        self.configured = model;
        Reply::Changes {
            added,
            changed,
            removed,
        }
    }
}
