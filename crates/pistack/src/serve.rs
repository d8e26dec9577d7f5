//! One service in the foreground: how the supervisor starts it, and how a developer does.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pistack_api::service::Service;
use pistack_kit::clock::Clock;
use pistack_kit::guard::Guard;
use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::paths::StatePaths;
use pistack_kit::service::{Context, Listen, RunError};

use crate::cli::Place;
use crate::config::file::File;
use crate::config::in_one_line;
use crate::config::load::{lines_of, load_file, load_with, programs_of};
use crate::exit::{Code, Failure};
use crate::rights::{self, Account, Rights, RightsError};
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
    let named = configured(place);
    let file = load_file(named.as_deref())?;
    let rights = Plan::of(role, &file, &paths)?;
    if role != Role::Gateway {
        rights
            .drop_now()
            .map_err(|error| Failure::new(error.to_string()))?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(async {
        let lifecycle = Lifecycle::new();
        lifecycle.stop_on_signals()?;
        lifecycle.spawn(crate::quiet::watch(lifecycle.clone()));
        let ended = start(role, file, paths, rights, named, lifecycle.clone()).await;
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

/// Who a role becomes, and where it can still write then.
struct Plan {
    account: Option<Account>,
    writable: Vec<PathBuf>,
    paths: StatePaths,
}

impl Plan {
    fn of(role: Role, file: &File, paths: &StatePaths) -> Result<Self, Failure> {
        let rights = rights::decide(file.services.user.as_deref(), paths)
            .map_err(|error| Failure::new(error.to_string()))?;
        let account = match rights {
            // Rules run the operator's commands.
            Rights::Become(_) if role == Role::Service(Service::Rules) => None,
            Rights::Become(account) if role == Role::Service(Service::Io) && !opens_gpio(&account) => {
                tracing::warn!(
                    user = account.name(),
                    "the user may not open the GPIO devices, so this service keeps the rights of root. Add the user \
                     to the group `gpio`"
                );
                None
            }
            Rights::Become(account) => Some(account),
            Rights::Stay(reason) => {
                // Said once, by the one that the network talks to.
                if role == Role::Gateway && rustix::process::getuid().is_root() {
                    tracing::warn!(reason, "this stack runs with the rights of root");
                }
                None
            }
        };
        let writable = match role {
            Role::Gateway => vec![paths.tls(), paths.run(), "/dev/null".into()],
            Role::Service(_) => vec![
                paths.root().to_owned(),
                "/dev".into(),
                "/tmp".into(),
                "/var/tmp".into(),
                // Hardware PWM. The files' own rights decide who may.
                "/sys/devices".into(),
            ],
        };
        Ok(Self {
            account,
            writable,
            paths: paths.clone(),
        })
    }

    /// Hands the state directory over and gives the rights up.
    fn drop_now(&self) -> Result<(), RightsError> {
        let Some(account) = &self.account else {
            return Ok(());
        };
        account.give(&self.paths)?;
        account.become_it(&self.writable)
    }
}

/// Whether the user may open every GPIO device that there is.
fn opens_gpio(account: &Account) -> bool {
    let devices = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    devices
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().starts_with("/dev/gpiochip"))
        .all(|path| account.may(&path, 0o6))
}

/// Goes on as the user whose `run` is: what holds the lines after a crash of io_service needs no more than that had.
pub(crate) fn become_owner_of_run(paths: &StatePaths) -> Result<(), RightsError> {
    let owner = std::fs::metadata(paths.run()).map_or(0, |metadata| metadata.uid());
    if owner == 0 || !rustix::process::getuid().is_root() {
        return Ok(());
    }
    match rights::decide(Some(&owner.to_string()), paths)? {
        Rights::Become(account) if opens_gpio(&account) => {
            account.become_it(&[paths.run(), "/dev".into(), "/sys/devices".into()])
        }
        _ => Ok(()),
    }
}

/// What the gateway reads again on a reload.
fn read_routes(named: Option<&Path>) -> Result<(pistack_gateway::Config, pistack_gateway::Routes), String> {
    match load_file(named) {
        Ok(file) => Ok((file.gateway, file.route)),
        Err(errors) => Err(in_one_line(&errors)),
    }
}

async fn start(
    role: Role,
    file: File,
    paths: StatePaths,
    rights: Plan,
    named: Option<PathBuf>,
    lifecycle: Lifecycle,
) -> Result<(), RunError> {
    match role {
        Role::Gateway => {
            let clock = Clock::kept(&paths.clock_record());
            let context = pistack_gateway::GatewayContext {
                config: file.gateway,
                routes: file.route,
                reload: Some(pistack_gateway::Reload::new(move || {
                    read_routes(named.as_deref())
                })),
                paths,
                clock,
                lifecycle,
            };
            pistack_gateway::run_bound(context, || rights.drop_now().map_err(Into::into)).await
        }
        Role::Service(service) => Box::pin(serve(service, file, paths, named, lifecycle)).await,
    }
}

async fn serve(
    service: Service,
    file: File,
    paths: StatePaths,
    named: Option<PathBuf>,
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
        Service::Io => {
            let mut io = file.io;
            io.sensors = file.sensor;
            pistack_io::run(context, io, file.line).await
        }
        Service::Email => pistack_email::run(context, file.email).await,
        Service::Rules => serve_rules(context, file, named).await,
    }
}

/// The rules work by the whole configuration; one that is wrong by now leaves them at what was read at the start.
async fn serve_rules(context: Context, file: File, named: Option<PathBuf>) -> Result<(), RunError> {
    let overlay = crate::config::find(named.as_deref())
        .ok()
        .and_then(|found| found.main)
        .map(|main| pistack_rules::Overlay::beside(&main));
    let path = overlay.as_ref().map(|overlay| overlay.path().to_owned());
    let paths = context.paths.clone();
    let reload: pistack_rules::Reload = std::sync::Arc::new(move |text| {
        let instead = path.as_deref().zip(text);
        load_with(named.as_deref(), &paths, &indexmap::IndexMap::new(), instead)
            .map(|loaded| rule_tables(&loaded))
    });
    let tables = reload(None).unwrap_or_else(|_| pistack_rules::Tables {
        config: file.rules,
        rules: file.rule,
        channels: file.channel,
        ..pistack_rules::Tables::default()
    });
    pistack_rules::run(context, tables, reload, overlay).await
}

/// What the rules process works by.
fn rule_tables(loaded: &crate::config::Loaded) -> pistack_rules::Tables {
    let places = loaded.rule_places.iter().map(|(name, (file, line))| {
        let place = pistack_rules::RulePlace {
            file: file.clone(),
            line: *line,
        };
        (name.clone(), place)
    });
    pistack_rules::Tables {
        config: loaded.file.rules.clone(),
        rules: loaded.file.rule.clone(),
        channels: loaded.file.channel.clone(),
        places: places.collect(),
        names: pistack_rules::Names {
            programs: programs_of(&loaded.model),
            lines: lines_of(&loaded.file).into_iter().map(|(name, _)| name).collect(),
        },
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
