//! The program list, control of one program, and its log.

use std::fmt;

use bytes::Bytes;
use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pistack_api::process::ProcessInfo;
use pistack_api::service::Service;
use serde::{Deserialize, Serialize};

use super::Call;
use crate::error::Failure;
use crate::process::full_name;
use crate::state::Dashboard;

/// What can be done to a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Start,
    Stop,
    Restart,
}

impl Action {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
        }
    }
}

/// One of a program's two logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Channel {
    #[default]
    Stdout,
    Stderr,
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        })
    }
}

/// A piece of a log, as the supervisor service gives it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct LogPiece {
    pub(crate) data: String,
    /// Where to read on.
    pub(crate) offset: u64,
    /// Of a tail: there is more before it. Else: there is more after it, or the log was begun anew.
    pub(crate) overflow: bool,
}

fn call<'a>(dashboard: &'a Dashboard, method: Method, path: &'a str, token: &'a str) -> Call<'a> {
    Call {
        service: Service::Supervisor,
        client: &dashboard.supervisor,
        method,
        path,
        token: Some(token),
        deadline: dashboard.config.upstream_timeout.0,
    }
}

/// A name as one segment of a path.
pub(crate) fn segment(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

fn path(name: &str, rest: &str) -> String {
    format!("/api/supervisor/processes/{}{rest}", segment(name))
}

/// All programs.
pub(crate) async fn list(dashboard: &Dashboard, token: &str) -> Result<Vec<ProcessInfo>, Failure> {
    let call = call(dashboard, Method::GET, "/api/supervisor/processes/list", token);
    Ok(call.read(Bytes::new()).await?.1)
}

/// The program called `group:name`, or `name` where that is its whole name.
pub(crate) async fn find(dashboard: &Dashboard, token: &str, name: &str) -> Result<ProcessInfo, Failure> {
    let list = list(dashboard, token).await?;
    list.into_iter()
        .find(|info| full_name(info) == name || info.full_name() == name)
        .ok_or(Failure::NotFound)
}

/// Starts, stops or restarts a program. The state afterwards, or `None` where it was only set going.
pub(crate) async fn act(
    dashboard: &Dashboard,
    token: &str,
    name: &str,
    action: Action,
) -> Result<Option<ProcessInfo>, Failure> {
    let path = path(name, &format!("/{}", action.name()));
    let mut call = call(dashboard, Method::POST, &path, token);
    call.deadline = dashboard.config.action_timeout.0;
    let (status, info) = call.read(Bytes::new()).await?;
    Ok((status != StatusCode::ACCEPTED).then_some(info))
}

/// The last `bytes` of a log.
pub(crate) async fn log_tail(
    dashboard: &Dashboard,
    token: &str,
    name: &str,
    channel: Channel,
    bytes: u32,
) -> Result<LogPiece, Failure> {
    let path = path(name, &format!("/log?channel={channel}&tail={bytes}"));
    Ok(call(dashboard, Method::GET, &path, token)
        .read(Bytes::new())
        .await?
        .1)
}

/// What was written after `offset`, `length` bytes at most.
pub(crate) async fn log_after(
    dashboard: &Dashboard,
    token: &str,
    name: &str,
    channel: Channel,
    offset: u64,
    length: u32,
) -> Result<LogPiece, Failure> {
    let path = path(
        name,
        &format!("/log?channel={channel}&offset={offset}&length={length}"),
    );
    Ok(call(dashboard, Method::GET, &path, token)
        .read(Bytes::new())
        .await?
        .1)
}
