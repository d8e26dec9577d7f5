//! The gateway: TLS, names, routes, and requests on their way to the services and back.
//!
//! One thread. A connection is counted ([`connection`]), shaken hands with ([`tls`]) and served by hyper's
//! HTTP/1 or HTTP/2 builder. A request is checked ([`strict`]), routed ([`routes`]), signed in ([`sessions`]),
//! cleaned of what a client must not say ([`headers`]) and passed on ([`proxy`], [`upstream`]). Bodies are
//! never collected and never touch the disk.

#![forbid(unsafe_code)]

mod access_log;
mod acme;
mod answers;
mod assembly;
mod base_path;
mod body;
mod certificates_view;
mod check;
mod compression;
pub mod config;
mod connection;
mod deadline;
mod doors;
mod ending;
mod failure;
mod forward;
mod headers;
mod inside;
mod listeners;
mod lookup;
mod metrics;
mod names;
mod origin;
mod outer_path;
mod plan;
mod proxy;
mod qr;
mod rates;
mod reload;
mod renewal;
mod request_id;
mod routes;
mod sessions;
mod static_files;
mod strict;
mod tls;
mod trust;
mod tunnel;
mod upload;
mod upstream;
mod view;

use std::sync::Arc;
use std::time::Duration;

pub use acme::{AcmeError, obtain as obtain_certificate};
pub use check::{check_addresses, check_certificate, check_files, check_ports, check_settings};
pub use config::{Config, Route, Routes};
pub use listeners::Addresses;
pub use lookup::{Admitted, Lookup};
pub use names::BadName;
pub use origin::BadNetwork;
pub use outer_path::BadPath;
use pistack_kit::clock::Clock;
use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::paths::StatePaths;
use pistack_kit::service::RunError;
pub use plan::{Finding, check_routes};
pub use qr::terminal as qr_code;
pub use reload::Reload;
pub use tls::{Certificate, Kind, State, TlsError, fingerprint, import, remove_imported, state};

use connection::Entrance;
use ending::Signal;
use reload::Reloader;

/// After the kill signal a task needs one turn of the loop to end.
const AFTER_KILL: Duration = Duration::from_millis(500);

/// What `pistack serve gateway` hands over.
#[derive(Debug, Clone)]
pub struct GatewayContext {
    /// `[gateway]`.
    pub config: Config,
    /// `[route.NAME]`.
    pub routes: Routes,
    /// How to read both again; `None` = not at all.
    pub reload: Option<Reload>,
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
    run_bound(context, || Ok(())).await
}

/// As [`run`], with `bound` called when the addresses are bound and certificates are open, before the first connection
/// is accepted: the moment to give up rights.
///
/// # Errors
/// As [`run`], and when `bound` fails.
pub async fn run_bound(
    context: GatewayContext,
    bound: impl FnOnce() -> Result<(), RunError>,
) -> Result<(), RunError> {
    let assembly::Assembled {
        gateway,
        renewal,
        listeners,
        doors,
        inside,
        tls,
        addresses,
    } = assembly::assemble(&context).await?;
    bound()?;
    let GatewayContext {
        config,
        paths,
        lifecycle,
        reload,
        clock,
        ..
    } = context;
    let kill = Arc::new(Signal::default());
    let certificates = certificates_view::CertificatesView::new(&config, &paths, &clock);
    let (stop, tasks, drain) = (gateway.stop.clone(), gateway.tasks.clone(), config.drain.0);
    if !config.acme.domains.is_empty() {
        let acme = config.acme.clone();
        tasks.spawn(acme::keep(
            acme,
            paths.clone(),
            clock,
            renewal.clone(),
            stop.clone(),
        ));
    }
    let entrance = Entrance {
        gateway: gateway.clone(),
        renewal: renewal.clone(),
        tls,
        config: Arc::new(config),
        kill: kill.clone(),
    };
    tasks.spawn(sessions::follow(gateway.sessions.clone(), stop.clone()));
    tasks.spawn(renewal.clone().watch(stop.clone()));
    let own = [(listeners.https, true), (listeners.http, false)];
    for (listeners, secure) in own {
        entrance.open(listeners, secure, None, &stop);
    }
    let reloader = Arc::new(Reloader {
        gateway: gateway.clone(),
        renewal,
        certificates,
        read: reload,
        open: Box::new(move |bound| entrance.open_door(bound)),
        turn: tokio::sync::Mutex::new(()),
    });
    for door in doors {
        (reloader.open)(door);
    }
    tasks.spawn(inside::serve(inside, reloader.clone()));
    let published = addresses.publish(&paths)?;
    tracing::info!(https = %addresses.https, http = ?addresses.http, "the gateway listens");

    reloader.until(lifecycle.stopped()).await?;
    drop(published);
    gateway.stopping.raise();
    tasks.close();
    if tokio::time::timeout(drain, tasks.wait()).await.is_err() {
        tracing::warn!("requests were still open when the time to end them was over");
        kill.raise();
        let _ = tokio::time::timeout(AFTER_KILL, tasks.wait()).await;
    }
    Ok(())
}
