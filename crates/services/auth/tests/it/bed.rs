//! The service in a temporary directory: its real routes on a real database, with a clock that the test moves.

use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use pistack_api::service::Service;
use pistack_auth::Config;
use pistack_kit::clock::Clock;
use pistack_kit::guard::Guard;
use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::paths::StatePaths;
use pistack_kit::service::{self, Context, Listen};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::postgres;

/// A password that the policy takes.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// The running service.
pub(crate) struct Bed {
    pub(crate) dir: TempDir,
    pub(crate) clock: Clock,
    pub(crate) config: Config,
    pub(crate) context: Context,
    public: Router,
    internal: Router,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Got {
    /// The text of one member.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.body[key]
            .as_str()
            .unwrap_or_else(|| panic!("`{key}` in {}", self.body))
    }

    /// Status and `message`, the contract's way to tell errors apart.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status, self.text("message"))
    }
}

/// A configuration whose hashes are cheap, with the database of this test.
pub(crate) fn quick() -> Config {
    Config {
        argon2_memory_kib: Some(64),
        database_url: postgres::mine(),
        ..Config::default()
    }
}

/// The same with a database in a file in any case, for tests of that file.
pub(crate) fn in_a_file() -> Config {
    Config {
        database_url: None,
        ..quick()
    }
}

/// What `pistack serve auth` would hand over.
pub(crate) fn context(dir: &TempDir, clock: &Clock) -> Context {
    context_at(dir.path(), clock)
}

fn context_at(place: &Path, clock: &Clock) -> Context {
    Context {
        service: Service::Auth,
        listen: Listen::default(),
        paths: StatePaths::new(place),
        clock: clock.clone(),
        lifecycle: Lifecycle::new(),
        guard: Guard::new(Service::Auth, clock.clone()),
    }
}

impl Bed {
    /// A first start.
    pub(crate) async fn new() -> Self {
        Self::with(quick()).await
    }

    /// A first start with a configuration.
    pub(crate) async fn with(config: Config) -> Self {
        let config = Config {
            // One installation, one database, also where a test has several.
            database_url: config.database_url.and_then(|_| postgres::for_another()),
            ..config
        };
        Self::start(TempDir::new().unwrap(), Clock::manual(1_800_000_000), config).await
    }

    /// A start on what lies in `dir`.
    pub(crate) async fn start(dir: TempDir, clock: Clock, config: Config) -> Self {
        let context = context(&dir, &clock);
        Self::run(dir, context, clock, config).await
    }

    /// A start on a directory of somebody else.
    pub(crate) async fn at(place: &Path, clock: Clock, config: Config) -> Self {
        let context = context_at(place, &clock);
        Self::run(TempDir::new().unwrap(), context, clock, config).await
    }

    async fn run(dir: TempDir, context: Context, clock: Clock, config: Config) -> Self {
        let app = pistack_auth::build(&context, &config).await.unwrap();
        let internal = app.internal.clone();
        Self {
            public: service::router(&context, app),
            internal,
            dir,
            clock,
            config,
            context,
        }
    }

    /// Stops, and waits until the database's file is closed.
    pub(crate) async fn close(self) -> (TempDir, Clock) {
        self.context.lifecycle.stop();
        assert!(self.context.lifecycle.finish(Duration::from_secs(5)).await);
        let log = self
            .context
            .paths
            .database(Service::Auth)
            .with_extension("sqlite3-wal");
        let Self {
            dir,
            clock,
            public,
            internal,
            context,
            ..
        } = self;
        drop((public, internal, context));
        // SQLite removes its log with the last connection, which ends on a thread of its own.
        pistack_kit::testing::eventually("the database is closed", async || (!log.exists()).then_some(()))
            .await;
        (dir, clock)
    }

    /// Stops and starts again.
    pub(crate) async fn restart(self) -> Self {
        let clock = self.clock.clone();
        let (dir, config) = self.stop().await;
        Self::start(dir, clock, config).await
    }

