//! The processes that actions need: the supervisor by XML-RPC, the mail service by its internal call.

use std::time::Duration;

use bytes::Bytes;
use pistack_api::service::Service;
use pistack_api::xmlrpc::{Value, fault};
use pistack_kit::client::Client;
use pistack_kit::paths::StatePaths;
use pistack_kit::rpc::{Rpc, RpcError};
use serde_json::json;

use crate::channel::message::{Message, one_line};

/// Starting and stopping wait for the state; this bounds the waiting.
const SUPERVISOR_DEADLINE: Duration = Duration::from_mins(1);
/// The mail service takes a mail into its outbox; that is quick.
const MAIL_DEADLINE: Duration = Duration::from_secs(30);

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

    pub(super) fn supervisor(&self) -> &Rpc {
        &self.supervisor
    }

    /// Starts a process; one that runs already is fine.
    pub(super) async fn start(&self, name: &str) -> Result<(), String> {
        self.change("startProcess", name, &[fault::ALREADY_STARTED]).await
    }

    /// Stops a process; one that is stopped already is fine.
    pub(super) async fn stop(&self, name: &str) -> Result<(), String> {
        self.change("stopProcess", name, &[fault::NOT_RUNNING]).await
    }

    /// Sends a signal; `HUP` and `SIGHUP` are the same.
    pub(super) async fn signal(&self, name: &str, signal: &str) -> Result<(), String> {
        let parameters = vec![Value::from(name), Value::from(signal)];
        self.call("supervisor.signalProcess", parameters, &[])
            .await
            .map_err(|error| format!("signal {signal} to {name}: {error}"))
    }

    pub(super) async fn shutdown(&self) -> Result<(), String> {
        self.call("supervisor.shutdown", Vec::new(), &[fault::SHUTDOWN_STATE])
            .await
            .map_err(|error| format!("shutdown: {error}"))
    }

    /// `@group` means all of a group, as `group:*` does.
    async fn change(&self, verb: &str, name: &str, harmless: &[i32]) -> Result<(), String> {
        let target = name
            .strip_prefix('@')
            .map_or_else(|| name.to_owned(), |group| format!("{group}:*"));
        self.call(
            &format!("supervisor.{verb}"),
            vec![Value::from(target.as_str()), Value::Bool(true)],
            harmless,
        )
        .await
        .map_err(|error| format!("supervisor.{verb} {name}: {error}"))
    }

    async fn call(&self, method: &str, parameters: Vec<Value>, harmless: &[i32]) -> Result<(), RpcError> {
        match self.supervisor.call(method, parameters).await {
            Ok(_) => Ok(()),
            Err(RpcError::Fault(fault)) if harmless.contains(&fault.code) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A mail into the outbox of the mail service.
    pub(super) async fn mail(&self, to: &str, message: &Message) -> Result<String, MailFailure> {
        let failed = |reason: String, may_pass: bool| MailFailure {
            reason: format!("mail to {to}: {reason}"),
            may_pass,
        };
        let body = json!({
            "to": to,
            "subject": message.title,
            "text": format!("{}\n", message.text),
            "idempotency_key": format!("rules-{}", message.id),
        });
        let request = http::Request::post("/internal/send")
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body.to_string()))
            .map_err(|error| failed(error.to_string(), false))?;
        let answer = self
            .email
            .send(request, MAIL_DEADLINE)
            .await
            .map_err(|error| failed(error.to_string(), true))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(format!("mail to {to}"));
        }
        let problem: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let text = |key: &str| problem[key].as_str().unwrap_or_default();
        let said = one_line(&format!("{status}: {} {}", text("message"), text("detail")), 300);
        Err(failed(said, status.is_server_error()))
    }
}

/// A mail was not taken.
#[derive(Debug)]
pub(super) struct MailFailure {
    /// Why.
    pub(super) reason: String,
    /// Whether it may be taken in a moment.
    pub(super) may_pass: bool,
}
