//! What is counted, and the text in which it is told (Prometheus text format 0.0.4).

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::upstream::Upstream;

/// Upper bounds of the classes of duration, in seconds.
const BOUNDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// All counters of the process. They outlive a reload.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    routes: Mutex<HashMap<Box<str>, Arc<RouteStats>>>,
    /// Requests that the gateway itself refused, by the code in the answer.
    rejects: Mutex<BTreeMap<&'static str, u64>>,
    /// Connections that were let in.
    pub(crate) connections: AtomicU64,
    /// Connections that were turned away, because there were too many.
    pub(crate) refused_connections: AtomicU64,
    /// TLS handshakes that came to an end, and those that did not.
    pub(crate) handshakes: AtomicU64,
    pub(crate) failed_handshakes: AtomicU64,
}

/// The counters of one route.
#[derive(Debug, Default)]
pub(crate) struct RouteStats {
    pub(crate) name: Box<str>,
    /// By the first digit of the status.
    classes: [AtomicU64; 5],
    /// By duration; the last one is for what took longer than all bounds.
    durations: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
    bytes: AtomicU64,
}

impl RouteStats {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Counts one request whose answer is through.
    pub(crate) fn count(&self, status: u16, took: Duration, bytes: u64) {
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        self.classes[class].fetch_add(1, Ordering::Relaxed);
        let seconds = took.as_secs_f64();
        let place = BOUNDS.iter().position(|bound| seconds <= *bound);
        self.durations[place.unwrap_or(BOUNDS.len())].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(took.as_micros() as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Requests in all, and those that ended with 5xx.
    pub(crate) fn totals(&self) -> (u64, u64) {
        let count = |class: &AtomicU64| class.load(Ordering::Relaxed);
        (self.classes.iter().map(count).sum(), count(&self.classes[4]))
    }

    /// The duration that all but a hundredth of the requests kept below, in seconds; `None` without requests, or
    /// above all bounds.
    pub(crate) fn p99(&self) -> Option<f64> {
        let counts = self
            .durations
            .each_ref()
            .map(|count| count.load(Ordering::Relaxed));
        let all: u64 = counts.iter().sum();
        let mut left = all - all / 100;
        (all > 0).then_some(())?;
        for (count, bound) in counts.iter().zip(BOUNDS) {
            left = left.saturating_sub(*count);
            if left == 0 {
                return Some(bound);
            }
        }
        None
    }
}

impl Metrics {
    /// The counters of a route, by its name; the same ones as before where the name is known.
    pub(crate) fn route(&self, name: &str) -> Arc<RouteStats> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stats) = routes.get(name) {
            return stats.clone();
        }
        let stats = Arc::new(RouteStats::new(name));
        routes.insert(name.into(), stats.clone());
        stats
    }

    /// The gateway itself answered with a failure.
    pub(crate) fn reject(&self, code: &'static str) {
        let mut rejects = self.rejects.lock().unwrap_or_else(PoisonError::into_inner);
        *rejects.entry(code).or_default() += 1;
    }

    /// Everything as text. `open`: connections of clients that are open now.
    pub(crate) fn text(&self, open: usize, upstreams: &[Arc<Upstream>]) -> String {
        let mut text = String::with_capacity(8 * 1024);
        self.routes_text(&mut text);
        let rejects = self
            .rejects
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let name = "pistack_gateway_rejects_total";
        head(
            &mut text,
            name,
            "counter",
            "Requests that the gateway itself refused, by reason.",
        );
        for (code, count) in rejects {
            let _ = writeln!(text, "{name}{{reason=\"{code}\"}} {count}");
        }
        upstreams_text(&mut text, upstreams);
        self.clients_text(&mut text, open);
        text
    }

    fn clients_text(&self, text: &mut String, open: usize) {
        head(
            text,
            "pistack_gateway_connections",
            "gauge",
            "Open connections of clients.",
        );
        let _ = writeln!(text, "pistack_gateway_connections {open}");
        for (name, count, help) in [
            (
                "pistack_gateway_connections_total",
                &self.connections,
                "Connections of clients.",
            ),
            (
                "pistack_gateway_connections_refused_total",
                &self.refused_connections,
                "Connections turned away because there were too many.",
            ),
            (
                "pistack_gateway_tls_handshakes_total",
                &self.handshakes,
                "TLS handshakes.",
            ),
            (
                "pistack_gateway_tls_handshakes_failed_total",
                &self.failed_handshakes,
                "TLS handshakes that came to nothing.",
            ),
        ] {
            head(text, name, "counter", help);
            let _ = writeln!(text, "{name} {}", count.load(Ordering::Relaxed));
        }
    }

