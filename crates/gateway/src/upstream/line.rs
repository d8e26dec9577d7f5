//! One connection to a service: its two halves, what was read and not used yet, and an alarm.
//!
//! Nothing runs beside it: who asks, reads and writes. So a request costs one write and one read, no task is woken on
//! its way, and no timer is set for it that is not set already.

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream, tcp, unix};
use tokio::time::{Instant, Sleep, sleep_until};

/// What is read at first, and the most that is read at once where more comes than that.
const READ: (usize, usize) = (4 * 1024, 32 * 1024);

/// The half that is read.
pub(super) enum Reader {
    Unix(unix::OwnedReadHalf),
    Tcp(tcp::OwnedReadHalf),
}

/// The half that is written. Dropped, it tells the service that nothing more comes.
pub(super) enum Writer {
    Unix(unix::OwnedWriteHalf),
    Tcp(tcp::OwnedWriteHalf),
}

impl From<UnixStream> for Line {
    fn from(stream: UnixStream) -> Self {
        let (reader, writer) = stream.into_split();
        Self::new(Reader::Unix(reader), Writer::Unix(writer))
    }
}

impl From<TcpStream> for Line {
    fn from(stream: TcpStream) -> Self {
        let (reader, writer) = stream.into_split();
        Self::new(Reader::Tcp(reader), Writer::Tcp(writer))
    }
}

impl Reader {
    /// Whether nothing has come in since the last answer, not even the end. `ask`: look at the socket itself, not only
    /// at what the event loop has heard of it.
    fn is_quiet(&self, ask: bool) -> bool {
        let mut nobody = Context::from_waker(Waker::noop());
        let told = match self {
            Self::Unix(half) => half.as_ref().poll_read_ready(&mut nobody).is_ready(),
            Self::Tcp(half) => half.as_ref().poll_read_ready(&mut nobody).is_ready(),
        };
        if !told && !ask {
            return true;
        }
        let read = match self {
            Self::Unix(half) => half.try_read(&mut [0]),
            Self::Tcp(half) => half.try_read(&mut [0]),
        };
        read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(half) => Pin::new(half).poll_read(cx, buffer),
            Self::Tcp(half) => Pin::new(half).poll_read(cx, buffer),
        }
    }
}

impl Writer {
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Unix(half) => Pin::new(half).poll_write(cx, bytes),
            Self::Tcp(half) => Pin::new(half).poll_write(cx, bytes),
        }
    }

    pub(super) fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Unix(half) => Pin::new(half).poll_write_vectored(cx, slices),
            Self::Tcp(half) => Pin::new(half).poll_write_vectored(cx, slices),
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Unix(half) => Pin::new(half).poll_shutdown(cx),
            Self::Tcp(half) => Pin::new(half).poll_shutdown(cx),
        }
    }

    /// Lets go without a word: the service may still be answering.
    pub(super) fn forget(self) {
        match self {
            Self::Unix(half) => half.forget(),
            Self::Tcp(half) => half.forget(),
        }
    }
}

/// One connection.
pub(crate) struct Line {
    reader: Reader,
    /// `None` while an upload has it.
    pub(super) writer: Option<Writer>,
    /// Read and not used yet.
    pub(super) rest: Bytes,
    /// Where the next bytes are read to. Empty.
    room: BytesMut,
    /// How much to read at once.
    step: usize,
    /// Where heads of requests are written.
    pub(super) out: Vec<u8>,
    /// Set for one request after another: it may ring early, never late.
    alarm: Option<Pin<Box<Sleep>>>,
    /// When it was last used.
    pub(super) since: Instant,
    open: Option<Arc<AtomicUsize>>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line")
            .field("rest", &self.rest.len())
            .finish_non_exhaustive()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(open) = &self.open {
            open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Line {
    fn new(reader: Reader, writer: Writer) -> Self {
        Self {
            reader,
            writer: Some(writer),
            rest: Bytes::new(),
            room: BytesMut::new(),
            step: READ.0,
            out: Vec::new(),
            alarm: None,
            since: Instant::now(),
            open: None,
        }
    }

    /// Counts as open until it is dropped.
    pub(super) fn counted(mut self, open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        self.open = Some(open.clone());
        self
    }

    /// Whether the service has said nothing since its last answer: it can be asked again.
    pub(super) fn is_quiet(&self, ask: bool) -> bool {
        self.reader.is_quiet(ask)
    }

    /// Whether nothing is left over of the last answer.
    pub(super) fn is_clean(&self) -> bool {
        self.rest.is_empty() && self.writer.is_some()
    }

    /// Gives back what only a long answer needed.
    pub(super) fn rested(&mut self) {
        self.since = Instant::now();
        self.step = READ.0;
        if self.room.capacity() > READ.0 {
            self.room = BytesMut::new();
        }
    }

    /// Reads more behind `rest`, which stays in one piece. 0 = the service has closed.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.rest.is_empty() {
            self.rest = Bytes::new(); // its memory may be used again
        }
        self.room.reserve(self.step);
        let count = ready!(pin!(self.reader.read_buf(&mut self.room)).poll(cx))?;
        if count >= self.step {
            self.step = (self.step * 2).min(READ.1);
        }
        let more = self.room.split();
        self.rest = if self.rest.is_empty() {
            more.freeze()
        } else {
            let mut whole = BytesMut::with_capacity(self.rest.len() + more.len());
            whole.extend_from_slice(&self.rest);
            whole.extend_from_slice(&more);
            whole.freeze()
        };
        Poll::Ready(Ok(count))
    }

    /// Ready once `deadline` is over.
    pub(super) fn poll_deadline(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if alarm.deadline() > deadline {
            alarm.as_mut().reset(deadline);
        }
        while alarm.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            // It was still set for a request that has been answered.
            alarm.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

/// Bytes both ways, after the service has agreed to that.
impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.rest.is_empty() {
            let count = self.rest.len().min(buffer.remaining());
            buffer.put_slice(&self.rest[..count]);
            self.rest.advance(count);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.reader).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.writer {
            Some(writer) => writer.poll_write(cx, bytes),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.writer {
            Some(writer) => writer.poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}
