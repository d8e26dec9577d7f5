//! Bodies pass while they come in: uploads, event streams, WebSockets, trailers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::response::IntoResponse as _;
use axum::routing::{any, get, post};
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::Request;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use hyper::body::Frame;
use hyper_util::rt::TokioIo;
use pistack_api::service::Service;
use pistack_kit::testing::eventually;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{PATIENCE, Stack, config, status};

type Chunk = Result<Frame<Bytes>, std::convert::Infallible>;

#[tokio::test]
async fn an_upload_passes_while_it_comes_in() {
    let stack = Stack::bare(config()).await;
    let received = Arc::new(AtomicU64::new(0));
    let counter = received.clone();
    let count = move |body: Body| async move {
        let mut stream = body.into_data_stream();
        while let Some(chunk) = stream.next().await {
            counter.fetch_add(chunk.unwrap().len() as u64, Ordering::SeqCst);
        }
        counter.load(Ordering::SeqCst).to_string()
    };
    stack.serve(Service::Io, Router::new().route("/api/io/upload", post(count)));
    let (chunks, mut queue) = tokio::sync::mpsc::channel::<Chunk>(1);
    let stream = futures_util::stream::poll_fn(move |cx| queue.poll_recv(cx));
    let request = Request::post("/api/io/upload")
        .body(StreamBody::new(stream))
        .unwrap();
    let sending = async {
        let megabyte = || -> Chunk { Ok(Frame::data(Bytes::from(vec![7; 1 << 20]))) };
        chunks.send(megabyte()).await.unwrap();
        eventually("the first part to arrive alone", || async {
            (received.load(Ordering::SeqCst) == 1 << 20).then_some(())
        })
        .await;
        for _ in 0..31 {
            chunks.send(megabyte()).await.unwrap();
        }
        drop(chunks);
    };
    let (response, ()) = tokio::join!(stack.open(request), sending);
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        (32 << 20).to_string()
    );
}

#[tokio::test]
async fn an_answer_that_comes_before_the_end_of_an_upload_is_not_lost() {
    let stack = Stack::bare(config()).await;
    let refuse = || async { http::StatusCode::UNAUTHORIZED };
    stack.serve(Service::Info, Router::new().fallback(refuse));
    let body = || Full::new(Bytes::from(vec![7; 4 << 20]));
    // The client of the harness, as many others, reads nothing before it has written everything.
    let mut stream = stack.tls(b"http/1.1").await;
    let head = "POST /api/info/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4194304\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![7; 4 << 20]).await.unwrap();
    let mut answer = [0; 16];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut answer))
        .await
        .expect("no answer")
        .unwrap();
    assert_eq!(answer, *b"HTTP/1.1 401 Una");
    let request = Request::post(format!("https://{}/api/info/x", stack.host()))
        .body(body())
        .unwrap();
    let response = stack.http2().await.send_request(request).await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(
        response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .is_empty()
    );
    // Without a service at all the page comes through, too.
    stack.kill(Service::Info).await;
    assert_eq!(
        stack
            .send(Request::post("/api/info/x").body(body()).unwrap())
            .await
            .status(),
        503
    );
}

