//! Settings of the dashboard: `[control]` in `pistack.toml`.

use std::time::Duration;

use pistack_kit::config::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::place::Place;
pub use crate::words::Lang;

/// How the dashboard behaves.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Language for browsers that ask for neither English nor Polish: `en` or `pl`. A person's own choice
    /// on the page always wins.
    pub language: Lang,
    /// The place whose weather the dashboard shows, such as `{ name = "Kraków", lat = 50.06, lon = 19.94 }`. None: no
    /// weather is asked for.
    pub weather: Option<Place>,
    /// How much of the end of a program's log its page shows at first, in bytes: 1024 to 1048576.
    #[schemars(range(min = 1024, max = 1_048_576))]
    pub log_bytes: u32,
    /// How long another service may take to answer before a page says that it is down.
    pub upstream_timeout: Span,
    /// How long a page waits for a program to start or stop before it answers that the request is on its way.
    pub action_timeout: Span,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            language: Lang::English,
            weather: None,
            log_bytes: 20 * 1024,
            upstream_timeout: Span(Duration::from_secs(4)),
            action_timeout: Span(Duration::from_secs(25)),
        }
    }
}
