//! WebSockets: after the handshake the gateway passes bytes on and looks at none of them.
//!
//! A client asks by `Upgrade` (HTTP/1.1, RFC 6455) or by an extended CONNECT (HTTP/2, RFC 8441); a service is always
//! asked in the first way.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use http::{Method, Request, StatusCode, Version};
use hyper::ext::Protocol;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use tokio_util::sync::CancellationToken;

use crate::deadline::Busy;
use crate::headers::lists;
use crate::upstream::Line;

/// Of RFC 6455 section 1.3: what proves that the other side knows what a WebSocket is.
const PROOF: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A client's wish for a WebSocket.
pub(crate) struct Wanted {
    client: OnUpgrade,
    /// Over HTTP/2: what the service has to answer to the key that the gateway made for it.
    accept: Option<String>,
}

/// Takes the wish out of a request that opens a WebSocket, and makes a plain GET of it. No other protocol is switched
/// to: `h2c` would open a way past every check of the gateway.
pub(crate) fn take<B>(request: &mut Request<B>) -> Option<Wanted> {
    if is_upgrade(request.method(), request.version(), request.headers()) {
        let client = hyper::upgrade::on(request);
        return Some(Wanted { client, accept: None });
    }
    let protocol = request.extensions().get::<Protocol>()?;
    if request.method() != Method::CONNECT || !protocol.as_str().eq_ignore_ascii_case("websocket") {
        return None;
    }
    let client = hyper::upgrade::on(&mut *request);
    let mut random = [0; 16];
    pistack_kit::random::fill(&mut random);
    let key = STANDARD.encode(random);
    let accept = accept(&key);
    *request.method_mut() = Method::GET;
    request
        .headers_mut()
        .insert(SEC_WEBSOCKET_KEY, HeaderValue::try_from(key).ok()?);
    Some(Wanted {
        client,
        accept: Some(accept),
    })
}

/// What answers `key`.
fn accept(key: &str) -> String {
    let text = format!("{key}{PROOF}");
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}

fn is_upgrade(method: &Method, version: Version, headers: &HeaderMap) -> bool {
    *method == Method::GET
        && version == Version::HTTP_11
        && headers
            .get(UPGRADE)
            .is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
        && headers
            .get_all(CONNECTION)
            .iter()
            .any(|value| lists(value, "upgrade"))
}

impl Wanted {
    /// Whether an answer other than 101 may be passed on. Over HTTP/2 any 2xx would open the tunnel (RFC 8441
    /// section 5).
    pub(crate) fn may_refuse_with(&self, status: StatusCode) -> bool {
        self.accept.is_none() || !status.is_success()
    }

    /// Makes the client's answer of the service's 101; `None` if the service did not understand the question.
    pub(crate) fn agree(self, status: &mut StatusCode, headers: &mut HeaderMap) -> Option<OnUpgrade> {
        match &self.accept {
            None => {
                headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
                headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            }
            Some(accept) => {
                let answer = headers.remove(SEC_WEBSOCKET_ACCEPT)?;
                if answer.as_bytes() != accept.as_bytes() {
                    return None;
                }
                *status = StatusCode::OK;
            }
        }
        Some(self.client)
    }
}

/// Joins client and service, which has agreed, until one of them ends, or the gateway stops.
pub(crate) async fn join(client: OnUpgrade, mut service: Box<Line>, mut busy: Busy, stop: CancellationToken) {
    busy.answered();
    let joined = async {
        let mut client = TokioIo::new(client.await?);
        let counts = tokio::io::copy_bidirectional(&mut client, &mut *service).await?;
        Ok::<_, crate::body::BoxError>(counts)
    };
    tokio::select! {
        result = joined => match result {
            Ok((up, down)) => tracing::debug!(up, down, "WebSocket ended"),
            Err(error) => tracing::debug!(%error, "WebSocket broke off"),
        },
        () = stop.cancelled() => {}
    }
    drop(busy);
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_answer_to_a_key_is_the_one_of_the_standard() {
        assert_eq!(
            super::accept("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }
}
