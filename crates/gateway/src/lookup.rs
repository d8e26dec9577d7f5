//! Which route an address is for, without a gateway: for tools and for the fuzz target of route matching.

use std::time::Duration;

use http::uri::PathAndQuery;
use pistack_kit::clock::Clock;
use pistack_kit::paths::StatePaths;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Routes};
use crate::metrics::Metrics;
use crate::plan::usable;
use crate::routes::{Found, Table};
use crate::upstream::Upstreams;

/// A table of routes to ask.
pub struct Lookup(Table);

impl std::fmt::Debug for Lookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lookup")
    }
}

impl Lookup {
    /// Of these routes; those that are wrong are left out.
    pub fn new(routes: &Routes) -> Self {
        let config = Config::default();
        let paths = StatePaths::new("/nowhere");
        let stop = CancellationToken::new();
        let upstreams = Upstreams::new(&paths, Duration::ZERO, Clock::system(), stop);
        Self(Table::new(
            usable(&config, routes),
            &upstreams,
            &Metrics::default(),
        ))
    }

    /// The name of the route that `path` on `host` leads to, and the path that is seen behind it. `None`: no
    /// service and no application is asked.
    pub fn find(&self, host: &str, path: &PathAndQuery) -> Option<(String, String)> {
        match self.0.find(None, host, path.path()) {
            Found::Target(target) => Some((target.name.to_string(), target.path(path)?.to_string())),
            _ => None,
        }
    }
}
