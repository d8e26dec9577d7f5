//! The server: XML-RPC calls over one connection per command, and the endless log streams.

use base64::Engine as _;
use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use pistack_api::xmlrpc::{Call, Value, parse_response, write_call};

use super::trouble::Trouble;
use super::url;

/// Address and credentials of a server, and the connection that is open.
#[derive(Debug, Default)]
pub(super) struct Server {
    /// `unix://path` or `http://host:port`.
    pub(super) url: String,
    /// User for Basic.
    pub(super) username: Option<String>,
    /// Password for Basic.
    pub(super) password: Option<String>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Clone for Server {
    fn clone(&self) -> Self {
        Self::new(self.url.clone(), self.username.clone(), self.password.clone())
    }
}

impl Server {
    /// A server; nothing is connected yet.
    pub(super) fn new(url: String, username: Option<String>, password: Option<String>) -> Self {
        Self {
            url,
            username,
            password,
            connection: None,
        }
    }

    /// Forgets the connection: the next call opens one.
    pub(super) fn hang_up(&mut self) {
        self.connection = None;
    }

    /// Calls `supervisor.METHOD`. As long as it takes: a stop may wait for minutes.
    pub(super) async fn call(&mut self, method: &str, params: Vec<Value>) -> Result<Value, Trouble> {
        let body = write_call(&Call {
            method: format!("supervisor.{method}"),
            params,
        });
        let request = Request::builder()
            .method(Method::POST)
            .uri("/RPC2")
            .header(header::CONTENT_TYPE, "text/xml")
            .header(header::ACCEPT, "text/xml");
        let response = self.send(request, Bytes::from(body)).await?;
        let (head, body) = response.into_parts();
        if head.status != http::StatusCode::OK {
            self.hang_up();
            let reason = head.status.canonical_reason().unwrap_or_default();
            return Err(Trouble::Status(head.status.as_u16(), reason.to_owned()));
        }
        let body = body.collect().await.map_err(|_| Trouble::Disconnected)?;
        parse_response(&body.to_bytes())
            .map_err(|error| Trouble::Unreadable(error.to_string()))?
            .map_err(Trouble::Fault)
    }

    /// Opens an endless log on a connection of its own.
    pub(super) async fn stream(&self, path: &str) -> Result<Response<Incoming>, Trouble> {
        let request = Request::builder()
            .uri(path)
            .header(header::ACCEPT, "*/*")
            .header(header::USER_AGENT, "Supervisor HTTP Client");
        self.clone().send(request, Bytes::new()).await
    }

    async fn send(
        &mut self,
        request: http::request::Builder,
        body: Bytes,
    ) -> Result<Response<Incoming>, Trouble> {
        let (connector, host) = url::connector(&self.url).map_err(Trouble::Value)?;
        let mut request = request.header(header::HOST, host);
        if let (Some(username), Some(password)) = (&self.username, &self.password) {
            let pair = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
            request = request.header(header::AUTHORIZATION, format!("Basic {pair}"));
        }
        let request = request
            .body(Full::new(body))
            .map_err(|error| Trouble::Value(error.to_string()))?;
        let mut connection = match self.connection.take() {
            Some(open) if !open.is_closed() => open,
            _ => {
                let link = connector.connect().await?;
                let (sender, connection) = http1::handshake(TokioIo::new(link))
                    .await
                    .map_err(|error| broken(&error))?;
                tokio::spawn(connection);
                sender
            }
        };
        connection.ready().await.map_err(|error| broken(&error))?;
        let response = connection
            .send_request(request)
            .await
            .map_err(|error| broken(&error))?;
        self.connection = Some(connection);
        Ok(response)
    }
}

fn broken(error: &hyper::Error) -> Trouble {
    use std::error::Error as _;
    let cause = error
        .source()
        .and_then(|source| source.downcast_ref::<std::io::Error>());
    match cause.and_then(std::io::Error::raw_os_error) {
        Some(number) => Trouble::Io(std::io::Error::from_raw_os_error(number)),
        None => Trouble::Disconnected,
    }
}
