//! The history of one program, and what it is run with, from the supervisor service.

use bytes::Bytes;
use http::Method;
use pistack_api::service::Service;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Call;
use super::supervisor::segment;
use crate::error::Failure;
use crate::state::Dashboard;

/// One run, as the supervisor service tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Run {
    pub(crate) start: i64,
    pub(crate) pid: Option<i64>,
    pub(crate) end: Option<i64>,
    pub(crate) state: String,
    pub(crate) exitstatus: Option<i64>,
    pub(crate) signal: Option<i64>,
    pub(crate) expected: Option<bool>,
    pub(crate) tries: i64,
}

/// Something that somebody asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Act {
    pub(crate) at: i64,
    pub(crate) what: String,
    pub(crate) by: String,
}

/// The history of one program, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct History {
    pub(crate) runs: Vec<Run>,
    pub(crate) acts: Vec<Act>,
}

/// One value of a program's configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct ConfigValue {
    pub(crate) key: String,
    pub(crate) value: String,
    /// Where it was written; absent where a default is in effect.
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
}

/// One variable of a program's environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct ConfigVariable {
    pub(crate) name: String,
    /// Absent where the person may not see it.
    pub(crate) value: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
}

/// What a program is run with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Configuration {
    pub(crate) values: Vec<ConfigValue>,
    /// Whether files and lines are known.
    pub(crate) places: bool,
    /// One of pistack's own programs, which no file defines.
    pub(crate) built_in: bool,
    pub(crate) environment: Vec<ConfigVariable>,
}

/// A program's runs. `name`: `group:name`.
pub(crate) async fn history(dashboard: &Dashboard, token: &str, name: &str) -> Result<History, Failure> {
    read(dashboard, token, &format!("processes/{}/runs", segment(name))).await
}

/// The values that are in effect for a program.
pub(crate) async fn configuration(
    dashboard: &Dashboard,
    token: &str,
    name: &str,
) -> Result<Configuration, Failure> {
    read(dashboard, token, &format!("processes/{}/config", segment(name))).await
}

async fn read<T: DeserializeOwned>(dashboard: &Dashboard, token: &str, path: &str) -> Result<T, Failure> {
    let call = Call {
        service: Service::Supervisor,
        client: &dashboard.supervisor,
        method: Method::GET,
        path: &format!("/api/supervisor/{path}"),
        token: Some(token),
        deadline: dashboard.config.upstream_timeout.0,
    };
    Ok(call.read(Bytes::new()).await?.1)
}
