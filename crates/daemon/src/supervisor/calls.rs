//! Answering `supervisor.*` calls.

mod commands;
mod log_calls;
mod queries;

use pistack_api::xmlrpc::{Call, Fault, Value, fault};
use pistack_engine::ProcessView;
use pistack_engine::state::SupervisorState;
use tokio::sync::oneshot;

use super::Supervisor;
use crate::ask::{Answer, Ask};
use crate::rpc::arguments::Arguments;
use crate::rpc::{faults, methods};
use crate::written::written;

type Reply = oneshot::Sender<Result<Answer, Fault>>;

impl Supervisor {
    /// Answers a connection, now or when the engine has an answer.
    pub(super) fn answer(&mut self, ask: Ask) {
        match ask {
            // an answer that nobody waits for any more is dropped, here and below
            Ask::Follow { log, reply } => drop(reply.send(self.follow(&log))),
            Ask::Written { name, reply } => {
                drop(reply.send(written(self.engine.configured(), &name)));
            }
            Ask::Call { call, reply } => self.call(&call, reply),
        }
    }

    fn call(&mut self, call: &Call, reply: Reply) {
        let known = methods::find(&call.method).filter(|(namespace, _)| *namespace == "supervisor");
        let Some((_, method)) = known else {
            drop(reply.send(Err(faults::plain(fault::UNKNOWN_METHOD))));
            return;
        };
        let arguments = match Arguments::new(method, &call.params) {
            Ok(arguments) => arguments,
            Err(fault) => return drop(reply.send(Err(fault))),
        };
        if self.engine.state() < SupervisorState::Running && method.name != "sendRemoteCommEvent" {
            return drop(reply.send(Err(faults::shutdown_state())));
        }
        match self.command(method.name, arguments) {
            Err(fault) => drop(reply.send(Err(fault))),
            Ok(Some(command)) => self.command_later(command, reply),
            Ok(None) => {
                let answer = match self.log_call(method.name, arguments) {
                    Some(answer) => answer,
                    None => self.query(method.name, arguments).map(Answer::Value),
                };
                drop(reply.send(answer));
            }
        }
    }

    /// The process of a name, or BAD_NAME.
    fn named(&self, name: &str) -> Result<ProcessView<'_>, Fault> {
        self.engine
            .find(name)
            .ok_or_else(|| faults::about(fault::BAD_NAME, name))
    }
}

/// `true`.
const fn done() -> Value {
    Value::Bool(true)
}