#[tokio::test]
async fn a_client_that_waits_for_100_is_told_to_go_on() {
    let stack = Stack::start().await;
    let mut stream = stack.tls(b"http/1.1").await;
    let head = "POST /api/info/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\
                Connection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 25];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut answer))
        .await
        .expect("no 100")
        .unwrap();
    assert_eq!(answer, *b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").await.unwrap();
    let mut rest = String::new();
    let _ = stream.read_to_string(&mut rest).await;
    assert_eq!(status(&rest), 200, "{rest}");
    assert_eq!(stack.last().body, "hello");
    assert!(!stack.last().headers.contains_key("expect"));
}

fn endless_events(first: &'static str) -> axum::response::Response {
    let start = futures_util::stream::iter([Ok::<_, std::io::Error>(first)]);
    let body = Body::from_stream(start.chain(futures_util::stream::pending()));
    ([("content-type", "text/event-stream")], body).into_response()
}

#[tokio::test]
async fn an_event_passes_at_once_and_the_stream_ends_when_the_gateway_stops() {
    let mut stack = Stack::bare(config()).await;
    let events = || async { endless_events("data: one\n\n") };
    stack.serve(
        Service::Supervisor,
        Router::new().route("/api/supervisor/events", get(events)),
    );
    let response = stack
        .open(Request::get("/api/supervisor/events").body(Empty::new()).unwrap())
        .await;
    let mut body = response.into_body();
    let first = tokio::time::timeout(PATIENCE, body.frame())
        .await
        .expect("the event is held back");
    assert_eq!(first.unwrap().unwrap().into_data().unwrap(), "data: one\n\n");
    stack.stop();
    let end = tokio::time::timeout(Duration::from_secs(5), body.frame())
        .await
        .expect("the stream goes on");
    assert!(
        end.is_none(),
        "a whole end, after which a browser connects again: {end:?}"
    );
    stack.ended().await.unwrap();
}

async fn echo_socket(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if socket.send(message).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_websocket_passes_in_both_directions() {
    let mut stack = Stack::bare(config()).await;
    let upgrade = |upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(echo_socket) };
    stack.serve(Service::Control, Router::new().route("/ws", any(upgrade)));
    let request = Request::get("/control/ws")
        .header("connection", "keep-alive, Upgrade")
        .header("upgrade", "WebSocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(Empty::new())
        .unwrap();
    let response = stack.open(request).await;
    assert_eq!(response.status(), 101);
    // The answer that RFC 6455 section 1.3 computes for this key.
    assert_eq!(
        response.headers()["sec-websocket-accept"],
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    );
    let mut socket = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    for text in ["hello", "again"] {
        // A masked text frame with a key of zeros; the echo comes back unmasked.
        socket.write_all(&[0x81, 0x80 | 5, 0, 0, 0, 0]).await.unwrap();
        socket.write_all(text.as_bytes()).await.unwrap();
        let mut frame = [0; 7];
        tokio::time::timeout(PATIENCE, socket.read_exact(&mut frame))
            .await
            .expect("no echo")
            .unwrap();
        assert_eq!((frame[0], frame[1], &frame[2..]), (0x81, 5, text.as_bytes()));
    }
    stack.stop();
    let end = tokio::time::timeout(Duration::from_secs(5), socket.read_u8())
        .await
        .expect("the socket stays open");
    assert!(end.is_err());
    stack.ended().await.unwrap();
}

/// An extended CONNECT (RFC 8441).
fn connect(stack: &Stack, protocol: &'static str, path: &str) -> Request<Full<Bytes>> {
    Request::connect(format!("https://{}{path}", stack.host()))
        .extension(hyper::ext::Protocol::from_static(protocol))
        .header("sec-websocket-version", "13")
        .body(Full::default())
        .unwrap()
}

#[tokio::test]
async fn a_websocket_passes_over_http2_beside_other_requests() {
    let stack = Stack::bare(config()).await;
    let upgrade = |upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(echo_socket) };
    let page = || async { "page" };
    let router = Router::new().route("/ws", any(upgrade)).route("/page", any(page));
    stack.serve(Service::Control, router);
    let mut client = stack.http2().await;
    let response = client
        .send_request(connect(&stack, "websocket", "/control/ws"))
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    for gone in ["sec-websocket-accept", "connection", "upgrade"] {
        assert!(!response.headers().contains_key(gone), "{gone}");
    }
    let mut socket = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    for text in ["hello", "again"] {
        socket.write_all(&[0x81, 0x80 | 5, 0, 0, 0, 0]).await.unwrap();
        socket.write_all(text.as_bytes()).await.unwrap();
        let mut frame = [0; 7];
        tokio::time::timeout(PATIENCE, socket.read_exact(&mut frame))
            .await
            .expect("no echo")
            .unwrap();
        assert_eq!((frame[0], frame[1], &frame[2..]), (0x81, 5, text.as_bytes()));
        let page = Request::get(format!("https://{}/control/page", stack.host()));
        let page = client
            .send_request(page.body(Full::default()).unwrap())
            .await
            .unwrap();
        assert_eq!(page.into_body().collect().await.unwrap().to_bytes(), "page");
    }
    drop(socket);
    // What answers with a page instead of a WebSocket has opened none; neither has any other protocol, or none at all.
    for (request, status) in [
        (connect(&stack, "websocket", "/control/page"), 502),
        (connect(&stack, "websocket", "/control/nowhere"), 404),
        (connect(&stack, "connect-udp", "/control/ws"), 405),
    ] {
        let response = client.send_request(request).await.unwrap();
        assert_eq!(response.status(), status);
    }
}

#[tokio::test]
async fn no_other_protocol_is_switched_to() {
    let stack = Stack::start().await;
    let request = Request::get("/api/info/x")
        .header("connection", "Upgrade, HTTP2-Settings")
        .header("upgrade", "h2c")
        .header("http2-settings", "AAMAAABkAAQCAAAAAAIAAAAA")
        .body(Full::default())
        .unwrap();
    assert_eq!(stack.send(request).await.status(), 200);
    let seen = stack.last();
    assert!(
        !seen.headers.contains_key("upgrade") && !seen.headers.contains_key("http2-settings"),
        "{seen:?}"
    );
}

#[tokio::test]
async fn trailers_pass() {
    let stack = Stack::bare(config()).await;
    let answer = || async {
        let mut trailers = http::HeaderMap::new();
        trailers.insert("checksum", "42".parse().unwrap());
        let frames: [Chunk; 2] = [
            Ok(Frame::data(Bytes::from("body"))),
            Ok(Frame::trailers(trailers)),
        ];
        let body = Body::new(StreamBody::new(futures_util::stream::iter(frames)));
        ([("trailer", "checksum")], body).into_response()
    };
    stack.serve(Service::Info, Router::new().route("/api/info/x", get(answer)));
    let request = Request::get(format!("https://{}/api/info/x", stack.host()))
        .header("te", "trailers")
        .body(Full::default())
        .unwrap();
    let response = stack.http2().await.send_request(request).await.unwrap();
    let whole = response.into_body().collect().await.unwrap();
    assert_eq!(
        whole
            .trailers()
            .map(|trailers| trailers["checksum"].clone())
            .unwrap(),
        "42"
    );
    assert_eq!(whole.to_bytes(), "body");
}

#[tokio::test]
async fn trailers_of_a_request_pass_but_not_those_that_would_speak_for_the_gateway() {
    let stack = Stack::bare(config()).await;
    let told = |body: Body| async move {
        let whole = body.collect().await.unwrap();
        let trailers = whole.trailers().cloned().unwrap_or_default();
        let names: Vec<&str> = trailers.keys().map(http::HeaderName::as_str).collect();
        names.join(",")
    };
    stack.serve(Service::Info, Router::new().route("/api/info/x", post(told)));
    let request = "POST /api/info/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTrailer: checksum, \
                   x-auth-user\r\nConnection: close\r\n\r\n4\r\nbody\r\n0\r\nchecksum: 42\r\nx-auth-user: root\r\n\r\n";
    let answer = stack.raw(request.as_bytes()).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(answer.ends_with("\r\n\r\nchecksum"), "{answer}");
}
