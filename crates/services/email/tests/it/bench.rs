//! The service in this process, with time that the test moves.

use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::request::Builder;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use pistack_api::service::Service;
use pistack_api::token::Level;
use pistack_email::Config;
use pistack_kit::config::Span;
use pistack_kit::service::Context;
use pistack_kit::testing::{self, TestAuth, eventually};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::server::Server;

/// A time at which the clock is believed.
const NOW: i64 = 1_800_000_000;

pub(crate) struct Bench {
    pub(crate) router: Router,
    pub(crate) internal: Router,
    pub(crate) context: Context,
    auth: TestAuth,
    /// Goes with the bench.
    directory: Option<tempfile::TempDir>,
}

impl Bench {
    pub(crate) async fn new(config: &Config) -> Self {
        Self::try_new(config).await.unwrap()
    }

    pub(crate) async fn try_new(config: &Config) -> Result<Self, String> {
        let directory = tempfile::tempdir().unwrap();
        let mut bench = Self::at(directory.path(), config, NOW).await?;
        bench.directory = Some(directory);
        Ok(bench)
    }

    /// With its state in `directory`, at this time (seconds since 1970).
    pub(crate) async fn at(directory: &Path, config: &Config, now: i64) -> Result<Self, String> {
        let auth = TestAuth::new();
        let context = testing::context(Service::Email, directory, &auth);
        context.clock.set_wall(now);
        let (router, internal) = pistack_email::routers(&context, config)
            .await
            .map_err(|error| error.to_string())?;
        Ok(Self {
            router,
            internal,
            context,
            auth,
            directory: None,
        })
    }

    /// Ends the service and waits for its end.
    pub(crate) async fn stop(&self) {
        self.context.lifecycle.stop();
        assert!(self.context.lifecycle.finish(Duration::from_secs(10)).await);
    }

    pub(crate) fn request(&self, method: Method, path: &str, name: &str, level: Level) -> Builder {
        let token = self.auth.token(name, level, self.context.clock.unix());
        Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
    }

    /// As root.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let body = if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        };
        let request = self
            .request(method, path, "root", Level::Root)
            .body(body)
            .unwrap();
        ask(&self.router, request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask(Method::GET, path, &Value::Null).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    pub(crate) async fn send(&self, body: Value) -> (StatusCode, Value) {
        let request = self
            .request(Method::POST, "/api/email/send", "anna", Level::User)
            .body(Body::from(body.to_string()));
        ask(&self.router, request.unwrap()).await
    }

    pub(crate) async fn send_one(&self) -> (StatusCode, Value) {
        self.send(json!({ "to": "anna@example.org", "subject": "Door", "text": "The door is open." }))
            .await
    }

    /// Puts a mail into the outbox; its id.
    pub(crate) async fn put(&self, to: &[&str], subject: &str) -> String {
        let body = json!({ "to": to, "subject": subject, "text": "t" });
        let (status, answer) = self.ask(Method::POST, "/api/email/messages", &body).await;
        assert_eq!(status, 202, "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn message(&self, id: &str) -> Value {
        self.get(&format!("/api/email/messages/{id}")).await
    }

    /// Waits until the mail has one of these states; the mail.
    pub(crate) async fn until(&self, id: &str, states: &[&str]) -> Value {
        eventually(&format!("the mail is {states:?}"), async || {
            let mail = self.message(id).await;
            states.iter().any(|state| mail["state"] == *state).then_some(mail)
        })
        .await
    }

    /// Waits until the channel has this state; the status.
    pub(crate) async fn until_channel(&self, state: &str) -> Value {
        eventually(&format!("the channel is {state}"), async || {
            let status = self.get("/api/email/status").await;
            (status["channel"]["state"] == state).then_some(status)
        })
        .await
    }

    /// Lets time pass, and the queue notice.
    pub(crate) async fn pass(&self, time: Duration) {
        self.context.clock.advance(time);
        self.wake().await;
    }

    pub(crate) async fn wake(&self) {
        let request = Request::post("/internal/wake").body(Body::empty()).unwrap();
        assert_eq!(ask(&self.internal, request).await.0, 204);
    }
}

pub(crate) async fn ask(router: &Router, request: Request<Body>) -> (StatusCode, Value) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

pub(crate) fn to(server: &Server) -> Config {
    Config {
        smtp_host: "localhost".into(),
        smtp_port: Some(server.port),
        smtp_from: "Board <pi@example.org>".into(),
        timeout: Span(Duration::from_secs(5)),
        answer_timeout: Span(Duration::from_secs(5)),
        ..Config::default()
    }
}

pub(crate) fn file(directory: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = directory.path().join("file");
    std::fs::write(&path, text).unwrap();
    path
}
