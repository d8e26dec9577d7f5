//! The processes that actions need: the supervisor by XML-RPC, the mail service by its internal call.

use std::time::Duration;

use bytes::Bytes;
use pistack_api::service::Service;
use pistack_api::xmlrpc::{Value, fault};
use pistack_kit::client::Client;
use pistack_kit::paths::StatePaths;
use pistack_kit::rpc::{Rpc, RpcError};
use serde_json::json;

use super::ActError;

/// Starting and stopping wait for the state; this bounds the waiting.
const SUPERVISOR_DEADLINE: Duration = Duration::from_mins(1);
/// A mail server may be slow; the mail service has deadlines of its own below this.
const MAIL_DEADLINE: Duration = Duration::from_secs(90);

#[derive(Debug)]
pub(super) struct Peers {
    supervisor: Rpc,
    email: Client,
}

impl Peers {
    pub(super) fn new(paths: &StatePaths) -> Self {
        Self {
            supervisor: Rpc::new(Client::unix(paths.supervisor_socket()), SUPERVISOR_DEADLINE),
            email: Client::unix(paths.service_socket(Service::Email)),
        }
    }

    /// Starts a process; one that runs already is fine.
    pub(super) async fn start(&self, name: &str) -> Result<(), ActError> {
        self.change("supervisor.startProcess", name, fault::ALREADY_STARTED)
            .await
    }

    /// Stops a process; one that is stopped already is fine.
    pub(super) async fn stop(&self, name: &str) -> Result<(), ActError> {
        self.change("supervisor.stopProcess", name, fault::NOT_RUNNING)
            .await
    }

    pub(super) async fn shutdown(&self) -> Result<(), ActError> {
        match self.supervisor.call("supervisor.shutdown", Vec::new()).await {
            Ok(_) => Ok(()),
            Err(RpcError::Fault(fault)) if fault.code == fault::SHUTDOWN_STATE => Ok(()),
            Err(error) => Err(ActError::Supervisor(format!("shutdown: {error}"))),
        }
    }

    async fn change(&self, method: &str, name: &str, harmless: i32) -> Result<(), ActError> {
        match self
            .supervisor
            .call(method, vec![Value::from(name), Value::Bool(true)])
            .await
        {
            Ok(_) => Ok(()),
            Err(RpcError::Fault(fault)) if fault.code == harmless => Ok(()),
            Err(error) => Err(ActError::Supervisor(format!("{method} {name}: {error}"))),
        }
    }

    pub(super) async fn mail(&self, to: &str, subject: &str, text: &str) -> Result<(), ActError> {
        let failed = |reason: String| ActError::Mail {
            to: to.to_owned(),
            reason,
        };
        let body = json!({ "to": to, "subject": subject, "text": text }).to_string();
        let request = http::Request::post("/internal/send")
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body))
            .map_err(|error| failed(error.to_string()))?;
        let answer = self
            .email
            .send(request, MAIL_DEADLINE)
            .await
            .map_err(|error| failed(error.to_string()))?;
        if answer.status().is_success() {
            return Ok(());
        }
        let problem: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let reason = problem["detail"]
            .as_str()
            .or(problem["message"].as_str())
            .unwrap_or("refused");
        Err(failed(reason.to_owned()))
    }
}
