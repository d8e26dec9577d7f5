//! The stack itself as supervised programs: six services and the gateway in one group, the rules listener beside it.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use pistack_api::service::{GROUP, Service};
use pistack_engine::config::model::{
    AutoRestart, ChannelSpec, GroupKind, GroupSpec, LogTarget, Origin, PoolSpec, ProcessSpec,
};
use pistack_engine::event::EventKind;
use pistack_kit::paths::StatePaths;

use crate::config::file::Services;

/// The gateway's program name.
pub(crate) const GATEWAY: &str = "gateway";
/// The rules listener's program and pool name, as in the original.
pub(crate) const LISTENER: &str = "event_listener";

/// How the stack's own programs are started.
#[derive(Debug)]
pub(crate) struct Launch<'a> {
    /// This program.
    pub(crate) executable: PathBuf,
    /// The configuration that `up` was given; `None` = built-in defaults.
    pub(crate) config: Option<&'a Path>,
    /// The state directory.
    pub(crate) paths: &'a StatePaths,
    /// Further environment (`PISTACK_HTTPS`, ...).
    pub(crate) environment: IndexMap<String, String>,
}

/// The groups of the stack, as `[services]` asks for them.
pub(crate) fn groups(services: &Services, launch: &Launch<'_>) -> Vec<GroupSpec> {
    if !services.enabled {
        return Vec::new();
    }
    let mut processes: Vec<ProcessSpec> = services
        .running()
        .iter()
        .map(|service| program(launch, *service))
        .collect();
    if services.gateway.enabled {
        processes.push(launch.process(GATEWAY, GATEWAY, GROUP));
    }
    let mut groups = vec![GroupSpec {
        name: GROUP.to_owned(),
        priority: 999,
        kind: GroupKind::Programs,
        processes,
        origin: Origin::default(),
    }];
    if services.rules.enabled {
        groups.push(listener(launch));
    }
    groups
}

fn program(launch: &Launch<'_>, service: Service) -> ProcessSpec {
    let mut process = launch.process(service.program(), service.name(), GROUP);
    if service == Service::Io {
        // However it ends: what it drove must not stay as it happened to be.
        process.on_exit = Some(format!("{} io safe", launch.quoted_executable()));
    }
    process
}

fn listener(launch: &Launch<'_>) -> GroupSpec {
    let mut process = launch.process(LISTENER, "rules", LISTENER);
    // Standard output is the protocol; the log is on standard error.
    process.redirect_stderr = false;
    process.stderr = process.stdout.clone();
    process.stdout = ChannelSpec {
        logfile: LogTarget::None,
        ..ChannelSpec::default()
    };
    let events = [
        "PROCESS_STATE",
        "PROCESS_GROUP",
        "SUPERVISOR_STATE_CHANGE",
        "PROCESS_COMMUNICATION",
        "REMOTE_COMMUNICATION",
    ];
    GroupSpec {
        name: LISTENER.to_owned(),
        priority: -1,
        kind: GroupKind::Listeners(PoolSpec {
            events: events
                .into_iter()
                .flat_map(|name| EventKind::parse(name).unwrap_or_default())
                .collect(),
            buffer_size: None,
            result_handler: "supervisor.dispatchers:default_handler".to_owned(),
        }),
        processes: vec![process],
        origin: Origin::default(),
    }
}

impl Launch<'_> {
    /// This program, for a command line.
    fn quoted_executable(&self) -> String {
        pistack_engine::config::shlex::quote(&self.executable.display().to_string())
    }

    fn process(&self, name: &str, role: &str, group: &str) -> ProcessSpec {
        let mut spec = ProcessSpec::new(name, format!("{} serve {role}", self.quoted_executable()));
        group.clone_into(&mut spec.group);
        spec.autorestart = AutoRestart::Always;
        spec.startretries = 10;
        spec.redirect_stderr = true;
        spec.stdout = ChannelSpec {
            logfile: LogTarget::File(self.paths.logs().join(format!("{name}.log"))),
            maxbytes: 5 * 1024 * 1024,
            backups: 2,
            ..ChannelSpec::default()
        };
        spec.environment.clone_from(&self.environment);
        let mut set = |name: &str, value: String| {
            spec.environment.insert(name.to_owned(), value);
        };
        set("PISTACK_STATE_DIR", self.paths.root().display().to_string());
        set(
            "PISTACK_CONFIG",
            self.config
                .map(|path| path.display().to_string())
                .unwrap_or_default(),
        );
        // One arena and a fixed threshold: a password hash's memory goes back to the system (measured in
        // docs/decisions/0004-memory.md).
        set("MALLOC_ARENA_MAX", "1".to_owned());
        set("MALLOC_MMAP_THRESHOLD_", "131072".to_owned());
        spec
    }
}
