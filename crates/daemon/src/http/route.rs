//! What is answered at which path.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, LAST_MODIFIED, WWW_AUTHENTICATE,
};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use pistack_api::xmlrpc;
use pistack_engine::io::Channel;
use pistack_kit::clock::Clock;
use tokio_util::sync::CancellationToken;

use super::auth::is_authorised;
use super::endless::{self, Body};
use super::pages;
use super::stream::Stream;
use crate::ask::{Asker, WhichLog};
use crate::events::Events;
use crate::logs::follow::Follower;
use crate::rpc::call::call;

/// Bytes that a call may have.
const CALL_LIMIT: usize = 8 << 20;

/// What the connections of one server share.
#[derive(Debug)]
pub(crate) struct Site {
    /// The way to the supervisor.
    pub(crate) asker: Asker,
    /// Events for subscribers.
    pub(crate) events: Events,
    /// Who may call.
    pub(crate) credentials: Option<(String, String)>,
    /// Only the supervisor's own user can connect: here the configuration is told whole.
    pub(crate) private: bool,
    /// Whether the `supervisor` namespace is there.
    pub(crate) supervisor_enabled: bool,
    /// What the pages say of the supervisor: version and identifier.
    pub(crate) title: String,
    /// The time that pages show.
    pub(crate) clock: Clock,
    /// Ends endless answers.
    pub(crate) stop: CancellationToken,
}

/// Answers a request.
pub(crate) async fn answer(request: Request<Incoming>, site: &Site, client: Arc<Stream>) -> Response<Body> {
    if !is_authorised(request.headers().get(AUTHORIZATION), site.credentials.as_ref()) {
        return unauthorised();
    }
    let path = request.uri().path().to_owned();
    if path.starts_with("/RPC2") {
        return rpc(request, site).await;
    }
    if path.starts_with("/logtail") || path.starts_with("/mainlogtail") {
        if request.method() != Method::GET {
            return refusal(StatusCode::BAD_REQUEST);
        }
        return match which_log(&path) {
            Some(log) => tail(log, site, client).await,
            None => refusal(StatusCode::NOT_FOUND),
        };
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if pages::is_page(&path) && (reads || request.method() == Method::POST) {
        return pages::answer(request, site).await.unwrap_or_else(refusal);
    }
    match path.as_str() {
        _ if !reads => refusal(StatusCode::BAD_REQUEST),
        "/pistack/events" => events(&request, site, client),
        "/pistack/written" if site.private => written(&request, site).await,
        _ => refusal(StatusCode::NOT_FOUND),
    }
}

async fn rpc(request: Request<Incoming>, site: &Site) -> Response<Body> {
    if request.method() != Method::POST {
        return refusal(StatusCode::BAD_REQUEST);
    }
    if !request.headers().contains_key(CONTENT_LENGTH) {
        return refusal(StatusCode::LENGTH_REQUIRED);
    }
    let body = match Limited::new(request.into_body(), CALL_LIMIT).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            return refusal(StatusCode::PAYLOAD_TOO_LARGE);
        }
        Err(_) => return refusal(StatusCode::BAD_REQUEST),
    };
    let parsed = match xmlrpc::parse_call(&body) {
        Ok(parsed) if !parsed.method.is_empty() => parsed,
        _ => return refusal(StatusCode::BAD_REQUEST),
    };
    drop(body);
    let xml = match call(&site.asker, site.supervisor_enabled, parsed).await {
        Ok(value) => xmlrpc::write_response(&value),
        Err(fault) => xmlrpc::write_fault(&fault),
    };
    respond(StatusCode::OK, "text/xml", xml.into())
}

