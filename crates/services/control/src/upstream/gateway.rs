//! What the gateway tells of itself on its own socket: routes and certificates. The socket asks for no token, so
//! whoever calls from here has been found to have the right before.

use bytes::Bytes;
use http::{Method, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::state::Dashboard;

/// A route in force.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Route {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) to: String,
    pub(crate) auth: Option<String>,
    pub(crate) hosts: Vec<String>,
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) down_since: Option<serde_json::Value>,
}

/// The routes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Routes {
    routes: Vec<Route>,
}

/// A certificate.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Certificate {
    /// `root`, `local`, `configured`, `imported` or `acme`.
    pub(crate) kind: String,
    pub(crate) names: Vec<String>,
    pub(crate) issuer: String,
    pub(crate) not_after: i64,
    pub(crate) fingerprint: String,
    pub(crate) shown: bool,
    pub(crate) problem: Option<String>,
}

/// The certificates, and where a device comes to trust them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Tls {
    pub(crate) certificates: Vec<Certificate>,
    /// The page that guides a device, if there is a root to trust.
    pub(crate) page: Option<String>,
    /// Its address as a QR code: an SVG image, drawn by the gateway.
    pub(crate) qr_svg: Option<String>,
}

async fn ask<T: DeserializeOwned>(dashboard: &Dashboard, path: &str) -> Option<T> {
    let request = Request::builder()
        .method(Method::GET)
        .uri(path)
        .body(Bytes::new())
        .ok()?;
    let deadline = dashboard.config.upstream_timeout.0;
    let answer = match dashboard.gateway.send(request, deadline).await {
        Ok(answer) if answer.status().is_success() => answer,
        Ok(answer) => {
            tracing::warn!(path, status = answer.status().as_u16(), "the gateway refused");
            return None;
        }
        Err(error) => {
            tracing::warn!(path, error = %error, "the gateway does not answer");
            return None;
        }
    };
    serde_json::from_slice(answer.body()).ok()
}

/// The routes in force; `None` when the gateway does not answer.
pub(crate) async fn routes(dashboard: &Dashboard) -> Option<Vec<Route>> {
    Some(ask::<Routes>(dashboard, "/internal/routes").await?.routes)
}

/// The certificates; `None` when the gateway does not answer.
pub(crate) async fn tls(dashboard: &Dashboard) -> Option<Tls> {
    ask(dashboard, "/internal/tls").await
}
