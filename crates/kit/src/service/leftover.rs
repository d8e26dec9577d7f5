//! What a handler leaves of a request's body. An answer given before the body was read ends the connection in hyper,
//! without a word to the client, whose next request on it may then be lost. So a small rest is read after all, and
//! with a large one the answer says that the connection ends (RFC 9112, section 9.6).

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::response::Response;
use bytes::Bytes;
use http::header::{CONNECTION, EXPECT};
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// Largest rest that is read.
const MOST: usize = 64 * 1024;
/// How long its next piece may take.
const PATIENCE: Duration = Duration::from_secs(1);

type Slot = Arc<Mutex<Option<Incoming>>>;

/// A body that comes back when it is dropped before its end.
#[derive(Debug)]
pub(super) struct Lent {
    body: Option<Incoming>,
    slot: Slot,
}

/// Where it comes back to.
#[derive(Debug)]
pub(super) struct Leftover {
    slot: Slot,
    /// The client waits to be asked for the body, and is not.
    unasked: bool,
}

/// Lends the body of the request with `headers` to a handler.
pub(super) fn lend(headers: &HeaderMap, body: Incoming) -> (Lent, Leftover) {
    let slot = Slot::default();
    let lent = Lent {
        body: Some(body),
        slot: Arc::clone(&slot),
    };
    let unasked = headers.contains_key(EXPECT);
    (lent, Leftover { slot, unasked })
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        }
    }
}

impl Body for Lent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = std::task::ready!(Pin::new(body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Leftover {
    /// Reads what the handler left, or has the answer say that the connection ends.
    pub(super) async fn settle(self, mut response: Response) -> Response {
        let left = self.slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(body) = left
            && (self.unasked || !read(body).await)
        {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Reads to the end; false where that would be too much, or takes too long.
async fn read(mut body: Incoming) -> bool {
    if body.size_hint().lower() > MOST as u64 {
        return false;
    }
    let mut seen = 0;
    loop {
        match tokio::time::timeout(PATIENCE, body.frame()).await {
            Ok(None) => return true,
            Ok(Some(Ok(frame))) => seen += frame.data_ref().map_or(0, Bytes::len),
            Ok(Some(Err(_))) | Err(_) => return false,
        }
        if seen > MOST {
            return false;
        }
    }
}
