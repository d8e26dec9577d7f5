//! One stream of compressed bytes.

use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::write::GzEncoder;
use zstd::stream::raw::CParameter;
use zstd::stream::write::Encoder as ZstdEncoder;

use super::Encoding;

/// A good part of what is to be had, at a fraction of the time that the highest levels take.
const GZIP_LEVEL: u32 = 5;
const ZSTD_LEVEL: i32 = 3;
/// As a power of two: 128 kB are enough for pages, and bound the memory.
const ZSTD_WINDOW: u32 = 17;

/// Takes plain bytes and gives compressed ones.
pub(super) enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(ZstdEncoder<'static, Vec<u8>>),
}

impl Encoder {
    /// `length`: of the whole, if it is known.
    pub(super) fn new(encoding: Encoding, length: Option<u64>) -> io::Result<Self> {
        if encoding != Encoding::Zstd {
            let level = flate2::Compression::new(GZIP_LEVEL);
            return Ok(Self::Gzip(GzEncoder::new(Vec::new(), level)));
        }
        let mut encoder = ZstdEncoder::new(Vec::new(), ZSTD_LEVEL)?;
        encoder.set_parameter(CParameter::WindowLog(ZSTD_WINDOW))?;
        // With it, short answers need little memory.
        encoder.set_pledged_src_size(length)?;
        Ok(Self::Zstd(encoder))
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.write_all(bytes),
            Self::Zstd(encoder) => encoder.write_all(bytes),
        }
    }

    /// Brings everything out that went in.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }

    /// How much has come out.
    pub(super) fn ready(&self) -> usize {
        match self {
            Self::Gzip(encoder) => encoder.get_ref().len(),
            Self::Zstd(encoder) => encoder.get_ref().len(),
        }
    }

    /// What has come out.
    pub(super) fn take(&mut self) -> Bytes {
        let out = match self {
            Self::Gzip(encoder) => encoder.get_mut(),
            Self::Zstd(encoder) => encoder.get_mut(),
        };
        std::mem::take(out).into()
    }

    /// The end, with all that is left.
    pub(super) fn finish(self) -> io::Result<Bytes> {
        match self {
            Self::Gzip(encoder) => encoder.finish().map(Bytes::from),
            Self::Zstd(encoder) => encoder.finish().map(Bytes::from),
        }
    }
}
