//! What the gateway tells of itself on its own socket, and other routes without a restart.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use axum::routing::get;
use futures_util::StreamExt as _;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use pistack_api::service::Service;
use pistack_gateway::{Config, Route, Routes};
use pistack_kit::testing::eventually;

use crate::applications::{application, port_of, public, routes};
use crate::harness::{PATIENCE, Stack, config};

fn text(response: &http::Response<bytes::Bytes>) -> String {
    String::from_utf8_lossy(response.body()).into_owned()
}

#[tokio::test]
async fn every_request_is_counted_and_logged_without_its_secrets() {
    let stack = Stack::start().await;
    let answer = stack.get("/api/info/x?token=secret&page=2").await;
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(
        stack.last().headers["x-request-id"],
        id,
        "the service knows the request by the same name"
    );
    assert_eq!(stack.get("/nowhere").await.status(), StatusCode::NOT_FOUND);
    let log = eventually("both lines", || async {
        let log = text(&stack.inside("GET", "/internal/log?form=json").await);
        (log.lines().count() == 2).then_some(log)
    })
    .await;
    let line: serde_json::Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&line["path"], &line["id"]),
        (&"/api/info/x?token=***&page=***".into(), &id.into())
    );
    assert_eq!(
        (&line["route"], &line["status"], &line["bytes"]),
        (&"info".into(), &200.into(), &16.into())
    );
    assert!(!log.contains("secret"), "{log}");
    let common = text(&stack.inside("GET", "/internal/log?lines=1").await);
    assert!(
        common.starts_with("127.0.0.1 - - [") && common.contains("\"GET /nowhere HTTP/1.1\" 404"),
        "{common}"
    );
    let metrics = text(&stack.inside("GET", "/internal/metrics").await);
    for line in [
        "pistack_gateway_requests_total{route=\"info\",class=\"2xx\"} 1",
        "pistack_gateway_request_seconds_count{route=\"info\"} 1",
        "pistack_gateway_response_bytes_total{route=\"info\"} 16",
        "pistack_gateway_rejects_total{reason=\"not_found\"} 1",
        "pistack_gateway_upstream_opened_total{upstream=\"info_service\"} 1",
        "pistack_gateway_tls_handshakes_total 2",
    ] {
        assert!(
            metrics.lines().any(|known| known == line),
            "{line} is not in\n{metrics}"
        );
    }
    let tls = text(&stack.inside("GET", "/internal/tls").await);
    let tls: serde_json::Value = serde_json::from_str(&tls).unwrap();
    let kinds: Vec<_> = tls["certificates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["kind"].as_str().unwrap())
        .collect();
    assert!(kinds.contains(&"root") && kinds.contains(&"local"), "{tls}");
    assert!(!tls.to_string().contains("PRIVATE"), "{tls}");
    assert_eq!(
        stack.inside("GET", "/internal/nothing").await.status(),
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        stack.inside("POST", "/internal/routes").await.status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
}

/// An application with an endless stream of events.
async fn with_events() -> String {
    let endless = || async {
        let start = futures_util::stream::iter([Ok::<_, std::io::Error>("data: one\n\n")]);
        let body = Body::from_stream(start.chain(futures_util::stream::pending()));
        ([("content-type", "text/event-stream")], body).into_response()
    };
    let router = Router::new().route("/old/events", get(endless));
    application(router.fallback(|| async { "app" })).await
}

async fn reload(stack: &Stack, next: Result<(Config, Routes), String>) -> http::Response<bytes::Bytes> {
    *stack.next.lock().unwrap() = next;
    stack.inside("POST", "/internal/reload").await
}

#[tokio::test]
async fn a_reload_drops_no_connection() {
    let app = with_events().await;
    let mut stack = Stack::with_routes(routes(vec![("old", public("/old", &app))])).await;
    let request = Request::get("/old/events").body(Empty::new()).unwrap();
    let mut events = stack.open(request).await.into_body();
    events.frame().await.unwrap().unwrap();
    let mut kept = stack.http2().await;
    let next = routes(vec![("new", public("/new", &app))]);
    assert_eq!(
        reload(&stack, Ok((config(), next))).await.status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(text(&stack.get("/new/x").await), "app");
    assert_eq!(stack.get("/old/x").await.status(), StatusCode::NOT_FOUND);
    let url = format!("https://{}/new/x", stack.host());
    let answer = kept
        .send_request(Request::get(url).body(Full::default()).unwrap())
        .await;
    let status = answer.unwrap().status();
    assert_eq!(status, StatusCode::OK, "an open connection uses the new routes");
    let waited = tokio::time::timeout(Duration::from_millis(200), events.frame()).await;
    assert!(waited.is_err(), "an answer under way goes on: {waited:?}");
    stack.stop();
    let end = tokio::time::timeout(PATIENCE, events.frame()).await;
    assert!(end.expect("the stream goes on").is_none());
    stack.ended().await.unwrap();
}

#[tokio::test]
async fn a_reload_opens_and_closes_ports_and_learns_names() {
    let app = with_events().await;
    let own = |listen: &str| Route {
        listen: Some(listen.to_owned()),
        ..public("/", &app)
    };
    let stack = Stack::with_routes(routes(vec![("first", own("127.0.0.1:0"))])).await;
    let old = port_of(&stack, "first").await;
    let disk = Route {
        hosts: vec!["disk.home.arpa".to_owned()],
        ..public("/", &app)
    };
    let next = routes(vec![("second", own("[::1]:0")), ("disk", disk)]);
    assert_eq!(
        reload(&stack, Ok((config(), next))).await.status(),
        StatusCode::NO_CONTENT
    );
    let new = port_of(&stack, "second").await;
    tokio::net::TcpStream::connect(("::1", new)).await.unwrap();
    eventually("the old port to be closed", || async {
        let tried = tokio::net::TcpStream::connect(("127.0.0.1", old)).await;
        tried.is_err().then_some(())
    })
    .await;
    let root = stack.paths.tls().join("ca.pem");
    let shown = crate::harness::connect(&stack.addresses, &root, "disk.home.arpa", b"h2").await;
    assert!(
        shown.is_ok(),
        "the certificate has the new name: {:?}",
        shown.err()
    );
    let host = Request::get("/").header("host", "disk.home.arpa");
    assert_eq!(
        text(&stack.send(host.body(Full::default()).unwrap()).await),
        "app"
    );
}

#[tokio::test]
async fn a_reload_takes_all_or_nothing() {
    let app = with_events().await;
    let good = routes(vec![("app", public("/app", &app))]);
    let stack = Stack::with_routes(good.clone()).await;
    let mut nonsense = good.clone();
    nonsense["app"].to = Some("nonsense".to_owned());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut port = good;
    port["app"].listen = Some(taken.local_addr().unwrap().to_string());
    for (next, words) in [
        (Ok((config(), nonsense)), "`nonsense` is no address"),
        (Ok((config(), port)), "in use"),
        (Err("pistack.toml:3: no".to_owned()), "pistack.toml:3"),
    ] {
        let refused = reload(&stack, next).await;
        assert_eq!(refused.status(), StatusCode::CONFLICT);
        assert!(text(&refused).contains(words), "{words}: {}", text(&refused));
        assert_eq!(text(&stack.get("/app/x").await), "app");
    }
}

#[tokio::test]
async fn long_text_is_compressed_and_secrets_beside_input_are_not() {
    let stack = Stack::bare(config()).await;
    let long = || async { ([("content-type", "application/json")], "[1, 2, 3]".repeat(500)) };
    for service in [Service::Info, Service::Auth, Service::Control] {
        stack.serve(service, Router::new().fallback(long));
    }
    let encoding = async |path: &str, fields: &[(&str, &str)]| {
        let mut request = Request::get(path).header("accept-encoding", "gzip, zstd");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let answer = stack.send(request.body(Full::default()).unwrap()).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let encoding = answer.headers().get("content-encoding");
        encoding.map(|value| value.to_str().unwrap().to_owned())
    };
    let zstd = Some("zstd".to_owned());
    assert_eq!(encoding("/api/info/x", &[]).await, zstd);
    assert_eq!(encoding("/api/auth/session/login", &[]).await, None);
    assert_eq!(encoding("/.pistack/login", &[]).await, None);
    assert_eq!(
        encoding(
            "/control/",
            &[("cookie", "a=1"), ("sec-fetch-site", "cross-site")]
        )
        .await,
        None
    );
    assert_eq!(
        encoding(
            "/control/",
            &[("cookie", "a=1"), ("sec-fetch-site", "same-origin")]
        )
        .await,
        zstd
    );
}
