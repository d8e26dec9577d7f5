//! One way to run a service: listeners, guard, documents, health, limits, shutdown.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use pistack_api::service::Service;
use utoipa::openapi::OpenApi;

use crate::clock::Clock;
use crate::guard::Guard;
use crate::lifecycle::Lifecycle;
use crate::paths::StatePaths;

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

/// Serves until the process stops, then finishes open requests (5 s at most). Adds `GET /api/NAME/health`
/// (`{"service","status":"ok","uptime"}`, no login), API documents, the guard, a body limit of 1 MiB
/// (a route may set its own), problem answers for unknown paths (404 `not found`) and methods (405), and
/// turns a panic into a 500 problem.
pub async fn serve(_context: &Context, _app: App) -> Result<(), RunError> {
    todo!()
}

/// The complete router that [`serve`] serves on TCP, for tests of a service's own routes.
pub fn router(_context: &Context, _app: App) -> Router {
    todo!()
}
