//! The services of the stack: their names, addresses and file names, in one table.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The supervised group that holds every service of the stack, named as in the original.
pub const GROUP: &str = "RaspberryPiSystem";

/// One HTTP service of the stack. Each runs as a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Users, sessions, tokens.
    Auth,
    /// Process control over HTTP and the event stream.
    Supervisor,
    /// Mail.
    Email,
    /// Network, weather and the board.
    Info,
    /// GPIO lines.
    Io,
    /// The dashboard.
    Control,
    /// Rules, channels and their history: the HTTP side of the listener process, which is no program of [`GROUP`].
    Rules,
}

impl Service {
    /// Every service that the gateway reaches and that a token is for.
    pub const ALL: [Self; 7] = [
        Self::Auth,
        Self::Supervisor,
        Self::Control,
        Self::Info,
        Self::Io,
        Self::Email,
        Self::Rules,
    ];
    /// The services that are programs of [`GROUP`], in the order in which the supervisor starts them.
    pub const PROGRAMS: [Self; 6] = [
        Self::Auth,
        Self::Supervisor,
        Self::Control,
        Self::Info,
        Self::Io,
        Self::Email,
    ];

    /// The short name: `auth`. It is the argument of `pistack serve`, the path below `/api/` and the
    /// audience of a token.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Supervisor => "supervisor",
            Self::Email => "email",
            Self::Info => "info",
            Self::Io => "io",
            Self::Control => "control",
            Self::Rules => "rules",
        }
    }

    /// The supervised program's name: `auth_service`, as in the original.
    pub const fn program(self) -> &'static str {
        match self {
            Self::Auth => "auth_service",
            Self::Supervisor => "supervisor_service",
            Self::Email => "email_service",
            Self::Info => "info_service",
            Self::Io => "io_service",
            Self::Control => "control_service",
            Self::Rules => "event_listener",
        }
    }

    /// The file name of its socket in the state directory's `run/`.
    pub const fn socket(self) -> &'static str {
        match self {
            Self::Auth => "auth_service.sock",
            Self::Supervisor => "supervisor_service.sock",
            Self::Email => "email_service.sock",
            Self::Info => "info_service.sock",
            Self::Io => "io_service.sock",
            Self::Control => "control_service.sock",
            Self::Rules => "rules.sock",
        }
    }

    /// The loopback port of the original; `None` where the original had no such service.
    pub const fn port(self) -> Option<u16> {
        match self {
            Self::Control => Some(8080),
            Self::Supervisor => Some(5001),
            Self::Auth => Some(5002),
            Self::Email => Some(5003),
            Self::Info => Some(5004),
            Self::Io => Some(5005),
            Self::Rules => None,
        }
    }

    /// The prefix of the environment names `NAME_BIND` and `NAME_PORT`.
    pub const fn env_prefix(self) -> &'static str {
        match self {
            Self::Auth => "AUTH",
            Self::Supervisor => "SUPERVISOR",
            Self::Email => "EMAIL",
            Self::Info => "INFO",
            Self::Io => "IO",
            Self::Control => "CONTROL",
            Self::Rules => "RULES",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no service of the stack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no service; the services are auth, supervisor, control, info, io, email and rules")]
pub struct UnknownService(pub String);

impl FromStr for Service {
    type Err = UnknownService;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|service| service.name() == text || service.program() == text)
            .ok_or_else(|| UnknownService(text.to_owned()))
    }
}
