//! WebSockets: after the handshake the gateway passes bytes on and looks at none of them.

use http::header::{CONNECTION, HeaderMap, HeaderValue, UPGRADE};
use http::{Method, Version};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_util::sync::CancellationToken;

use crate::deadline::Busy;
use crate::headers::lists;
use crate::upstream::Line;

/// Whether the client opens a WebSocket (RFC 6455 section 4.1). No other protocol is switched to: `h2c` would
/// open a way past every check of the gateway.
pub(crate) fn is_asked(method: &Method, version: Version, headers: &HeaderMap) -> bool {
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

/// Puts the two fields of the handshake back after the hop's fields were taken off.
pub(crate) fn set_handshake(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
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
