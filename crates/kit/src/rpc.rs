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

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::post;
    use pistack_api::xmlrpc::parse_call;

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(10);

    /// A server that echoes `echo`, faults on `fail`, and wants `pi:secret` on `locked`.
    async fn answer(headers: http::HeaderMap, body: Bytes) -> (StatusCode, String) {
        let call = parse_call(&body).unwrap();
        assert_eq!(headers[CONTENT_TYPE], "text/xml");
        let text = match &*call.method {
            "echo" => xmlrpc::write_response(&Value::Array(call.params)),
            "fail" => xmlrpc::write_fault(&Fault {
                code: 10,
                text: "BAD_NAME: x".to_owned(),
            }),
            "locked"
                if headers
                    .get(AUTHORIZATION)
                    .is_some_and(|value| value == "Basic cGk6c2VjcmV0") =>
            {
                xmlrpc::write_response(&Value::Bool(true))
            }
            "locked" => return (StatusCode::UNAUTHORIZED, String::new()),
            _ => "no XML".to_owned(),
        };
        (StatusCode::OK, text)
    }

    async fn server() -> Rpc {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/RPC2", post(answer))).await });
        Rpc::new(Client::tcp(address.to_string()), DEADLINE)
    }

    #[tokio::test]
    async fn calls_and_tells_faults_from_failures() {
        let rpc = server().await;
        let params = vec![Value::Int(7), Value::from("<x>")];
        assert_eq!(
            rpc.call("echo", params.clone()).await.unwrap(),
            Value::Array(params)
        );
        let error = rpc.call("fail", Vec::new()).await.unwrap_err();
        assert!(
            matches!(error, RpcError::Fault(Fault { code: 10, .. })),
            "{error}"
        );
        assert!(matches!(
            rpc.call("other", Vec::new()).await,
            Err(RpcError::Broken(_))
        ));
    }

    #[tokio::test]
    async fn sends_credentials_when_it_has_some() {
        let rpc = server().await;
        let error = rpc.call("locked", Vec::new()).await.unwrap_err().to_string();
        assert!(error.contains("401"), "{error}");
        let rpc = rpc.with_basic_auth("pi", "secret");
        assert_eq!(rpc.call("locked", Vec::new()).await.unwrap(), Value::Bool(true));
        assert!(
            !format!("{rpc:?}").contains("cGk6c2VjcmV0"),
            "credentials stay out of logs"
        );
    }
}
