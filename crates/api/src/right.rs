//! Rights: what a caller may do, to what. One table for all services, so that the service that asks for a right,
//! auth that grants it and the page that shows it mean the same.
//!
//! A right is an area and an action (`process`, `restart`); it is asked for an object (`camera`), or for the whole
//! area. A [`Grant`] gives rights: `process:camera:restart`, `gpio:relay1:write`, `gpio:*:read`, `info:*`, `*`. A
//! level has every right whose own level is not above it; grants add to that, and the scope of a token limits it.

mod grant;

use crate::token::{AccessClaims, Level};

pub use grant::{BadGrant, Grant, GrantText, grants_of};

/// A right as a type, for handlers to receive.
pub trait Right: std::fmt::Debug + Clone + Copy + Send + Sync + 'static {
    /// The same as a value.
    const INFO: RightInfo;
}

/// A right as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RightInfo {
    /// What it is about: `process`, `gpio`, ...
    pub area: &'static str,
    /// What may be done: `read`, `write`, ...
    pub action: &'static str,
    /// The lowest level that has it without a grant.
    pub level: Level,
}

impl RightInfo {
    /// True for rights that change nothing. Readers are let in for a while even when revocations cannot be heard of.
    pub fn is_reading(self) -> bool {
        matches!(self.action, "read" | "log" | "use")
    }

    /// The right to `object` as text: `process:camera:restart`.
    pub fn text(self, object: &str) -> String {
        format!("{}:{object}:{}", self.area, self.action)
    }
}

macro_rules! rights {
    ($($(#[$doc:meta])* $name:ident: $level:ident $area:literal $action:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub struct $name;

            impl Right for $name {
                const INFO: RightInfo = RightInfo { area: $area, action: $action, level: Level::$level };
            }
        )*

        /// Every right that there is.
        pub const ALL: &[RightInfo] = &[$($name::INFO),*];
    };
}

rights! {
    /// Lists processes and shows their state. Object: `process` or `group:process`.
    ReadProcess: Admin "process" "read";
    /// Reads what a process wrote. Object: `process` or `group:process`.
    ReadProcessLog: Admin "process" "log";
    /// Starts a process. Object: `process` or `group:process`.
    StartProcess: Root "process" "start";
    /// Stops a process. Object: `process` or `group:process`.
    StopProcess: Root "process" "stop";
    /// Restarts a process. Object: `process` or `group:process`.
    RestartProcess: Root "process" "restart";
    /// Changes which processes there are and how they are run.
    ManageProcess: Root "process" "manage";
    /// Follows the supervisor's events.
    ReadEvents: Admin "event" "read";
    /// Reads a GPIO line. Object: the line's name or BCM number.
    ReadLine: User "gpio" "read";
    /// Drives a GPIO line. Object: the line's name or BCM number.
    WriteLine: User "gpio" "write";
    /// Changes which lines there are and what they do.
    ManageLines: Root "gpio" "manage";
    /// Reads what the board tells of itself.
    ReadBoard: User "info" "read";
    /// Changes what is asked and recorded about the board.
    ManageBoard: Root "info" "manage";
    /// Sends mail.
    SendMail: User "email" "send";
    /// Reads the outbox.
    ReadMail: Admin "email" "read";
    /// Sends mail of the outbox again, or throws it away.
    ManageMail: Admin "email" "manage";
    /// Reads rules and what they did. Object: the rule's name.
    ReadRule: Admin "rule" "read";
    /// Runs a rule, or acknowledges it. Object: the rule's name.
    RunRule: Admin "rule" "run";
    /// Changes rules. Object: the rule's name.
    ManageRule: Root "rule" "manage";
    /// Reads channels and what went through them. Object: the channel's name.
    ReadChannel: Admin "channel" "read";
    /// Sends a message through a channel. Object: the channel's name.
    SendChannel: Admin "channel" "send";
    /// Changes channels. Object: the channel's name.
    ManageChannel: Root "channel" "manage";
    /// Reads routes, certificates and what the gateway counts.
    ReadGateway: Admin "gateway" "read";
    /// Changes routes and certificates.
    ManageGateway: Root "gateway" "manage";
    /// Uses an application that stands behind the login. Object: the application's (route's) name.
    UseApp: User "app" "use";
    /// Reads other people's accounts. Not to be granted to people: levels decide about accounts.
    ReadUser: Admin "user" "read";
    /// Adds, changes and removes accounts. Not to be granted to people.
    ManageUser: Admin "user" "manage";
    /// Reads who did what, when and from where.
    ReadAudit: Root "audit" "read";
}

/// Areas in which levels alone decide; a token's scope may name them, a grant to a person has no effect there.
pub const LEVEL_ONLY: &[&str] = &["user"];

/// To what a right is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object<'a> {
    /// One thing.
    Named(&'a str),
    /// The whole area.
    Every,
    /// At least one thing, whichever: to be asked again once it is known.
    Some,
}

/// Why a right is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// The level does not suffice, and no grant makes up for it.
    Level,
    /// The person may, but the token is limited to other rights.
    Scope,
}

impl AccessClaims {
    /// Says whether the bearer has a right: by level or grant, and within the token's scope.
    pub fn may(&self, right: RightInfo, object: Object<'_>) -> Result<(), Lack> {
        let grantable = !LEVEL_ONLY.contains(&right.area);
        if self.lvl < right.level && !(grantable && listed(self.grants.as_deref(), right, object)) {
            return Err(Lack::Level);
        }
        if self.scope_covers(right, object) {
            Ok(())
        } else {
            Err(Lack::Scope)
        }
    }

    /// True if the token is not limited, or not in this.
    pub fn scope_covers(&self, right: RightInfo, object: Object<'_>) -> bool {
        self.scope.is_none() || listed(self.scope.as_deref(), right, object)
    }
}

fn listed(list: Option<&str>, right: RightInfo, object: Object<'_>) -> bool {
    grants_of(list.unwrap_or_default()).any(|grant| grant.covers(right, object))
}

#[cfg(test)]
mod tests;
