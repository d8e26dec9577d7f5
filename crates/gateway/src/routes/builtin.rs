//! The contract's table on one page: the stack's own addresses.

use std::sync::Arc;

use pistack_api::service::Service;

use super::Found;
use super::target::{METRICS, Target};
use crate::metrics::Metrics;
use crate::plan::GATE;
use crate::upstream::Upstreams;

/// The services below `/api/`, by their short names alone.
const APIS: [(&str, &str, Service); 8] = [
    ("auth", "/api/auth", Service::Auth),
    ("supervisor", "/api/supervisor", Service::Supervisor),
    ("email", "/api/email", Service::Email),
    ("info", "/api/info", Service::Info),
    ("io", "/api/io", Service::Io),
    ("control", "/api/control", Service::Control),
    ("rules", "/api/rules", Service::Rules),
    ("notify", "/api/notify", Service::Rules),
];

/// The stack's own targets.
#[derive(Debug)]
pub(super) struct Builtin {
    dashboard: Arc<Target>,
    gate: Arc<Target>,
    apis: [Arc<Target>; APIS.len()],
    /// The whole stack's figures, which the info service gathers.
    metrics: Arc<Target>,
}

impl Builtin {
    pub(super) fn new(upstreams: &Upstreams, metrics: &Metrics) -> Self {
        let target = |name: &str, prefix: &'static str, service, pages: bool| {
            Arc::new(Target::of_service(
                name, prefix, service, pages, upstreams, metrics,
            ))
        };
        Self {
            dashboard: target("control", "/control", Service::Control, true),
            gate: target("gate", GATE, Service::Control, true),
            metrics: target("info", METRICS, Service::Info, false),
            apis: APIS.map(|(name, prefix, service)| {
                let name = if name == "control" { "control_api" } else { name };
                target(name, prefix, service, false)
            }),
        }
    }

    pub(super) fn gate(&self) -> &Arc<Target> {
        &self.gate
    }

    pub(super) fn targets(&self) -> impl Iterator<Item = &Arc<Target>> {
        [&self.dashboard, &self.gate, &self.metrics]
            .into_iter()
            .chain(&self.apis)
    }

    pub(super) fn find(&self, path: &str) -> Found<'_> {
        match path {
            "/" => return Found::Elsewhere("/control/", false),
            "/control" => return Found::Elsewhere("/control/", true),
            "/ca.pem" | "/pistack-ca.pem" | "/ca" => return Found::Root,
            path if path.starts_with("/ca/") => return Found::Root,
            METRICS => return Found::Target(&self.metrics),
            _ => {}
        }
        if let Some(inner) = path.strip_prefix("/control") {
            // `/internal` is for the stack's own processes, which ask over the unix sockets without the gateway.
            return if inner.starts_with('/') && !is_internal(inner) {
                Found::Target(&self.dashboard)
            } else {
                Found::Nowhere
            };
        }
        if let Some(rest) = path.strip_prefix("/api/") {
            let name = rest.split('/').next().unwrap_or_default();
            if let Some(index) = APIS.iter().position(|(known, ..)| *known == name) {
                return Found::Target(&self.apis[index]);
            }
            return match rest.strip_prefix("gateway") {
                Some(call) if call.starts_with('/') => Found::Own,
                _ => Found::Nowhere,
            };
        }
        match path.strip_prefix(GATE) {
            Some(inner) if inner.starts_with('/') => Found::Gate(inner.starts_with("/back/")),
            _ => Found::Nowhere,
        }
    }
}

/// What of the dashboard people see at [`GATE`]: what signing in needs, and nothing else.
pub(crate) fn is_gate_page(path: &str) -> bool {
    let inner = path.strip_prefix(GATE).unwrap_or_default();
    let known = ["/login", "/logout", "/setup", "/preferences"];
    inner.starts_with("/assets/") || known.iter().any(|page| crate::plan::is_below(inner, page))
}

fn is_internal(path: &str) -> bool {
    if !path.contains('%') && !path.starts_with("/internal") {
        return false;
    }
    let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    path.strip_prefix("/internal")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ';']))
}
