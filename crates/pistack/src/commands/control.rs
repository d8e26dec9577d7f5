//! `pistack start|stop|restart`.

use std::time::Duration;

use pistack_api::process::ProcessInfo;
use pistack_api::xmlrpc::{Value, fault};
use pistack_kit::client::ClientError;
use pistack_kit::rpc::RpcError;

use crate::cli::{Place, Targets};
use crate::commands::peer::{Peer, block_on, select};
use crate::exit::{Code, Failure};
use crate::output;

/// What to do with the processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Start.
    Start,
    /// Stop.
    Stop,
    /// Stop, then start.
    Restart,
}

/// Acts on every named process, one after the other, and prints how each stands then.
pub(crate) fn control(place: &Place, verb: Verb, targets: &Targets) -> Result<Code, Failure> {
    let peer = Peer::new(place)?;
    block_on(async {
        let chosen = select(peer.processes().await?, &targets.names)?;
        let mut code = Code::Ok;
        for process in &chosen {
            if let Err(failure) = act(&peer, verb, process, targets.timeout.0).await {
                let Failure::Message(failed, text) = failure else {
                    return Err(failure);
                };
                eprintln!("pistack: {}: {text}", process.full_name());
                code = failed;
            }
        }
        let names: Vec<String> = chosen
            .iter()
            .map(|process| format!("{}:{}", process.group, process.name))
            .collect();
        let rows = select(peer.processes().await?, &names)?;
        if targets.json {
            output::processes_json(&rows);
        } else {
            output::processes(&rows);
        }
        Ok(code)
    })
}

async fn act(peer: &Peer, verb: Verb, process: &ProcessInfo, deadline: Duration) -> Result<(), Failure> {
    let name = format!("{}:{}", process.group, process.name);
    if verb != Verb::Start {
        call(
            peer,
            "supervisor.stopProcess",
            &name,
            fault::NOT_RUNNING,
            deadline,
        )
        .await?;
    }
    if verb != Verb::Stop {
        call(
            peer,
            "supervisor.startProcess",
            &name,
            fault::ALREADY_STARTED,
            deadline,
        )
        .await?;
    }
    Ok(())
}

/// Calls and waits for the state; `harmless` is the fault that says that there is nothing to do.
async fn call(
    peer: &Peer,
    method: &str,
    name: &str,
    harmless: i32,
    deadline: Duration,
) -> Result<(), Failure> {
    match peer
        .try_call(method, vec![Value::from(name), Value::Bool(true)], deadline)
        .await
    {
        Ok(_) => Ok(()),
        Err(RpcError::Fault(fault)) if fault.code == harmless => Ok(()),
        Err(RpcError::Fault(fault)) => Err(Failure::new(in_words(fault.code, &fault.text))),
        Err(RpcError::Client(ClientError::TimedOut { .. })) => Err(Failure::Message(
            Code::TimedOut,
            format!(
                "not in the wanted state after {} s; the supervisor goes on trying",
                deadline.as_secs()
            ),
        )),
        Err(error) => Err(peer.explain(error)),
    }
}

/// The common faults in plain words.
fn in_words(code: i32, text: &str) -> String {
    match code {
        fault::SPAWN_ERROR => {
            format!("could not be started ({text}). `pistack logs --stream err` may tell why")
        }
        fault::ABNORMAL_TERMINATION => {
            format!("ended too soon after its start ({text}). `pistack logs --stream err` may tell why")
        }
        fault::NO_FILE => format!("the command does not exist ({text})"),
        fault::NOT_EXECUTABLE => format!("the command may not be executed ({text})"),
        fault::SHUTDOWN_STATE => "the supervisor is shutting down".to_owned(),
        _ => text.to_owned(),
    }
}
