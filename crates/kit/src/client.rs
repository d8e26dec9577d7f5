//! The HTTP/1.1 client between our processes: over unix sockets or loopback TCP, pooled, with deadlines.

use std::error::Error as _;
use std::fmt;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::client::legacy::{Client as Pooled, Error as PooledError};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// Largest answer that [`Client::send`] reads.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Below the 30 s after which our own servers close an idle connection.
const POOL_IDLE: Duration = Duration::from_secs(20);
const POOL_SIZE: usize = 4;

/// A client of one peer. Cheap to clone; clones share the pool.
#[derive(Clone)]
pub struct Client {
    pooled: Pooled<Connector, Full<Bytes>>,
    /// What stands in `Host` and keys the pool.
    authority: Authority,
    peer: Arc<str>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.peer).finish()
    }
}

/// The peer could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("{peer} cannot be reached: {source}")]
    Unreachable {
        /// Socket path or address.
        peer: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No answer in time.
    #[error("{peer} did not answer within {} ms", after.as_millis())]
    TimedOut {
        /// Socket path or address.
        peer: String,
        /// The deadline.
        after: Duration,
    },
    /// An answer that is none.
    #[error("{peer} gave a broken answer: {reason}")]
    Broken {
        /// Socket path or address.
        peer: String,
        /// What is wrong.
        reason: String,
    },
}

impl Client {
    /// A peer on a unix socket. `Host` is `localhost`.
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self::over(Connector::unix(path), Authority::from_static("localhost"))
    }

    /// A peer on plain HTTP at `host:port`.
    pub fn tcp(authority: impl Into<String>) -> Self {
        let text = authority.into();
        // What is no authority cannot be connected to either: every request will say so.
        let authority = text
            .parse()
            .unwrap_or_else(|_| Authority::from_static("localhost"));
        Self::over(Connector::tcp(text), authority)
    }

    fn over(connector: Connector, authority: Authority) -> Self {
        let peer = connector.to_string().into();
        let pooled = Pooled::builder(TokioExecutor::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_SIZE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self {
            pooled,
            authority,
            peer,
        }
    }

    /// Sends a request (its URI is a path) and reads the whole answer, 16 MiB at most, all within `deadline`.
    pub async fn send(
        &self,
        request: Request<Bytes>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, ClientError> {
        self.within(deadline, async {
            let (head, body) = self.exchange(request).await?.into_parts();
            let body = Limited::new(body, MAX_ANSWER_BYTES)
                .collect()
                .await
                .map_err(|error| {
                    self.broken(if error.is::<LengthLimitError>() {
                        format!("it is larger than {} MiB", MAX_ANSWER_BYTES / 1024 / 1024)
                    } else {
                        error.to_string()
                    })
                })?;
            Ok(Response::from_parts(head, body.to_bytes()))
        })
        .await
    }

    /// Sends a request and hands the answer's body over unread; `deadline` covers only the head.
    pub async fn stream(
        &self,
        request: Request<Bytes>,
        deadline: Duration,
    ) -> Result<Response<Incoming>, ClientError> {
        self.within(deadline, self.exchange(request)).await
    }

    async fn within<T>(
        &self,
        deadline: Duration,
        work: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        let late = |_| ClientError::TimedOut {
            peer: self.peer.to_string(),
            after: deadline,
        };
        tokio::time::timeout(deadline, work).await.map_err(late)?
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Incoming>, ClientError> {
        let (mut head, body) = request.into_parts();
        head.uri = self.absolute(&head.uri);
        // hyper-util sends again by itself what was never written. Here: a pooled connection that the peer closed
        // just as we wrote to it, for requests that may be sent twice.
        let again = head.method.is_idempotent().then(|| (head.clone(), body.clone()));
        let send = |head, body| self.pooled.request(Request::from_parts(head, Full::new(body)));
        let mut result = send(head, body).await;
        if let (Err(error), Some((head, body))) = (&result, again)
            && !error.is_connect()
            && closed_early(error)
        {
            result = send(head, body).await;
        }
        result.map_err(|error| self.failed(&error))
    }

    fn absolute(&self, uri: &Uri) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(
            uri.path_and_query()
                .cloned()
                .unwrap_or_else(|| PathAndQuery::from_static("/")),
        );
        Uri::from_parts(parts).unwrap_or_default()
    }

    fn failed(&self, error: &PooledError) -> ClientError {
        if error.is_connect() {
            let root = error
                .source()
                .map_or_else(|| error.to_string(), ToString::to_string);
            return ClientError::Unreachable {
                peer: self.peer.to_string(),
                source: root.into(),
            };
        }
        self.broken(
            error
                .source()
                .map_or_else(|| error.to_string(), ToString::to_string),
        )
    }

    fn broken(&self, reason: String) -> ClientError {
        ClientError::Broken {
            peer: self.peer.to_string(),
            reason,
        }
    }
}

/// True if the peer hung up before it answered.
fn closed_early(error: &PooledError) -> bool {
    let Some(error) = error
        .source()
        .and_then(|source| source.downcast_ref::<hyper::Error>())
    else {
        return false;
    };
    let reset = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|error| {
            matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
            )
        });
    error.is_incomplete_message() || error.is_canceled() || reset
}

/// Connects to one fixed peer, whatever a request's URI says. For hyper-util's client.
#[derive(Debug, Clone)]
pub struct Connector(Arc<Peer>);

#[derive(Debug)]
enum Peer {
    Unix(PathBuf),
    Tcp(String),
}

impl Connector {
    /// To a unix socket.
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Peer::Unix(path.into())))
    }

    /// To `host:port`.
    pub fn tcp(authority: impl Into<String>) -> Self {
        Self(Arc::new(Peer::Tcp(authority.into())))
    }

    /// Connects.
    pub async fn connect(&self) -> io::Result<Link> {
        match &*self.0 {
            Peer::Unix(path) => UnixStream::connect(path).await.map(Link::Unix),
            Peer::Tcp(authority) => {
                let stream = TcpStream::connect(authority).await?;
                stream.set_nodelay(true)?;
                Ok(Link::Tcp(stream))
            }
        }
    }
}

impl fmt::Display for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Peer::Unix(path) => path.display().fmt(f),
            Peer::Tcp(authority) => authority.fmt(f),
        }
    }
}

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<Link>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.connect().await.map(TokioIo::new) })
    }
}

/// A connection of either kind.
#[derive(Debug)]
pub enum Link {
    /// Over a unix socket.
    Unix(UnixStream),
    /// Over TCP.
    Tcp(TcpStream),
}

impl Connection for Link {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Link {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Link {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

#[cfg(test)]
mod tests;
