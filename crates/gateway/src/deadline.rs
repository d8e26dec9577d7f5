//! How long a connection may be silent.
//!
//! hyper's own header timer does not tell an idle connection from a head that dribbles in, and HTTP/2 has no
//! such timer at all. Here the transport itself ends the connection (as if the client had closed it) when a
//! head is not complete in time, or when nothing has been asked for a while.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// What one connection is doing.
#[derive(Debug)]
pub(crate) struct Watch {
    opened: Instant,
    /// Requests under way.
    busy: AtomicUsize,
    /// Milliseconds from `opened` to the start of the present silence or head.
    since: AtomicU64,
    /// A head has begun and is not complete.
    in_head: AtomicBool,
    /// HTTP/1: bytes outside a request belong to a head. In HTTP/2 they may be anything.
    heads: bool,
    header_timeout: Duration,
    idle_timeout: Duration,
}

impl Watch {
    /// A fresh connection: its first head is awaited at once.
    pub(crate) fn new(heads: bool, header_timeout: Duration, idle_timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            busy: AtomicUsize::new(0),
            since: AtomicU64::new(0),
            in_head: AtomicBool::new(true),
            heads,
            header_timeout,
            idle_timeout,
        })
    }

    /// A request has arrived; the connection is busy until the answer is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        self.in_head.store(false, Ordering::Relaxed);
        Busy(self.clone())
    }

    fn stamp(&self) {
        self.since
            .store(self.opened.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    fn received(&self) {
        if self.heads && self.busy.load(Ordering::Relaxed) == 0 && !self.in_head.swap(true, Ordering::Relaxed)
        {
            self.stamp();
        }
    }

    /// When the silence becomes too long; `None` while a request is under way.
    fn deadline(&self) -> Option<Instant> {
        if self.busy.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let patience = if self.in_head.load(Ordering::Relaxed) {
            self.header_timeout
        } else {
            self.idle_timeout
        };
        Some(self.opened + Duration::from_millis(self.since.load(Ordering::Relaxed)) + patience)
    }
}

/// One request under way.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Watch>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.stamp();
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A transport that ends when its [`Watch`] says so.
pub(crate) struct Watched<S> {
    inner: S,
    watch: Arc<Watch>,
    alarm: Pin<Box<Sleep>>,
}

impl<S> Watched<S> {
    pub(crate) fn new(inner: S, watch: Arc<Watch>) -> Self {
        let first = watch.deadline().unwrap_or(watch.opened);
        Self {
            inner,
            watch,
            alarm: Box::pin(sleep_until(first)),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.inner).poll_read(cx, buffer) {
            Poll::Ready(result) => {
                if buffer.filled().len() > before {
                    self.watch.received();
                }
                Poll::Ready(result)
            }
            Poll::Pending => {
                let Some(deadline) = self.watch.deadline() else {
                    return Poll::Pending;
                };
                if self.alarm.deadline() != deadline {
                    self.alarm.as_mut().reset(deadline);
                }
                // An end of the stream, not an error: hyper then closes without a word.
                self.alarm.as_mut().poll(cx).map(Ok)
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn ends_after(watch: Arc<Watch>, bytes: &[u8]) -> Duration {
        let (mut client, server) = tokio::io::duplex(64);
        let started = Instant::now();
        let mut server = Watched::new(server, watch);
        client.write_all(bytes).await.unwrap();
        server.read_to_end(&mut Vec::new()).await.unwrap();
        started.elapsed()
    }

    fn watch(heads: bool, idle: Duration) -> Arc<Watch> {
        Watch::new(heads, Duration::from_millis(100), idle)
    }

    const LONG: Duration = Duration::from_secs(2);
    const ALMOST: Duration = Duration::from_millis(1990);

    #[tokio::test]
    async fn a_silent_or_slow_client_has_the_time_of_a_head() {
        for bytes in [&b""[..], b"GET / HT"] {
            let ended = ends_after(watch(true, LONG), bytes).await;
            assert!((Duration::from_millis(95)..LONG).contains(&ended), "{ended:?}");
        }
    }

    #[tokio::test]
    async fn an_idle_connection_has_longer_than_its_next_head() {
        let idle = watch(true, LONG);
        drop(idle.begin());
        let ended = ends_after(idle.clone(), b"").await;
        assert!(ended >= ALMOST, "{ended:?}");
        drop(idle.begin());
        let ended = ends_after(idle, b"GET / HT").await;
        assert!(ended < LONG, "{ended:?}");
    }

    #[tokio::test]
    async fn nothing_ends_while_a_request_is_under_way() {
        let watch = watch(true, Duration::from_millis(100));
        let busy = watch.begin();
        let ended = tokio::time::timeout(Duration::from_millis(500), ends_after(watch, b"body"));
        assert!(ended.await.is_err());
        drop(busy);
    }

    #[tokio::test]
    async fn bytes_between_streams_do_not_shorten_the_life_of_http2() {
        let watch = watch(false, LONG);
        drop(watch.begin());
        let ended = ends_after(watch, b"ping").await;
        assert!(ended >= ALMOST, "{ended:?}");
    }
}
