//! Connections: counted, accepted, shaken hands with, served by the protocol that ALPN chose, and ended.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::HeaderValue;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::deadline::{Bounds, Watch, Watched};
use crate::doors::Bound;
use crate::ending::Signal;
use crate::plan::Door;
use crate::proxy::{Gateway, Peer};
use crate::renewal::Renewal;

const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often a peer of HTTP/2 is asked whether it is still there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);
/// What a client of HTTP/2 may send ahead of the service: on one stream, and in all.
const WINDOWS: (u32, u32) = (256 * 1024, 1024 * 1024);
/// What a slow reader of HTTP/2 may hold in memory for one stream.
const MAX_SEND_BUFFER: usize = 32 * 1024;
/// What a slow reader of HTTP/1 may hold in memory, and the longest piece of a body at a time.
const MAX_BUFFER: usize = 64 * 1024;
/// Streams of HTTP/2 that a client may give up before they were looked at (CVE-2023-44487), and streams that it may
/// make this side give up by breaking the protocol on them.
const MAX_PENDING_RESETS: usize = 20;
const MAX_ERROR_RESETS: usize = 64;
/// The wait after a failed accept: the cause (no file descriptor left) needs time to go away.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What all sides of the gateway have in common.
pub(crate) struct Entrance {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) renewal: Arc<Renewal>,
    pub(crate) tls: TlsAcceptor,
    pub(crate) config: Arc<Config>,
    /// Ends what is still open.
    pub(crate) kill: Arc<Signal>,
}

impl Entrance {
    /// Accepts at these sockets until `closed`.
    pub(crate) fn open(
        &self,
        listeners: Vec<TcpListener>,
        secure: bool,
        door: Option<Door>,
        closed: &CancellationToken,
    ) {
        let side = Arc::new(Side {
            gateway: self.gateway.clone(),
            renewal: self.renewal.clone(),
            tls: secure.then(|| self.tls.clone()),
            door,
            closed: closed.clone(),
            config: self.config.clone(),
            kill: self.kill.clone(),
        });
        for listener in listeners {
            self.gateway.tasks.spawn(side.clone().accept(listener));
        }
    }

    /// The same for a port of routes.
    pub(crate) fn open_door(&self, bound: Bound) {
        let closed = self.gateway.doors.opened(&bound, &self.gateway.stop);
        self.open(bound.listeners, bound.door.tls, Some(bound.door), &closed);
    }
}

/// One side of the gateway: HTTPS, or plain HTTP.
pub(crate) struct Side {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) renewal: Arc<Renewal>,
    /// `None` on the plain side.
    pub(crate) tls: Option<TlsAcceptor>,
    /// The port of routes that this is; `None` = the gateway's own.
    pub(crate) door: Option<Door>,
    /// Nobody is let in any more; who is in stays.
    pub(crate) closed: CancellationToken,
    pub(crate) config: Arc<Config>,
    /// Ends what is still open.
    pub(crate) kill: Arc<Signal>,
}

