//! A whole service over real sockets.

use axum::extract::Path;
use axum::response::Html;
use axum::routing::{get, post};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use pistack_api::token::Level;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Notify;

use super::*;
use crate::client::{Client, ClientError};
use crate::extract::Json;
use crate::guard::RootCaller;
use crate::testing::{TestAuth, context, eventually};

const DEADLINE: Duration = Duration::from_secs(10);

fn app() -> App {
    let public = Router::new()
        .route("/api/io/panic", get(|| async { panic!("secret") as StatusCode }))
        .route(
            "/api/io/root",
            get(|caller: RootCaller| async move { caller.0.nam }),
        )
        .route(
            "/api/io/item/{id}",
            get(|Path(id): Path<u8>| async move { id.to_string() }),
        )
        .route(
            "/api/io/json",
            post(|Json(value): Json<Value>| async move { axum::Json(value) }),
        )
        .route(
            "/api/io/gone",
            get(|| async { (StatusCode::NOT_FOUND, Html("<p>my own page</p>")) }),
        )
        .route("/api/io/slow", get(slow))
        .route(
            "/api/io/whoami",
            get(|peer: axum::Extension<Peer>| async move { format!("{:?}", *peer) }),
        );
    App {
        public,
        internal: Router::new().route("/internal/secret", get(|| async { "for the stack" })),
        spec: Some(crate::openapi::complete(Service::Io, OpenApi::default())),
    }
}

static ENTERED: Notify = Notify::const_new();
static RELEASED: Notify = Notify::const_new();

/// Answers only when the test says so.
async fn slow() -> &'static str {
    ENTERED.notify_one();
    RELEASED.notified().await;
    "done"
}

struct Running {
    unix: Client,
    tcp: Client,
    context: Context,
    auth: TestAuth,
    socket: PathBuf,
    task: tokio::task::JoinHandle<Result<(), RunError>>,
    _home: tempfile::TempDir,
}

impl Running {
    async fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let auth = TestAuth::new();
        let mut context = context(Service::Io, home.path(), &auth);
        let socket = home.path().join("io.sock");
        let address = free_address().await;
        context.listen = Listen {
            tcp: Some(address),
            unix: Some(socket.clone()),
        };
        let task = tokio::spawn({
            let context = context.clone();
            async move { serve(&context, app()).await }
        });
        let unix = Client::unix(&socket);
        eventually("the service answers", async || {
            unix.send(request("/api/io/health"), DEADLINE).await.ok()
        })
        .await;
        Self {
            unix,
            tcp: Client::tcp(address.to_string()),
            context,
            auth,
            socket,
            task,
            _home: home,
        }
    }

    async fn stop(self) {
        self.context.lifecycle.stop();
        self.task.await.unwrap().unwrap();
        assert!(!self.socket.exists());
        let error = self
            .tcp
            .send(request("/api/io/health"), DEADLINE)
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                ClientError::Unreachable { .. } | ClientError::Broken { .. }
            ),
            "{error}"
        );
    }
}

/// An address that was free a moment ago.
async fn free_address() -> SocketAddr {
    tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
}

fn request(path: &str) -> Request<Bytes> {
    Request::get(path).body(Bytes::new()).unwrap()
}

fn json(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap_or_else(|_| panic!("{response:?}"))
}

#[tokio::test]
async fn answers_health_and_documents_on_both_listeners_and_ends_cleanly() {
    let running = Running::start().await;
    running.context.clock.advance(Duration::from_millis(1500));
    for client in [&running.unix, &running.tcp] {
        let health = client.send(request("/api/io/health"), DEADLINE).await.unwrap();
        assert_eq!(
            json(&health),
            serde_json::json!({"service": "io", "status": "ok", "uptime": 1.5})
        );
        assert_eq!(health.headers()["cache-control"], "no-store");
        assert_eq!(health.headers()["x-content-type-options"], "nosniff");
        let spec = client
            .send(request("/api/io/apispec.json"), DEADLINE)
            .await
            .unwrap();
        assert_eq!(json(&spec)["info"]["title"], "pistack io service");
    }
    running.stop().await;
}

#[tokio::test]
async fn internal_routes_are_on_the_unix_socket_only_and_peers_are_told_apart() {
    let running = Running::start().await;
    let status =
        async |client: &Client, path: &str| client.send(request(path), DEADLINE).await.unwrap().status();
    assert_eq!(status(&running.unix, "/internal/secret").await, 200);
    assert_eq!(status(&running.tcp, "/internal/secret").await, 404);
    assert_eq!(
        running
            .unix
            .send(request("/api/io/whoami"), DEADLINE)
            .await
            .unwrap()
            .body(),
        "Unix"
    );
    let peer = running
        .tcp
        .send(request("/api/io/whoami"), DEADLINE)
        .await
        .unwrap();
    assert!(peer.body().starts_with(b"Tcp(127.0.0.1:"));
    running.stop().await;
}

