//! A service's answer: its head, and its body while it passes.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode, Version};
use hyper::body::{Body, Frame, SizeHint};

use super::Upstream;
use super::framing::{BadFraming, Framing, Next};
use super::line::Line;
use crate::body::BoxError;

/// Longest head of an answer, in bytes, and the most fields in it.
const MAX_HEAD: usize = 64 * 1024;
const MAX_FIELDS: usize = 128;

/// Takes the head off what was read; `None` = more is to come.
pub(super) fn head(rest: &mut Bytes) -> Result<Option<http::response::Parts>, BadFraming> {
    let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut read = httparse::Response::new(&mut []);
    let parsed =
        httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut read, rest, &mut fields);
    let length = match parsed {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if rest.len() < MAX_HEAD => return Ok(None),
        Ok(httparse::Status::Partial) => return Err(BadFraming("its head is too long")),
        Err(httparse::Error::TooManyHeaders) => return Err(BadFraming("its head has too many fields")),
        Err(_) => return Err(BadFraming("its head is not well formed")),
    };
    const BAD: BadFraming = BadFraming("its head is not well formed");
    let mut headers = HeaderMap::with_capacity(read.headers.len() + 4);
    for field in &*read.headers {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| BAD)?;
        let value = if field.value.is_empty() {
            HeaderValue::from_static("")
        } else {
            HeaderValue::from_maybe_shared(rest.slice_ref(field.value)).map_err(|_| BAD)?
        };
        headers.append(name, value);
    }
    let (mut parts, ()) = Response::new(()).into_parts();
    parts.status = read
        .code
        .and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or(BAD)?;
    parts.version = match read.version {
        Some(0) => Version::HTTP_10,
        _ => Version::HTTP_11,
    };
    parts.headers = headers;
    rest.advance(length);
    Ok(Some(parts))
}

/// The body of an answer. When it is through, the connection is there for the next request.
pub(crate) struct Answer {
    /// `None` once the connection is given back.
    line: Option<Box<Line>>,
    home: Arc<Upstream>,
    framing: Framing,
    /// The connection is good for another request.
    keeps: bool,
}

impl Answer {
    /// What follows the head of `line`.
    pub(super) fn new(line: Box<Line>, home: Arc<Upstream>, framing: Framing, keeps: bool) -> Self {
        let mut answer = Self {
            line: Some(line),
            home,
            framing,
            keeps,
        };
        if answer.framing.is_over() {
            answer.give_back();
        }
        answer
    }

    /// The service agrees to speak something else from here on.
    pub(super) fn switching(line: Box<Line>, home: Arc<Upstream>) -> Self {
        Self {
            line: Some(line),
            home,
            framing: Framing::UntilClosed,
            keeps: false,
        }
    }

    /// The connection itself, for what is no HTTP any more.
    pub(crate) fn into_line(mut self) -> Option<Box<Line>> {
        self.line.take()
    }

    fn give_back(&mut self) {
        if let Some(line) = self.line.take()
            && self.keeps
            && line.is_clean()
        {
            self.home.keep(line);
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        loop {
            let Some(line) = &mut this.line else {
                return Poll::Ready(None);
            };
            let frame = match this.framing.next(&mut line.rest) {
                Ok(Next::Data(data)) => Frame::data(data),
                Ok(Next::Trailers(fields)) => Frame::trailers(fields),
                Ok(Next::End) => {
                    this.give_back();
                    return Poll::Ready(None);
                }
                Ok(Next::More) => match ready!(line.poll_fill(cx)) {
                    Ok(0) => {
                        this.line = None;
                        let whole = matches!(this.framing, Framing::UntilClosed);
                        this.framing = Framing::Left(0);
                        let cut: BoxError = Box::new(io::Error::from(io::ErrorKind::UnexpectedEof));
                        return Poll::Ready((!whole).then_some(Err(cut)));
                    }
                    Ok(_) => continue,
                    Err(error) => {
                        this.line = None;
                        return Poll::Ready(Some(Err(error.into())));
                    }
                },
                Err(bad) => {
                    this.line = None;
                    return Poll::Ready(Some(Err(bad.into())));
                }
            };
            if this.framing.is_over() {
                this.give_back();
            }
            return Poll::Ready(Some(Ok(frame)));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.framing.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        self.framing.left().map(SizeHint::with_exact).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_taken_whole_or_not_at_all() {
        let whole = b"HTTP/1.1 204 \r\nA: 1\r\nb:\r\na: 2\r\n\r\nrest";
        let end = whole.len() - 4;
        for cut in 0..end {
            let mut rest = Bytes::copy_from_slice(&whole[..cut]);
            assert!(head(&mut rest).unwrap().is_none(), "{cut}");
            assert_eq!(rest.len(), cut);
        }
        let mut rest = Bytes::from_static(whole);
        let parts = head(&mut rest).unwrap().unwrap();
        assert_eq!(
            (parts.status, parts.version),
            (StatusCode::NO_CONTENT, Version::HTTP_11)
        );
        let values: Vec<&[u8]> = parts
            .headers
            .get_all("a")
            .iter()
            .map(HeaderValue::as_bytes)
            .collect();
        assert_eq!(values, [b"1", b"2"]);
        assert!(parts.headers["b"].is_empty());
        assert_eq!(&*rest, b"rest");
    }

    #[test]
    fn what_is_no_head_is_told_apart_from_one_that_is_not_complete() {
        for bytes in [
            &b"nonsense\r\n\r\n"[..],
            b"HTTP/2.0 200 OK\r\n\r\n",
            b"HTTP/1.1 20 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            b"HTTP/1.1 200 OK\r\na : b\r\n\r\n",
            b"HTTP/1.1 200 OK\r\na: b\r\n folded\r\n\r\n",
            b"HTTP/1.1 200 OK\r\na: \0\r\n\r\n",
        ] {
            assert!(
                head(&mut Bytes::copy_from_slice(bytes)).is_err(),
                "{}",
                String::from_utf8_lossy(bytes)
            );
        }
        let long = format!("HTTP/1.1 200 OK\r\na: {}", "x".repeat(MAX_HEAD));
        assert!(head(&mut Bytes::from(long)).is_err());
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(MAX_FIELDS + 1));
        assert!(head(&mut Bytes::from(many)).is_err());
    }
}
