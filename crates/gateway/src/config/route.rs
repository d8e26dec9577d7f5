//! The tables `[route.NAME]`: which addresses lead to the user's own web applications and folders.

use std::path::PathBuf;
use std::time::Duration;

use indexmap::IndexMap;
use pistack_kit::config::{ByteSize, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// All `[route.NAME]`, by name.
pub type Routes = IndexMap<String, Route>;

/// One way to an application or a folder of files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Route {
    /// Host names that belong to this route alone, such as `["cam.home.arpa"]`. They get into the certificate.
    /// Empty: every name of the board, beside the dashboard.
    pub hosts: Vec<String>,
    /// Which addresses: this path and everything below it. The longest path that fits decides.
    pub path: String,
    /// Where they lead: `"http://HOST:PORT"` or `"unix:/PATH/OF/SOCKET"`. This, or `files`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// A folder to serve, read-only: no dotfiles, no way out by links. This, or `to`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<PathBuf>,
    /// `true`: the application does not see `path`; it is told by `X-Forwarded-Prefix`, and its redirects and
    /// cookie paths are put right on the way back.
    pub strip: bool,
    /// A port of its own, such as `":8444"` or `"192.168.1.7:8444"`, for an application that should not share the
    /// dashboard's origin. Unset: the gateway's own address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// `false`: plain HTTP on `listen`. Only for routes that need no login.
    pub tls: bool,
    /// Who may in: `"public"` (everyone), `"user"` (everyone with an account), `"admin"` or `"root"` (that level, and
    /// whoever was granted `app:NAME:use`), or another right such as `"gpio:relay1:write"`. The application learns
    /// who it is by `X-Auth-User`, `X-Auth-Id`, `X-Auth-Level` and `X-Auth-Method`.
    pub auth: String,
    /// What `Host` says to the application. Unset: what the client wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_host: Option<String>,
    /// How long the application may take to begin its answer. Unset: as in `[gateway]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_timeout: Option<Span>,
    /// Longest body of a request; a longer one is answered 413. `0` = any.
    pub max_body: ByteSize,
    /// Whether text answers that come uncompressed are compressed on their way. Switch it off for an application
    /// whose pages show secrets beside what the visitor typed.
    pub compress: bool,
    /// `Cache-Control` of `files`. Default: browsers ask each time whether the file is still the same.
    pub cache: String,
}

impl Default for Route {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            path: "/".to_owned(),
            to: None,
            files: None,
            strip: false,
            listen: None,
            tls: true,
            auth: "user".to_owned(),
            send_host: None,
            response_timeout: None,
            max_body: ByteSize(10 << 20),
            compress: true,
            cache: "no-cache".to_owned(),
        }
    }
}

impl Route {
    /// The patience of this route.
    pub(crate) fn patience(&self, usual: Duration) -> Duration {
        self.response_timeout.map_or(usual, |span| span.0)
    }
}
