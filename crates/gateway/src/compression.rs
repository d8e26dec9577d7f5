//! Compression on the way to the client, for text that comes uncompressed.
//!
//! Not everything may be compressed: where a secret and something that an attacker chose stand in one answer, the
//! length tells the secret bit by bit (BREACH). So an answer that sets a cookie stays as it is, answers of the login
//! do, and whatever a browser fetched with a session on behalf of another site.

mod accept;
mod encoder;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    HeaderMap, HeaderValue, SET_COOKIE, VARY,
};
use http::response::Parts;
use http::{Method, StatusCode};
use hyper::body::{Body, Frame, SizeHint};

use crate::body::{BoxError, ResponseBody};
pub(crate) use accept::{Accepted, Encoding};
use encoder::Encoder;

/// Shorter answers do not get shorter by it.
const SHORTEST: u64 = 1024;
/// Compressed bytes that are handed on at once.
const PIECE: usize = 8 * 1024;
/// Answers that are compressed at the same time; more go as they are. Each holds some 300 kB.
const MOST: usize = 8;

/// How many answers are being compressed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Compression(Arc<AtomicUsize>);

/// What of a request decides about the compression of its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    accepted: Accepted,
    allowed: bool,
}

impl Wanted {
    /// `session`: the request brings a browser's session along.
    pub(crate) fn of(method: &Method, headers: &HeaderMap, session: bool) -> Self {
        let accepted = Accepted::of(headers);
        let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        let own = matches!(site, Some(b"same-origin" | b"none"));
        Self {
            accepted,
            allowed: *method != Method::HEAD && (own || !session),
        }
    }
}

impl Compression {
    /// Compresses the answer if that is allowed, wanted and worth it.
    pub(crate) fn apply(&self, wanted: Wanted, parts: &mut Parts, body: ResponseBody) -> ResponseBody {
        if body.size_hint().upper().is_some_and(|length| length < SHORTEST) || !may(parts) {
            return body;
        }
        let mut varies = parts.headers.get_all(VARY).iter();
        if !varies.any(|value| crate::headers::lists(value, "accept-encoding")) {
            parts
                .headers
                .append(VARY, HeaderValue::from_static("accept-encoding"));
        }
        let Some(encoding) = wanted.accepted.best_of(&[Encoding::Zstd, Encoding::Gzip]) else {
            return body;
        };
        let Some(place) = wanted.allowed.then(|| self.enter()).flatten() else {
            return body;
        };
        let Ok(encoder) = Encoder::new(encoding, body.size_hint().exact()) else {
            return body;
        };
        let headers = &mut parts.headers;
        headers.remove(CONTENT_LENGTH);
        headers.remove(ACCEPT_RANGES);
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
        weaken(headers);
        ResponseBody::boxed(Compressing {
            inner: body,
            encoder: Some(encoder),
            unflushed: false,
            after: None,
            _place: place,
        })
    }

    fn enter(&self) -> Option<Place> {
        let taken = self.0.fetch_add(1, Ordering::Relaxed);
        let place = Place(self.0.clone());
        (taken < MOST).then_some(place)
    }
}

/// Room for one answer. Free again when dropped.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether the answer is one that may be compressed, whatever the client says.
fn may(parts: &Parts) -> bool {
    let headers = &parts.headers;
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let whole = parts.status.is_success() && parts.status != StatusCode::PARTIAL_CONTENT
        || parts.status.is_client_error()
        || parts.status.is_server_error();
    let untouched = |value: &HeaderValue| crate::headers::lists(value, "no-transform");
    whole
        && kind.is_some_and(is_text)
        && !headers.contains_key(CONTENT_ENCODING)
        && !headers.contains_key(CONTENT_RANGE)
        && !headers.contains_key(SET_COOKIE)
        && !headers.get_all(CACHE_CONTROL).iter().any(untouched)
}

/// Kinds that get shorter. Event streams are not among them: each event has to go out at once.
pub(crate) fn is_text(kind: &[u8]) -> bool {
    let end = kind.iter().position(|byte| *byte == b';').unwrap_or(kind.len());
    let Ok(kind) = std::str::from_utf8(&kind[..end]) else {
        return false;
    };
    let kind = kind.trim();
    if let Some(text) = kind.strip_prefix("text/") {
        return text != "event-stream";
    }
    let known = [
        "application/json",
        "application/javascript",
        "application/xml",
        "application/wasm",
        "application/x-ndjson",
    ];
    known.contains(&kind) || kind.ends_with("+json") || kind.ends_with("+xml")
}

/// A compressed answer is not byte for byte what a strong validator stands for (RFC 9110 section 8.8.1).
fn weaken(headers: &mut HeaderMap) {
    let weak = headers
        .get(ETAG)
        .filter(|tag| !tag.as_bytes().starts_with(b"W/"))
        .and_then(|tag| HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat()).ok());
    if let Some(weak) = weak {
        headers.insert(ETAG, weak);
    }
}

/// An answer being compressed while it passes.
struct Compressing {
    inner: ResponseBody,
    /// `None` once the end is written.
    encoder: Option<Encoder>,
    /// Something went in that has not come out yet.
    unflushed: bool,
    /// Trailers, to follow the last bytes.
    after: Option<Frame<Bytes>>,
    _place: Place,
}

impl Compressing {
    fn end(&mut self) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(encoder) = self.encoder.take() else {
            return Poll::Ready(self.after.take().map(Ok));
        };
        Poll::Ready(Some(encoder.finish().map(Frame::data).map_err(Into::into)))
    }
}

impl Body for Compressing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        loop {
            let Some(encoder) = &mut this.encoder else {
                return this.end();
            };
            match Pin::new(&mut this.inner).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => {
                        if let Err(error) = encoder.write(&data) {
                            return Poll::Ready(Some(Err(error.into())));
                        }
                        this.unflushed = true;
                        if encoder.ready() >= PIECE {
                            return Poll::Ready(Some(Ok(Frame::data(encoder.take()))));
                        }
                    }
                    Err(trailers) => {
                        this.after = Some(trailers);
                        return this.end();
                    }
                },
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => return this.end(),
                // Nothing more for now: what there is should not wait for it.
                Poll::Pending if this.unflushed => {
                    this.unflushed = false;
                    let flushed = encoder.flush().map(|()| Frame::data(encoder.take()));
                    return Poll::Ready(Some(flushed.map_err(Into::into)));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.encoder.is_none() && self.after.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests;
