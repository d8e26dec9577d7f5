//! The running supervisor as commands see it: its socket, its processes, names to processes.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use pistack_api::process::ProcessInfo;
use pistack_api::xmlrpc::Value;
use pistack_kit::client::{Client, ClientError};
use pistack_kit::rpc::{Rpc, RpcError};

use crate::cli::Place;
use crate::exit::{Code, Failure};
use crate::state;

/// A running supervisor.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    socket: PathBuf,
    rpc: Rpc,
}

impl Peer {
    /// The supervisor of this place; asks nothing yet.
    pub(crate) fn new(place: &Place) -> Result<Self, Failure> {
        let socket = state::paths(place)?.supervisor_socket();
        let rpc = Rpc::new(Client::unix(&socket), Duration::from_secs(10));
        Ok(Self { socket, rpc })
    }

    /// The socket.
    pub(crate) fn socket(&self) -> &std::path::Path {
        &self.socket
    }

    /// Calls a method.
    pub(crate) async fn call(&self, method: &str, params: Vec<Value>) -> Result<Value, Failure> {
        self.rpc
            .call(method, params)
            .await
            .map_err(|error| self.explain(error))
    }

    /// Calls a method that may take long; faults stay faults.
    pub(crate) async fn try_call(
        &self,
        method: &str,
        params: Vec<Value>,
        deadline: Duration,
    ) -> Result<Value, RpcError> {
        self.rpc
            .clone()
            .with_deadline(deadline)
            .call(method, params)
            .await
    }

    /// All processes, in supervisord's order.
    pub(crate) async fn processes(&self) -> Result<Vec<ProcessInfo>, Failure> {
        let value = self.call("supervisor.getAllProcessInfo", Vec::new()).await?;
        let rows = value
            .as_array()
            .unwrap_or_default()
            .iter()
            .filter_map(ProcessInfo::from_value)
            .collect();
        Ok(rows)
    }

    /// A sentence for a failed call.
    pub(crate) fn explain(&self, error: RpcError) -> Failure {
        match error {
            RpcError::Client(ClientError::Unreachable { source, .. }) => {
                let text = source.to_string();
                if text.contains("ermission denied") {
                    return Failure::Message(
                        Code::Forbidden,
                        format!("{}: not yours to use. Try again with sudo", self.socket.display()),
                    );
                }
                Failure::Message(
                    Code::Unreachable,
                    format!(
                        "no supervisor answers at {}. Start it with `pistack up`, or name its directory with \
                         --state-dir",
                        self.socket.display()
                    ),
                )
            }
            RpcError::Client(error @ ClientError::TimedOut { .. }) => {
                Failure::Message(Code::TimedOut, error.to_string())
            }
            RpcError::Fault(fault) => Failure::new(format!("the supervisor refused: {fault}")),
            other => Failure::new(other.to_string()),
        }
    }
}

/// Chooses processes by `name`, `group:name`, `group:*` or `@group`; all where nothing is named.
pub(crate) fn select(all: Vec<ProcessInfo>, names: &[String]) -> Result<Vec<ProcessInfo>, Failure> {
    if names.is_empty() {
        return Ok(all);
    }
    let mut chosen: Vec<ProcessInfo> = Vec::new();
    for name in names {
        let fits: Vec<&ProcessInfo> = all.iter().filter(|process| is_named(process, name)).collect();
        if fits.is_empty() {
            let known: Vec<String> = all
                .iter()
                .flat_map(|process| [process.full_name(), process.name.clone()])
                .collect();
            let hint = pistack_kit::config::suggest(name, known.iter().map(String::as_str))
                .map(|near| format!(". Did you mean `{near}`?"))
                .unwrap_or_default();
            return Err(Failure::Message(
                Code::NoSuchProgram,
                format!("no program is called `{name}`{hint}"),
            ));
        }
        for process in fits {
            if !chosen.contains(process) {
                chosen.push(process.clone());
            }
        }
    }
    Ok(chosen)
}

fn is_named(process: &ProcessInfo, name: &str) -> bool {
    match (name.strip_prefix('@'), name.split_once(':')) {
        (Some(group), _) | (None, Some((group, "*" | ""))) => process.group == group,
        (None, Some((group, member))) => process.group == group && process.name == member,
        (None, None) => process.name == name,
    }
}

/// Runs a command's asynchronous part.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(future)
}

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
    fn chooses_by_every_form_of_a_name() {
        let all = || {
            vec![
                process("cams", "front"),
                process("cams", "back"),
                process("web", "web"),
            ]
        };
        for (names, count) in [
            (vec![], 3),
            (vec!["front"], 1),
            (vec!["cams:back"], 1),
            (vec!["@cams"], 2),
            (vec!["cams:*", "front"], 2),
        ] {
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            assert_eq!(select(all(), &names).unwrap().len(), count, "{names:?}");
        }
    }

    #[test]
    fn suggests_the_nearest_name() {
        let failure = select(vec![process("web", "camera")], &["camrea".to_owned()]).unwrap_err();
        let Failure::Message(Code::NoSuchProgram, text) = failure else {
            panic!("{failure:?}")
        };
        assert!(text.contains("Did you mean `camera`?"), "{text}");
    }
}