    fn routes_text(&self, text: &mut String) {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut routes: Vec<Arc<RouteStats>> = routes.values().cloned().collect();
        routes.sort_by(|a, b| a.name.cmp(&b.name));
        let name = "pistack_gateway_requests_total";
        head(text, name, "counter", "Requests by route and class of status.");
        for stats in &routes {
            for (index, count) in stats.classes.iter().enumerate() {
                let (route, class) = (quoted(&stats.name), index + 1);
                let count = count.load(Ordering::Relaxed);
                let _ = writeln!(text, "{name}{{route=\"{route}\",class=\"{class}xx\"}} {count}");
            }
        }
        let name = "pistack_gateway_request_seconds";
        head(
            text,
            name,
            "histogram",
            "From a request's head to the end of its answer.",
        );
        for stats in &routes {
            let route = quoted(&stats.name);
            let mut sum = 0;
            for (index, count) in stats.durations.iter().enumerate() {
                sum += count.load(Ordering::Relaxed);
                let bound = BOUNDS
                    .get(index)
                    .map_or_else(|| "+Inf".to_owned(), f64::to_string);
                let _ = writeln!(text, "{name}_bucket{{route=\"{route}\",le=\"{bound}\"}} {sum}");
            }
            let seconds = stats.micros.load(Ordering::Relaxed) as f64 / 1e6;
            let _ = writeln!(text, "{name}_sum{{route=\"{route}\"}} {seconds}");
            let _ = writeln!(text, "{name}_count{{route=\"{route}\"}} {sum}");
        }
        let name = "pistack_gateway_response_bytes_total";
        head(
            text,
            name,
            "counter",
            "Bytes of answers' bodies, as they were sent.",
        );
        for stats in &routes {
            let bytes = stats.bytes.load(Ordering::Relaxed);
            let _ = writeln!(text, "{name}{{route=\"{}\"}} {bytes}", quoted(&stats.name));
        }
    }
}

fn upstreams_text(text: &mut String, upstreams: &[Arc<Upstream>]) {
    let name = "pistack_gateway_upstream_connections";
    head(
        text,
        name,
        "gauge",
        "Open connections to services and applications.",
    );
    for upstream in upstreams {
        let open = upstream.open.load(Ordering::Relaxed);
        let _ = writeln!(text, "{name}{{upstream=\"{}\"}} {open}", quoted(&upstream.label));
    }
    let name = "pistack_gateway_upstream_opened_total";
    head(
        text,
        name,
        "counter",
        "Connections opened to services and applications.",
    );
    for upstream in upstreams {
        let opened = upstream.opened.load(Ordering::Relaxed);
        let _ = writeln!(
            text,
            "{name}{{upstream=\"{}\"}} {opened}",
            quoted(&upstream.label)
        );
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// A label's value.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_counted_by_class_and_duration() {
        let metrics = Metrics::default();
        let stats = metrics.route("camera");
        for _ in 0..99 {
            stats.count(200, Duration::from_micros(900), 10);
        }
        stats.count(503, Duration::from_mins(1), 0);
        assert_eq!(metrics.route("camera").totals(), (100, 1));
        assert_eq!(stats.p99(), Some(0.001));
        stats.count(503, Duration::from_mins(1), 0);
        assert_eq!(stats.p99(), None, "longer than every bound");
        metrics.reject("csrf");
        let text = metrics.text(3, &[]);
        for line in [
            "pistack_gateway_requests_total{route=\"camera\",class=\"2xx\"} 99",
            "pistack_gateway_request_seconds_bucket{route=\"camera\",le=\"0.001\"} 99",
            "pistack_gateway_request_seconds_bucket{route=\"camera\",le=\"+Inf\"} 101",
            "pistack_gateway_response_bytes_total{route=\"camera\"} 990",
            "pistack_gateway_rejects_total{reason=\"csrf\"} 1",
            "pistack_gateway_connections 3",
        ] {
            assert!(
                text.lines().any(|known| known == line),
                "{line} is not in\n{text}"
            );
        }
    }
}
