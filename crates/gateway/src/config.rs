//! The table `[gateway]`: addresses, names, certificate, limits and patience.

mod acme;
mod limits;
mod route;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use pistack_kit::config::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use acme::{Acme, Challenge, Tls};
pub use limits::Limits;
pub use route::{Route, Routes};

/// The form of the access log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AccessLog {
    /// Common Log Format, which every log reader knows.
    #[default]
    Common,
    /// One JSON object a line, with duration, route and request id.
    Json,
    /// None.
    Off,
}

/// How the gateway listens, which certificate it shows and how patient it is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address for HTTPS, such as `"0.0.0.0:443"`. Unset: port 443 on all addresses, or `https_fallback` where
    /// this user may not bind 443. A written address is taken as it stands or refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https: Option<SocketAddr>,
    /// Port for HTTPS where `https` is unset and 443 may not be bound.
    pub https_fallback: u16,
    /// Address for plain HTTP, which only leads to HTTPS. Unset: port 80 on all addresses, or `http_fallback`
    /// where this user may not bind 80.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<SocketAddr>,
    /// Port for plain HTTP where `http` is unset and 80 may not be bound.
    pub http_fallback: u16,
    /// Whether to listen for plain HTTP at all.
    pub redirect: bool,
    /// Further names and addresses under which people reach this board, such as `"pi.home.arpa"`. They get into
    /// the certificate and are answered; any other name in a request is refused.
    pub names: Vec<String>,
    /// Your own certificate (PEM, leaf first, then the chain), in place of the one from the local authority.
    /// Needs `key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// The private key (PEM) of `certificate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// How long a request waits for a service that is restarting before the answer is 503.
    pub hold: Span,
    /// How long a service may take to begin its answer.
    pub response_timeout: Span,
    /// How long a client may take to send a request's head.
    pub header_timeout: Span,
    /// How long an upload may stand still.
    pub body_timeout: Span,
    /// How long a connection without a request stays open.
    pub idle_timeout: Span,
    /// How long open requests may take to end when the gateway stops.
    pub drain: Span,
    /// Connections at the same time, from everywhere.
    pub max_connections: usize,
    /// Connections at the same time from one address. This board itself is not counted.
    pub max_connections_per_address: usize,
    /// Proxies in front of this gateway, as addresses (`"192.168.1.2"`) or networks (`"10.0.0.0/8"`). Their
    /// `X-Forwarded-For` and `X-Forwarded-Proto` are believed, nobody else's.
    pub trusted_proxies: Vec<String>,
    /// Paths below which a trusted proxy shows this board: `"/board"`, or `"/api/hassio_ingress"` for Home
    /// Assistant. Its `X-Forwarded-Prefix` or `X-Ingress-Path` is believed if it names one of these or a path below.
    pub outer_paths: Vec<String>,
    /// What one client may take.
    pub limits: Limits,
    /// A certificate from a public authority.
    pub acme: Acme,
    /// TLS beyond the certificate.
    pub tls: Tls,
    /// The access log: `"common"`, `"json"` or `"off"`. It is kept in memory, never on the card; `pistack routes
    /// --log` shows it. Values in a query are not kept.
    pub access_log: AccessLog,
    /// How many requests the access log holds.
    pub access_log_lines: usize,
}

impl Default for Config {
    fn default() -> Self {
        let seconds = |count| Span(Duration::from_secs(count));
        Self {
            https: None,
            https_fallback: 8443,
            http: None,
            http_fallback: 8000,
            redirect: true,
            names: Vec::new(),
            certificate: None,
            key: None,
            hold: seconds(5),
            response_timeout: seconds(60),
            header_timeout: seconds(10),
            body_timeout: seconds(30),
            idle_timeout: seconds(60),
            drain: seconds(8),
            max_connections: 512,
            max_connections_per_address: 64,
            trusted_proxies: Vec::new(),
            outer_paths: Vec::new(),
            limits: Limits::default(),
            acme: Acme::default(),
            tls: Tls::default(),
            access_log: AccessLog::Common,
            access_log_lines: 500,
        }
    }
}
