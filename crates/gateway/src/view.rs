//! What the gateway tells of itself: the routes in force, what it counted, the newest requests. On its own socket
//! (`/internal/...`, for this board's own processes) and behind the login (`/api/gateway/...`).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{Method, Response};
use serde_json::{Value, json};

use crate::body::ResponseBody;
use crate::config::AccessLog;
use crate::failure::Failure;
use crate::names::Name;
use crate::proxy::Gateway;
use crate::routes::{Target, To};

/// Lines of the log that are told if no number is asked for, and the most that are.
const LINES: (usize, usize) = (100, 10_000);

/// `call` is what comes after `/internal` or `/api/gateway`.
pub(crate) fn answer(
    gateway: &Gateway,
    method: &Method,
    call: &str,
    query: &str,
) -> Result<Response<ResponseBody>, Failure> {
    if *method != Method::GET && *method != Method::HEAD {
        return Err(Failure::only_reading());
    }
    let (kind, text) = match call {
        "/routes" => ("application/json", routes(gateway).to_string()),
        "/metrics" => ("text/plain; version=0.0.4", metrics(gateway)),
        "/log" => log(gateway, query),
        _ => return Err(Failure::not_found()),
    };
    let text = Bytes::from(text);
    let length = text.len();
    let body = if *method == Method::HEAD {
        ResponseBody::empty()
    } else {
        ResponseBody::full(text)
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn metrics(gateway: &Gateway) -> String {
    let upstreams = gateway.upstreams.all();
    gateway.metrics.text(gateway.admission.open(), &upstreams)
}

/// Every route in force, the stack's own first.
fn routes(gateway: &Gateway) -> Value {
    let table = gateway.table();
    let own = table.targets().map(|target| {
        let plan = table.listed.iter().find(|(_, known)| Arc::ptr_eq(known, target));
        let mut shown = of_target(target);
        if let Some((plan, _)) = plan {
            shown["auth"] = plan.auth.to_string().into();
            shown["strip"] = plan.strip.into();
            shown["hosts"] = plan.hosts.iter().map(Name::to_string).collect();
            if let Some(door) = plan.door {
                shown["listen"] = door.to_string().into();
                shown["tls"] = door.tls.into();
                shown["port"] = gateway.doors.port(door).into();
            }
        }
        shown
    });
    json!({ "routes": own.collect::<Vec<_>>() })
}

fn of_target(target: &Target) -> Value {
    let (to, upstream) = match &target.to {
        To::Service(service, upstream) => (format!("service:{service}"), Some(upstream)),
        To::Application(upstream, _) => (upstream.address.to_string(), Some(upstream)),
        To::Files(files) => (format!("files:{}", files.folder.display()), None),
    };
    let path = if target.path.is_empty() {
        "/"
    } else {
        &*target.path
    };
    let (requests, errors) = target.stats.totals();
    json!({
        "name": &*target.name,
        "path": path,
        "to": to,
        "own": matches!(target.to, To::Application(..) | To::Files(_)),
        "requests": requests,
        "errors": errors,
        "p99_seconds": target.stats.p99(),
        "connections": upstream.map(|upstream| upstream.open.load(Ordering::Relaxed)),
        "down_since": upstream.and_then(|upstream| upstream.down_since()),
    })
}

/// `?lines=100&after=SERIAL&form=json`. Common lines come as text, others as one JSON object a line.
fn log(gateway: &Gateway, query: &str) -> (&'static str, String) {
    let get = |key: &str| {
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(known, _)| *known == key)
            .map(|(_, value)| value)
    };
    let number = |key: &str| get(key).and_then(|text| text.parse::<u64>().ok());
    let count = number("lines")
        .map_or(LINES.0, |count| count as usize)
        .min(LINES.1);
    let form = match get("form") {
        Some("json") => Some(AccessLog::Json),
        Some("common") => Some(AccessLog::Common),
        _ => None,
    };
    let (lines, _) = gateway
        .log
        .lines(number("after").unwrap_or_default(), count, form);
    let mut text = lines.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    let kind = if text.starts_with('{') {
        "application/x-ndjson"
    } else {
        "text/plain; charset=utf-8"
    };
    (kind, text)
}
