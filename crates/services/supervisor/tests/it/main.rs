//! The supervisor service's routes against a fake supervisor on a real socket.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod events;
mod fake;
mod list;
mod logs;
mod processes;
mod reach;
mod runs;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use pistack_api::service::Service;
use pistack_api::token::Level;
use pistack_kit::config::Span;
use pistack_kit::service::Context;
use pistack_kit::testing::{self, TestAuth, eventually};
use pistack_supervisor::Config;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::fake::Fake;

/// The service under test and the supervisor that it asks.
pub(crate) struct Bench {
    pub(crate) fake: Arc<Fake>,
    pub(crate) context: Context,
    pub(crate) router: Router,
    pub(crate) auth: TestAuth,
    _directory: tempfile::TempDir,
}

impl Bench {
    /// Against a fake supervisor on the state directory's socket; its event stream is already connected.
    pub(crate) async fn new() -> Self {
        let bench = Self::with(&Config::default(), true);
        eventually("the event stream is connected", async || {
            bench.fake.event_streams_open(1)
        })
        .await;
        bench
    }

    pub(crate) fn with(config: &Config, serve: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let auth = TestAuth::new();
        let context = testing::context(Service::Supervisor, directory.path(), &auth);
        std::fs::create_dir_all(context.paths.run()).unwrap();
        let fake = Fake::new();
        if serve {
            fake.serve_unix(&context.paths.supervisor_socket());
        }
        let router =
            pistack_kit::service::router(&context, pistack_supervisor::app(&context, config).unwrap());
        Self {
            fake,
            context,
            router,
            auth,
            _directory: directory,
        }
    }

    pub(crate) fn token(&self, level: Level) -> String {
        self.auth.token("anna", level, self.context.clock.unix())
    }

    /// Somebody of the lowest level with a grant.
    pub(crate) fn granted(&self, grant: &str) -> String {
        let mut claims = self.auth.claims("piotr", Level::User, self.context.clock.unix());
        claims.grants = Some(grant.to_owned());
        self.auth.sign(&claims)
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    pub(crate) fn request(&self, method: Method, path: &str, level: Option<Level>) -> Request<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/supervisor{path}"));
        if let Some(level) = level {
            request = request.header("authorization", format!("Bearer {}", self.token(level)));
        }
        request.body(Body::empty()).unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.send(self.request(Method::GET, path, Some(Level::Admin)))
            .await
    }

    pub(crate) async fn post(&self, path: &str) -> (StatusCode, Value) {
        self.send(self.request(Method::POST, path, Some(Level::Root)))
            .await
    }
}

/// A configuration that gives up soon.
pub(crate) fn hasty() -> Config {
    Config {
        timeout: Span(Duration::from_millis(150)),
        ..Config::default()
    }
}
