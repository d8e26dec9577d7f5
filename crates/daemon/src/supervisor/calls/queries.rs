//! Calls that ask, and writing to standard inputs.

use pistack_api::process::ProcessInfo;
use pistack_api::xmlrpc::{Fault, Value, fault};
use pistack_engine::ProcessView;
use pistack_engine::state::ProcessState;

use super::{Supervisor, done};
use crate::rpc::arguments::Arguments;
use crate::rpc::{API_VERSION, faults, structs};
use crate::stdin::StdinError;

impl Supervisor {
    /// Answers a call that needs nothing but a look.
    pub(super) fn query(&mut self, method: &str, arguments: Arguments<'_>) -> Result<Value, Fault> {
        Ok(match method {
            "getAPIVersion" | "getVersion" => Value::from(API_VERSION),
            "getSupervisorVersion" => Value::from(&*self.version),
            "getIdentification" => Value::from(&*self.settings.identifier),
            "getPID" => Value::Int(std::process::id().into()),
            "getState" => {
                let state = self.engine.state();
                Value::Struct(vec![
                    ("statecode".into(), Value::Int(state.code().into())),
                    ("statename".into(), state.name().into()),
                ])
            }
            "getProcessInfo" => self.info(&self.named(arguments.text(0)?)?).to_value(),
            "getAllProcessInfo" => Value::Array(
                self.engine
                    .processes()
                    .iter()
                    .map(|view| self.info(view).to_value())
                    .collect(),
            ),
            "getAllConfigInfo" => self.config_info(),
            "sendProcessStdin" => self.send_stdin(arguments.text(0)?, arguments.text_or_bytes(1)?)?,
            _ => return Err(faults::plain(fault::UNKNOWN_METHOD)),
        })
    }

    fn info(&self, view: &ProcessView<'_>) -> ProcessInfo {
        structs::process_info(view, self.logs.get(&view.id), self.now())
    }

    fn config_info(&self) -> Value {
        let active = self.engine.groups();
        let configured = self.engine.configured();
        let mut all: Vec<(&str, Value)> = configured
            .groups
            .values()
            .flat_map(|group| {
                let in_use = active.iter().any(|other| other.name == group.name);
                group.processes.iter().map(move |spec| {
                    let logs = self
                        .logs_named
                        .contains(&group.name)
                        .then(|| self.engine.find(&format!("{}:{}", group.name, spec.name)))
                        .flatten()
                        .and_then(|view| self.logs.get(&view.id));
                    (&*spec.name, structs::config_info(group, spec, in_use, logs))
                })
            })
            .collect();
        all.sort_by_key(|(name, _)| *name);
        Value::Array(all.into_iter().map(|(_, info)| info).collect())
    }

    fn send_stdin(&mut self, name: &str, bytes: &[u8]) -> Result<Value, Fault> {
        let view = self.named(name)?;
        let (id, state) = (view.id, view.state);
        if !self.children.contains(id) || state == ProcessState::Stopping {
            return Err(faults::about(fault::NOT_RUNNING, name));
        }
        match self.write_stdin(id, bytes) {
            Ok(()) => Ok(done()),
            Err(StdinError::Closed) => Err(faults::about(fault::NO_FILE, name)),
            Err(StdinError::Full) => Err(faults::about(
                fault::FAILED,
                format!("{name} does not read its standard input"),
            )),
        }
    }
}
