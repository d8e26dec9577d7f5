//! `pistack.toml` as a whole: one field a section. The types belong to the crates that use them; this one only
//! puts them side by side, and the JSON Schema is made from it.

use std::net::IpAddr;

use indexmap::IndexMap;
use pistack_api::service::Service;
use pistack_engine::config::tables::{GroupTable, ListenerTable, ProgramTable, SupervisorTable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A `pistack.toml`, together with the files of `pistack.d`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    /// The supervisor itself: its log, its servers, what all programs share.
    pub(crate) supervisor: SupervisorTable,
    /// Programs to keep alive, by name.
    pub(crate) program: IndexMap<String, ProgramTable>,
    /// Groups of programs, by name.
    pub(crate) group: IndexMap<String, GroupTable>,
    /// Programs that hear the supervisor's events over supervisord's listener protocol, by name.
    pub(crate) listener: IndexMap<String, ListenerTable>,
    /// Which parts of the stack run, and where they listen.
    pub(crate) services: Services,
    /// The front door: addresses, names, certificate.
    pub(crate) gateway: pistack_gateway::Config,
    /// Your own web applications and folders, by name.
    pub(crate) route: pistack_gateway::Routes,
    /// Logins.
    pub(crate) auth: pistack_auth::Config,
    /// Process control over HTTP.
    pub(crate) supervisor_service: pistack_supervisor::Config,
    /// The dashboard.
    pub(crate) control: pistack_control::Config,
    /// Network, weather, board.
    pub(crate) info: pistack_info::Config,
    /// GPIO.
    pub(crate) io: pistack_io::Config,
    /// GPIO lines, by name.
    pub(crate) line: pistack_io::Lines,
    /// Sensors, by name.
    pub(crate) sensor: pistack_io::SensorConfigs,
    /// Mail.
    pub(crate) email: pistack_email::Config,
    /// How rules are chosen.
    pub(crate) rules: pistack_rules::Config,
    /// When X happens, do Y; by name.
    pub(crate) rule: IndexMap<String, pistack_rules::Rule>,
    /// Where messages go, by name.
    pub(crate) channel: IndexMap<String, pistack_rules::Channel>,
}

/// Which parts of the stack run (`[services]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Services {
    /// `false`: only your own programs run, nothing of the stack. Default: true.
    pub(crate) enabled: bool,
    /// `false`: the services listen on their unix sockets only, not on the original's loopback ports. Default: true.
    pub(crate) tcp: bool,
    /// The user that the stack's services become where `pistack up` was started by root, by name or number; the
    /// supervisor itself stays root. It gets the state directory. `root` keeps root's rights. Default: `pistack` where
    /// there is such a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    /// The login service.
    pub(crate) auth: Part,
    /// The process control service.
    pub(crate) supervisor: Part,
    /// The dashboard.
    pub(crate) control: Part,
    /// The information service.
    pub(crate) info: Part,
    /// The GPIO service.
    pub(crate) io: Part,
    /// The mail service.
    pub(crate) email: Part,
    /// The gateway (TLS, one address for everything).
    pub(crate) gateway: Switch,
    /// The rules listener.
    pub(crate) rules: Switch,
}

impl Default for Services {
    fn default() -> Self {
        Self {
            enabled: true,
            tcp: true,
            user: None,
            auth: Part::default(),
            supervisor: Part::default(),
            control: Part::default(),
            info: Part::default(),
            io: Part::default(),
            email: Part::default(),
            gateway: Switch::default(),
            rules: Switch::default(),
        }
    }
}

impl Services {
    /// The table of one service; `None` for the rules, which have no port of their own.
    pub(crate) fn part(&self, service: Service) -> Option<&Part> {
        Some(match service {
            Service::Auth => &self.auth,
            Service::Supervisor => &self.supervisor,
            Service::Control => &self.control,
            Service::Info => &self.info,
            Service::Io => &self.io,
            Service::Email => &self.email,
            Service::Rules => return None,
        })
    }

    /// The table of one service, to change it.
    pub(crate) fn part_mut(&mut self, service: Service) -> Option<&mut Part> {
        Some(match service {
            Service::Auth => &mut self.auth,
            Service::Supervisor => &mut self.supervisor,
            Service::Control => &mut self.control,
            Service::Info => &mut self.info,
            Service::Io => &mut self.io,
            Service::Email => &mut self.email,
            Service::Rules => return None,
        })
    }

    /// The services that run as programs of the stack's group, in start order.
    pub(crate) fn running(&self) -> Vec<Service> {
        Service::PROGRAMS
            .into_iter()
            .filter(|service| self.enabled && self.part(*service).is_some_and(|part| part.enabled))
            .collect()
    }
}

/// One service of the stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Part {
    /// `false` leaves it out. Default: true.
    pub(crate) enabled: bool,
    /// Address of its own port. Default: 127.0.0.1.
    pub(crate) bind: Option<IpAddr>,
    /// Its own port. Default: the original's (control 8080, supervisor 5001, auth 5002, email 5003, info 5004,
    /// io 5005).
    pub(crate) port: Option<u16>,
}

impl Default for Part {
    fn default() -> Self {
        Self {
            enabled: true,
            bind: None,
            port: None,
        }
    }
}

/// A part that has its own section for everything but this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Switch {
    /// `false` leaves it out. Default: true.
    pub(crate) enabled: bool,
}

impl Default for Switch {
    fn default() -> Self {
        Self { enabled: true }
    }
}
