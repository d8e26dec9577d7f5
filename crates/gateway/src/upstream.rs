//! The way to the services and applications: connections over unix sockets and TCP, kept from one request to the next.
//!
//! One that is restarting is waited for while connecting, before anything of a request has been sent. So every
//! request is held, whatever its method and body, and no copy of it is needed.

mod answer;
mod ask;
mod call;
mod framing;
mod line;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pistack_api::service::Service;
use pistack_kit::clock::Clock;
use pistack_kit::paths::StatePaths;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::plan::Address;
pub(crate) use answer::Answer;
pub(crate) use ask::Ask;
pub(crate) use call::NoAnswer;
pub(crate) use line::Line;

/// How long one attempt to connect may take.
const CONNECT: Duration = Duration::from_secs(1);
/// The wait between attempts grows from the first to the second.
const WAITS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(200));
/// An unused connection is closed after this long: before the services close it, which they do after 30 s.
const POOL_IDLE: Duration = Duration::from_secs(20);
/// Unused connections kept for each service.
const POOL_SIZE: usize = 64;
/// How often unused connections are looked through, as long as there are any.
const SWEEP: Duration = Duration::from_secs(5);

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
    outage: Mutex<Option<Outage>>,
    /// Connections that are open, used and unused.
    pub(crate) open: Arc<AtomicUsize>,
    /// Connections that were opened in all.
    pub(crate) opened: AtomicU64,
    /// Connections that wait for a request, the longest unused first.
    #[expect(
        clippy::vec_box,
        reason = "a connection moves between here and requests, and is large"
    )]
    idle: Mutex<Vec<Box<Line>>>,
    /// Somebody looks them through from time to time.
    swept: AtomicBool,
    terms: Terms,
}

/// How long who waits for what.
#[derive(Debug, Clone)]
struct Terms {
    /// How long a service that is restarting is waited for.
    hold: Duration,
    clock: Clock,
    stop: CancellationToken,
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
    fn new(address: Address, label: &str, is_service: bool, terms: Terms) -> Arc<Self> {
        Arc::new(Self {
            label: label.into(),
            is_service,
            hosts: address.hosts(),
            address,
            outage: Mutex::default(),
            open: Arc::default(),
            opened: AtomicU64::new(0),
            idle: Mutex::default(),
            swept: AtomicBool::new(false),
            terms,
        })
    }

    /// Since when nobody answers, in seconds since 1970; `None` while somebody does, as far as is known.
    pub(crate) fn down_since(&self) -> Option<i64> {
        self.outage
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .map(|outage| outage.wall)
    }

    /// An unused connection. `ask`: one at whose other end somebody is for certain.
    fn take(&self, ask: bool) -> Option<Box<Line>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(line) = idle.pop() {
            if line.is_quiet(ask) {
                return Some(line);
            }
        }
        None
    }

    /// Keeps a connection for the next request.
    fn keep(self: &Arc<Self>, mut line: Box<Line>) {
        line.rested();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= POOL_SIZE {
            return;
        }
        idle.push(line);
        if !self.swept.swap(true, Ordering::Relaxed) {
            tokio::spawn(self.clone().sweep());
        }
    }

    /// Closes what has been unused for long, or was closed by the service, until nothing is left.
    async fn sweep(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(SWEEP) => {}
                () = self.terms.stop.cancelled() => {}
            }
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let stopped = self.terms.stop.is_cancelled();
            idle.retain(|line| !stopped && line.since.elapsed() < POOL_IDLE && line.is_quiet(false));
            if idle.is_empty() {
                *idle = Vec::new();
                self.swept.store(false, Ordering::Relaxed);
                return;
            }
        }
    }

    /// Tries until somebody answers, as long as the outage is younger than the time that is waited. Who has been away
    /// for longer is tried once: nobody waits for what is not coming.
    async fn connect(&self) -> io::Result<Box<Line>> {
        let mut wait = WAITS.0;
        loop {
            let error = match tokio::time::timeout(CONNECT, self.try_connect()).await {
                Ok(Ok(line)) => return Ok(self.connected(line)),
                Ok(Err(error)) => error,
                Err(elapsed) => elapsed.into(),
            };
            let give_up = self.failed() + self.terms.hold;
            if !may_pass(&error) || Instant::now() + wait > give_up {
                return Err(error);
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.terms.stop.cancelled() => return Err(error),
            }
            wait = (wait * 3 / 2).min(WAITS.1);
        }
    }

    async fn try_connect(&self) -> io::Result<Line> {
        match &self.address {
            Address::Unix(path) => UnixStream::connect(path).await.map(Line::from),
            Address::Tcp { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                // Small requests must not wait for an acknowledgement; a failure to say so costs only time.
                let _ = stream.set_nodelay(true);
                Ok(Line::from(stream))
            }
        }
    }

    fn connected(&self, line: Line) -> Box<Line> {
        *self.outage.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.opened.fetch_add(1, Ordering::Relaxed);
        Box::new(line.counted(&self.open))
    }

    /// Notes a failed attempt; answers when the outage began.
    fn failed(&self) -> Instant {
        let now = Instant::now();
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody has looked for a while: what was seen then may have been another outage.
        let old = outage.filter(|outage| now - outage.seen < self.terms.hold.max(CONNECT));
        let (wall, since) = old.map_or_else(|| (self.terms.clock.unix(), now), |old| (old.wall, old.since));
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
    services: Arc<[Arc<Upstream>; Service::ALL.len()]>,
    applications: Arc<Mutex<Vec<Arc<Upstream>>>>,
    terms: Terms,
}

impl Upstreams {
    pub(crate) fn new(paths: &StatePaths, hold: Duration, clock: Clock, stop: CancellationToken) -> Self {
        let terms = Terms { hold, clock, stop };
        let services = Service::ALL.map(|service| {
            let address = Address::Unix(paths.service_socket(service));
            Upstream::new(address, service.program(), true, terms.clone())
        });
        Self {
            services: Arc::new(services),
            applications: Arc::default(),
            terms,
        }
    }

    /// A service of the stack.
    pub(crate) fn service(&self, service: Service) -> Arc<Upstream> {
        let index = Service::ALL.iter().position(|other| *other == service);
        self.services[index.unwrap_or_default()].clone()
    }

    /// The application at `address`; the same as before where it is known, so that a reload keeps its connections.
    pub(crate) fn open(&self, address: &Address, label: &str) -> Arc<Upstream> {
        let mut known = self.applications.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(upstream) = known.iter().find(|upstream| upstream.address == *address) {
            return upstream.clone();
        }
        let upstream = Upstream::new(address.clone(), label, false, self.terms.clone());
        known.push(upstream.clone());
        upstream
    }

    /// Every one, for the counters.
    pub(crate) fn all(&self) -> Vec<Arc<Upstream>> {
        let known = self.applications.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Arc<Upstream>> = self.services.iter().chain(known.iter()).cloned().collect();
        all.sort_by(|a, b| a.label.cmp(&b.label));
        all
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
