//! XML-RPC calls over a [`Client`].

use std::time::Duration;

use pistack_api::xmlrpc::{Fault, Value};

use crate::client::{Client, ClientError};

/// A caller of one XML-RPC server at `/RPC2`.
#[derive(Debug, Clone)]
pub struct Rpc {
    client: Client,
    deadline: Duration,
    /// Ready-made `Authorization` value for servers that ask for Basic.
    authorization: Option<http::HeaderValue>,
}

/// A call failed.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// The server answered with a fault.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The server could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The server answered with something else.
    #[error("no XML-RPC answer: {0}")]
    Broken(String),
}

impl Rpc {
    /// Calls through `client`, each within `deadline`.
    pub fn new(client: Client, deadline: Duration) -> Self {
        Self { client, deadline, authorization: None }
    }

    /// Sends HTTP Basic credentials with each call.
    #[must_use]
    pub fn with_basic_auth(self, _user: &str, _password: &str) -> Self {
        todo!()
    }

    /// The same caller with another deadline.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Calls `method`.
    pub async fn call(&self, _method: &str, _params: Vec<Value>) -> Result<Value, RpcError> {
        let _ = (&self.client, &self.authorization);
        todo!()
    }
}
