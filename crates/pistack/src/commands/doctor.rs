//! `pistack doctor`: looks at everything that a start needs, and names what is wrong with its cure. `up` lets it look
//! first, in a process of its own, so that the supervisor itself never holds a database or a key.

use std::net::SocketAddr;

use pistack_api::service::Service;
use pistack_gateway::GatewayContext;
use pistack_kit::clock::Clock;
use pistack_kit::guard::Guard;
use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::listen;
use pistack_kit::paths::StatePaths;
use pistack_kit::service::{Context, Listen, RunError};

use crate::cli::Place;
use crate::commands::peer::{Peer, block_on};
use crate::config::file::File;
use crate::config::load::load_file;
use crate::exit::{Code, Failure};
use crate::rights::{self, Rights};
use crate::serve::tcp_address;
use crate::state;

/// Looks and prints. `starting`: prints what is wrong only, and takes the ports to be free.
pub(crate) fn doctor(place: &Place, starting: bool) -> Result<Code, Failure> {
    let paths = state::paths(place)?;
    let file = load_file(crate::serve::configured(place).as_deref())?;
    paths.create().map_err(|error| Failure::new(error.to_string()))?;
    block_on(async {
        let running = !starting && Peer::new(place)?.processes().await.is_ok();
        let findings = look(&file, &paths, running).await;
        let mut code = Code::Ok;
        for (what, found) in findings {
            match found {
                Ok(()) if starting => {}
                Ok(()) => println!("✓ {what}"),
                Err(error) => {
                    eprintln!("✖ {what}: {error}");
                    code = Code::Failed;
                }
            }
        }
        Ok(code)
    })
}

type Finding = (String, Result<(), RunError>);

async fn look(file: &File, paths: &StatePaths, running: bool) -> Vec<Finding> {
    let mut findings = vec![rights_of(file, paths)];
    for service in file.services.running() {
        let lifecycle = Lifecycle::new();
        let context = context(service, paths, &lifecycle);
        let opened: Option<Result<(), RunError>> = match service {
            Service::Auth => Some(
                pistack_auth::build(&context, &file.auth)
                    .await
                    .map(drop)
                    .map_err(Into::into),
            ),
            Service::Email => Some(pistack_email::try_open(&context, &file.email).await),
            _ => None,
        };
        lifecycle.stop();
        if let Some(opened) = opened {
            findings.push((format!("{}: database, keys and files", service.program()), opened));
        }
        if let (false, Some(address)) = (running, tcp_address(service, file)) {
            findings.push((
                format!("{}: port {address}", service.program()),
                port(service, address).await,
            ));
        }
    }
    if file.services.enabled && file.services.gateway.enabled {
        let context = GatewayContext {
            config: file.gateway.clone(),
            routes: file.route.clone(),
            reload: None,
            paths: paths.clone(),
            clock: Clock::system(),
            lifecycle: Lifecycle::new(),
        };
        findings.push((
            "gateway: certificate".to_owned(),
            pistack_gateway::check_certificate(&context),
        ));
        if !running {
            findings.push((
                "gateway: ports".to_owned(),
                pistack_gateway::check_addresses(&context).await,
            ));
        }
    }
    findings
}

/// As whom the services run.
fn rights_of(file: &File, paths: &StatePaths) -> Finding {
    match rights::decide(file.services.user.as_deref(), paths) {
        Ok(Rights::Become(account)) => (
            format!("rights: the services become `{}`", account.name()),
            Ok(()),
        ),
        Ok(Rights::Stay(reason)) => (format!("rights: the services run as this user: {reason}"), Ok(())),
        Err(error) => ("rights".to_owned(), Err(error.into())),
    }
}

async fn port(service: Service, address: SocketAddr) -> Result<(), RunError> {
    listen::tcp(address, &format!("{}_PORT", service.env_prefix()))
        .await
        .map(drop)
        .map_err(Into::into)
}

fn context(service: Service, paths: &StatePaths, lifecycle: &Lifecycle) -> Context {
    let clock = Clock::system();
    Context {
        service,
        listen: Listen::default(),
        paths: paths.clone(),
        guard: Guard::new(service, clock.clone()),
        clock,
        lifecycle: lifecycle.clone(),
    }
}
