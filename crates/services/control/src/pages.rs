//! What surrounds every page: the check where a form came from, failures as pages in the visitor's language,
//! panics as well, and the headers that keep a page to itself.

use std::panic::AssertUnwindSafe;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse as _, Response};
use futures_util::FutureExt as _;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

use crate::error::Failure;
use crate::identity::identify;
use crate::state::Dashboard;
use crate::view::{self, ErrorPage, Notice};
use crate::visit::{INGRESS, Visit, Who, same_origin};

/// Nothing from elsewhere, nothing inline, no frame around us.
const POLICY: &str =
    "default-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
/// Behind Home Assistant's ingress we are a frame of its page, which has our own origin.
const FRAMED: &str =
    "default-src 'self'; object-src 'none'; frame-ancestors 'self'; base-uri 'none'; form-action 'self'";

/// The layer around all routes.
pub(crate) async fn dress(State(dashboard): State<Dashboard>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let visit = Visit::read(&parts, &dashboard);
    let headers = parts.headers.clone();
    let changes = !matches!(parts.method, Method::GET | Method::HEAD);
    let mut response = if changes && !same_origin(&headers) {
        tracing::warn!(
            path = parts.uri.path(),
            "refused a form that did not come from a page of ours"
        );
        Failure::CrossSite.into_response()
    } else {
        let answer = next.run(Request::from_parts(parts, body));
        AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_| {
            // The panic hook has written the text to the log.
            Failure::Internal.into_response()
        })
    };
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        let mut visit = visit;
        // The head of an error page shows who is signed in, as on every other page.
        if !matches!(failure, Failure::SignIn | Failure::SetUp | Failure::Down(_))
            && let Ok((_, claims)) = identify(&headers, &dashboard).await
        {
            visit.who = Some(Who::new(&claims));
        }
        response = told(&visit, &failure, &headers);
    }
    let framed = headers.contains_key(INGRESS);
    let policy = if framed { FRAMED } else { POLICY };
    // Swagger UI makes styles of its own; its pages say so.
    let own_policy = response.headers().get(header::CONTENT_SECURITY_POLICY).cloned();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    if let Some(own) = own_policy {
        response
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, own);
    }
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A failure as a redirect to the right form, a message for htmx, or a page.
fn told(visit: &Visit, failure: &Failure, headers: &http::HeaderMap) -> Response {
    match failure {
        Failure::SetUp => return visit.redirect("/setup"),
        Failure::SignIn => {
            if !visit.pieces {
                return visit.redirect(&sign_in_path(&visit.here));
            }
            // 401, so that a script sees it too; htmx follows the header whatever the status is.
            let target = format!("{}{}", visit.base, sign_in_path(&page_of(visit, headers)));
            return match HeaderValue::try_from(target) {
                Ok(target) => (failure.status(), [("hx-redirect", target)], Html("")).into_response(),
                Err(_) => (failure.status(), Html("")).into_response(),
            };
        }
        _ => {}
    }
    let (heading, text) = failure.words(visit.t);
    let rendered = if visit.pieces {
        view::text(&Notice {
            v: visit,
            class: "bad",
            icon: "circle-alert",
            text,
            undo: String::new(),
        })
    } else {
        view::text(&ErrorPage {
            v: visit,
            status: failure.status().as_u16(),
            heading,
            text,
        })
    };
    match rendered {
        Ok(text) => (failure.status(), Html(text)).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, Html(heading)).into_response(),
    }
}

/// `/login`, with the page to come back to.
pub(crate) fn sign_in_path(next: &str) -> String {
    if next == "/" {
        return "/login".to_owned();
    }
    let next = percent_encoding::utf8_percent_encode(next, percent_encoding::NON_ALPHANUMERIC);
    format!("/login?next={next}")
}

/// The page that a piece was asked for from: htmx names it in `HX-Current-URL`.
fn page_of(visit: &Visit, headers: &http::HeaderMap) -> String {
    let path = headers
        .get("hx-current-url")
        .and_then(|value| value.to_str().ok())
        .and_then(|url| url.split_once("://"))
        .and_then(|(_, rest)| rest.find('/').map(|start| &rest[start..]))
        .and_then(|path| path.strip_prefix(visit.base.as_str()))
        .map(|path| path.split('#').next().unwrap_or_default());
    path.and_then(crate::visit::own_path).unwrap_or("/").to_owned()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use http_body_util::BodyExt as _;
    use pistack_api::service::Service;
    use pistack_kit::testing::{TestAuth, context};
    use tower::ServiceExt as _;

    use super::*;
    use crate::config::Config;

    #[tokio::test]
    async fn a_panic_becomes_a_page_that_tells_nothing() {
        async fn broken() -> &'static str {
            panic!("secret detail")
        }
        let directory = tempfile::tempdir().unwrap();
        let context = context(Service::Control, directory.path(), &TestAuth::new());
        let dashboard = Dashboard::new(context, Config::default());
        let router: Router = Router::new()
            .route("/", get(broken))
            .layer(axum::middleware::from_fn_with_state(dashboard, dress));
        for (pieces, shown) in [
            (false, "<html lang=\"pl\""),
            (true, "<hx-partial hx-target=\"#notice\""),
        ] {
            let mut request = Request::builder().uri("/").header("accept-language", "pl");
            if pieces {
                request = request.header("hx-request", "true");
            }
            let request = request.body(Body::empty()).unwrap();
            let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
            let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
            assert_eq!(parts.status, StatusCode::INTERNAL_SERVER_ERROR);
            assert!(
                text.contains(shown) && text.contains("Ponowna próba może pomóc"),
                "{text}"
            );
            assert!(!text.contains("secret"), "{text}");
            assert!(parts.headers.contains_key(header::CONTENT_SECURITY_POLICY));
        }
    }
}
