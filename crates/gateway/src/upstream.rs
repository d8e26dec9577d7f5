//! The way to the services and applications: one pooled client over unix sockets and TCP.
//!
//! One that is restarting is waited for inside the connector, before anything of a request has been sent. So every
//! request is held, whatever its method and body, and no copy of it is needed.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use pistack_api::service::Service;
use pistack_kit::clock::Clock;
use pistack_kit::paths::StatePaths;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::body::RequestBody;
use crate::plan::Address;
use crate::socket::{Socket, Stream};

/// How long one attempt to connect may take.
const CONNECT: Duration = Duration::from_secs(1);
/// The wait between attempts grows from the first to the second.
const WAITS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(200));
/// An unused connection is closed after this long: before the services close it, which they do after 30 s.
const POOL_IDLE: Duration = Duration::from_secs(20);
/// Unused connections kept for each service.
const POOL_SIZE: usize = 32;

/// One service or application.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// For people: the program's name, or the route's.
    pub(crate) label: Box<str>,
    /// True for the stack's own services, which are programs of the supervisor.
    pub(crate) is_service: bool,
    pub(crate) address: Address,
    /// How it may call itself in a redirect.
    pub(crate) hosts: Vec<String>,
    /// What the pool knows it by. Not its address: a socket's path is no authority.
    authority: Authority,
    outage: Mutex<Option<Outage>>,
    /// Connections that are open, used and unused.
    pub(crate) open: Arc<AtomicUsize>,
    /// Connections that were opened in all.
    pub(crate) opened: AtomicU64,
}

/// Since when nobody has answered, and when that was last tried.
#[derive(Debug, Clone, Copy)]
struct Outage {
    /// Seconds since 1970.
    wall: i64,
    since: Instant,
    seen: Instant,
}

impl Upstream {
    fn new(address: Address, label: &str, number: usize, is_service: bool) -> Arc<Self> {
        let authority = format!("u{number}");
        Arc::new(Self {
            label: label.into(),
            is_service,
            hosts: address.hosts(),
            address,
            authority: authority.parse().unwrap_or_else(|_| Authority::from_static("u")),
            outage: Mutex::default(),
            open: Arc::default(),
            opened: AtomicU64::new(0),
        })
    }

    /// Since when nobody answers, in seconds since 1970; `None` while somebody does, as far as is known.
    pub(crate) fn down_since(&self) -> Option<i64> {
        self.outage
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .map(|outage| outage.wall)
    }

    async fn connect(&self) -> io::Result<Stream> {
        match &self.address {
            Address::Unix(path) => UnixStream::connect(path).await.map(Stream::Unix),
            Address::Tcp { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                // Small requests must not wait for an acknowledgement; a failure to say so costs only time.
                let _ = stream.set_nodelay(true);
                Ok(Stream::Tcp(stream))
            }
        }
    }

    fn connected(&self, stream: Stream) -> TokioIo<Socket> {
        *self.outage.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.opened.fetch_add(1, Ordering::Relaxed);
        TokioIo::new(Socket::new(stream, self.open.clone()))
    }

    /// Notes a failed attempt; answers when the outage began.
    fn failed(&self, hold: Duration, clock: &Clock) -> Instant {
        let now = Instant::now();
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody has looked for a while: what was seen then may have been another outage.
        let old = outage.filter(|outage| now - outage.seen < hold.max(CONNECT));
        let (wall, since) = old.map_or_else(|| (clock.unix(), now), |old| (old.wall, old.since));
        *outage = Some(Outage {
            wall,
            since,
            seen: now,
        });
        since
    }
}

/// All of them.
#[derive(Clone)]
pub(crate) struct Upstreams {
    client: legacy::Client<Connector, RequestBody>,
    services: Arc<[Arc<Upstream>; Service::ALL.len()]>,
    known: Known,
}

/// By what the pool knows them by.
type Known = Arc<Mutex<HashMap<Authority, Arc<Upstream>>>>;

