//! Slow, silent and numerous clients, and the end of the gateway.

use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{Empty, Full};
use pistack_api::service::Service;
use pistack_gateway::Addresses;
use pistack_kit::testing::eventually;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::harness::{PATIENCE, Stack, config, field, status};

/// Milliseconds until the gateway closes after `bytes`, which come after a whole request if `before` says so.
async fn closed_after(stack: &Stack, protocol: &[u8], before: bool, bytes: &[u8]) -> u128 {
    let mut stream = stack.tls(protocol).await;
    if before {
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await
            .unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            assert!(
                stream.read_buf(&mut answer).await.unwrap() > 0,
                "closed without an answer"
            );
        }
    }
    let started = Instant::now();
    stream.write_all(bytes).await.unwrap();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut Vec::new()))
        .await
        .expect("it stays open");
    started.elapsed().as_millis()
}

#[tokio::test]
async fn silent_and_slow_clients_are_sent_away() {
    let mut config = config();
    config.header_timeout.0 = Duration::from_millis(200);
    config.idle_timeout.0 = Duration::from_secs(3);
    let stack = Stack::bare(config).await;
    let (silent, slow, idle, second, http2) = tokio::join!(
        closed_after(&stack, b"http/1.1", false, b""),
        closed_after(&stack, b"http/1.1", false, b"GET / HTTP/1.1\r\nHost:"),
        closed_after(&stack, b"http/1.1", true, b""),
        closed_after(&stack, b"http/1.1", true, b"GET / HT"),
        closed_after(
            &stack,
            b"h2",
            false,
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"
        ),
    );
    assert!((150..2500).contains(&silent), "silent: {silent} ms");
    assert!((150..2500).contains(&slow), "slow head: {slow} ms");
    assert!(idle >= 2950, "idle: {idle} ms");
    assert!((150..2500).contains(&second), "half a second head: {second} ms");
    assert!(http2 >= 150, "HTTP/2 without a request: {http2} ms");
}

#[tokio::test]
async fn an_upload_that_stands_still_is_ended() {
    let mut config = config();
    config.body_timeout.0 = Duration::from_millis(200);
    let stack = Stack::bare(config).await;
    stack.serve(Service::Info, stack.echo());
    let half = "POST /api/info/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhello";
    assert_eq!(status(&stack.raw(half.as_bytes()).await), 408);
    assert_eq!(stack.seen_count(), 0);
}

#[tokio::test]
async fn there_are_only_so_many_connections() {
    let mut config = config();
    config.max_connections = 2;
    let stack = Stack::bare(config).await;
    let first = stack.tls(b"http/1.1").await;
    let second = stack.tls(b"http/1.1").await;
    let refused = try_connect(&stack).await;
    assert!(refused.is_err(), "a third connection");
    drop((first, second));
    eventually("a place to become free", || async {
        try_connect(&stack).await.ok()
    })
    .await;
}

async fn try_connect(stack: &Stack) -> std::io::Result<()> {
    let root = stack.paths.tls().join("ca.pem");
    crate::harness::connect(&stack.addresses, &root, "localhost", b"http/1.1")
        .await
        .map(drop)
}

#[tokio::test]
async fn no_tls_and_broken_tls_hurt_nobody() {
    let stack = Stack::start().await;
    for bytes in [&b"\x16\x03\x01\xff\xff\x01"[..], b"\0\0\0\0", b"get / http", b""] {
        let mut stream = TcpStream::connect(stack.addresses.https).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut Vec::new()))
            .await
            .expect("it stays open");
    }
    assert_eq!(stack.get("/api/info/x").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn plain_http_on_the_port_of_https_is_led_there() {
    let stack = Stack::start().await;
    let host = stack.host();
    let mut stream = TcpStream::connect(stack.addresses.https).await.unwrap();
    let request = format!("GET /api/info/x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer))
        .await
        .expect("it stays open")
        .unwrap();
    assert_eq!(status(&answer), 301);
    assert_eq!(
        field(&answer, "location"),
        Some(&*format!("https://{host}/api/info/x"))
    );
    assert_eq!(stack.seen_count(), 0, "nothing passes without TLS");
}

#[tokio::test]
async fn a_handshake_that_does_not_end_holds_nobody_up() {
    let mut stack = Stack::start().await;
    let mut silent = TcpStream::connect(stack.addresses.https).await.unwrap();
    let mut half = TcpStream::connect(stack.addresses.https).await.unwrap();
    half.write_all(b"\x16\x03\x01").await.unwrap();
    assert_eq!(stack.get("/api/info/x").await.status(), StatusCode::OK);
    let started = Instant::now();
    stack.stop();
    stack.ended().await.unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
    for stream in [&mut silent, &mut half] {
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut Vec::new()))
            .await
            .expect("it stays open");
    }
}

#[tokio::test]
async fn open_requests_may_end_when_the_gateway_stops() {
    let mut stack = Stack::bare(config()).await;
    let (arrived, mut arrivals) = tokio::sync::mpsc::channel::<()>(1);
    let (go, may_go) = tokio::sync::watch::channel(false);
    let slow = Router::new().fallback(move || {
        let (arrived, mut may_go) = (arrived.clone(), may_go.clone());
        async move {
            arrived.send(()).await.unwrap();
            may_go.wait_for(|go| *go).await.unwrap();
            "done"
        }
    });
    stack.serve(Service::Info, slow);
    let idle = stack.http2().await;
    let published = Addresses::path(&stack.paths);
    assert!(published.exists());
    let stopping = async {
        arrivals.recv().await.unwrap();
        stack.stop();
        eventually("the file to go", || async { (!published.exists()).then_some(()) }).await;
        eventually("new connections to be refused", || async {
            TcpStream::connect(stack.addresses.https).await.err()
        })
        .await;
        go.send(true).unwrap();
    };
    let (response, ()) = tokio::join!(stack.get("/api/info/x"), stopping);
    assert_eq!(
        (response.status(), response.body().as_ref()),
        (StatusCode::OK, &b"done"[..])
    );
    stack.ended().await.unwrap();
    drop(idle);
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off() {
    let mut config = config();
    config.drain.0 = Duration::from_millis(200);
    let mut stack = Stack::bare(config).await;
    let (arrived, mut arrivals) = tokio::sync::mpsc::channel::<()>(1);
    let stuck = Router::new().fallback(move || {
        let arrived = arrived.clone();
        async move {
            arrived.send(()).await.unwrap();
            std::future::pending::<()>().await;
        }
    });
    stack.serve(Service::Info, stuck);
    let host = stack.host();
    let io = hyper_util::rt::TokioIo::new(stack.tls(b"http/1.1").await);
    let (mut sender, connection) = hyper::client::conn::http1::handshake::<_, Empty<Bytes>>(io)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get("/api/info/x")
        .header("host", host)
        .body(Empty::new())
        .unwrap();
    let waiting = tokio::spawn(async move { sender.send_request(request).await });
    arrivals.recv().await.unwrap();
    stack.stop();
    stack.ended().await.unwrap();
    let answer = tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("the connection stays open")
        .unwrap();
    assert!(answer.is_err());
    let _ = connection.await;
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let stack = Stack::start().await;
    let mut config = config();
    config.https = Some(stack.addresses.https);
    let (_directory, paths) = crate::harness::state();
    let error = crate::harness::refused(config, &paths).await;
    assert!(
        error.contains(&stack.addresses.https.to_string()) && error.contains("[gateway] https"),
        "{error}"
    );
    assert_eq!(
        stack
            .send(Request::get("/api/info/x").body(Full::default()).unwrap())
            .await
            .status(),
        StatusCode::OK
    );
}