#[tokio::test]
async fn every_refusal_is_a_problem_with_a_message() {
    let running = Running::start().await;
    let ask = async |method: &str, path: &str, body: &'static [u8]| {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Bytes::from_static(body))
            .unwrap();
        running.unix.send(request, DEADLINE).await.unwrap()
    };
    let big = vec![b' '; 1024 * 1024 + 1].leak();
    for (method, path, body, status, message) in [
        ("GET", "/nowhere", &b""[..], 404, "not found"),
        ("GET", "/api/io/nowhere", b"", 404, "not found"),
        ("DELETE", "/api/io/json", b"", 405, "method not allowed"),
        ("GET", "/api/io/panic", b"", 500, "internal error"),
        ("GET", "/api/io/root", b"", 401, "missing bearer token"),
        ("GET", "/api/io/item/999", b"", 400, "bad request"),
        ("POST", "/api/io/json", b"{", 400, "invalid payload"),
        ("POST", "/api/io/json", big, 413, "payload too large"),
    ] {
        let response = ask(method, path, body).await;
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json",
            "{path}"
        );
        assert_eq!(json(&response)["message"], message, "{path}");
        assert!(!String::from_utf8_lossy(response.body()).contains("secret"));
    }
    assert_eq!(
        ask("DELETE", "/api/io/json", b"").await.headers()["allow"],
        "POST"
    );
    assert!(
        json(&ask("GET", "/api/io/item/999", b"").await)["detail"]
            .as_str()
            .unwrap()
            .contains("999")
    );
    let own = ask("GET", "/api/io/gone", b"").await;
    assert_eq!(
        (own.status().as_u16(), own.body().as_ref()),
        (404, &b"<p>my own page</p>"[..])
    );
    assert!(ask("HEAD", "/nowhere", b"").await.body().is_empty());
    running.stop().await;
}

#[tokio::test]
async fn the_guard_is_in_place() {
    let running = Running::start().await;
    let token = running
        .auth
        .token("root", Level::Root, running.context.clock.unix());
    let mut request = request("/api/io/root");
    request
        .headers_mut()
        .insert("authorization", format!("Bearer {token}").parse().unwrap());
    assert_eq!(running.tcp.send(request, DEADLINE).await.unwrap().body(), "root");
    running.stop().await;
}

#[tokio::test]
async fn open_requests_are_finished_when_the_service_stops() {
    let running = Running::start().await;
    let client = running.unix.clone();
    let slow = tokio::spawn(async move { client.send(request("/api/io/slow"), DEADLINE).await });
    ENTERED.notified().await;
    running.context.lifecycle.stop();
    eventually("nobody new is let in", async || {
        (!running.socket.exists()).then_some(())
    })
    .await;
    RELEASED.notify_one();
    assert_eq!(slow.await.unwrap().unwrap().body(), "done");
    running.stop().await;
}

#[tokio::test]
async fn garbage_on_a_connection_harms_nobody() {
    let running = Running::start().await;
    for garbage in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        &vec![b'a'; 100_000],
    ] {
        let mut stream = tokio::net::UnixStream::connect(&running.socket).await.unwrap();
        let _ = stream.write_all(garbage).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
    assert_eq!(
        running
            .unix
            .send(request("/api/io/health"), DEADLINE)
            .await
            .unwrap()
            .status(),
        200
    );
    running.stop().await;
}

/// Reads from `stream` until `mark` was seen.
async fn read_until(stream: &mut tokio::net::UnixStream, mark: &str) -> String {
    let mut seen = String::new();
    let mut piece = [0; 4096];
    while !seen.contains(mark) {
        let count = tokio::time::timeout(DEADLINE, stream.read(&mut piece)).await;
        let count = count.expect("an answer comes").unwrap();
        assert!(count > 0, "closed after {seen:?}");
        seen.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
    seen
}

#[tokio::test]
async fn an_answer_before_the_body_keeps_the_connection_or_says_that_it_ends() {
    let running = Running::start().await;
    let head = |path: &str, length: usize, more: &str| {
        format!("POST {path} HTTP/1.1\r\nhost: pi\r\ncontent-length: {length}\r\n{more}\r\n")
    };
    let mut stream = tokio::net::UnixStream::connect(&running.socket).await.unwrap();
    for _ in 0..3 {
        // 405 and 404 are said without a look at the body, which comes in a packet of its own
        stream
            .write_all(head("/api/io/whoami", 20_000, "").as_bytes())
            .await
            .unwrap();
        tokio::task::yield_now().await;
        stream.write_all(&vec![b'x'; 20_000]).await.unwrap();
        let answer = read_until(&mut stream, "\"status\":405").await;
        assert!(!answer.contains("connection: close"), "{answer}");
    }
    for (length, more) in [(200_000, ""), (4, "expect: 100-continue\r\n")] {
        let mut stream = tokio::net::UnixStream::connect(&running.socket).await.unwrap();
        stream
            .write_all(head("/api/io/nowhere", length, more).as_bytes())
            .await
            .unwrap();
        let answer = read_until(&mut stream, "\"status\":404").await;
        assert!(answer.contains("connection: close"), "{answer}");
    }
    running.stop().await;
}

#[tokio::test]
async fn a_taken_port_ends_the_service_with_the_way_out() {
    let home = tempfile::tempdir().unwrap();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut context = context(Service::Io, home.path(), &TestAuth::new());
    context.listen.tcp = Some(taken.local_addr().unwrap());
    let error = serve(&context, app()).await.unwrap_err().to_string();
    assert!(error.contains("IO_PORT") && error.contains("in use"), "{error}");
}

#[test]
fn the_clients_address_comes_from_a_proxy_of_this_machine_alone() {
    let mut headers = HeaderMap::new();
    let remote = Peer::Tcp("192.0.2.7:1".parse().unwrap());
    let local = Peer::Tcp("127.0.0.1:1".parse().unwrap());
    assert_eq!(Peer::Unix.client(&headers), None);
    assert_eq!(local.client(&headers), Some("127.0.0.1".parse().unwrap()));
    headers.insert("x-forwarded-for", "6.6.6.6, 198.51.100.4".parse().unwrap());
    assert_eq!(Peer::Unix.client(&headers), Some("198.51.100.4".parse().unwrap()));
    assert_eq!(local.client(&headers), Some("198.51.100.4".parse().unwrap()));
    assert_eq!(remote.client(&headers), Some("192.0.2.7".parse().unwrap()));
    headers.insert("x-forwarded-for", "unknown".parse().unwrap());
    assert_eq!(Peer::Unix.client(&headers), None);
}
