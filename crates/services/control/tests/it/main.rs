//! The dashboard's routes against stand-ins of the services that it asks.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking too")]

mod account;
mod actions;
mod board;
mod fake;
mod fake_account;
mod fake_board;
mod fake_operations;
mod operations;
mod pages;
mod programs;
mod rights;
mod rules_and_mail;
mod session;
mod setup;
mod stream;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use pistack_api::service::Service;
use pistack_api::token::Level;
use pistack_control::Config;
use pistack_kit::service::Context;
use tower::ServiceExt as _;

use fake::Fake;

/// A dashboard with its stand-ins.
struct Stack {
    fake: Arc<Fake>,
    context: Context,
    router: Router,
    _directory: tempfile::TempDir,
}

/// A dashboard with the named services answering.
fn stack(services: &[Service]) -> Stack {
    let directory = tempfile::tempdir().unwrap();
    let fake = Fake::new();
    let context = fake.context(directory.path());
    for service in services {
        fake.serve(*service, &context);
    }
    let router = pistack_kit::service::router(&context, pistack_control::app(&context, Config::default()));
    Stack {
        fake,
        context,
        router,
        _directory: directory,
    }
}

/// All of them.
fn whole() -> Stack {
    stack(&[Service::Auth, Service::Supervisor, Service::Info])
}

/// What came back.
#[derive(Debug)]
struct Page {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Page {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The text after `Location`'s base, or of any header.
    fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        self.header("location")
    }
}

/// A request under way.
struct Ask<'a> {
    stack: &'a Stack,
    request: http::request::Builder,
    body: String,
}

impl Stack {
    fn get(&self, path: &str) -> Ask<'_> {
        let request = Request::builder().uri(path).header("host", "pi.local");
        Ask {
            stack: self,
            request,
            body: String::new(),
        }
    }

    /// A form as a browser posts it.
    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Ask<'_> {
        let mut ask = self.foreign_post(path, fields);
        ask.request = ask.request.header("sec-fetch-site", "same-origin");
        ask
    }

    /// A form that says nothing of where it comes from.
    fn foreign_post(&self, path: &str, fields: &[(&str, &str)]) -> Ask<'_> {
        let encode = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
        };
        let body: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let mut ask = self.get(path);
        ask.request = ask
            .request
            .method("POST")
            .header("content-type", "application/x-www-form-urlencoded");
        ask.body = body.join("&");
        ask
    }
}

impl Ask<'_> {
    fn with(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    fn by(self, level: Level) -> Self {
        let token = self.stack.fake.token(level);
        self.with("authorization", &format!("Bearer {token}"))
    }

    async fn send(self) -> Response {
        let request = self.request.body(Body::from(self.body)).unwrap();
        self.stack.router.clone().oneshot(request).await.unwrap()
    }

    async fn page(self) -> Page {
        let (parts, body) = self.send().await.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Page {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}
