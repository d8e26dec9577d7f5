//! The servers of one configuration: made ready before anything is changed, then put in place of the old ones.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use pistack_engine::config::model::{Model, Server, ServerAddress};
use pistack_kit::clock::Clock;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::bind::{self, BindError, Listener};
use super::route::{self, Site};
use super::stream::{HyperIo, Stream};
use crate::ask::Asker;
use crate::events::Events;

/// Connections at once, over all servers; further clients wait. Each takes a descriptor that `minfds` (1024) has to hold
/// beside three for each child.
const CONNECTIONS: usize = 128;
/// Time for open answers at the end.
const GRACE: Duration = Duration::from_secs(2);
/// Pause after a failed accept (no descriptors left), so that it is not tried in a circle.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// All servers.
#[derive(Debug)]
pub(crate) struct Front {
    asker: Asker,
    events: Events,
    version: String,
    clock: Clock,
    running: Vec<Running>,
    tasks: TaskTracker,
    slots: Arc<Semaphore>,
}

#[derive(Debug)]
struct Running {
    server: Server,
    site: SiteFacts,
    listener: Arc<Listener>,
    stop: CancellationToken,
}

/// What a site tells of the configuration; a change makes connections begin anew.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SiteFacts {
    supervisor_enabled: bool,
    identifier: String,
}

/// Servers that listen already, to be put in place.
#[derive(Debug)]
pub(crate) struct Prepared {
    servers: Vec<(Server, Arc<Listener>)>,
    site: SiteFacts,
}

impl Front {
    /// No servers yet.
    pub(crate) fn new(asker: Asker, events: Events, version: String, clock: Clock) -> Self {
        Self {
            asker,
            events,
            version,
            clock,
            running: Vec::new(),
            tasks: TaskTracker::new(),
            slots: Arc::new(Semaphore::new(CONNECTIONS)),
        }
    }

    /// Binds the addresses of `model` that are not bound yet. What runs is not touched.
    pub(crate) fn prepare(&self, model: &Model) -> Result<Prepared, BindError> {
        let mut servers: Vec<(Server, Arc<Listener>)> = Vec::new();
        for server in &model.servers {
            let known = self
                .running
                .iter()
                .find(|running| same_place(&running.server, server));
            let listener = match known {
                Some(running) => {
                    if running.server.address != server.address
                        && let ServerAddress::Unix { path, mode, owner } = &server.address
                    {
                        bind::dress(path, *mode, owner.as_ref())
                            .map_err(|reason| bind::error(server, reason))?;
                    }
                    Arc::clone(&running.listener)
                }
                None => Arc::new(bind::bind(server)?),
            };
            servers.push((server.clone(), listener));
        }
        let site = SiteFacts {
            supervisor_enabled: model.rpc_enabled,
            identifier: model.settings.identifier.clone(),
        };
        Ok(Prepared { servers, site })
    }

    /// Puts `prepared` in place. Servers that did not change go on, with their connections.
    pub(crate) fn commit(&mut self, prepared: Prepared) {
        let mut old = std::mem::take(&mut self.running);
        for (server, listener) in prepared.servers {
            let unchanged = old.iter().position(|running| {
                running.server == server
                    && running.site == prepared.site
                    && Arc::ptr_eq(&running.listener, &listener)
            });
            let running = match unchanged {
                Some(index) => old.swap_remove(index),
                None => self.start(server, listener, prepared.site.clone()),
            };
            self.running.push(running);
        }
        for running in old {
            running.stop.cancel();
        }
    }

    fn start(&self, server: Server, listener: Arc<Listener>, facts: SiteFacts) -> Running {
        let stop = CancellationToken::new();
        let site = Arc::new(Site {
            asker: self.asker.clone(),
            events: self.events.clone(),
            credentials: server.credentials.clone(),
            private: is_private(&server.address),
            supervisor_enabled: facts.supervisor_enabled,
            title: format!("supervisor {} ({})", self.version, facts.identifier),
            clock: self.clock.clone(),
            stop: stop.clone(),
        });
        let accepting = accept(
            Arc::clone(&listener),
            site,
            self.tasks.clone(),
            Arc::clone(&self.slots),
        );
        self.tasks.spawn(accepting);
        Running {
            server,
            site: facts,
            listener,
            stop,
        }
    }

    /// Removes the sockets, then lets open answers finish.
    pub(crate) async fn close(mut self) {
        for running in self.running.drain(..) {
            running.stop.cancel();
        }
        self.tasks.close();
        // who has not taken the answer by now does not get it
        let _ = tokio::time::timeout(GRACE, self.tasks.wait()).await;
    }
}

/// True for a socket that only the supervisor's own user, and root, can connect to.
fn is_private(address: &ServerAddress) -> bool {
    matches!(address, ServerAddress::Unix { mode, .. } if mode & 0o077 == 0)
}

/// True when both are the same socket, whatever else is different.
fn same_place(left: &Server, right: &Server) -> bool {
    match (&left.address, &right.address) {
        (ServerAddress::Unix { path: left, .. }, ServerAddress::Unix { path: right, .. }) => left == right,
        (left, right) => left == right,
    }
}

async fn accept(listener: Arc<Listener>, site: Arc<Site>, tasks: TaskTracker, slots: Arc<Semaphore>) {
    let stop = site.stop.clone();
    let accepting = async {
        // the semaphore is never closed
        while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
            match listener.accept().await {
                Ok(stream) => {
                    let site = Arc::clone(&site);
                    tasks.spawn(async move {
                        serve(Arc::new(stream), site).await;
                        drop(slot);
                    });
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = accepting => {}
    }
}

async fn serve(stream: Arc<Stream>, site: Arc<Site>) {
    let service = service_fn(|request| {
        let (site, stream) = (Arc::clone(&site), Arc::clone(&stream));
        async move { Ok::<_, Infallible>(route::answer(request, &site, stream).await) }
    });
    let connection = http1::Builder::new()
        .title_case_headers(true)
        .header_read_timeout(None)
        .max_buf_size(64 << 10)
        .serve_connection(HyperIo(Arc::clone(&stream)), service);
    let mut connection = std::pin::pin!(connection);
    // how a connection ends is the client's affair
    tokio::select! {
        _ = connection.as_mut() => {}
        () = site.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(GRACE, connection).await;
        }
    }
}
