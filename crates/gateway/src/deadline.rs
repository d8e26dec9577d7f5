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

/// How long a connection may be silent, and how often it may change its mind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// For a request's head.
    pub(crate) head: Duration,
    /// Without a request.
    pub(crate) idle: Duration,
    /// Without reading of an answer that waits for it.
    pub(crate) unread: Duration,
    /// Requests given up before their answer.
    pub(crate) resets: usize,
}

/// What one connection is doing.
#[derive(Debug)]
pub(crate) struct Watch {
    opened: Instant,
    /// Requests under way.
    busy: AtomicUsize,
    /// Answers of which a part has been handed out and no more been asked for: the client does not read.
    unread: AtomicUsize,
    /// Milliseconds from `opened` to the last time that more of an answer was asked for.
    read_at: AtomicU64,
    /// Requests that the client gave up before they had an answer.
    resets: AtomicUsize,
    /// Milliseconds from `opened` to the start of the present silence or head.
    since: AtomicU64,
    /// A head has begun and is not complete.
    in_head: AtomicBool,
    /// HTTP/1: bytes outside a request belong to a head. In HTTP/2 they may be anything.
    heads: bool,
    bounds: Bounds,
}

impl Watch {
    /// A fresh connection: its first head is awaited at once.
    pub(crate) fn new(heads: bool, bounds: Bounds) -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            busy: AtomicUsize::new(0),
            unread: AtomicUsize::new(0),
            read_at: AtomicU64::new(0),
            resets: AtomicUsize::new(0),
            since: AtomicU64::new(0),
            in_head: AtomicBool::new(true),
            heads,
            bounds,
        })
    }

    /// A request has arrived; the connection is busy until the answer is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        self.in_head.store(false, Ordering::Relaxed);
        Busy {
            watch: self.clone(),
            answered: false,
        }
    }

    fn stamp(&self) {
        self.since.store(self.now(), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.opened.elapsed().as_millis() as u64
    }

    /// The client took bytes. The end of an answer may still be on its way when no request is left.
    fn sent(&self) {
        if self.heads && self.busy.load(Ordering::Relaxed) == 0 && !self.in_head.load(Ordering::Relaxed) {
            self.stamp();
        }
    }

    fn received(&self) {
        if self.heads && self.busy.load(Ordering::Relaxed) == 0 && !self.in_head.swap(true, Ordering::Relaxed)
        {
            self.stamp();
        }
    }

    /// When the silence becomes too long; `None` while a request is under way and its answer is not held up by the
    /// client.
    fn deadline(&self) -> Option<Instant> {
        if self.resets.load(Ordering::Relaxed) > self.bounds.resets {
            return Some(self.opened);
        }
        if self.busy.load(Ordering::Relaxed) > 0 {
            let read_at = Duration::from_millis(self.read_at.load(Ordering::Relaxed));
            let unread = self.unread.load(Ordering::Relaxed) > 0;
            return unread.then(|| self.opened + read_at + self.bounds.unread);
        }
        let patience = if self.in_head.load(Ordering::Relaxed) {
            self.bounds.head
        } else {
            self.bounds.idle
        };
        Some(self.opened + Duration::from_millis(self.since.load(Ordering::Relaxed)) + patience)
    }
}

/// One request under way.
#[derive(Debug)]
pub(crate) struct Busy {
    watch: Arc<Watch>,
    answered: bool,
}

impl Busy {
    /// The request has its answer, which from now on waits for the client.
    pub(crate) fn answered(&mut self) {
        self.answered = true;
    }

