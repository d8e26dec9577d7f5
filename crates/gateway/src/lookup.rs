//! Which route an address is for, without a gateway: for tools and for the fuzz targets of route matching and request
//! heads.

use std::net::IpAddr;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderMap, Request};
use pistack_kit::clock::Clock;
use pistack_kit::paths::StatePaths;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Routes};
use crate::headers;
use crate::metrics::Metrics;
use crate::origin::TrustedProxies;
use crate::plan::usable;
use crate::routes::{Found, Table};
use crate::strict;
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

    /// The way of a request's head as far as nothing is sent: checked, cleaned, and asked from whom it comes. `peer` is
    /// the other end of the connection, `trusted` are the proxies in front. `None`: it is refused.
    pub fn admit(
        &self,
        request: Request<()>,
        peer: IpAddr,
        trusted: &[String],
        url_bytes: usize,
    ) -> Option<Admitted> {
        let (mut parts, ()) = request.into_parts();
        let proxies = TrustedProxies::parse(trusted).ok()?;
        let client = proxies.origin(peer, true, &parts.headers).address;
        let host = strict::check(&parts, url_bytes, |_| true).ok()?;
        let name = strict::without_port(host.to_str().ok()?)?;
        let route = self.find(name, parts.uri.path_and_query()?);
        headers::strip_request(&mut parts.headers);
        Some(Admitted {
            host: name.to_owned(),
            client,
            route,
            headers: parts.headers,
        })
    }
}

/// What is known of a request that is let in.
#[derive(Debug)]
pub struct Admitted {
    /// Whom it is for, without a port.
    pub host: String,
    /// Who sent it.
    pub client: IpAddr,
    /// The route's name and the path behind it; `None` = the gateway answers itself.
    pub route: Option<(String, String)>,
    /// What of its fields would be passed on.
    pub headers: HeaderMap,
}
