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
}

impl Service {
    /// Every service, in the order in which the supervisor starts them.
    pub const ALL: [Self; 6] = [
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
        }
    }

    /// The loopback port of the original.
    pub const fn port(self) -> u16 {
        match self {
            Self::Control => 8080,
            Self::Supervisor => 5001,
            Self::Auth => 5002,
            Self::Email => 5003,
            Self::Info => 5004,
            Self::Io => 5005,
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
#[error("`{0}` is no service; the services are auth, supervisor, control, info, io and email")]
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