    /// For the answer's body, which waits to be read.
    pub(crate) fn unread(&self) -> Unread {
        let mut unread = Unread {
            watch: self.watch.clone(),
            waits: false,
        };
        unread.set(true);
        unread
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if !self.answered {
            self.watch.resets.fetch_add(1, Ordering::Relaxed);
        }
        self.watch.stamp();
        self.watch.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One answer's body on its way to the client.
#[derive(Debug)]
pub(crate) struct Unread {
    watch: Arc<Watch>,
    waits: bool,
}

impl Unread {
    /// `waits`: the client has been given all that there is to give now and must read before there is more. False
    /// while the answer itself has no more to say.
    pub(crate) fn set(&mut self, waits: bool) {
        self.watch.read_at.store(self.watch.now(), Ordering::Relaxed);
        if waits != self.waits {
            self.waits = waits;
            if waits {
                self.watch.unread.fetch_add(1, Ordering::Relaxed);
            } else {
                self.watch.unread.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if self.waits {
            self.watch.unread.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A transport that ends when its [`Watch`] says so.
pub(crate) struct Watched<S> {
    inner: S,
    watch: Arc<Watch>,
    /// May ring early, never late: so it has not to be set for every request.
    alarm: Pin<Box<Sleep>>,
    /// Rings when the client has taken nothing for too long; only while bytes wait for it.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Watched<S> {
    pub(crate) fn new(inner: S, watch: Arc<Watch>) -> Self {
        let first = watch.deadline().unwrap_or(watch.opened);
        Self {
            inner,
            watch,
            alarm: Box::pin(sleep_until(first)),
            stalled: None,
        }
    }

    /// Passes on how writing went, and ends it when nothing has been taken for too long.
    fn wrote<T>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.stalled = None;
            self.watch.sent();
            return result;
        }
        let unread = self.watch.bounds.unread;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + unread)));
        stalled
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
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
                if self.alarm.deadline() > deadline {
                    self.alarm.as_mut().reset(deadline);
                }
                while self.alarm.as_mut().poll(cx).is_ready() {
                    if Instant::now() >= deadline {
                        // An end of the stream, not an error: hyper then closes without a word.
                        return Poll::Ready(Ok(()));
                    }
                    self.alarm.as_mut().reset(deadline);
                }
                Poll::Pending
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.wrote(cx, result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.inner).poll_flush(cx) {
            Poll::Pending => self.wrote(cx, Poll::Pending),
            done @ Poll::Ready(_) => done,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.wrote(cx, result)
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
        Watch::new(
            heads,
            Bounds {
                head: Duration::from_millis(100),
                idle,
                unread: Duration::from_millis(100),
                resets: 2,
            },
        )
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

    #[tokio::test]
    async fn a_client_that_does_not_read_its_answer_is_left() {
        let watch = watch(false, LONG);
        let busy = watch.begin();
        let mut body = busy.unread();
        let ended = ends_after(watch.clone(), b"").await;
        assert!((Duration::from_millis(95)..LONG).contains(&ended), "{ended:?}");
        // An answer that itself has nothing to say, such as an event stream, waits for nobody.
        body.set(false);
        let ended = tokio::time::timeout(Duration::from_millis(500), ends_after(watch.clone(), b""));
        assert!(ended.await.is_err());
        body.set(true);
        drop(body);
        assert!(watch.deadline().is_none());
    }

    #[tokio::test]
    async fn bytes_that_nobody_takes_end_the_connection() {
        let (client, server) = tokio::io::duplex(64);
        let watch = watch(true, LONG);
        let _busy = watch.begin();
        let mut server = Watched::new(server, watch);
        let started = Instant::now();
        let error = server.write_all(&[0; 4096]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(started.elapsed() < LONG);
        drop(client);
    }

    #[tokio::test]
    async fn a_client_that_gives_up_request_after_request_is_left() {
        let watch = watch(false, LONG);
        let mut answered = watch.begin();
        answered.answered();
        drop(answered);
        for _ in 0..2 {
            drop(watch.begin());
        }
        assert!(watch.deadline().is_some_and(|deadline| deadline > Instant::now()));
        drop(watch.begin());
        let ended = ends_after(watch, b"").await;
        assert!(ended < ALMOST, "{ended:?}");
    }
}
