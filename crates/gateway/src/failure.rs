//! Answers of the gateway itself when a request goes nowhere: a page for people, a problem body for programs.

use bytes::Bytes;
use http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap,
    HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{Method, Response, StatusCode};
use pistack_api::problem::{MEDIA_TYPE, ProblemBody};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::body::ResponseBody;
use crate::outer_path::OuterPath;
use crate::plan::Auth;
use crate::upstream::Upstream;

/// When a client should come back to a service that is away, in seconds.
const RETRY_SECONDS: u64 = 2;

/// A request that was not answered by a service.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
    detail: Option<&'static str>,
    away: Option<Away>,
    /// Seconds after which the client is welcome again.
    retry: Option<u64>,
}

/// Who did not answer.
#[derive(Debug)]
struct Away {
    /// The program's name, or the route's.
    label: Box<str>,
    /// Since when, in seconds since 1970, as far as the gateway has seen.
    since: Option<i64>,
}

impl Away {
    fn of(upstream: &Upstream) -> Self {
        Self {
            label: upstream.label.clone(),
            since: upstream.down_since(),
        }
    }

    /// `2026-11-23T16:00:00Z`
    fn since(&self) -> Option<String> {
        let moment = OffsetDateTime::from_unix_timestamp(self.since?).ok()?;
        moment.format(&Rfc3339).ok()
    }
}

