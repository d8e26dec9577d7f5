//! Everything that a gateway is made of, put together in the order in which it can fail: nothing is accepted yet.

use std::sync::{Arc, RwLock};

use pistack_api::service::Service;
use pistack_kit::guard::Guard;
use pistack_kit::listen::UnixSocket;
use pistack_kit::service::RunError;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::GatewayContext;
use crate::access_log::Log;
use crate::acme::Places;
use crate::compression::Compression;
use crate::config::Config;
use crate::connection::Admission;
use crate::doors::{Bound, Doors};
use crate::ending::Signal;
use crate::inside;
use crate::listeners::{Addresses, Listeners};
use crate::metrics::Metrics;
use crate::origin::TrustedProxies;
use crate::outer_path::OuterPaths;
use crate::plan;
use crate::proxy::Gateway;
use crate::rates::Rates;
use crate::renewal::Renewal;
use crate::request_id::RequestIds;
use crate::routes::Table;
use crate::sessions::Sessions;
use crate::tls::Certificates;
use crate::trust::Root;
use crate::upload::Patience;
use crate::upstream::Upstreams;

/// The parts.
pub(crate) struct Assembled {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) renewal: Arc<Renewal>,
    pub(crate) listeners: Listeners,
    /// Ports of their own.
    pub(crate) doors: Vec<Bound>,
    /// The gateway's own socket.
    pub(crate) inside: UnixSocket,
    pub(crate) tls: TlsAcceptor,
    pub(crate) addresses: Addresses,
}

/// Opens certificates, binds every address and makes the rest.
pub(crate) async fn assemble(context: &GatewayContext) -> Result<Assembled, RunError> {
    let GatewayContext { paths, clock, .. } = context;
    let metrics = Arc::new(Metrics::default());
    let stop = CancellationToken::new();
    let upstreams = Upstreams::new(paths, context.config.hold.0, clock.clone(), stop.clone());
    let planned = plan::usable(&context.config, &context.routes);
    let table = Table::new(planned, &upstreams, &metrics);
    let mut config = context.config.clone();
    config.names.extend(table.host_names());
    let (certificates, names) = Certificates::open(&config, paths, clock)?;
    let tls = TlsAcceptor::from(Arc::new(certificates.server_config()?));
    let listeners = Listeners::bind(&config).await?;
    let addresses = listeners.addresses(names.primary.clone())?;
    let doors = Doors::default();
    let bound = doors.bind(&table.doors()).await?;
    let inside = inside::bind(paths)?;
    let guard = Guard::new(Service::Control, clock.clone());
    guard.follow(
        paths.service_socket(Service::Auth),
        paths.cached_keys(),
        &context.lifecycle,
    );
    let sessions = Sessions::new(upstreams.clone(), clock.clone(), guard);
    let log = Log::new(config.access_log, config.access_log_lines, clock.clone());
    let root = certificates
        .root()
        .map(|(pem, der)| Root::new(pem, &der, &names.primary));
    let gateway = Arc::new(Gateway {
        names: RwLock::new(Arc::new(names)),
        table: RwLock::new(Arc::new(table)),
        root,
        acme: Places::new(paths),
        https_port: addresses.https.port(),
        upstreams,
        sessions,
        response_timeout: config.response_timeout.0,
        patience: patience(&config),
        url_bytes: config.limits.url_bytes as usize,
        rates: Rates::new(&config.limits),
        trusted: TrustedProxies::parse(&config.trusted_proxies)?,
        outer_paths: OuterPaths::parse(&config.outer_paths)?,
        admission: Admission::new(&config),
        compression: Compression::default(),
        own_stats: metrics.route("gateway"),
        metrics,
        log,
        doors,
        stopping: Signal::new(stop.clone()),
        stop,
        tasks: TaskTracker::new(),
        ids: RequestIds::new(),
    });
    Ok(Assembled {
        renewal: Renewal::new(gateway.clone(), certificates, clock.clone()),
        gateway,
        listeners,
        doors: bound,
        inside,
        tls,
        addresses,
    })
}

fn patience(config: &Config) -> Patience {
    Patience {
        idle: config.body_timeout.0,
        rate: config.limits.upload_rate,
        grace: config.limits.upload_grace.0,
        service: config.response_timeout.0,
    }
}
