//! One target of requests: a service of the stack, or an application or folder of the user's.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderValue;
use http::uri::PathAndQuery;
use pistack_api::service::Service;

use crate::metrics::{Metrics, RouteStats};
use crate::names::Name;
use crate::plan::{Auth, Destination, Planned};
use crate::upstream::{Upstream, Upstreams};

/// Where Prometheus looks if it is not told otherwise: the info service's text under another name.
pub(super) const METRICS: &str = "/metrics";

/// Where requests go, and on what terms.
#[derive(Debug)]
pub(crate) struct Target {
    /// As `[route.NAME]` says it, or the service's short name.
    pub(crate) name: Box<str>,
    /// Hosts it is for; empty = all.
    pub(crate) hosts: Vec<Name>,
    /// Without a slash at its end; empty = everything.
    pub(crate) path: Box<str>,
    /// The leading part of the path that is not seen behind it.
    strip: Box<str>,
    /// What `X-Forwarded-Prefix` says.
    pub(crate) prefix: HeaderValue,
    pub(crate) to: To,
    /// Whether people look at it in a browser, signed in or not.
    pub(crate) pages: bool,
    /// Longest body of a request; `None` = any, or the service has a bound of its own.
    pub(crate) max_body: Option<u64>,
    pub(crate) compress: bool,
    /// How long the answer may take to begin; `None` = as usual.
    pub(crate) response_timeout: Option<Duration>,
    pub(crate) stats: Arc<RouteStats>,
}

/// What is behind a target.
#[derive(Debug)]
pub(crate) enum To {
    /// A service of the stack, which knows tokens.
    Service(Service, Arc<Upstream>),
    /// An application, which is told who it is.
    Application(Arc<Upstream>, Forward),
    /// A folder.
    Files(Files),
}

/// How an application is told about requests.
#[derive(Debug)]
pub(crate) struct Forward {
    pub(crate) auth: Auth,
    pub(crate) send_host: Option<HeaderValue>,
}

/// A folder to serve.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) auth: Auth,
    pub(crate) folder: PathBuf,
    pub(crate) cache: HeaderValue,
}

impl Target {
    pub(super) fn of_service(
        name: &str,
        prefix: &'static str,
        service: Service,
        pages: bool,
        upstreams: &Upstreams,
        metrics: &Metrics,
    ) -> Self {
        Self {
            name: name.into(),
            hosts: Vec::new(),
            path: prefix.into(),
            strip: if pages { prefix.into() } else { "".into() },
            prefix: HeaderValue::from_static(prefix),
            to: To::Service(service, upstreams.service(service)),
            pages,
            max_body: None,
            // Answers to a login hold secrets beside what the client sent.
            compress: service != Service::Auth && prefix != crate::plan::GATE,
            response_timeout: None,
            stats: metrics.route(name),
        }
    }

    pub(super) fn of_route(plan: &Planned, upstreams: &Upstreams, metrics: &Metrics) -> Self {
        let to = match &plan.to {
            Destination::Upstream(address) => To::Application(
                upstreams.open(address, &plan.name),
                Forward {
                    auth: plan.auth.clone(),
                    send_host: plan.send_host.clone(),
                },
            ),
            Destination::Files(folder) => To::Files(Files {
                auth: plan.auth.clone(),
                folder: folder.clone(),
                cache: plan.cache.clone(),
            }),
        };
        let prefix = if plan.path.is_empty() { "/" } else { &plan.path };
        Self {
            name: plan.name.as_str().into(),
            hosts: plan.hosts.clone(),
            path: plan.path.as_str().into(),
            strip: if plan.strip {
                plan.path.as_str().into()
            } else {
                "".into()
            },
            prefix: HeaderValue::from_str(prefix).unwrap_or_else(|_| HeaderValue::from_static("/")),
            to,
            pages: true,
            max_body: plan.max_body,
            compress: plan.compress,
            response_timeout: Some(plan.response_timeout),
            stats: metrics.route(&plan.name),
        }
    }

    /// Whether requests for `host` are for this target.
    pub(super) fn is_for(&self, host: &str) -> bool {
        self.hosts.is_empty()
            || self.hosts.iter().any(
                |name| matches!(name, Name::Dns(name) if name.eq_ignore_ascii_case(host.strip_suffix('.').unwrap_or(host))),
            )
    }

    /// Whether `path` is the bare path of a route whose path is taken off.
    pub(super) fn needs_slash(&self, path: &str) -> bool {
        !self.strip.is_empty() && path == &*self.path
    }

    /// The part of the path that is taken off; empty = none.
    pub(crate) fn stripped(&self) -> &str {
        &self.strip
    }

    /// The address as it is seen behind the target. `None` when what is left is no address.
    pub(crate) fn path(&self, original: &PathAndQuery) -> Option<PathAndQuery> {
        if matches!(self.to, To::Service(..)) && &*self.path == METRICS {
            return Some(PathAndQuery::from_static("/api/info/metrics"));
        }
        if self.strip.is_empty() {
            return Some(original.clone());
        }
        let literal = original.as_str().strip_prefix(&*self.strip);
        let rest = if let Some(rest) = literal.filter(|rest| rest.starts_with('/')) {
            rest
        } else {
            // The same path in another spelling: as many segments of it belong to the prefix.
            let segments = self.strip.matches('/').count();
            let mut slashes = original.path().match_indices('/').skip(segments);
            &original.as_str()[slashes.next()?.0..]
        };
        rest.starts_with('/').then(|| rest.parse().ok()).flatten()
    }
}
