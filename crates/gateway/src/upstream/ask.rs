//! A request as it is written to a service, and how a body follows it.

use std::future::{Future as _, poll_fn};
use std::io::{self, IoSlice, Write as _};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HOST,
    HeaderMap, HeaderName, HeaderValue, MAX_FORWARDS, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING,
};
use http::uri::PathAndQuery;
use hyper::body::Body as _;
use tokio::time::sleep;

use super::line::Writer;
use crate::body::RequestBody;
use crate::headers::{Forwarded, lists};

/// A service may take nothing of a body for this long before it is given up.
const STALL: Duration = Duration::from_mins(1);

/// What is asked.
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a PathAndQuery,
    /// `Host` and everything about the body's length is left out of these.
    pub(crate) headers: &'a HeaderMap,
    pub(crate) host: &'a HeaderValue,
    /// What only the gateway knows; `None` = the gateway itself asks.
    pub(crate) forwarded: Option<&'a Forwarded<'a>>,
    /// A WebSocket is opened.
    pub(crate) websocket: bool,
}

/// How a service is told where a body ends (RFC 9112 section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// There is none.
    None,
    /// So many bytes.
    Exact(u64),
    /// Told with every piece.
    Chunked,
}

impl Length {
    pub(super) fn of(body: &RequestBody) -> Self {
        body.size_hint().exact().map_or(Self::Chunked, Self::Exact)
    }
}

