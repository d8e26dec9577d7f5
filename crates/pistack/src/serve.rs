//! One service in the foreground: how the supervisor starts it, and how a developer does.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use pistack_api::service::Service;
use pistack_kit::clock::Clock;
use pistack_kit::guard::Guard;
use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::paths::StatePaths;
use pistack_kit::service::{Context, Listen, RunError};

use crate::cli::Place;
use crate::config::file::File;
use crate::config::load::load_file;
use crate::exit::{Code, Failure};
use crate::state;

/// How long background tasks may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// What `pistack serve` can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Service(Service),
    Gateway,
}

/// Runs one role until it is told to stop.
pub(crate) fn run(place: &Place, name: &str) -> Result<Code, Failure> {
    let role = match name {
        "gateway" => Role::Gateway,
        other => Role::Service(other.parse().map_err(|_| {
            Failure::new(format!(
                "`{other}` is no service; write auth, supervisor, control, info, io, email, gateway or rules"
            ))
        })?),
    };
    pistack_kit::telemetry::init();
    let paths = state::paths(place)?;
    paths.create().map_err(|error| Failure::new(error.to_string()))?;
    let file = load_file(configured(place).as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(async {
        let lifecycle = Lifecycle::new();
        lifecycle.stop_on_signals()?;
        let ended = start(role, file, paths, lifecycle.clone()).await;
        lifecycle.stop();
        lifecycle.finish(GRACE).await;
        ended
            .map(|()| Code::Ok)
            .map_err(|error| Failure::new(error.to_string()))
    });
    // A thread that waits in a read of standard input (the rules listener's) must not hold up the end.
    runtime.shutdown_background();
    ended
}

/// `-c`, else what `up` passed on; an empty name means the built-in defaults.
pub(crate) fn configured(place: &Place) -> Option<PathBuf> {
    place
        .config
        .clone()
        .or_else(|| std::env::var_os("PISTACK_CONFIG").map(PathBuf::from))
}

async fn start(role: Role, file: File, paths: StatePaths, lifecycle: Lifecycle) -> Result<(), RunError> {
    match role {
        Role::Gateway => {
            let clock = Clock::kept(&paths.clock_record());
            pistack_gateway::run(pistack_gateway::GatewayContext {
                config: file.gateway,
                paths,
                clock,
                lifecycle,
            })
            .await
        }
        Role::Service(service) => serve(service, file, paths, lifecycle).await,
    }
}

async fn serve(
    service: Service,
    file: File,
    paths: StatePaths,
    lifecycle: Lifecycle,
) -> Result<(), RunError> {
    let clock = Clock::kept(&paths.clock_record());
    let guard = Guard::new(service, clock.clone());
    if service != Service::Auth {
        guard.follow(
            paths.service_socket(Service::Auth),
            paths.cached_keys(),
            &lifecycle,
        );
    }
    let context = Context {
        service,
        listen: listen(service, &file, &paths),
        paths,
        clock,
        lifecycle,
        guard,
    };
    match service {
        Service::Auth => pistack_auth::run(context, file.auth).await,
        Service::Supervisor => pistack_supervisor::run(context, file.supervisor_service).await,
        Service::Control => pistack_control::run(context, file.control).await,
        Service::Info => pistack_info::run(context, file.info).await,
        Service::Io => pistack_io::run(context, file.io, file.line).await,
        Service::Email => pistack_email::run(context, file.email).await,
        Service::Rules => pistack_rules::run(context, file.rules, file.rule, file.channel).await,
    }
}

/// The unix socket for the gateway, and the contract's loopback port unless it is switched off.
fn listen(service: Service, file: &File, paths: &StatePaths) -> Listen {
    Listen {
        tcp: tcp_address(service, file),
        unix: Some(paths.service_socket(service)),
    }
}

/// The contract's loopback address of a service; `None` when switched off.
pub(crate) fn tcp_address(service: Service, file: &File) -> Option<SocketAddr> {
    let part = file.services.part(service)?;
    let port = part.port.or(service.port())?;
    let address = part.bind.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    file.services.tcp.then(|| SocketAddr::new(address, port))
}
