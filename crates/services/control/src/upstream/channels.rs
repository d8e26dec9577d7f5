//! Channels by which the board tells people of things, from the rules service.

use bytes::Bytes;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pistack_api::service::Service;
use serde::Deserialize;

use super::Call;
use crate::error::Failure;
use crate::state::Dashboard;

/// A channel with its last result.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Channel {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) to: String,
    pub(crate) waiting: i64,
    /// `sent`, `failed`, `handed_over`, `waiting`, or nothing yet.
    pub(crate) last_state: Option<String>,
    pub(crate) last_detail: Option<String>,
    pub(crate) last_at: Option<i64>,
}

#[derive(Deserialize)]
struct Channels {
    channels: Vec<Channel>,
}

/// What a test message came to.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Tested {
    pub(crate) ok: bool,
    pub(crate) detail: String,
}

fn call<'a>(dashboard: &'a Dashboard, token: &'a str, method: Method, path: &'a str) -> Call<'a> {
    Call {
        service: Service::Rules,
        client: &dashboard.rules,
        method,
        path,
        token: Some(token),
        deadline: dashboard.config.upstream_timeout.0,
    }
}

/// The channels that the person may see.
pub(crate) async fn list(dashboard: &Dashboard, token: &str) -> Result<Vec<Channel>, Failure> {
    let call = call(dashboard, token, Method::GET, "/api/notify/channels");
    let (_, channels) = call.read::<Channels>(Bytes::new()).await?;
    Ok(channels.channels)
}

/// Sends a test message through one.
pub(crate) async fn test(dashboard: &Dashboard, token: &str, name: &str) -> Result<Tested, Failure> {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let path = format!("/api/notify/channels/{name}/test");
    let mut call = call(dashboard, token, Method::POST, &path);
    // The other side of a channel takes its time.
    call.deadline *= 5;
    Ok(call.read(Bytes::new()).await?.1)
}