    /// Stops, and gives what a start takes.
    pub(crate) async fn stop(self) -> (TempDir, Config) {
        self.context.lifecycle.stop();
        assert!(self.context.lifecycle.finish(Duration::from_secs(5)).await);
        let Self {
            dir,
            config,
            public,
            internal,
            ..
        } = self;
        drop((public, internal));
        (dir, config)
    }

    /// An installation whose Root is `root` with [`PASSWORD`]; also gives Root's login.
    pub(crate) async fn set_up() -> (Self, Got) {
        let bed = Self::new().await;
        let root = bed.finish_setup().await;
        (bed, root)
    }

    /// Makes the first account through the public call.
    pub(crate) async fn finish_setup(&self) -> Got {
        let body = json!({ "code": self.setup_code().unwrap(), "password": PASSWORD });
        let got = self.post("/api/auth/setup", body).await;
        assert_eq!(got.status, 201, "{}", got.body);
        got
    }

    /// The setup code, while there is one.
    pub(crate) fn setup_code(&self) -> Option<String> {
        std::fs::read_to_string(self.context.paths.setup_code())
            .ok()
            .map(|text| text.trim().to_owned())
    }

    pub(crate) fn secret(&self, name: &str) -> PathBuf {
        self.context.paths.secrets().join(name)
    }

    /// Any request to the public routes.
    pub(crate) async fn send(&self, request: Request<Body>) -> Got {
        answer(self.public.clone(), request).await
    }

    /// A call of the public routes.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Got {
        self.send(request(method, path, token, body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Got {
        self.call("POST", path, None, Some(body)).await
    }

    /// `GET /me` with an access token.
    pub(crate) async fn me(&self, token: &str) -> Got {
        self.call("GET", "/api/auth/session/me", Some(token), None).await
    }

    pub(crate) async fn login(&self, name: &str, password: &str) -> Got {
        self.post(
            "/api/auth/session/login",
            json!({ "name": name, "password": password }),
        )
        .await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Got {
        self.post("/api/auth/session/refresh", json!({ "refresh_token": token }))
            .await
    }

    /// Adds a user with [`PASSWORD`] and logs it in. Gives its id and its login.
    pub(crate) async fn add(&self, root: &Got, name: &str, level: &str) -> (String, Got) {
        let body = json!({ "name": name, "password": PASSWORD, "level": level });
        let added = self
            .call(
                "POST",
                "/api/auth/user/add",
                Some(root.text("access_token")),
                Some(body),
            )
            .await;
        assert_eq!(added.status, 201, "{}", added.body);
        (added.text("id").to_owned(), self.login(name, PASSWORD).await)
    }

    /// A call of the internal routes.
    pub(crate) async fn internal(&self, method: &str, path: &str, body: Option<Value>) -> Got {
        answer(self.internal.clone(), request(method, path, None, body)).await
    }

    /// The feed's body, to be read line by line.
    pub(crate) async fn feed(&self) -> Body {
        let request = request("GET", "/internal/feed", None, None);
        self.internal.clone().oneshot(request).await.unwrap().into_body()
    }
}

fn request(method: &str, path: &str, token: Option<&str>, body: Option<Value>) -> Request<Body> {
    let mut request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    match body {
        Some(body) => request
            .header("content-type", "application/json")
            .body(Body::from(body.to_string())),
        None => request.body(Body::empty()),
    }
    .unwrap()
}

async fn answer(router: Router, request: Request<Body>) -> Got {
    let answer = router.oneshot(request).await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    let body = if status == StatusCode::NO_CONTENT {
        Value::Null
    } else {
        serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&bytes)))
    };
    if status.is_client_error() || status.is_server_error() {
        assert_eq!(headers["content-type"], "application/problem+json");
        assert!(body["message"].is_string() && body["code"].is_string(), "{body}");
    }
    Got {
        status: status.as_u16(),
        headers,
        body,
    }
}
