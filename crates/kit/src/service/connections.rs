//! Accepting connections and serving HTTP/1.1 on them, with bounds, until the process stops.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::Peer;
use super::leftover::{self, Leftover};
use crate::lifecycle::Lifecycle;
use crate::listen::UnixSocket;

/// How long a client may take to send a request's head, and how long a kept connection may idle.
const HEADER_DEADLINE: Duration = Duration::from_secs(30);
/// Largest head of a request; also the most that a connection buffers.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Connections at once; more wait to be accepted. Half of the usual limit of 1024 descriptors.
const MAX_CONNECTIONS: usize = 512;
/// Rest after an accept that failed for lack of descriptors or memory, so that it does not spin.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// The open connections of a service.
pub(super) struct Connections {
    lifecycle: Lifecycle,
    tasks: TaskTracker,
    room: Arc<Semaphore>,
}

impl Connections {
    pub(super) fn new(lifecycle: Lifecycle) -> Self {
        Self {
            lifecycle,
            tasks: TaskTracker::new(),
            room: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        }
    }

    /// Serves TCP until the process stops.
    pub(super) fn accept_tcp(&self, listener: TcpListener, router: Router) {
        let listener = Arc::new(listener);
        self.accept(router, move || {
            let listener = Arc::clone(&listener);
            async move {
                let (stream, address) = listener.accept().await?;
                // A peer that is gone already is no fault of the listener.
                let _ = stream.set_nodelay(true);
                Ok((stream, Peer::Tcp(address)))
            }
        });
    }

    /// Serves a unix socket until the process stops, then removes its file.
    pub(super) fn accept_unix(&self, socket: UnixSocket, router: Router) {
        let socket = Arc::new(socket);
        self.accept(router, move || {
            let socket = Arc::clone(&socket);
            async move {
                socket
                    .listener
                    .accept()
                    .await
                    .map(|(stream, _)| (stream, Peer::Unix))
            }
        });
    }

    fn accept<I, F>(&self, router: Router, mut next: impl FnMut() -> F + Send + 'static)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = io::Result<(I, Peer)>> + Send,
    {
        let (lifecycle, tasks, room) = (self.lifecycle.clone(), self.tasks.clone(), Arc::clone(&self.room));
        self.tasks.spawn(async move {
            loop {
                let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
                    return;
                };
                let accepted = tokio::select! {
                    accepted = next() => accepted,
                    () = lifecycle.stopped() => return,
                };
                match accepted {
                    Ok((stream, peer)) => {
                        let serving = serve(stream, peer, router.clone(), lifecycle.clone());
                        tasks.spawn(async move {
                            serving.await;
                            drop(permit);
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_REST).await;
                    }
                }
            }
        });
    }

    /// Waits until every connection has ended, `grace` at most. True if all did.
    pub(super) async fn finish(&self, grace: Duration) -> bool {
        self.tasks.close();
        // Frees an accept loop that waits for room.
        self.room.close();
        tokio::time::timeout(grace, self.tasks.wait()).await.is_ok()
    }
}

/// The request as handlers get it, and where the rest of its body comes back to.
fn with_leftover(request: Request<Incoming>, peer: Peer) -> (Request<Body>, Option<Leftover>) {
    let (mut head, body) = request.into_parts();
    head.extensions.insert(peer);
    if body.is_end_stream() {
        return (Request::from_parts(head, Body::empty()), None);
    }
    let (lent, left) = leftover::lend(&head.headers, body);
    (Request::from_parts(head, Body::new(lent)), Some(left))
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    router: Router,
    lifecycle: Lifecycle,
) {
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (request, left) = with_leftover(request, peer);
        let router = router.clone();
        async move {
            let response = router
                .oneshot(request)
                .await
                .unwrap_or_else(|never| match never {});
            Ok::<_, Infallible>(match left {
                Some(left) => left.settle(response).await,
                None => response,
            })
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_DEADLINE)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = lifecycle.stopped() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        // A client that hangs up or dawdles is its own affair.
        tracing::debug!(%error, "a connection ended");
    }
}
