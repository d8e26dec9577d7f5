//! Calls to the other services over their unix sockets, in the name of the person who looks.

pub(crate) mod account;
pub(crate) mod auth;
pub(crate) mod changes;
pub(crate) mod channels;
pub(crate) mod edges;
pub(crate) mod events;
pub(crate) mod gateway;
pub(crate) mod info;
pub(crate) mod io;
pub(crate) mod mail;
pub(crate) mod people;
pub(crate) mod programs;
pub(crate) mod rules;
pub(crate) mod runs;
pub(crate) mod supervisor;
pub(crate) mod system;
pub(crate) mod together;
pub(crate) mod usage;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use pistack_api::service::Service;
use pistack_kit::client::Client;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Failure;

/// One call: to whom, what, and how long it may take.
#[derive(Debug)]
struct Call<'a> {
    service: Service,
    client: &'a Client,
    method: Method,
    path: &'a str,
    token: Option<&'a str>,
    deadline: Duration,
}

impl Call<'_> {
    async fn send(&self, body: Bytes) -> Result<Response<Bytes>, Failure> {
        let mut request = Request::builder().method(self.method.clone()).uri(self.path);
        if let Some(token) = self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        // A token or a path that is no header text or address comes from the request; it names nothing.
        let request = request.body(body).map_err(|_| Failure::NotFound)?;
        let answer = self
            .client
            .send(request, self.deadline)
            .await
            .map_err(|error| Failure::unreachable(self.service, &error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(Failure::refused(self.service, answer.status(), answer.body()))
    }

    async fn read<T: DeserializeOwned>(&self, body: Bytes) -> Result<(StatusCode, T), Failure> {
        let answer = self.send(body).await?;
        match serde_json::from_slice(answer.body()) {
            Ok(value) => Ok((answer.status(), value)),
            Err(error) => {
                tracing::warn!(service = self.service.name(), path = self.path, error = %error, "odd answer");
                Err(Failure::Down(self.service))
            }
        }
    }
}

fn json(value: &impl Serialize) -> Result<Bytes, Failure> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|error| {
        tracing::error!(error = %error, "a request body could not be written");
        Failure::Internal
    })
}
