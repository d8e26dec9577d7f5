//! A connection's socket, unix or TCP, shared between hyper and those who want to know when the client leaves.

use std::io;
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::net::{TcpStream, UnixStream};

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Stream {
    /// Over a unix socket.
    Unix(UnixStream),
    /// Over TCP.
    Tcp(TcpStream),
}

impl Stream {
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Unix(stream) => stream.poll_read_ready(cx),
            Self::Tcp(stream) => stream.poll_read_ready(cx),
        }
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Unix(stream) => stream.poll_write_ready(cx),
            Self::Tcp(stream) => stream.poll_write_ready(cx),
        }
    }

    async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.readable().await,
            Self::Tcp(stream) => stream.readable().await,
        }
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.try_read(buffer),
            Self::Tcp(stream) => stream.try_read(buffer),
        }
    }

    fn try_write(&self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.try_write(buffer),
            Self::Tcp(stream) => stream.try_write(buffer),
        }
    }

    fn end_writing(&self) -> io::Result<()> {
        use std::net::Shutdown::Write;
        match self {
            Self::Unix(stream) => {
                let own = stream.as_fd().try_clone_to_owned()?;
                std::os::unix::net::UnixStream::from(own).shutdown(Write)
            }
            Self::Tcp(stream) => {
                let own = stream.as_fd().try_clone_to_owned()?;
                std::net::TcpStream::from(own).shutdown(Write)
            }
        }
    }

    /// Waits until the client is gone. For endless answers only: hyper does not look while the client's stray bytes
    /// (supervisorctl sends a CRLF too many) wait in its buffer. What the client sends meanwhile is thrown away.
    pub(crate) async fn closed(&self) {
        let mut scrap = [0; 256];
        while self.readable().await.is_ok() {
            match self.try_read(&mut scrap) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

/// hyper's end of a connection.
#[derive(Debug)]
pub(crate) struct HyperIo(pub(crate) Arc<Stream>);

impl Read for HyperIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut chunk = [0; 8192];
        let room = buffer.remaining().min(chunk.len());
        let Some(chunk) = chunk.get_mut(..room) else {
            return Poll::Ready(Ok(()));
        };
        loop {
            ready!(self.0.poll_readable(cx))?;
            match self.0.try_read(chunk) {
                Ok(count) => {
                    buffer.put_slice(chunk.get(..count).unwrap_or_default());
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl Write for HyperIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_writable(cx))?;
            match self.0.try_write(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return Poll::Ready(other),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(())) // nothing is buffered here
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.end_writing())
    }
}
