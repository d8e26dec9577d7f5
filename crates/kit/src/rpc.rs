//! XML-RPC calls over a [`Client`].

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, StatusCode};
use pistack_api::xmlrpc::{self, Call, Fault, Value};

use crate::client::{Client, ClientError};

/// A caller of one XML-RPC server at `/RPC2`.
#[derive(Debug, Clone)]
pub struct Rpc {
    client: Client,
    deadline: Duration,
    /// Ready-made `Authorization` value for servers that ask for Basic.
    authorization: Option<HeaderValue>,
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
        Self {
            client,
            deadline,
            authorization: None,
        }
    }

    /// Sends HTTP Basic credentials with each call.
    #[must_use]
    pub fn with_basic_auth(mut self, user: &str, password: &str) -> Self {
        let credentials = BASE64.encode(format!("{user}:{password}"));
        self.authorization = HeaderValue::from_str(&format!("Basic {credentials}"))
            .ok()
            .map(|mut value| {
                value.set_sensitive(true);
                value
            });
        self
    }

    /// The same caller with another deadline.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Calls `method`.
    pub async fn call(&self, method: &str, params: Vec<Value>) -> Result<Value, RpcError> {
        let call = Call {
            method: method.to_owned(),
            params,
        };
        let mut request = Request::post("/RPC2")
            .header(CONTENT_TYPE, "text/xml")
            .body(Bytes::from(xmlrpc::write_call(&call)))
            .expect("a constant request is well-formed");
        if let Some(value) = &self.authorization {
            request.headers_mut().insert(AUTHORIZATION, value.clone());
        }
        let response = self.client.send(request, self.deadline).await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => {
                return Err(RpcError::Broken(
                    "401: the server refuses this user and password".to_owned(),
                ));
            }
            status => return Err(RpcError::Broken(format!("the server answered {status}"))),
        }
        let answer =
            xmlrpc::parse_response(response.body()).map_err(|error| RpcError::Broken(error.to_string()))?;
        Ok(answer?)
    }
}
