//! A request on its way to a service or an application, and the answer on its way back.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
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
use crate::upstream::{Answer, Ask, NoAnswer, Upstream};

/// How often a request that only reads is sent again after a service broke off.
const RESENDS: usize = 2;
/// How often an upload under way is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Gateway {
    /// Sends the request on and answers with the head of the answer.
    pub(crate) async fn forward(
        &self,
        ask: &Ask<'_>,
        body: Incoming,
        target: &Target,
        upstream: &Arc<Upstream>,
    ) -> Result<Response<Answer>, Failure> {
        let patience = target.response_timeout.unwrap_or(self.response_timeout);
        if body.is_end_stream() {
            return forward_head(ask, upstream, patience).await;
        }
        let length = ask
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
        // Boxed: most requests have no body, and should not be as large as one that has.
        Box::pin(forward_upload(ask, body, upstream, &patience, target.max_body)).await
    }

    /// Makes the client's answer of the service's. `host`: what the client calls this address.
    pub(crate) fn pass_back(
        &self,
        response: Response<Answer>,
        target: &Target,
        host: &HeaderValue,
        wanted: Option<Wanted>,
    ) -> Response<ResponseBody> {
        let (mut parts, body) = response.into_parts();
        headers::strip_response(&mut parts.headers);
        if let To::Application(upstream, _) = &target.to
            && base_path::concerns(&parts.headers)
        {
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

/// A request without a body. One that only reads is sent again when the service broke off, which is what
/// a request meets that was under way while the service was restarted.
async fn forward_head(
    ask: &Ask<'_>,
    upstream: &Arc<Upstream>,
    patience: Duration,
) -> Result<Response<Answer>, Failure> {
    let mut resends = if ask.method.is_idempotent() { RESENDS } else { 0 };
    let mut fresh = false;
    loop {
        let error = match upstream.ask(ask, Instant::now() + patience, fresh).await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        tracing::debug!(upstream = %upstream.label, %error, "no answer");
        match error {
            NoAnswer::Late => return Err(Failure::late(upstream)),
            NoAnswer::Away(_) => return Err(Failure::down(upstream)),
            NoAnswer::Broken(_) | NoAnswer::Bad(_) if resends == 0 => return Err(Failure::broken(upstream)),
            // The other connections that were kept may be as dead as this one.
            NoAnswer::Broken(_) | NoAnswer::Bad(_) => fresh = true,
        }
        resends -= 1;
    }
}

/// A request with a body, which is passed on as it comes in and cannot be sent twice.
async fn forward_upload(
    ask: &Ask<'_>,
    body: Incoming,
    upstream: &Arc<Upstream>,
    patience: &Patience,
    most: Option<u64>,
) -> Result<Response<Answer>, Failure> {
    let upload = Upload::new(most);
    let body = RequestBody::upload(body, upload.clone());
    let mut sending = pin!(upstream.ask_with(ask, body));
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
                tracing::debug!(upstream = %upstream.label, %error, "no answer");
                match (upload.state(), error) {
                    (UploadState::TooLarge, _) => Failure::too_large(),
                    (UploadState::Failed, _) => Failure::body(false),
                    (_, NoAnswer::Away(_)) => Failure::down(upstream),
                    _ => Failure::broken(upstream),
                }
            }),
            () = tokio::time::sleep_until(look_again) => {}
        }
    }
}
