//! Where a service's answer ends (RFC 9112 section 6.3), and taking it apart.

use bytes::{Buf as _, Bytes};
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::{Method, StatusCode, Version};

use crate::headers::lists;

/// The most of a chunk's extensions and of the fields behind a body, in bytes, and the most of these fields.
const MAX_EXTRA: usize = 16 * 1024;
const MAX_TRAILERS: usize = 64;

/// The answer breaks the rules of framing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadFraming(pub(super) &'static str);

/// What is left of a body.
#[derive(Debug)]
pub(super) enum Framing {
    /// So many bytes.
    Left(u64),
    /// Chunks.
    Chunks(Chunks),
    /// Whatever comes until the service closes.
    UntilClosed,
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    Data(Bytes),
    Trailers(HeaderMap),
    /// Nothing: it is over.
    End,
    /// More has to be read.
    More,
}

impl Framing {
    /// The framing of an answer, and whether the connection is good for another request after it.
    pub(super) fn of(
        method: &Method,
        version: Version,
        status: StatusCode,
        headers: &mut HeaderMap,
    ) -> Result<(Self, bool), BadFraming> {
        let says = |word| headers.get_all(CONNECTION).iter().any(|value| lists(value, word));
        let keeps = match version {
            Version::HTTP_11 => !says("close"),
            _ => says("keep-alive"),
        };
        let length = length(headers)?;
        let coded = headers.contains_key(TRANSFER_ENCODING);
        if *method == Method::HEAD || matches!(status.as_u16(), 100..200 | 204 | 304) {
            return Ok((Self::Left(0), keeps && !coded));
        }
        if coded {
            chunked(version, headers)?;
            // Both together are what smuggling looks like: the connection is not used again (section 6.3).
            let both = headers.remove(CONTENT_LENGTH).is_some();
            return Ok((Self::Chunks(Chunks::default()), keeps && !both));
        }
        match length {
            Some(length) => Ok((Self::Left(length), keeps)),
            None => Ok((Self::UntilClosed, false)),
        }
    }

    /// Takes the next piece off `rest`.
    pub(super) fn next(&mut self, rest: &mut Bytes) -> Result<Next, BadFraming> {
        match self {
            _ if self.is_over() => Ok(Next::End),
            _ if rest.is_empty() => Ok(Next::More),
            Self::Left(left) => {
                let count = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                *left -= count as u64;
                Ok(Next::Data(rest.split_to(count)))
            }
            Self::UntilClosed => Ok(Next::Data(std::mem::take(rest))),
            Self::Chunks(chunks) => chunks.next(rest),
        }
    }

    /// Whether nothing comes any more.
    pub(super) fn is_over(&self) -> bool {
        matches!(
            self,
            Self::Left(0)
                | Self::Chunks(Chunks {
                    place: Place::Over,
                    ..
                })
        )
    }

    /// Bytes to come, where that is known.
    pub(super) fn left(&self) -> Option<u64> {
        match self {
            Self::Left(left) => Some(*left),
            _ if self.is_over() => Some(0),
            Self::Chunks(_) | Self::UntilClosed => None,
        }
    }
}

/// `Content-Length`, told once or several times in the same way; then once.
fn length(headers: &mut HeaderMap) -> Result<Option<u64>, BadFraming> {
    let mut found = None;
    let mut count = 0;
    for value in headers.get_all(CONTENT_LENGTH) {
        count += 1;
        let text = value.as_bytes();
        let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
        let number = value.to_str().ok().filter(|_| digits);
        let number = number
            .and_then(|text| text.parse::<u64>().ok())
            .ok_or(BadFraming("its length is no number"))?;
        if found.is_some_and(|found| found != number) {
            return Err(BadFraming("it has two lengths"));
        }
        found = Some(number);
    }
    if let Some(length) = found.filter(|_| count > 1) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(found)
}

/// No other coding than `chunked` alone can be passed on.
fn chunked(version: Version, headers: &HeaderMap) -> Result<(), BadFraming> {
    let mut values = headers.get_all(TRANSFER_ENCODING).iter();
    let alone = values
        .next()
        .is_some_and(|value| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"));
    if version == Version::HTTP_11 && alone && values.next().is_none() {
        Ok(())
    } else {
        Err(BadFraming("its transfer coding is not known"))
    }
}

/// A chunked body (RFC 9112 section 7.1) on its way.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    place: Place,
    /// Bytes of extensions so far.
    extra: usize,
    /// The fields behind the last chunk, as they come.
    fields: Vec<u8>,
}