impl Upstreams {
    pub(crate) fn new(paths: &StatePaths, hold: Duration, clock: Clock, stop: CancellationToken) -> Self {
        let mut number = 0;
        let services = Service::ALL.map(|service| {
            number += 1;
            let address = Address::Unix(paths.service_socket(service));
            Upstream::new(address, service.program(), number, true)
        });
        let by_authority = services
            .iter()
            .map(|upstream| (upstream.authority.clone(), upstream.clone()));
        let known: Known = Arc::new(Mutex::new(by_authority.collect()));
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_SIZE)
            .set_host(false)
            .build(Connector {
                known: known.clone(),
                hold,
                clock,
                stop,
            });
        Self {
            client,
            services: Arc::new(services),
            known,
        }
    }

    /// A service of the stack.
    pub(crate) fn service(&self, service: Service) -> Arc<Upstream> {
        let index = Service::ALL.iter().position(|other| *other == service);
        self.services[index.unwrap_or_default()].clone()
    }

    /// The application at `address`; the same as before where it is known, so that a reload keeps its connections.
    pub(crate) fn open(&self, address: &Address, label: &str) -> Arc<Upstream> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(upstream) = known
            .values()
            .find(|upstream| upstream.address == *address && !upstream.is_service)
        {
            return upstream.clone();
        }
        // Numbers are not given twice, so that no connection to another address is taken for this one's.
        let number = 1 + known
            .keys()
            .filter_map(|authority| authority.as_str()[1..].parse::<usize>().ok())
            .max()
            .unwrap_or_default();
        let upstream = Upstream::new(address.clone(), label, number, false);
        known.insert(upstream.authority.clone(), upstream.clone());
        upstream
    }

    /// Every one, for the counters.
    pub(crate) fn all(&self) -> Vec<Arc<Upstream>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Arc<Upstream>> = known.values().cloned().collect();
        all.sort_by(|a, b| a.label.cmp(&b.label));
        all
    }

    /// Sends a request, whose URI [`Upstreams::uri`] made.
    pub(crate) async fn send(
        &self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, legacy::Error> {
        self.client.request(request).await
    }

    /// The address of `path` at `upstream`, as the pool knows it.
    pub(crate) fn uri(upstream: &Upstream, path: PathAndQuery) -> Result<Uri, http::uri::InvalidUriParts> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(upstream.authority.clone());
        parts.path_and_query = Some(path);
        Uri::from_parts(parts)
    }

    /// The same for a service of the stack.
    pub(crate) fn service_uri(
        &self,
        service: Service,
        path: PathAndQuery,
    ) -> Result<Uri, http::uri::InvalidUriParts> {
        Self::uri(&self.service(service), path)
    }
}

/// Opens connections by the authority in the URI.
#[derive(Clone)]
struct Connector {
    known: Known,
    hold: Duration,
    clock: Clock,
    stop: CancellationToken,
}

impl Connector {
    /// Tries until somebody answers, as long as the outage is younger than `hold`. Who has been away for longer is
    /// tried once: nobody waits for what is not coming.
    async fn open(self, upstream: Arc<Upstream>) -> io::Result<TokioIo<Socket>> {
        let mut wait = WAITS.0;
        loop {
            let error = match tokio::time::timeout(CONNECT, upstream.connect()).await {
                Ok(Ok(stream)) => return Ok(upstream.connected(stream)),
                Ok(Err(error)) => error,
                Err(elapsed) => elapsed.into(),
            };
            let give_up = upstream.failed(self.hold, &self.clock) + self.hold;
            if !may_pass(&error) || Instant::now() + wait > give_up {
                return Err(error);
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.cancelled() => return Err(error),
            }
            wait = (wait * 3 / 2).min(WAITS.1);
        }
    }
}

/// Whether the failure is one that a restart causes: no socket yet, nobody behind it, or its queue is full.
fn may_pass(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::WouldBlock
            | io::ErrorKind::TimedOut
    )
}

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<Socket>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let upstream = uri
            .authority()
            .and_then(|authority| known.get(authority))
            .cloned();
        let connector = self.clone();
        drop(known);
        Box::pin(async move {
            let upstream = upstream.ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))?;
            connector.open(upstream).await
        })
    }
}
