//! One way to run a service: listeners, guard, documents, health, limits, shutdown.

mod connections;
mod leftover;
mod router;

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::HeaderMap;
use pistack_api::service::Service;
use serde_json::{Map, Value};
use utoipa::openapi::OpenApi;

use crate::clock::Clock;
use crate::guard::Guard;
use crate::lifecycle::Lifecycle;
use crate::listen;
use crate::paths::StatePaths;

/// How long open requests may take once the process should stop.
const GRACE: Duration = Duration::from_secs(5);

/// Where a service listens.
#[derive(Debug, Clone, Default)]
pub struct Listen {
    /// The contract's loopback port; `None` when switched off.
    pub tcp: Option<SocketAddr>,
    /// The unix socket that the gateway uses.
    pub unix: Option<PathBuf>,
}

/// What `pistack serve NAME` hands to a service.
#[derive(Debug, Clone)]
pub struct Context {
    /// Which service this is.
    pub service: Service,
    /// Where it listens.
    pub listen: Listen,
    /// The state directory.
    pub paths: StatePaths,
    /// Time.
    pub clock: Clock,
    /// Life of the process.
    pub lifecycle: Lifecycle,
    /// Verifies callers. For all services but auth it already follows auth's feed.
    pub guard: Arc<Guard>,
}

/// A service ended because of an error. Carries the whole text for the person who started it.
pub type RunError = Box<dyn std::error::Error + Send + Sync>;

/// What a service serves.
pub struct App {
    /// Routes with their whole path (`/api/auth/...`), for both listeners.
    pub public: Router,
    /// Routes for the unix socket only (`/internal/...`).
    pub internal: Router,
    /// The service's document; `None` for the dashboard.
    pub spec: Option<OpenApi>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("described", &self.spec.is_some())
            .finish_non_exhaustive()
    }
}

/// The other end of a connection. In every request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A process of this machine that may open our socket: the gateway, or another service.
    Unix,
    /// A TCP connection.
    Tcp(SocketAddr),
}

impl Peer {
    /// Address of the client: the last entry of `X-Forwarded-For` where the connection comes from a proxy on this
    /// machine (only that entry was written by the proxy itself), else the connection's own. `None` for a call of
    /// our own processes.
    pub fn client(self, headers: &HeaderMap) -> Option<IpAddr> {
        let forwarded = || {
            let last = headers
                .get_all("x-forwarded-for")
                .iter()
                .next_back()?
                .to_str()
                .ok()?;
            last.rsplit(',').next()?.trim().parse().ok()
        };
        match self {
            Self::Unix => forwarded(),
            Self::Tcp(address) if address.ip().is_loopback() => forwarded().or(Some(address.ip())),
            Self::Tcp(address) => Some(address.ip()),
        }
    }
}

/// What a service adds to its health answer: members beside `service`, `status` and `uptime`; a `status` of its own takes
/// the place of `ok`, and a member `"ok":false` makes the answer a 503.
pub type HealthReport =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Map<String, Value>> + Send>> + Send + Sync>;

/// Serves until the process stops, then finishes open requests (5 s at most). Adds `GET /api/NAME/health`
/// (`{"service","status":"ok","uptime"}`, no login), API documents, the guard, a body limit of 1 MiB
/// (a route may set its own), problem answers for unknown paths (404 `not found`) and methods (405), and
/// turns a panic into a 500 problem.
pub async fn serve(context: &Context, app: App) -> Result<(), RunError> {
    serve_with_health(context, app, None).await
}

/// As [`serve`], with a health answer that says more than that the service is there.
pub async fn serve_with_health(
    context: &Context,
    app: App,
    health: Option<HealthReport>,
) -> Result<(), RunError> {
    let App {
        public,
        internal,
        spec,
    } = app;
    // Both listeners share one text; the document that it was written from takes a megabyte and goes at once.
    let documents = documents(context, spec);
    let connections = connections::Connections::new(context.lifecycle.clone());
    if let Some(address) = context.listen.tcp {
        let setting = format!("{}_PORT", context.service.env_prefix());
        let listener = listen::tcp(address, &setting).await?;
        tracing::info!(service = %context.service, address = %listener.local_addr()?, "listening");
        connections.accept_tcp(
            listener,
            router::build(context, public.clone(), documents.clone(), health.clone()),
        );
    }
    if let Some(path) = &context.listen.unix {
        let socket = listen::unix(path, 0o600)?;
        tracing::info!(service = %context.service, socket = %path.display(), "listening");
        connections.accept_unix(
            socket,
            router::build(context, public.merge(internal), documents, health),
        );
    }
    context.lifecycle.stopped().await;
    if !connections.finish(GRACE).await {
        tracing::warn!(service = %context.service, "stopped with requests still open");
    }
    Ok(())
}

/// The complete router that [`serve`] serves on TCP, for tests of a service's own routes.
pub fn router(context: &Context, app: App) -> Router {
    router::build(context, app.public, documents(context, app.spec), None)
}

/// As [`router()`], with a health answer that says more.
pub fn router_with_health(context: &Context, app: App, health: HealthReport) -> Router {
    router::build(context, app.public, documents(context, app.spec), Some(health))
}

fn documents(context: &Context, spec: Option<OpenApi>) -> Option<Router> {
    spec.map(|spec| crate::openapi::routes(context.service, &spec))
}

#[cfg(test)]
mod tests;