/// Where in it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first digit of a size.
    #[default]
    Start,
    /// In a size.
    Size(u64),
    /// Behind a size.
    Extension(u64),
    /// Behind the CR after a size.
    SizeEnd(u64),
    /// In a chunk.
    Data(u64),
    /// Behind a chunk: CR is next, or LF.
    DataEnd(bool),
    /// Behind the last chunk.
    Fields,
    Over,
}

impl Chunks {
    fn next(&mut self, rest: &mut Bytes) -> Result<Next, BadFraming> {
        loop {
            match self.place {
                Place::Over => return Ok(Next::End),
                Place::Data(left) => {
                    if rest.is_empty() {
                        return Ok(Next::More);
                    }
                    let count = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    let left = left - count as u64;
                    self.place = if left == 0 {
                        Place::DataEnd(false)
                    } else {
                        Place::Data(left)
                    };
                    let data = rest.split_to(count);
                    self.look_ahead(rest);
                    return Ok(Next::Data(data));
                }
                _ => {
                    let Some(byte) = rest.first().copied() else {
                        return Ok(Next::More);
                    };
                    rest.advance(1);
                    if self.place == Place::Fields {
                        if let Some(next) = self.field(byte)? {
                            return Ok(next);
                        }
                    } else {
                        self.place = self.step(byte)?;
                    }
                }
            }
        }
    }

    /// Where the rest is there and nothing but the end, the end is taken at once: the connection is free sooner.
    fn look_ahead(&mut self, rest: &mut Bytes) {
        if self.place == Place::DataEnd(false) && **rest == *b"\r\n0\r\n\r\n" {
            rest.clear();
            self.place = Place::Over;
        }
    }

    fn step(&mut self, byte: u8) -> Result<Place, BadFraming> {
        let digit = char::from(byte).to_digit(16).map(u64::from);
        match (self.place, byte) {
            (Place::Start, _) => digit.map(Place::Size).ok_or(BadFraming("a chunk has no size")),
            (Place::Size(size), _) if digit.is_some() => size
                .checked_mul(16)
                .and_then(|size| size.checked_add(digit.unwrap_or_default()))
                .map(Place::Size)
                .ok_or(BadFraming("a chunk is too large")),
            (Place::Size(size) | Place::Extension(size), b'\r') => Ok(Place::SizeEnd(size)),
            (Place::Size(size), b';' | b' ' | b'\t') => Ok(Place::Extension(size)),
            (Place::Extension(size), byte) if byte != b'\n' => {
                self.extra += 1;
                (self.extra <= MAX_EXTRA)
                    .then_some(Place::Extension(size))
                    .ok_or(BadFraming("its chunks have too many extensions"))
            }
            (Place::SizeEnd(0), b'\n') => Ok(Place::Fields),
            (Place::SizeEnd(size), b'\n') => Ok(Place::Data(size)),
            (Place::DataEnd(false), b'\r') => Ok(Place::DataEnd(true)),
            (Place::DataEnd(true), b'\n') => Ok(Place::Start),
            _ => Err(BadFraming("its chunks are not well formed")),
        }
    }

    /// One byte of the fields behind the last chunk.
    fn field(&mut self, byte: u8) -> Result<Option<Next>, BadFraming> {
        self.fields.push(byte);
        if self.fields == b"\r\n" {
            self.place = Place::Over;
            return Ok(Some(Next::End));
        }
        if self.fields.ends_with(b"\r\n\r\n") {
            self.place = Place::Over;
            return trailers(&std::mem::take(&mut self.fields)).map(|fields| Some(Next::Trailers(fields)));
        }
        if self.fields.len() > MAX_EXTRA {
            return Err(BadFraming("the fields behind its body are too long"));
        }
        Ok(None)
    }
}

fn trailers(bytes: &[u8]) -> Result<HeaderMap, BadFraming> {
    const BAD: BadFraming = BadFraming("the fields behind its body are not well formed");
    let mut found = [httparse::EMPTY_HEADER; MAX_TRAILERS];
    let Ok(httparse::Status::Complete((_, found))) = httparse::parse_headers(bytes, &mut found) else {
        return Err(BAD);
    };
    let mut fields = HeaderMap::with_capacity(found.len());
    for field in found {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| BAD)?;
        fields.append(name, HeaderValue::from_bytes(field.value).map_err(|_| BAD)?);
    }
    Ok(fields)
}

#[cfg(test)]
mod tests;
