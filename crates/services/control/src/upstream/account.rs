//! A person's own account at auth: sessions, second factor, API tokens; and the audit record.

use bytes::Bytes;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pistack_api::service::Service;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Call, json as body};
use crate::error::Failure;
use crate::state::Dashboard;

/// One session, as auth tells it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) sid: String,
    /// `dashboard` or `api`.
    pub(crate) kind: String,
    pub(crate) device: String,
    pub(crate) address: String,
    pub(crate) created_at: i64,
    pub(crate) last_used_at: i64,
    pub(crate) current: bool,
}

/// How the second factor stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FactorState {
    pub(crate) enabled: bool,
    pub(crate) recovery_codes_left: i64,
    /// `untrusted` while one-time codes cannot be checked.
    pub(crate) clock: String,
}

/// What an authenticator needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Enrolment {
    pub(crate) secret: String,
    pub(crate) uri: String,
    pub(crate) qr_svg: String,
}

/// Recovery codes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Codes {
    pub(crate) recovery_codes: Vec<String>,
}

/// An API token without its text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ApiToken {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) scope: Vec<String>,
    pub(crate) expires_at: i64,
    pub(crate) last_used_at: Option<i64>,
}

/// The text of a token that was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MadeToken {
    pub(crate) token: String,
}

/// One entry of the audit record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AuditEntry {
    pub(crate) seq: i64,
    pub(crate) at: i64,
    pub(crate) times: i64,
    pub(crate) clock: String,
    pub(crate) kind: String,
    pub(crate) outcome: String,
    pub(crate) actor_name: Option<String>,
    pub(crate) address: String,
    pub(crate) detail: String,
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
    body: Bytes,
) -> Result<(), Failure> {
    ask::<serde::de::IgnoredAny>(dashboard, token, method, path, body)
        .await
        .map(drop)
}

fn segment(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The person's sessions, the one used last first.
pub(crate) async fn sessions(dashboard: &Dashboard, token: &str) -> Result<Vec<Session>, Failure> {
    ask(
        dashboard,
        token,
        Method::GET,
        "/api/auth/session/list",
        Bytes::new(),
    )
    .await
}

/// Signs one session out.
pub(crate) async fn end_session(dashboard: &Dashboard, token: &str, sid: &str) -> Result<(), Failure> {
    let path = format!("/api/auth/session/{}", segment(sid));
    tell(dashboard, token, Method::DELETE, &path, Bytes::new()).await
}

/// Signs all others out.
pub(crate) async fn end_others(dashboard: &Dashboard, token: &str) -> Result<(), Failure> {
    let path = "/api/auth/session/end_others";
    tell(dashboard, token, Method::POST, path, Bytes::new()).await
}

/// Proves who it is once more.
pub(crate) async fn reauth(
    dashboard: &Dashboard,
    token: &str,
    password: &str,
    otp: &str,
) -> Result<(), Failure> {
    let mut proof = json!({ "password": password });
    if !otp.is_empty() {
        proof["otp"] = otp.into();
    }
    let path = "/api/auth/session/reauth";
    tell(dashboard, token, Method::POST, path, body(&proof)?).await
}

/// How the second factor stands.
pub(crate) async fn factor(dashboard: &Dashboard, token: &str) -> Result<FactorState, Failure> {
    ask(
        dashboard,
        token,
        Method::GET,
        "/api/auth/second-factor",
        Bytes::new(),
    )
    .await
}

/// Begins to turn it on.
pub(crate) async fn begin_factor(dashboard: &Dashboard, token: &str) -> Result<Enrolment, Failure> {
    let path = "/api/auth/second-factor/begin";
    ask(dashboard, token, Method::POST, path, Bytes::new()).await
}

/// Turns it on by the first code.
pub(crate) async fn confirm_factor(dashboard: &Dashboard, token: &str, code: &str) -> Result<Codes, Failure> {
    let path = "/api/auth/second-factor/confirm";
    let code = body(&json!({ "code": code }))?;
    ask(dashboard, token, Method::POST, path, code).await
}

/// New recovery codes.
pub(crate) async fn renew_codes(dashboard: &Dashboard, token: &str) -> Result<Codes, Failure> {
    let path = "/api/auth/second-factor/codes";
    ask(dashboard, token, Method::POST, path, Bytes::new()).await
}

/// Turns it off.
pub(crate) async fn factor_off(dashboard: &Dashboard, token: &str) -> Result<(), Failure> {
    let path = "/api/auth/second-factor";
    tell(dashboard, token, Method::DELETE, path, Bytes::new()).await
}

/// The person's API tokens, newest first.
pub(crate) async fn tokens(dashboard: &Dashboard, token: &str) -> Result<Vec<ApiToken>, Failure> {
    ask(
        dashboard,
        token,
        Method::GET,
        "/api/auth/token/list",
        Bytes::new(),
    )
    .await
}

/// Makes an API token.
pub(crate) async fn make_token(
    dashboard: &Dashboard,
    token: &str,
    name: &str,
    scope: &[&str],
    days: i64,
) -> Result<MadeToken, Failure> {
    let wanted = body(&json!({ "name": name, "scope": scope, "expires_in_days": days }))?;
    ask(dashboard, token, Method::POST, "/api/auth/token/add", wanted).await
}

/// Revokes an API token.
pub(crate) async fn revoke_token(dashboard: &Dashboard, token: &str, id: &str) -> Result<(), Failure> {
    let path = format!("/api/auth/token/{}", segment(id));
    tell(dashboard, token, Method::DELETE, &path, Bytes::new()).await
}

/// A page of the audit record, newest first.
pub(crate) async fn audit(
    dashboard: &Dashboard,
    token: &str,
    kind: &str,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<AuditEntry>, Failure> {
    let mut path = format!("/api/auth/audit?limit={limit}");
    if !kind.is_empty() {
        path += &format!("&kind={}", segment(kind));
    }
    if let Some(before) = before {
        path += &format!("&before={before}");
    }
    ask(dashboard, token, Method::GET, &path, Bytes::new()).await
}