impl Ask<'_> {
    /// Writes the head.
    pub(super) fn write(&self, length: Length, out: &mut Vec<u8>) {
        out.extend_from_slice(self.method.as_str().as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.path.as_str().as_bytes());
        out.extend_from_slice(b" HTTP/1.1\r\nhost: ");
        out.extend_from_slice(self.host.as_bytes());
        out.extend_from_slice(b"\r\n");
        let mut empty_told = false;
        for (name, value) in self.headers {
            if *name == CONTENT_LENGTH {
                empty_told = true;
            } else if *name != HOST && *name != TRANSFER_ENCODING {
                field(out, name.as_str(), value.as_bytes());
            }
        }
        match length {
            // Some programs take a body for missing that is not said to be empty.
            Length::None if empty_told || takes_a_body(self.method) => {
                out.extend_from_slice(b"content-length: 0\r\n");
            }
            Length::None => {}
            Length::Exact(count) => {
                let _ = write!(out, "content-length: {count}\r\n"); // a Vec takes everything
            }
            Length::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        }
        if let Some(forwarded) = self.forwarded {
            forwarded.write(|name, value| field(out, name, value));
        }
        if self.websocket {
            out.extend_from_slice(b"connection: upgrade\r\nupgrade: websocket\r\n");
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn takes_a_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// How an upload ended.
pub(super) enum Sent {
    /// All of it is through; here is what it was sent with.
    Whole(Writer, Vec<u8>),
    /// The service takes no more of it. What it says to that decides.
    Refused,
    /// The body broke off, or is not as long as was said.
    Broken,
}

/// Why a body is not sent to its end.
enum Stop {
    Refused,
    Broken,
}

/// Writes a head, which is in `out`, and the body that follows it. `trailers`: the fields that may come after it.
pub(super) async fn send(
    writer: Writer,
    out: Vec<u8>,
    trailers: Option<HeaderValue>,
    body: RequestBody,
    length: Length,
) -> Sent {
    let left = match length {
        Length::Exact(count) => Some(count),
        Length::None => Some(0),
        Length::Chunked => None,
    };
    let mut sending = Sending { writer, out, left };
    match sending.all(body, trailers).await {
        Ok(()) => Sent::Whole(sending.writer, sending.out),
        Err(Stop::Refused) => Sent::Refused,
        Err(Stop::Broken) => Sent::Broken,
    }
}

struct Sending {
    writer: Writer,
    /// What goes before the next piece.
    out: Vec<u8>,
    /// Bytes to come; `None` = as many as there are.
    left: Option<u64>,
}

impl Sending {
    async fn all(&mut self, mut body: RequestBody, trailers: Option<HeaderValue>) -> Result<(), Stop> {
        // A short body is there already and goes with the head.
        let mut there = poll_fn(|cx| match Pin::new(&mut body).poll_frame(cx) {
            Poll::Ready(frame) => Poll::Ready(Some(frame)),
            Poll::Pending => Poll::Ready(None),
        })
        .await;
        if there.is_none() {
            self.write(&[], b"").await?;
        }
        loop {
            let frame = match there.take() {
                Some(frame) => frame,
                None => poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await,
            };
            match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.piece(&data).await?,
                    Err(frame) => {
                        if let (None, Ok(fields)) = (self.left, frame.into_trailers()) {
                            return self.end(trailers.as_ref(), &fields).await;
                        }
                    }
                },
                Some(Err(_)) => return Err(Stop::Broken),
                None if self.left.is_none() => return self.end(None, &HeaderMap::new()).await,
                None if self.left > Some(0) => return Err(Stop::Broken),
                None => return self.write(&[], b"").await,
            }
            if self.left == Some(0) && self.out.is_empty() {
                return Ok(());
            }
        }
    }

    async fn piece(&mut self, data: &Bytes) -> Result<(), Stop> {
        let length = data.len() as u64;
        match &mut self.left {
            // An empty chunk would be the end.
            None if data.is_empty() => Ok(()),
            None => {
                let _ = write!(self.out, "{length:x}\r\n"); // a Vec takes everything
                self.write(data, b"\r\n").await
            }
            Some(left) => {
                *left = left.checked_sub(length).ok_or(Stop::Broken)?;
                self.write(data, b"").await
            }
        }
    }

    /// The last chunk and, of `fields`, those that were announced (RFC 9110 section 6.6.2).
    async fn end(&mut self, announced: Option<&HeaderValue>, fields: &HeaderMap) -> Result<(), Stop> {
        self.out.extend_from_slice(b"0\r\n");
        for (name, value) in fields {
            let announced = announced.is_some_and(|list| lists(list, name.as_str()));
            if announced && may_trail(name) {
                field(&mut self.out, name.as_str(), value.as_bytes());
            }
        }
        self.out.extend_from_slice(b"\r\n");
        self.write(&[], b"").await
    }

    /// Writes what is in `out`, then `data`, then `end`.
    async fn write(&mut self, data: &[u8], end: &[u8]) -> Result<(), Stop> {
        let mut slices = [IoSlice::new(&self.out), IoSlice::new(data), IoSlice::new(end)];
        let mut left = &mut slices[..];
        let mut stalled = None;
        IoSlice::advance_slices(&mut left, 0); // skips what is empty
        while !left.is_empty() {
            let written = poll_fn(|cx| match self.writer.poll_write_vectored(cx, left) {
                Poll::Pending => {
                    let stalled = stalled.get_or_insert_with(|| Box::pin(sleep(STALL)));
                    stalled
                        .as_mut()
                        .poll(cx)
                        .map(|()| Err(io::ErrorKind::TimedOut.into()))
                }
                ready @ Poll::Ready(_) => ready,
            });
            match written.await {
                Ok(0) | Err(_) => return Err(Stop::Refused),
                Ok(count) => IoSlice::advance_slices(&mut left, count),
            }
            stalled = None;
        }
        self.out.clear();
        Ok(())
    }
}

/// Fields of framing, routing and rights have no place after a body (RFC 9110 section 6.5.1).
fn may_trail(name: &HeaderName) -> bool {
    let never = [
        AUTHORIZATION,
        CACHE_CONTROL,
        CONTENT_ENCODING,
        CONTENT_LENGTH,
        CONTENT_RANGE,
        CONTENT_TYPE,
        HOST,
        MAX_FORWARDS,
        SET_COOKIE,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
    ];
    !never.contains(name)
}
