//! The tables `[gateway.acme]` and `[gateway.tls]`.

use std::path::PathBuf;
use std::time::Duration;

use pistack_kit::config::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Let's Encrypt's production directory.
const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// How this board proves that a name is its own (RFC 8555 section 8).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Challenge {
    /// The authority fetches a file from port 80 of this board, which must be reachable from the internet.
    #[default]
    #[serde(rename = "http-01")]
    Http01,
    /// The authority looks up a TXT record, which `hook` sets.
    #[serde(rename = "dns-01")]
    Dns01,
}

/// A certificate from a public authority for names that are registered in the public DNS. Everybody trusts it without
/// further steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Acme {
    /// The names, such as `"board.example.org"`. A name with `*.` needs `dns-01`. None: no such certificate.
    pub domains: Vec<String>,
    /// The authority's directory. Let's Encrypt by default.
    pub directory: String,
    /// That you accept the authority's terms of service. Nothing is asked of it before.
    pub agree_to_terms: bool,
    /// Where the authority may write to you when something is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// `"http-01"` or `"dns-01"`.
    pub challenge: Challenge,
    /// For `dns-01`: program and arguments, started without a shell, with three more arguments: `present` or
    /// `cleanup`, the record's name (`_acme-challenge.board.example.org`) and its value.
    pub hook: Vec<String>,
    /// For `dns-01`: how long the record takes to be seen everywhere.
    pub propagation: Span,
    /// How long `hook` may take.
    pub hook_timeout: Span,
    /// Root certificate (PEM) of an authority of your own that the directory's address is checked against, instead of
    /// the public ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

impl Default for Acme {
    fn default() -> Self {
        Self {
            domains: Vec::new(),
            directory: LETS_ENCRYPT.to_owned(),
            agree_to_terms: false,
            email: None,
            challenge: Challenge::Http01,
            hook: Vec::new(),
            propagation: Span(Duration::from_secs(30)),
            hook_timeout: Span(Duration::from_mins(2)),
            ca_file: None,
        }
    }
}

/// TLS beyond the certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// How long browsers remember to come by HTTPS alone (`Strict-Transport-Security`). Only said under names whose
    /// certificate every browser trusts: with a local authority it would lock out whoever has not installed the root.
    /// `"0s"`: never said.
    pub hsts: Span,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            hsts: Span(Duration::from_hours(24)),
        }
    }
}
