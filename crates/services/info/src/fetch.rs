//! Asking the outside: one GET over http or https, bounded in time and size.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use url::Url;

type HttpClient = Client<HttpsConnector<HttpConnector>, Empty<Bytes>>;

/// Largest body read.
const LIMIT: usize = 256 * 1024;

/// A client for the outside. The certificates that it trusts are loaded at the first use: a board that never
/// asks never pays for them.
#[derive(Debug, Default)]
pub(crate) struct Fetcher {
    client: OnceLock<HttpClient>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// Its status.
    pub(crate) status: StatusCode,
    /// Its headers.
    pub(crate) headers: http::HeaderMap,
    /// Its body.
    pub(crate) body: Bytes,
}

/// No answer. The text is fit for the client: it names the host and never a secret of the address's query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("{host} cannot be reached: {reason}")]
    Unreachable { host: String, reason: String },
    #[error("{host} did not answer within {} ms", after.as_millis())]
    TimedOut { host: String, after: Duration },
}

impl Fetcher {
    /// Asks `url` and reads the whole answer within `deadline`. Redirects are not followed.
    pub(crate) async fn get(&self, url: &Url, deadline: Duration) -> Result<Fetched, FetchError> {
        self.get_with(url, deadline, None, None).await
    }

    /// As [`Fetcher::get`], with a `User-Agent` of its own, and only for something newer than `since` (an earlier
    /// answer's `Last-Modified`).
    pub(crate) async fn get_with(
        &self,
        url: &Url,
        deadline: Duration,
        agent: Option<&str>,
        since: Option<&str>,
    ) -> Result<Fetched, FetchError> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let unreachable = |reason: String| FetchError::Unreachable {
            host: host.clone(),
            reason,
        };
        let agent = agent.unwrap_or(concat!("pistack/", env!("CARGO_PKG_VERSION")));
        let mut request = Request::get(url.as_str())
            .header(header::USER_AGENT, agent)
            .header(header::ACCEPT, "application/json, text/plain;q=0.9");
        if let Some(since) = since {
            request = request.header(header::IF_MODIFIED_SINCE, since);
        }
        let request = request
            .body(Empty::new())
            .map_err(|error| unreachable(error.to_string()))?;
        let asked = async {
            let response = self
                .client()?
                .request(request)
                .await
                .map_err(|error| unreachable(cause(&error)))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, LIMIT).collect().await;
            let body = body.map_err(|error| unreachable(error.to_string()))?.to_bytes();
            Ok(Fetched {
                status: head.status,
                headers: head.headers,
                body,
            })
        };
        tokio::time::timeout(deadline, asked).await.unwrap_or_else(|_| {
            Err(FetchError::TimedOut {
                host: host.clone(),
                after: deadline,
            })
        })
    }

    fn client(&self) -> Result<&HttpClient, FetchError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
            .map_err(|error| FetchError::Unreachable {
                host: "TLS".into(),
                reason: error.to_string(),
            })?
            .https_or_http()
            .enable_http1()
            .build();
        // Asked every quarter of an hour at most: a kept connection would only be a wake-up.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(connector);
        Ok(self.client.get_or_init(|| client))
    }
}

/// The innermost cause, which says more than "client error (Connect)".
fn cause(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
