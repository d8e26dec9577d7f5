//! The status pages for browsers (supervision.md 1.6): `/`, `/index.html`, `/tail.html`, `/ok.html`, and what they
//! look like. Addresses, parameters, messages and redirects are supervisord's; the pages themselves are our own. They
//! need no script, and everything that comes from outside is escaped.

mod action;
mod form;
mod markup;
mod status;
mod tail;

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use pistack_api::xmlrpc::{Call, Fault, Value};

use self::form::Form;
use super::endless::Body;
use super::route::Site;
use crate::rpc::call::call;

/// Bytes that a posted form may have.
const FORM_LIMIT: usize = 64 << 10;
/// Styles and pictures come from here, nothing else is loaded, nobody frames the page.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Whether a path is a page's or belongs to one.
pub(super) fn is_page(path: &str) -> bool {
    matches!(
        path,
        "/" | "/index.html" | "/tail.html" | "/ok.html" | "/pages/style.css" | "/pages/icon.svg"
    )
}

/// Answers a request for a page; an error is a status without a page.
pub(super) async fn answer(request: Request<Incoming>, site: &Site) -> Result<Response<Body>, StatusCode> {
    let path = request.uri().path().to_owned();
    match path.as_str() {
        "/ok.html" => return Ok(file("text/plain", "OK")),
        "/pages/style.css" => return Ok(lasting("text/css;charset=utf-8", include_str!("pages/style.css"))),
        "/pages/icon.svg" => return Ok(lasting("image/svg+xml", include_str!("pages/icon.svg"))),
        _ => {}
    }
    let (host, foreign) = (host(&request), is_foreign(&request));
    let form = form(request).await?;
    if path == "/tail.html" {
        return Ok(page(tail::page(&form, site).await));
    }
    let Some(wanted) = form.get("action") else {
        return Ok(page(status::page(form.get("message"), site).await));
    };
    if foreign {
        return Err(StatusCode::FORBIDDEN);
    }
    let name = form.get("processname");
    let message = action::perform(wanted, name, site)
        .await
        .ok_or(StatusCode::BAD_REQUEST)?;
    redirect(host.as_deref(), &message)
}

/// The parameters: of the address, and of a form, which go before.
async fn form(request: Request<Incoming>) -> Result<Form, StatusCode> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    if request.method() != Method::POST {
        return Ok(Form::new(&query, ""));
    }
    if !request.headers().contains_key(CONTENT_LENGTH) {
        return Err(StatusCode::LENGTH_REQUIRED);
    }
    let body = Limited::new(request.into_body(), FORM_LIMIT)
        .collect()
        .await
        .map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                StatusCode::PAYLOAD_TOO_LARGE
            } else {
                StatusCode::BAD_REQUEST
            }
        })?
        .to_bytes();
    Ok(Form::new(&query, &String::from_utf8_lossy(&body)))
}

/// The `Host` that the client asked for, without the port that http has anyway.
fn host(request: &Request<Incoming>) -> Option<String> {
    let host = request.headers().get(HOST)?.to_str().ok()?.trim();
    let host = host.strip_suffix(":80").unwrap_or(host);
    (!host.is_empty()).then(|| host.to_owned())
}

/// True when a browser says that another site's page made it ask: such a page must not stop programs.
fn is_foreign(request: &Request<Incoming>) -> bool {
    request
        .headers()
        .get(HeaderName::from_static("sec-fetch-site"))
        .is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"))
}

fn redirect(host: Option<&str>, message: &str) -> Result<Response<Body>, StatusCode> {
    let query = format!("/?message={}", form::quote(message));
    let location = host.map_or(query.clone(), |host| format!("http://{host}{query}"));
    let location = HeaderValue::try_from(location).map_err(|_| StatusCode::BAD_REQUEST)?;
    let mut response = file("text/html", "");
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    // a browser that remembered it would not ask the next time
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn page(html: String) -> Response<Body> {
    let mut response = file("text/html;charset=utf-8", html);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn lasting(kind: &'static str, text: &'static str) -> Response<Body> {
    let mut response = file(kind, text);
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
    response
}

fn file(kind: &'static str, bytes: impl Into<Bytes>) -> Response<Body> {
    let body = Full::new(bytes.into())
        .map_err(|never: Infallible| match never {})
        .boxed_unsync();
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A call to the supervisor. The pages are there even where XML-RPC is not.
async fn ask(site: &Site, method: &str, params: Vec<Value>) -> Result<Value, Fault> {
    let call_of = Call {
        method: format!("supervisor.{method}"),
        params,
    };
    call(&site.asker, true, call_of).await
}

/// What is shown for a fault that nobody expected; supervisord's words.
fn unexpected(fault: &Fault) -> String {
    format!("unexpected rpc fault [{}] {}", fault.code, fault.text)
}
