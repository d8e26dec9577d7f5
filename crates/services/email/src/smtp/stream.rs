//! A connection, plain or encrypted, whose first bytes may have been read already.

use std::io::Result;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// How lettre ends a mail: a write of its own.
const END_OF_MAIL: &[u8] = b"\r\n.\r\n";

/// Whether the end of a mail has begun to leave. Before that no server may deliver it (RFC 5321, section 4.1.1.4);
/// from then on it may have, whatever is heard of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct EndMark(Arc<AtomicBool>);

impl EndMark {
    /// Whether it has.
    pub(crate) fn has_left(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
    /// Forgets it, before the next mail.
    pub(super) fn reset(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// A connection for lettre.
#[derive(Debug)]
pub(super) struct Stream {
    /// Read before the rest.
    seen: Vec<u8>,
    inner: Inner,
    end: EndMark,
}

#[derive(Debug)]
enum Inner {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// A plain connection of which `seen` is to be read again.
    pub(super) fn plain(stream: TcpStream, seen: Vec<u8>) -> Self {
        Self {
            seen,
            inner: Inner::Plain(stream),
            end: EndMark::default(),
        }
    }

    /// An encrypted connection before which `seen` is to be read.
    pub(super) fn encrypted(stream: TlsStream<TcpStream>, seen: Vec<u8>) -> Self {
        Self {
            seen,
            inner: Inner::Encrypted(Box::new(stream)),
            end: EndMark::default(),
        }
    }

    /// Tells when the end of a mail begins to leave.
    pub(super) fn watched_by(mut self, end: &EndMark) -> Self {
        self.end = end.clone();
        self
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let this = self.get_mut();
        if !this.seen.is_empty() {
            let count = this.seen.len().min(buffer.remaining());
            buffer.put_slice(&this.seen[..count]);
            this.seen.drain(..count);
            return Poll::Ready(Ok(()));
        }
        match &mut this.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Inner::Encrypted(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        if bytes == END_OF_MAIL {
            self.end.0.store(true, Ordering::Relaxed);
        }
        match &mut self.get_mut().inner {
            Inner::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Inner::Encrypted(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut self.get_mut().inner {
            Inner::Plain(stream) => Pin::new(stream).poll_flush(context),
            Inner::Encrypted(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut self.get_mut().inner {
            Inner::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Inner::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

impl AsyncTokioStream for Stream {
    fn peer_addr(&self) -> Result<SocketAddr> {
        match &self.inner {
            Inner::Plain(stream) => stream.peer_addr(),
            Inner::Encrypted(stream) => stream.get_ref().0.peer_addr(),
        }
    }
}
