//! What every service's router has around its own routes.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use serde_json::json;
use tower::Layer as _;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use super::{Context, HealthReport};
use crate::clock::Clock;
use crate::problem::Problem;

/// Largest request body, unless a route sets its own limit.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Longest plain-text rejection that is worth repeating in a problem.
const MAX_DETAIL_BYTES: usize = 2 * 1024;

/// A service's routes with everything around them.
pub(super) fn build(
    context: &Context,
    routes: Router,
    documents: Option<Router>,
    report: Option<HealthReport>,
) -> Router {
    let service = context.service;
    let health = Health {
        service: service.name(),
        clock: context.clock.clone(),
        since: context.clock.monotonic(),
        report,
    };
    let health = Router::new()
        .route(&format!("/api/{service}/health"), get(answer_health))
        .with_state(health);
    let mut router = routes.merge(health);
    if let Some(documents) = documents {
        router = router.merge(documents);
    }
    around(context, router)
}

/// Puts everything around the routes as a whole: `Router::layer` would put it around each of them, and each time
/// five kilobytes on the heap.
fn around(context: &Context, router: Router) -> Router {
    let inner = DefaultBodyLimit::max(MAX_BODY_BYTES).layer(router);
    let inner = Extension(Arc::clone(&context.guard)).layer(inner);
    let inner = SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, HeaderValue::from_static("no-store"))
        .layer(inner);
    let inner =
        SetResponseHeaderLayer::overriding(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
            .layer(inner);
    let inner = axum::middleware::map_response(as_problem).layer(inner);
    let caught = CatchPanicLayer::custom(|panic: Box<dyn Any + Send>| panicked(&*panic)).layer(inner);
    Router::new().fallback_service(caught)
}

#[derive(Clone)]
struct Health {
    service: &'static str,
    clock: Clock,
    since: Duration,
    report: Option<HealthReport>,
}

async fn answer_health(State(health): State<Health>) -> Response {
    let uptime = health
        .clock
        .monotonic()
        .saturating_sub(health.since)
        .as_secs_f64();
    let mut answer = json!({ "service": health.service, "status": "ok", "uptime": uptime });
    if let (Some(report), Some(members)) = (&health.report, answer.as_object_mut()) {
        members.extend(report().await);
    }
    // A report that says `"ok":false` is for load balancers, too.
    let status = if answer["ok"] == false {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    (status, Json(answer)).into_response()
}

/// Turns axum's own refusals (an empty 404 or 405, a plain-text rejection) into problems. What a service answers
/// itself, it answers with a type of its own and passes unchanged.
async fn as_problem(response: Response) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let plain = match response.headers().get(CONTENT_TYPE) {
        None => response.body().size_hint().exact() == Some(0),
        Some(kind) => kind.as_bytes().starts_with(b"text/plain"),
    };
    if !plain {
        return response;
    }
    let (mut head, body) = response.into_parts();
    head.headers.remove(CONTENT_TYPE);
    head.headers.remove(CONTENT_LENGTH);
    let mut problem = problem_of(status);
    if let Some(detail) = text_of(body).await {
        problem = problem.detail(detail);
    }
    let mut answer = problem.into_response();
    answer.headers_mut().extend(head.headers);
    answer
}

fn problem_of(status: StatusCode) -> Problem {
    match status {
        StatusCode::NOT_FOUND => Problem::not_found("not found"),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(status, "method_not_allowed", "method not allowed"),
        StatusCode::PAYLOAD_TOO_LARGE => crate::extract::too_large(),
        _ => {
            let words = status.canonical_reason().unwrap_or("error").to_lowercase();
            Problem::new(status, &words.replace(' ', "_"), words)
        }
    }
}

async fn text_of(body: Body) -> Option<String> {
    let bytes = Limited::new(body, MAX_DETAIL_BYTES)
        .collect()
        .await
        .ok()?
        .to_bytes();
    let text = String::from_utf8(bytes.into()).ok()?;
    Some(text).filter(|text| !text.is_empty())
}

/// 500 for a handler that panicked. The panic's text goes to the log, never to the client.
fn panicked(panic: &(dyn Any + Send)) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a value that is no text");
    tracing::error!(panic = text, "a handler panicked");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal error").into_response()
}