/// The log that a path names: `/mainlogtail`, `/logtail/NAME`, `/logtail/NAME/stderr`.
fn which_log(path: &str) -> Option<WhichLog> {
    if path.starts_with("/mainlogtail") {
        return Some(WhichLog::Main);
    }
    let decoded = percent_decode_str(path).decode_utf8().ok()?;
    let rest = decoded.trim_start_matches('/').strip_prefix("logtail/")?;
    let (name, channel) = match rest.split_once('/') {
        None => (rest, Channel::Stdout),
        Some((name, "stdout")) => (name, Channel::Stdout),
        Some((name, "stderr")) => (name, Channel::Stderr),
        Some(_) => return None,
    };
    Some(WhichLog::Process {
        name: name.to_owned(),
        channel,
    })
}

async fn tail(log: WhichLog, site: &Site, client: Arc<Stream>) -> Response<Body> {
    let Some(follower) = site
        .asker
        .follow(log)
        .await
        .and_then(|log| Follower::new(log).ok())
    else {
        return refusal(StatusCode::NOT_FOUND);
    };
    let modified = follower
        .modified()
        .and_then(|seconds| u64::try_from(seconds).ok())
        .map(|seconds| httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds)))
        .and_then(|text| HeaderValue::try_from(text).ok());
    let mut response = endless(
        "text/plain;charset=utf-8",
        endless::body(follower, client, site.stop.clone()),
    );
    if let Some(modified) = modified {
        response.headers_mut().insert(LAST_MODIFIED, modified);
    }
    response
}

async fn written(request: &Request<Incoming>, site: &Site) -> Response<Body> {
    let name = query(request, "name=").and_then(|name| percent_decode_str(name).decode_utf8().ok());
    let Some(name) = name else {
        return refusal(StatusCode::BAD_REQUEST);
    };
    let told = site.asker.written(name.into_owned()).await;
    match told.and_then(|told| serde_json::to_vec(&told).ok()) {
        Some(json) => respond(StatusCode::OK, "application/json", json.into()),
        None => refusal(StatusCode::NOT_FOUND),
    }
}

/// The value of a query's pair that begins so.
fn query<'r>(request: &'r Request<Incoming>, key: &str) -> Option<&'r str> {
    let mut pairs = request.uri().query()?.split('&');
    pairs.find_map(|pair| pair.strip_prefix(key))
}

fn events(request: &Request<Incoming>, site: &Site, client: Arc<Stream>) -> Response<Body> {
    let after = match query(request, "after=").map(str::parse::<u64>) {
        None => None,
        Some(Ok(serial)) => Some(serial),
        Some(Err(_)) => return refusal(StatusCode::BAD_REQUEST),
    };
    let lines = site.events.subscribe(after);
    endless(
        "application/jsonl",
        endless::body(lines, client, site.stop.clone()),
    )
}

fn endless(kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // proxies in front must not wait for more
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}

fn unauthorised() -> Response<Body> {
    let mut response = refusal(StatusCode::UNAUTHORIZED);
    let headers = response.headers_mut();
    headers.insert(
        WWW_AUTHENTICATE,
        HeaderValue::from_static("Basic realm=\"default\""),
    );
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn refusal(status: StatusCode) -> Response<Body> {
    text(status, format!("{status}\n"))
}

fn text(status: StatusCode, text: String) -> Response<Body> {
    respond(status, "text/plain;charset=utf-8", text.into())
}

fn respond(status: StatusCode, kind: &'static str, bytes: Bytes) -> Response<Body> {
    let body = Full::new(bytes)
        .map_err(|never: Infallible| match never {})
        .boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_logs() {
        let process = |name: &str, channel| {
            Some(WhichLog::Process {
                name: name.into(),
                channel,
            })
        };
        assert_eq!(which_log("/mainlogtail"), Some(WhichLog::Main));
        assert_eq!(which_log("/logtail/cat"), process("cat", Channel::Stdout));
        assert_eq!(
            which_log("/logtail/pets%3Acat/stderr"),
            process("pets:cat", Channel::Stderr)
        );
        assert_eq!(
            which_log("/logtail/pets:cat/stdout"),
            process("pets:cat", Channel::Stdout)
        );
        assert_eq!(which_log("/logtail/cat/other"), None);
        assert_eq!(which_log("/logtail"), None);
    }
}
