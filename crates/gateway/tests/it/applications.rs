//! The user's own applications behind `[route.NAME]`: by path, host and port, over TCP and unix sockets.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::IntoResponse as _;
use axum::routing::{any, get};
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper_util::rt::TokioIo;
use pistack_gateway::{Route, Routes};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixListener};

use crate::harness::{PATIENCE, Stack, connect, field, status};

/// A route for everyone, to begin with.
pub(crate) fn public(path: &str, to: &str) -> Route {
    Route {
        path: path.to_owned(),
        to: Some(to.to_owned()),
        auth: "public".to_owned(),
        ..Route::default()
    }
}

pub(crate) fn routes(list: Vec<(&str, Route)>) -> Routes {
    list.into_iter()
        .map(|(name, route)| (name.to_owned(), route))
        .collect()
}

/// An application on a port of its own; answers its address.
pub(crate) async fn application(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// Answers what it saw: the address and one field a line.
async fn mirror(request: axum::extract::Request) -> String {
    let mut lines = vec![format!("{} {}", request.method(), request.uri())];
    for (name, value) in request.headers() {
        lines.push(format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
    }
    lines.join("\n")
}

fn text(response: &http::Response<Bytes>) -> String {
    String::from_utf8_lossy(response.body()).into_owned()
}

#[tokio::test]
async fn a_path_leads_to_an_application_that_knows_nothing_of_it() {
    let moved = || async {
        let cookies = [
            ("set-cookie", "sid=1; Path=/; HttpOnly"),
            ("set-cookie", "__Host-pistack=stolen; Path=/; Secure"),
        ];
        let location = [("location", "/login?x=1")];
        (
            StatusCode::FOUND,
            location,
            axum::response::AppendHeaders(cookies),
        )
    };
    let app = application(Router::new().route("/moved", get(moved)).fallback(mirror)).await;
    let route = Route {
        strip: true,
        ..public("/app", &app)
    };
    let stack = Stack::with_routes(routes(vec![("app", route)])).await;
    let seen = stack.get("/app/x/y?q=%2F").await;
    let lines = text(&seen);
    for line in [
        "GET /x/y?q=%2F",
        "x-forwarded-prefix: /app",
        "x-forwarded-proto: https",
        "x-forwarded-for: 127.0.0.1",
        &format!("host: {}", stack.host()),
    ] {
        assert!(
            lines.lines().any(|known| known == line),
            "{line} is not in\n{lines}"
        );
    }
    let moved = stack.get("/app/moved").await;
    assert_eq!(moved.headers()["location"], "/app/login?x=1");
    let cookies: Vec<_> = moved.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["sid=1; Path=/app/; HttpOnly"]);
    let bare = stack.get("/app?x=1").await;
    assert_eq!(
        (bare.status(), &bare.headers()["location"]),
        (StatusCode::PERMANENT_REDIRECT, &"/app/?x=1".parse().unwrap())
    );
    assert_eq!(stack.get("/apple").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        stack.get("/").await.status(),
        StatusCode::FOUND,
        "the front door stays"
    );
    assert_eq!(stack.get("/api/info/x").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_application_on_a_unix_socket_sees_its_whole_path() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("app.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(mirror)).await });
    let mut route = public("/deep/path", &format!("unix:{}", socket.display()));
    route.send_host = Some("inner.example".to_owned());
    let stack = Stack::with_routes(routes(vec![("app", route)])).await;
    let lines = text(&stack.get("/deep/path/x").await);
    assert!(lines.starts_with("GET /deep/path/x\n"), "{lines}");
    assert!(lines.contains("\nhost: inner.example"), "{lines}");
    assert!(
        lines.contains(&format!("x-forwarded-host: {}", stack.host())),
        "{lines}"
    );
}

#[tokio::test]
async fn a_host_of_its_own_has_the_application_and_nothing_of_the_stack() {
    let app = application(Router::new().fallback(mirror)).await;
    let route = Route {
        hosts: vec!["cam.home.arpa".to_owned()],
        ..public("/", &app)
    };
    let stack = Stack::with_routes(routes(vec![("cam", route)])).await;
    // The certificate has the name, too.
    let root = stack.paths.tls().join("ca.pem");
    let stream = connect(&stack.addresses, &root, "cam.home.arpa", b"http/1.1")
        .await
        .unwrap();
    drop(stream);
    let asked = |path: &str| {
        Request::get(path)
            .header("host", "cam.home.arpa")
            .body(Full::default())
            .unwrap()
    };
    assert!(text(&stack.send(asked("/control/")).await).starts_with("GET /control/\n"));
    assert!(text(&stack.send(asked("/")).await).starts_with("GET /\n"));
    let gate = stack.send(asked("/.pistack/login")).await;
    assert_eq!(
        (gate.status(), gate.body().as_ref()),
        (StatusCode::OK, &b"from the service"[..])
    );
    assert_eq!(
        (&*stack.last().uri, &stack.last().headers["x-forwarded-prefix"]),
        ("/login", &"/.pistack".parse().unwrap())
    );
    for path in ["/.pistack/", "/.pistack/programs/x", "/.pistack/internal/x"] {
        assert_eq!(
            stack.send(asked(path)).await.status(),
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let back = stack.send(asked("/.pistack/back/x?y=1")).await;
    assert_eq!(
        (back.status(), &back.headers()["location"]),
        (StatusCode::SEE_OTHER, &"/x?y=1".parse().unwrap())
    );
    assert_eq!(
        stack.get("/").await.headers()["location"],
        "/control/",
        "the board's own name is the dashboard's"
    );
}

/// The port that was bound for a route with `listen = "127.0.0.1:0"`.
pub(crate) async fn port_of(stack: &Stack, name: &str) -> u16 {
    let shown = stack.inside("GET", "/internal/routes").await;
    let document: serde_json::Value = serde_json::from_slice(shown.body()).unwrap();
    let route = document["routes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|route| route["name"] == name)
        .cloned();
    route.unwrap()["port"].as_u64().unwrap() as u16
}

#[tokio::test]
async fn a_port_of_its_own_speaks_tls_or_not() {
    let app = application(Router::new().fallback(mirror)).await;
    let own = |tls: bool, listen: &str| Route {
        listen: Some(listen.to_owned()),
        tls,
        ..public("/", &app)
    };
    let list = vec![
        ("secure", own(true, "127.0.0.1:0")),
        ("plain", own(false, "[::1]:0")),
    ];
    let stack = Stack::with_routes(routes(list)).await;
    let mut addresses = stack.addresses.clone();
    addresses.https = SocketAddr::from(([127, 0, 0, 1], port_of(&stack, "secure").await));
    let root = stack.paths.tls().join("ca.pem");
    let ask = "GET /control/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut stream = connect(&addresses, &root, "localhost", b"http/1.1")
        .await
        .unwrap();
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    assert!(
        status(&answer) == 200 && answer.contains("GET /control/x\n"),
        "{answer}"
    );
    assert!(answer.contains("x-forwarded-proto: https"), "{answer}");
    // Plain HTTP there is led to the same port.
    let mut stream = tokio::net::TcpStream::connect(addresses.https).await.unwrap();
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    let port = addresses.https.port();
    assert_eq!(
        field(&answer, "location"),
        Some(&*format!("https://localhost:{port}/control/x")),
        "{answer}"
    );
    let plain = format!("[::1]:{}", port_of(&stack, "plain").await);
    let mut stream = tokio::net::TcpStream::connect(plain).await.unwrap();
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    assert!(
        status(&answer) == 200 && answer.contains("x-forwarded-proto: http\n"),
        "{answer}"
    );
    let mut stream = tokio::net::TcpStream::connect(format!("[::1]:{}", port_of(&stack, "plain").await))
        .await
        .unwrap();
    let gate = ask.replace("/control/x", "/.pistack/login");
    stream.write_all(gate.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    assert_eq!(status(&answer), 404, "no password in the clear: {answer}");
}

#[tokio::test]
async fn a_websocket_and_events_pass_to_an_application() {
    let echo = |upgrade: WebSocketUpgrade| async {
        upgrade.on_upgrade(|mut socket| async move {
            while let Some(Ok(message)) = socket.recv().await {
                if socket.send(message).await.is_err() {
                    return;
                }
            }
        })
    };
    let events = || async {
        let start = futures_util::stream::iter([Ok::<_, std::io::Error>("data: one\n\n")]);
        let body = Body::from_stream(start.chain(futures_util::stream::pending()));
        ([("content-type", "text/event-stream")], body).into_response()
    };
    let app = application(
        Router::new()
            .route("/ws", any(echo))
            .route("/events", get(events)),
    )
    .await;
    let route = Route {
        strip: true,
        ..public("/app", &app)
    };
    let stack = Stack::with_routes(routes(vec![("app", route)])).await;
    let request = Request::get("/app/ws")
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(Empty::new())
        .unwrap();
    let response = stack.open(request).await;
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut socket = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    socket
        .write_all(&[0x81, 0x80 | 2, 0, 0, 0, 0, b'h', b'i'])
        .await
        .unwrap();
    let mut frame = [0; 4];
    tokio::time::timeout(PATIENCE, socket.read_exact(&mut frame))
        .await
        .expect("no echo")
        .unwrap();
    assert_eq!(frame, [0x81, 2, b'h', b'i']);
    let request = Request::get("/app/events")
        .header("accept-encoding", "gzip")
        .body(Empty::new())
        .unwrap();
    let mut body = stack.open(request).await.into_body();
    let first = tokio::time::timeout(PATIENCE, body.frame())
        .await
        .expect("the event is held back");
    assert_eq!(first.unwrap().unwrap().into_data().unwrap(), "data: one\n\n");
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_whole_or_on_its_way() {
    let eat = |body: Bytes| async move { body.len().to_string() };
    let app = application(Router::new().fallback(eat)).await;
    let mut route = public("/app", &app);
    route.max_body.0 = 1000;
    let stack = Stack::with_routes(routes(vec![("app", route)])).await;
    let post = |length: usize| Request::post("/app/x").body(Full::from(vec![7; length])).unwrap();
    assert_eq!(text(&stack.send(post(1000)).await), "1000");
    assert_eq!(
        stack.send(post(1001)).await.status(),
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let chunk = format!("{:x}\r\n{}\r\n", 600, "x".repeat(600));
    let head =
        "POST /app/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let answer = stack
        .raw(format!("{head}{chunk}{chunk}0\r\n\r\n").as_bytes())
        .await;
    assert_eq!(status(&answer), 413, "{answer}");
    assert!(answer.contains("max_body"), "{answer}");
}

#[tokio::test]
async fn a_slow_application_has_the_time_that_its_route_gives() {
    let app = application(Router::new().fallback(std::future::pending::<()>)).await;
    let mut route = public("/app", &app);
    route.response_timeout = Some("200ms".parse().unwrap());
    let stack = Stack::with_routes(routes(vec![("app", route)])).await;
    let late = stack.get("/app/x").await;
    assert_eq!(late.status(), StatusCode::GATEWAY_TIMEOUT);
    assert!(
        text(&late).contains("app did not answer in time"),
        "{}",
        text(&late)
    );
}

#[tokio::test]
async fn an_application_that_is_away_is_waited_for_and_then_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let stack = Stack::with_routes(routes(vec![(
        "camera",
        public("/cam", &format!("http://{address}")),
    )]))
    .await;
    let mut request = std::pin::pin!(stack.get("/cam/x"));
    assert!(
        tokio::time::timeout(Duration::from_millis(300), &mut request)
            .await
            .is_err(),
        "it waits"
    );
    let listener = TcpListener::bind(address).await.unwrap();
    let serving = tokio::spawn(async move { axum::serve(listener, Router::new().fallback(mirror)).await });
    assert_eq!(request.await.status(), StatusCode::OK);
    serving.abort();
    let _ = serving.await;
    let ask = |accept: &str| {
        Request::get("/cam/x")
            .header("accept", accept)
            .body(Full::default())
            .unwrap()
    };
    let problem = stack.send(ask("application/json")).await;
    assert_eq!(
        (problem.status(), &problem.headers()["retry-after"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"2".parse().unwrap())
    );
    let body: serde_json::Value = serde_json::from_slice(problem.body()).unwrap();
    assert_eq!(
        (&body["service"], &body["message"]),
        (&"camera".into(), &"camera is down".into())
    );
    assert!(
        body["since"].as_str().is_some_and(|since| since.ends_with('Z')),
        "{body}"
    );
    let page = text(&stack.send(ask("text/html")).await);
    assert!(
        page.contains("<code>camera</code> is down") && page.contains("since <time"),
        "{page}"
    );
}