impl Side {
    /// Accepts until the gateway stops.
    pub(crate) async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.closed.cancelled() => return,
            };
            match accepted {
                Ok((stream, from)) => self.clone().take(stream, from),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn take(self: Arc<Self>, stream: TcpStream, from: SocketAddr) {
        let client = from.ip().to_canonical();
        let counted = !client.is_loopback() && !self.gateway.trusted.trust(client);
        let Some(place) = self.gateway.admission.enter(client, counted) else {
            self.gateway
                .metrics
                .refused_connections
                .fetch_add(1, Ordering::Relaxed);
            tracing::debug!(%client, "too many connections");
            return;
        };
        self.gateway.metrics.connections.fetch_add(1, Ordering::Relaxed);
        let tasks = self.gateway.tasks.clone();
        tasks.spawn(async move {
            let kill = self.kill.clone();
            kill.cut(pin!(self.serve(stream, client))).await;
            drop(place);
        });
    }

    async fn serve(self: Arc<Self>, stream: TcpStream, client: IpAddr) {
        let Ok(local) = stream.local_addr().map(|address| address.ip().to_canonical()) else {
            return;
        };
        // Small answers must not wait for an acknowledgement; a failure to say so costs only time.
        let _ = stream.set_nodelay(true);
        // A WebSocket may be silent for days; one whose client is gone must not last as long.
        let _ = rustix::net::sockopt::set_socket_keepalive(&stream, true);
        let Some(tls) = &self.tls else {
            return self.http1(stream, client, local, false).await;
        };
        let shaken = tokio::select! {
            shaken = tokio::time::timeout(HANDSHAKE, self.shake_hands(tls, stream, local)) => shaken,
            () = self.gateway.stop.cancelled() => return,
        };
        let counters = &self.gateway.metrics;
        let counter = match shaken {
            Ok(Ok(_)) => &counters.handshakes,
            _ => &counters.failed_handshakes,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        match shaken {
            Ok(Ok(Shaken::Http1(stream))) => self.http1(stream, client, local, true).await,
            Ok(Ok(Shaken::Http2(stream))) => self.http2(stream, client, local).await,
            Ok(Ok(Shaken::Plain(stream))) => self.http1(stream, client, local, false).await,
            Ok(Err(error)) => tracing::debug!(%client, %error, "TLS handshake failed"),
            Err(_) => tracing::debug!(%client, "TLS handshake took too long"),
        }
    }

    async fn shake_hands(&self, tls: &TlsAcceptor, stream: TcpStream, local: IpAddr) -> io::Result<Shaken> {
        // Who types the port without `https://` speaks plain HTTP here, and is led to the right address.
        let mut first = [0];
        stream.peek(&mut first).await?;
        if first[0].is_ascii_uppercase() {
            return Ok(Shaken::Plain(stream));
        }
        self.renewal.reached_at(local).await;
        let stream = Box::new(tls.accept(stream).await?);
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(if http2 {
            Shaken::Http2(stream)
        } else {
            Shaken::Http1(stream)
        })
    }

    fn peer(&self, client: IpAddr, local: IpAddr, heads: bool, secure: bool) -> Option<Arc<Peer>> {
        let limits = &self.config.limits;
        let bounds = Bounds {
            head: self.config.header_timeout.0,
            idle: self.config.idle_timeout.0,
            unread: limits.read_timeout.0,
            resets: usize::from(limits.resets),
        };
        Some(Arc::new(Peer {
            gateway: self.gateway.clone(),
            address: client,
            client: HeaderValue::try_from(client.to_string()).ok()?,
            local,
            door: self.door,
            watch: Watch::new(heads, bounds),
            secure,
        }))
    }

    async fn http1(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        client: IpAddr,
        local: IpAddr,
        secure: bool,
    ) {
        let Some(peer) = self.peer(client, local, true, secure) else {
            return;
        };
        let io = TokioIo::new(Watched::new(stream, peer.watch.clone()));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(None) // see `deadline`
            .max_headers(usize::from(self.config.limits.headers))
            .max_header_size(self.config.limits.header_bytes as usize)
            .max_buf_size(MAX_BUFFER.max(self.config.limits.header_bytes as usize))
            .serve_connection(io, service_fn(move |request| peer.clone().serve(request)))
            .with_upgrades();
        let mut connection = pin!(connection);
        let ended = if let Some(ended) = self.gateway.stopping.cut(connection.as_mut()).await {
            ended
        } else {
            connection.as_mut().graceful_shutdown();
            connection.await
        };
        if let Err(error) = ended {
            tracing::debug!(%client, %error, "connection broke off");
        }
    }

    async fn http2(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        client: IpAddr,
        local: IpAddr,
    ) {
        let Some(peer) = self.peer(client, local, false, true) else {
            return;
        };
        let io = TokioIo::new(Watched::new(stream, peer.watch.clone()));
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(u32::from(self.config.limits.streams))
            .max_header_list_size(self.config.limits.header_bytes)
            .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
            .max_local_error_reset_streams(MAX_ERROR_RESETS)
            .max_send_buf_size(MAX_SEND_BUFFER)
            .initial_stream_window_size(WINDOWS.0)
            .initial_connection_window_size(WINDOWS.1)
            .enable_connect_protocol() // WebSockets, see `tunnel`
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING)
            .serve_connection(io, service_fn(move |request| peer.clone().serve(request)));
        let mut connection = pin!(connection);
        let ended = if let Some(ended) = self.gateway.stopping.cut(connection.as_mut()).await {
            ended
        } else {
            connection.as_mut().graceful_shutdown();
            connection.await
        };
        if let Err(error) = ended {
            tracing::debug!(%client, %error, "connection broke off");
        }
    }
}

/// What a client turned out to speak. Boxed: handshakes that wait should not take the room of those done.
enum Shaken {
    Http1(Box<TlsStream<TcpStream>>),
    Http2(Box<TlsStream<TcpStream>>),
    Plain(TcpStream),
}

/// Counts connections.
pub(crate) struct Admission {
    max: usize,
    max_per_address: usize,
    all: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

impl Admission {
    pub(crate) fn new(config: &Config) -> Arc<Self> {
        Arc::new(Self {
            max: config.max_connections,
            max_per_address: config.max_connections_per_address,
            all: AtomicUsize::new(0),
            by_address: Mutex::default(),
        })
    }

    /// Connections that are open.
    pub(crate) fn open(&self) -> usize {
        self.all.load(Ordering::Relaxed)
    }

    /// A place for one more connection, if there is one.
    /// `counted`: the address, too, has only so many.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr, counted: bool) -> Option<Place> {
        if self.all.load(Ordering::Relaxed) >= self.max {
            return None;
        }
        if counted {
            let mut counts = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry(address).or_default();
            if *count >= self.max_per_address {
                return None;
            }
            *count += 1;
        }
        self.all.fetch_add(1, Ordering::Relaxed);
        Some(Place {
            admission: self.clone(),
            address: counted.then_some(address),
        })
    }
}

/// A connection's place. Free again when dropped.
pub(crate) struct Place {
    admission: Arc<Admission>,
    /// `None` if the address was not counted.
    address: Option<IpAddr>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.all.fetch_sub(1, Ordering::Relaxed);
        let Some(address) = self.address else { return };
        let mut counts = self
            .admission
            .by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_in_all_and_by_address() {
        let config = Config {
            max_connections: 4,
            max_connections_per_address: 2,
            ..Config::default()
        };
        let admission = Admission::new(&config);
        let [phone, laptop, own] = ["10.0.0.1", "10.0.0.2", "127.0.0.1"].map(|text| text.parse().unwrap());
        let first = admission.enter(phone, true).unwrap();
        let _second = admission.enter(phone, true).unwrap();
        assert!(admission.enter(phone, true).is_none(), "a third from one address");
        let _third = admission.enter(laptop, true).unwrap();
        let _fourth = admission.enter(own, false).unwrap();
        assert!(admission.enter(own, false).is_none(), "a fifth in all");
        drop(first);
        assert!(admission.enter(phone, true).is_some(), "a place that became free");
        assert_eq!(
            admission.by_address.lock().unwrap().len(),
            2,
            "addresses without a connection are forgotten"
        );
    }
}
