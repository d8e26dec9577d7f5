//! The table `[gateway.limits]`: what one client may take.

use std::time::Duration;

use pistack_kit::config::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bounds for requests. Connections have theirs in `[gateway]`, bodies in `[route.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests a second from one address over a longer time; more are answered 429. 0 = no limit. This board itself
    /// is not counted.
    pub requests_per_second: u32,
    /// Requests that one address may send at once before `requests_per_second` holds.
    pub burst: u32,
    /// Attempts to log in a minute from one address; more are answered 429. 0 = no limit.
    pub logins_per_minute: u32,
    /// Longest head of a request (request line and header fields), in bytes; a longer one is answered 431.
    pub header_bytes: u32,
    /// Most header fields of a request; more are answered 431.
    pub headers: u16,
    /// Longest path with query, in bytes; a longer one is answered 414.
    pub url_bytes: u32,
    /// Slowest upload, in bytes a second, measured after `upload_grace` over the time that the client made the board
    /// wait. 0 = no limit.
    pub upload_rate: u32,
    /// How long an upload may be slower than `upload_rate`.
    pub upload_grace: Span,
    /// How long a client may leave an answer unread.
    pub read_timeout: Span,
    /// Requests at the same time on one HTTP/2 connection.
    pub streams: u16,
    /// Requests that a client of HTTP/2 may give up before their answer; then its connection is closed.
    pub resets: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_per_second: 50,
            burst: 100,
            logins_per_minute: 5,
            header_bytes: 16 * 1024,
            headers: 100,
            url_bytes: 8 * 1024,
            upload_rate: 256,
            upload_grace: Span(Duration::from_secs(10)),
            read_timeout: Span(Duration::from_secs(30)),
            streams: 64,
            resets: 200,
        }
    }
}
