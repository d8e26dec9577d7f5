//! Other people's accounts, at auth: for Admin and Root.

use bytes::Bytes;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pistack_api::service::Service;
use pistack_api::token::Level;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::account::{ApiToken, Session};
use super::{Call, json as body};
use crate::error::Failure;
use crate::state::Dashboard;

/// An account and how it stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) level: Level,
    pub(crate) email: Option<String>,
    pub(crate) disabled: bool,
    pub(crate) must_change_password: bool,
    pub(crate) second_factor: bool,
    pub(crate) sessions: usize,
    pub(crate) grants: Vec<String>,
    pub(crate) limited: bool,
    /// Whether whoever asks may change it.
    pub(crate) manageable: bool,
}

/// The copies of the accounts.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Backup {
    pub(crate) supported: bool,
    pub(crate) kept: u32,
    pub(crate) copies: Vec<Copy>,
}

/// One of them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Copy {
    pub(crate) number: u64,
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) made_at: Option<i64>,
}

async fn ask<T: DeserializeOwned>(
    dashboard: &Dashboard,
    token: &str,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<T, Failure> {
    let call = Call {
        service: Service::Auth,
        client: &dashboard.auth,
        method,
        path,
        token: Some(token),
        deadline: dashboard.config.upstream_timeout.0,
    };
    Ok(call.read(body).await?.1)
}

async fn tell(
    dashboard: &Dashboard,
    token: &str,
    method: Method,
    path: &str,
    wanted: Option<Value>,
) -> Result<(), Failure> {
    let wanted = wanted.as_ref().map(body).transpose()?.unwrap_or_else(Bytes::new);
    ask::<serde::de::IgnoredAny>(dashboard, token, method, path, wanted)
        .await
        .map(drop)
}

fn of(id: &str, rest: &str) -> String {
    format!(
        "/api/auth/user/{}{rest}",
        utf8_percent_encode(id, NON_ALPHANUMERIC)
    )
}

/// All accounts, by name.
pub(crate) async fn all(dashboard: &Dashboard, token: &str) -> Result<Vec<Account>, Failure> {
    let path = "/api/auth/user/overview";
    ask(dashboard, token, Method::GET, path, Bytes::new()).await
}

/// Adds one.
pub(crate) async fn add(
    dashboard: &Dashboard,
    token: &str,
    name: &str,
    password: &str,
    level: &str,
) -> Result<(), Failure> {
    let wanted = json!({ "name": name, "password": password, "level": level });
    tell(dashboard, token, Method::POST, "/api/auth/user/add", Some(wanted)).await
}

/// Changes members of one.
pub(crate) async fn change(
    dashboard: &Dashboard,
    token: &str,
    id: &str,
    wanted: Value,
) -> Result<(), Failure> {
    tell(dashboard, token, Method::PATCH, &of(id, ""), Some(wanted)).await
}

/// Removes one.
pub(crate) async fn remove(dashboard: &Dashboard, token: &str, id: &str) -> Result<(), Failure> {
    tell(dashboard, token, Method::DELETE, &of(id, ""), None).await
}

/// Forgets failed logins.
pub(crate) async fn unlock(dashboard: &Dashboard, token: &str, id: &str) -> Result<(), Failure> {
    tell(dashboard, token, Method::POST, &of(id, "/unlock"), None).await
}

/// Takes the second factor away.
pub(crate) async fn factor_off(dashboard: &Dashboard, token: &str, id: &str) -> Result<(), Failure> {
    tell(dashboard, token, Method::DELETE, &of(id, "/second-factor"), None).await
}

/// Grants exactly these rights; `limited`: and no others.
pub(crate) async fn grant(
    dashboard: &Dashboard,
    token: &str,
    id: &str,
    grants: &[String],
    limited: bool,
) -> Result<(), Failure> {
    let wanted = json!({ "grants": grants, "limited": limited });
    tell(dashboard, token, Method::PUT, &of(id, "/grants"), Some(wanted)).await
}

/// The sessions of another.
pub(crate) async fn sessions(dashboard: &Dashboard, token: &str, id: &str) -> Result<Vec<Session>, Failure> {
    let path = of(id, "/sessions");
    ask(dashboard, token, Method::GET, &path, Bytes::new()).await
}

/// Signs one session of another out; all without `sid`.
pub(crate) async fn end_sessions(
    dashboard: &Dashboard,
    token: &str,
    id: &str,
    sid: Option<&str>,
) -> Result<(), Failure> {
    let path = match sid {
        Some(sid) => of(
            id,
            &format!("/sessions/{}", utf8_percent_encode(sid, NON_ALPHANUMERIC)),
        ),
        None => of(id, "/sessions"),
    };
    tell(dashboard, token, Method::DELETE, &path, None).await
}

/// The API tokens of another.
pub(crate) async fn tokens(dashboard: &Dashboard, token: &str, id: &str) -> Result<Vec<ApiToken>, Failure> {
    let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
    let path = format!("/api/auth/token/list?user={id}");
    ask(dashboard, token, Method::GET, &path, Bytes::new()).await
}

/// The copies of the accounts.
pub(crate) async fn copies(dashboard: &Dashboard, token: &str) -> Result<Backup, Failure> {
    ask(dashboard, token, Method::GET, "/api/auth/copies", Bytes::new()).await
}

/// Makes one now.
pub(crate) async fn copy_now(dashboard: &Dashboard, token: &str) -> Result<(), Failure> {
    tell(dashboard, token, Method::POST, "/api/auth/copies", None).await
}
