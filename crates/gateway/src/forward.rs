//! A request on its way to a service or an application, and the answer on its way back.

use std::pin::pin;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Request, Response};
use hyper::body::{Body as _, Incoming};
use tokio::time::Instant;

use crate::base_path;
use crate::body::{RequestBody, ResponseBody};
use crate::compression::Wanted;
use crate::failure::Failure;
use crate::headers;
use crate::proxy::Gateway;
use crate::routes::{Target, To};
use crate::upload::{Blame, Patience, Upload, UploadState};
use crate::upstream::Upstream;

/// How often a request that only reads is sent again after a service broke off.
const RESENDS: usize = 2;
/// How often an upload under way is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Gateway {
    /// Sends the request on and answers with the head of the answer.
    pub(crate) async fn forward(
        &self,
        parts: Parts,
        body: Incoming,
        target: &Target,
        upstream: &Upstream,
    ) -> Result<Response<Incoming>, Failure> {
        let patience = target.response_timeout.unwrap_or(self.response_timeout);
        if body.is_end_stream() {
            return self.forward_head(parts, upstream, patience).await;
        }
        let length = parts
            .headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok());
        let length = length
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or_default();
        if target.max_body.is_some_and(|most| length > most) {
            return Err(Failure::too_large());
        }
        let patience = Patience {
            service: patience,
            ..self.patience
        };
        self.forward_upload(parts, body, upstream, &patience, target.max_body)
            .await
    }

    /// A request without a body. One that only reads is sent again when the service broke off, which is what
    /// a request meets that was under way while the service was restarted.
    async fn forward_head(
        &self,
        mut parts: Parts,
        upstream: &Upstream,
        patience: Duration,
    ) -> Result<Response<Incoming>, Failure> {
        let mut resends = if parts.method.is_idempotent() { RESENDS } else { 0 };
        loop {
            let spare = (resends > 0).then(|| parts.clone());
            let sending = self
                .upstreams
                .send(Request::from_parts(parts, RequestBody::Empty));
            let error = match tokio::time::timeout(patience, sending).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(error)) => error,
                Err(_) => return Err(Failure::late(upstream)),
            };
            tracing::debug!(upstream = %upstream.label, ?error, "no answer");
            if error.is_connect() {
                return Err(Failure::down(upstream));
            }
            parts = spare.ok_or_else(|| Failure::broken(upstream))?;
            resends -= 1;
        }
    }

    /// A request with a body, which is passed on as it comes in and cannot be sent twice.
    async fn forward_upload(
        &self,
        parts: Parts,
        body: Incoming,
        upstream: &Upstream,
        patience: &Patience,
        most: Option<u64>,
    ) -> Result<Response<Incoming>, Failure> {
        let upload = Upload::new(most);
        let request = Request::from_parts(parts, RequestBody::upload(body, upload.clone()));
        let mut sending = pin!(self.upstreams.send(request));
        loop {
            let (deadline, blame) = upload.deadline(patience);
            let now = Instant::now();
            if now >= deadline {
                upload.abandon();
                return Err(match blame {
                    Blame::Client => Failure::body(true),
                    Blame::Service => Failure::late(upstream),
                });
            }
            // Whom the upload waits for may change meanwhile, and a slow one shows only in the sum.
            let look_again = deadline.min(now + LOOK_AGAIN);
            tokio::select! {
                answer = &mut sending => return answer.map_err(|error| {
                    tracing::debug!(upstream = %upstream.label, ?error, "no answer");
                    match upload.state() {
                        UploadState::TooLarge => Failure::too_large(),
                        UploadState::Failed => Failure::body(false),
                        _ if error.is_connect() => Failure::down(upstream),
                        _ => Failure::broken(upstream),
                    }
                }),
                () = tokio::time::sleep_until(look_again) => {}
            }
        }
    }

    /// Makes the client's answer of the service's. `host`: what the client calls this address.
    pub(crate) fn pass_back(
        &self,
        response: Response<Incoming>,
        target: &Target,
        host: &HeaderValue,
        wanted: Option<Wanted>,
    ) -> Response<ResponseBody> {
        let (mut parts, body) = response.into_parts();
        headers::strip_response(&mut parts.headers);
        if let To::Application(upstream, _) = &target.to {
            let mut seen: Vec<&str> = upstream.hosts.iter().map(String::as_str).collect();
            seen.extend(host.to_str());
            base_path::restore(&mut parts.headers, target.stripped(), &seen);
        }
        let kind = parts
            .headers
            .get(CONTENT_TYPE)
            .map(HeaderValue::as_bytes)
            .unwrap_or_default();
        if kind.starts_with(b"text/event-stream") {
            let body = ResponseBody::events(body, self.stop.clone());
            return Response::from_parts(parts, body);
        }
        let mut body = ResponseBody::service(body);
        if let Some(wanted) = wanted {
            body = self.compression.apply(wanted, &mut parts, body);
        }
        Response::from_parts(parts, body)
    }
}