impl Failure {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            detail: None,
            away: None,
            retry: (status == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_SECONDS),
        }
    }

    /// The client asks more often than it may.
    pub(crate) fn too_many(seconds: u64) -> Self {
        Self {
            retry: Some(seconds),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "too many requests")
        }
        .detail("This address sends more requests than `[gateway.limits]` allows. Try again after the time in Retry-After.")
    }

    /// Whether the connection of HTTP/1 ends with the answer: what follows on it may be anything.
    pub(crate) fn ends_connection(&self) -> bool {
        matches!(self.status.as_u16(), 400 | 405 | 408 | 413 | 414 | 421 | 431)
    }

    /// Adds what happened and what cures it.
    pub(crate) fn detail(mut self, detail: &'static str) -> Self {
        self.detail = Some(detail);
        self
    }

    /// No such address.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "not found")
    }

    /// Nobody answers at the service's socket, or at the application's address.
    pub(crate) fn down(upstream: &Upstream) -> Self {
        let message = format!("{} is down", upstream.label);
        let failure = Self {
            away: Some(Away::of(upstream)),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "service_down", message)
        };
        failure.detail(if upstream.is_service {
            "The supervisor starts it again as long as it can; its state and its log tell more."
        } else {
            "Nothing listens at the address that the route leads to. Is the application running?"
        })
    }

    /// The service broke off before it had answered.
    pub(crate) fn broken(upstream: &Upstream) -> Self {
        let message = format!("{} broke off the connection", upstream.label);
        Self {
            away: Some(Away::of(upstream)),
            ..Self::new(StatusCode::BAD_GATEWAY, "bad_gateway", message)
        }
        .detail("Whether it acted on the request is not known.")
    }

    /// The service took too long.
    pub(crate) fn late(upstream: &Upstream) -> Self {
        let message = format!("{} did not answer in time", upstream.label);
        Self {
            away: Some(Away::of(upstream)),
            ..Self::new(StatusCode::GATEWAY_TIMEOUT, "gateway_timeout", message)
        }
        .detail("Whether it acted on the request is not known.")
    }

    /// The request's body is longer than the route takes.
    pub(crate) fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            "the request is too large",
        )
        .detail("`max_body` of the route says how much it takes.")
    }

    /// Nobody is signed in, where somebody has to be.
    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "sign in first").detail(
            "This address needs a login: the dashboard's session, or `Authorization: Bearer` with a token.",
        )
    }

    /// Somebody is signed in who may not.
    pub(crate) fn forbidden(auth: &Auth) -> Self {
        let message = match auth {
            Auth::Right { right, object, .. } => format!("forbidden: requires {}", right.text(object)),
            Auth::Public => "forbidden".to_owned(),
        };
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
            .detail("The account, or the token, does not have the right to this.")
    }

    /// Files are only read.
    pub(crate) fn only_reading() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "method not allowed",
        )
        .detail("This address holds files: they can be read with GET and HEAD.")
    }

    /// The reason in one word, for the counters.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// The client's body did not come, or not in a form that can be read.
    pub(crate) fn body(timed_out: bool) -> Self {
        if timed_out {
            Self::new(
                StatusCode::REQUEST_TIMEOUT,
                "request_timeout",
                "the request's body did not arrive in time",
            )
        } else {
            Self::new(StatusCode::BAD_REQUEST, "bad_request", "bad request")
                .detail("The request's body ended early or its framing is wrong.")
        }
    }

    /// A page of another site tried to act with this browser's session.
    pub(crate) fn foreign_origin() -> Self {
        Self::new(StatusCode::FORBIDDEN, "csrf", "cross-site request refused")
            .detail("A request that changes something must come from this board's own pages, or carry a bearer token.")
    }

    #[cfg(test)]
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The answer, as the client prefers it, where people see this gateway below `outer`.
    pub(crate) fn answer(self, wish: &Wish, outer: Option<&OuterPath>) -> Response<ResponseBody> {
        let html = wish.is_page();
        let text = if html { self.page(outer) } else { self.problem() };
        let kind = if html {
            "text/html; charset=utf-8"
        } else {
            MEDIA_TYPE
        };
        let length = text.len();
        let body = if wish.head {
            ResponseBody::empty()
        } else {
            ResponseBody::full(Bytes::from(text))
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if html {
            let policy =
                "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        }
        if let Some(seconds) = self.retry {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(
                ALLOW,
                HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
            );
        }
        response
    }

    fn problem(&self) -> String {
        let mut extra = serde_json::Map::new();
        if let Some(away) = &self.away {
            extra.insert("service".to_owned(), (*away.label).into());
            if let Some(since) = away.since() {
                extra.insert("since".to_owned(), since.into());
            }
        }
        if let Some(seconds) = self.retry {
            extra.insert("retry_after".to_owned(), seconds.into());
        }
        let body = ProblemBody {
            kind: format!("urn:pistack:problem:{}", self.code),
            title: self.title().to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.map(str::to_owned),
            code: self.code.to_owned(),
            message: self.message.clone(),
            extra,
        };
        serde_json::to_string(&body).unwrap_or_else(|_| r#"{"message":"internal error"}"#.to_owned())
    }

    fn title(&self) -> &'static str {
        self.status.canonical_reason().unwrap_or("Error")
    }

    /// Nothing of the request is shown; names out of the configuration are.
    fn page(&self, outer: Option<&OuterPath>) -> String {
        let again = self.status == StatusCode::SERVICE_UNAVAILABLE;
        let refresh = if again {
            r#"<meta http-equiv="refresh" content="2">"#
        } else {
            ""
        };
        let note = if again {
            "<p>This page tries again by itself.</p>"
        } else {
            ""
        };
        let detail = self
            .detail
            .map(|text| format!("<p>{text}</p>"))
            .unwrap_or_default();
        let message = match &self.away {
            Some(away) => {
                let rest = self.message.strip_prefix(&*away.label).unwrap_or_default();
                format!("<code>{}</code>{rest}", escaped(&away.label))
            }
            None => escaped(&self.message),
        };
        let since = self.away.as_ref().and_then(Away::since);
        let since = since.map_or_else(String::new, |since| {
            format!("<p>Nobody has answered there since <time datetime=\"{since}\">{since}</time>.</p>")
        });
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">{refresh}\
             <title>{status} {title}</title><style>{STYLE}</style></head>\
             <body><main><p>{status} {title}</p><h1>{message}</h1>{since}{detail}{note}\
             <p><a href=\"{outer}/control/\">Dashboard</a></p></main></body></html>",
            status = self.status.as_u16(),
            title = self.title(),
            outer = outer.map_or("", OuterPath::as_str),
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

const STYLE: &str = ":root{color-scheme:light dark}\
body{font:1rem/1.5 system-ui,sans-serif;margin:0;display:grid;place-items:center;min-height:100vh;\
background:#f6f7f9;color:#1c2330}\
main{max-width:34rem;padding:2rem}h1{font-size:1.5rem;line-height:1.3}a{color:#0b5cad}\
@media(prefers-color-scheme:dark){body{background:#14181f;color:#e4e8ee}a{color:#7db8f5}}";

/// In which form a client wants a failure told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Read only where there is a failure.
    accept: Option<HeaderValue>,
    head: bool,
}

impl Wish {
    pub(crate) fn of(method: &Method, headers: &HeaderMap) -> Self {
        Self {
            accept: headers.get(ACCEPT).cloned(),
            head: method == Method::HEAD,
        }
    }

    /// Whether a person looks at the answer.
    pub(crate) fn is_page(&self) -> bool {
        let accept = self.accept.as_ref().and_then(|value| value.to_str().ok());
        let accept = accept.unwrap_or_default();
        match (accept.find("text/html"), accept.find("json")) {
            (Some(html), Some(json)) => html < json,
            (html, _) => html.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_get_a_page_and_programs_a_problem() {
        let wish = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            Wish::of(&Method::GET, &headers).is_page()
        };
        assert!(wish(
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
        ));
        for accept in ["application/json", "*/*", "", "application/json, text/html"] {
            assert!(!wish(accept), "{accept}");
        }
        assert!(!Wish::of(&Method::GET, &HeaderMap::new()).is_page());
    }

    #[test]
    fn the_page_names_the_program_and_the_problem_does_too() {
        let paths = pistack_kit::paths::StatePaths::new("/nowhere");
        let clock = pistack_kit::clock::Clock::manual(0);
        let stop = tokio_util::sync::CancellationToken::new();
        let upstreams = crate::upstream::Upstreams::new(&paths, std::time::Duration::ZERO, clock, stop);
        let failure = Failure::down(&upstreams.service(pistack_api::service::Service::Email));
        assert!(failure.page(None).contains("<code>email_service</code> is down"));
        let address = "unix:/x".parse().unwrap();
        let named = Failure::down(&upstreams.open(&address, "<b>")).page(None);
        assert!(named.contains("<code>&lt;b&gt;</code> is down"), "{named}");
        let body: ProblemBody = serde_json::from_str(&failure.problem()).unwrap();
        assert_eq!(
            (body.status, &*body.code, &*body.message),
            (503, "service_down", "email_service is down")
        );
        assert_eq!(body.extra["service"], "email_service");
    }
}
