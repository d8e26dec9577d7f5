//! A service to ask: router, tokens, the hand that pulls.

use axum::Router;
use axum::body::{Body, Bytes};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use pistack_api::service::Service;
use pistack_api::token::Level;
use pistack_io::{Config, Lines};
use pistack_kit::clock::Clock;
use pistack_kit::service::{App, Context};
use pistack_kit::testing::{self, TestAuth};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::hand::{self, Hand};

pub(crate) struct Bench {
    pub(crate) router: Router,
    pub(crate) public: Router,
    pub(crate) internal: Router,
    pub(crate) context: Context,
    pub(crate) auth: TestAuth,
    pub(crate) hand: Hand,
    _directory: tempfile::TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> (u16, &str) {
        (
            self.status.as_u16(),
            self.body["code"].as_str().unwrap_or_default(),
        )
    }
}

impl Bench {
    /// On the chip of the environment, or simulated.
    pub(crate) fn start(lines: Value) -> Self {
        Self::with(&hand::config(), &serde_json::from_value(lines).unwrap())
    }

    pub(crate) fn with(config: &Config, lines: &Lines) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let auth = TestAuth::new();
        let mut context = testing::context(Service::Io, directory.path(), &auth);
        // Lines live in real time.
        context.clock = Clock::system();
        context.guard = pistack_kit::guard::Guard::new(Service::Io, context.clock.clone());
        context.guard.set_keys(&auth.keys());
        context.paths.create().unwrap();
        let (app, health) = pistack_io::app(&context, config, lines).unwrap();
        let (public, internal) = (app.public.clone(), app.internal.clone());
        let app = App {
            public: app.public,
            internal: app.internal,
            spec: app.spec,
        };
        let router = pistack_kit::service::router_with_health(&context, app, health);
        Self {
            router,
            public,
            hand: Hand::new(internal.clone()),
            internal,
            context,
            auth,
            _directory: directory,
        }
    }

    pub(crate) fn token(&self, name: &str, level: Level) -> String {
        self.auth.token(name, level, self.context.clock.unix())
    }

    /// One call with a token (empty: none) and further headers.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self
            .router
            .clone()
            .oneshot(request.body(body.into()).unwrap())
            .await
            .unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body: Bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Answer {
            status,
            headers,
            body,
        }
    }

    /// As Anna, who is a User.
    pub(crate) async fn anna(&self, method: Method, path: &str, body: &str) -> Answer {
        let token = self.token("anna", Level::User);
        self.ask(method, path, &token, &[], body.to_owned()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.anna(Method::GET, path, "").await
    }

    /// Ends the service as a signal would.
    pub(crate) async fn stop(self) {
        self.context.lifecycle.stop();
        assert!(
            self.context
                .lifecycle
                .finish(std::time::Duration::from_secs(10))
                .await
        );
    }
}
