//! The way to the services: one pooled client over their unix sockets.
//!
//! A service that is restarting is waited for inside the connector, before anything of a request has been
//! sent. So every request is held, whatever its method and body, and no copy of it is needed.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use pistack_api::service::Service;
use pistack_kit::paths::StatePaths;
use tokio::net::UnixStream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::body::RequestBody;
use crate::socket::Socket;

/// How long one attempt to connect may take.
const CONNECT: Duration = Duration::from_secs(1);
/// The wait between attempts grows from the first to the second.
const WAITS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(200));
/// An unused connection is closed after this long: before the services close it, which they do after 30 s.
const POOL_IDLE: Duration = Duration::from_secs(20);
/// Unused connections kept for each service.
const POOL_SIZE: usize = 32;

/// All services.
#[derive(Clone)]
pub(crate) struct Upstreams {
    client: legacy::Client<Connector, RequestBody>,
    authorities: Arc<Vec<Authority>>,
}

impl Upstreams {
    pub(crate) fn new(paths: &StatePaths, hold: Duration, stop: CancellationToken) -> Self {
        let sockets = Service::ALL.map(|service| paths.service_socket(service));
        let targets = sockets.map(|path| Target {
            path,
            outage: Mutex::new(None),
        });
        let connector = Connector {
            targets: Arc::new(targets),
            hold,
            stop,
        };
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_SIZE)
            .set_host(false)
            .build(connector);
        let authorities = Service::ALL
            .iter()
            .map(|service| Authority::from_static(service.name()))
            .collect();
        Self {
            client,
            authorities: Arc::new(authorities),
        }
    }

    /// Sends a request, whose URI [`Upstreams::uri`] made.
    pub(crate) async fn send(
        &self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, legacy::Error> {
        self.client.request(request).await
    }

    /// The address of `path` at `service`, as the pool knows it.
    pub(crate) fn uri(
        &self,
        service: Service,
        path: PathAndQuery,
    ) -> Result<Uri, http::uri::InvalidUriParts> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.authorities[index(service)].clone());
        parts.path_and_query = Some(path);
        Uri::from_parts(parts)
    }
}

fn index(service: Service) -> usize {
    Service::ALL
        .iter()
        .position(|other| *other == service)
        .unwrap_or_default()
}

struct Target {
    path: PathBuf,
    outage: Mutex<Option<Outage>>,
}

/// Since when nobody has answered, and when that was last tried.
#[derive(Clone, Copy)]
struct Outage {
    since: Instant,
    seen: Instant,
}

/// Opens unix sockets by the service's name in the URI.
#[derive(Clone)]
struct Connector {
    targets: Arc<[Target; 6]>,
    hold: Duration,
    stop: CancellationToken,
}

impl Connector {
    /// Tries until the socket answers, as long as the outage is younger than `hold`. A service that has been
    /// away for longer is tried once: nobody waits for what is not coming.
    async fn open(self, index: usize) -> io::Result<TokioIo<Socket>> {
        let target = &self.targets[index];
        let mut wait = WAITS.0;
        loop {
            let error = match tokio::time::timeout(CONNECT, UnixStream::connect(&target.path)).await {
                Ok(Ok(stream)) => {
                    *target.outage.lock().unwrap_or_else(PoisonError::into_inner) = None;
                    return Ok(TokioIo::new(Socket::new(stream)));
                }
                Ok(Err(error)) => error,
                Err(elapsed) => elapsed.into(),
            };
            let give_up = self.outage(target) + self.hold;
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

    /// Notes a failed attempt; answers when the outage began.
    fn outage(&self, target: &Target) -> Instant {
        let now = Instant::now();
        let mut outage = target.outage.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody has looked for a while: what was seen then may have been another outage.
        let since = outage
            .filter(|outage| now - outage.seen < self.hold.max(CONNECT))
            .map_or(now, |old| old.since);
        *outage = Some(Outage { since, seen: now });
        since
    }
}

/// Whether the failure is one that a restart causes: no socket yet, nobody behind it, or its queue is full.
fn may_pass(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::ConnectionRefused
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
        let service = uri.host().and_then(|host| host.parse().ok());
        let connector = self.clone();
        Box::pin(async move {
            let service = service.ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))?;
            connector.open(index(service)).await
        })
    }
}
