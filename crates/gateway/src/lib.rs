//! The gateway: TLS, names, routes, and requests on their way to the services and back.
//!
//! One thread. A connection is counted ([`connection`]), shaken hands with ([`tls`]) and served by hyper's
//! HTTP/1 or HTTP/2 builder. A request is checked ([`strict`]), routed ([`routes`]), signed in ([`sessions`]),
//! cleaned of what a client must not say ([`headers`]) and passed on ([`proxy`], [`upstream`]). Bodies are
//! never collected and never touch the disk.

#![forbid(unsafe_code)]

mod body;
mod check;
pub mod config;
mod connection;
mod deadline;
mod failure;
mod headers;
mod listeners;
mod names;
mod proxy;
mod renewal;
mod routes;
mod sessions;
mod socket;
mod strict;
mod tls;
mod tunnel;
mod upstream;

use std::sync::{Arc, RwLock};
use std::time::Duration;

pub use check::{check_addresses, check_certificate};
pub use config::Config;
pub use listeners::Addresses;
pub use names::BadName;
use pistack_kit::clock::Clock;
use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::paths::StatePaths;
use pistack_kit::service::RunError;
pub use tls::{TlsError, fingerprint};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use connection::{Admission, Side};
use listeners::Listeners;
use proxy::{Gateway, RequestIds};
use renewal::Renewal;
use sessions::Sessions;
use tls::Certificates;
use upstream::Upstreams;

/// After the kill signal a task needs one turn of the loop to end.
const AFTER_KILL: Duration = Duration::from_millis(500);

/// What `pistack serve gateway` hands over.
#[derive(Debug, Clone)]
pub struct GatewayContext {
    /// `[gateway]`.
    pub config: Config,
    /// The state directory.
    pub paths: StatePaths,
    /// Time.
    pub clock: Clock,
    /// Life of the process.
    pub lifecycle: Lifecycle,
}

/// Serves until the process stops, then lets open requests end, `drain` at most.
///
/// # Errors
/// When a certificate cannot be used or an address cannot be bound; the text names the file or address and the
/// cure. Nothing listens then.
pub async fn run(context: GatewayContext) -> Result<(), RunError> {
    let GatewayContext {
        config,
        paths,
        clock,
        lifecycle,
    } = context;
    let (certificates, names) = Certificates::open(&config, &paths, &clock)?;
    let tls = TlsAcceptor::from(Arc::new(certificates.server_config()?));
    let listeners = Listeners::bind(&config).await?;
    let addresses = listeners.addresses(names.primary.clone())?;

    let stop = CancellationToken::new();
    let kill = CancellationToken::new();
    let tasks = TaskTracker::new();
    let upstreams = Upstreams::new(&paths, config.hold.0, stop.clone());
    let sessions = Sessions::new(upstreams.clone(), clock.clone());
    let gateway = Arc::new(Gateway {
        names: RwLock::new(Arc::new(names)),
        root: certificates.root(),
        https_port: addresses.https.port(),
        upstreams,
        sessions: sessions.clone(),
        response_timeout: config.response_timeout.0,
        body_timeout: config.body_timeout.0,
        stop: stop.clone(),
        tasks: tasks.clone(),
        ids: RequestIds::new(),
    });
    let renewal = Renewal::new(gateway.clone(), certificates, clock);
    let admission = Admission::new(&config);
    let drain = config.drain.0;
    let side = |tls| {
        Arc::new(Side {
            gateway: gateway.clone(),
            renewal: renewal.clone(),
            admission: admission.clone(),
            tls,
            config: Arc::new(config.clone()),
            kill: kill.clone(),
        })
    };
    let (secure, plain) = (side(Some(tls)), side(None));
    tasks.spawn(sessions::follow(sessions, stop.clone()));
    tasks.spawn(renewal.watch(stop.clone()));
    for listener in listeners.https {
        tasks.spawn(secure.clone().accept(listener));
    }
    for listener in listeners.http {
        tasks.spawn(plain.clone().accept(listener));
    }
    let published = addresses.publish(&paths)?;
    tracing::info!(https = %addresses.https, http = ?addresses.http, "the gateway listens");

    lifecycle.stopped().await;
    drop(published);
    stop.cancel();
    tasks.close();
    if tokio::time::timeout(drain, tasks.wait()).await.is_err() {
        tracing::warn!("requests were still open when the time to end them was over");
        kill.cancel();
        let _ = tokio::time::timeout(AFTER_KILL, tasks.wait()).await;
    }
    Ok(())
}
