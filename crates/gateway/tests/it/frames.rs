//! HTTP/2 frame by frame (RFC 9113): what no client library would send.

use std::time::Duration;

use axum::Router;
use pistack_api::service::Service;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

use crate::harness::{PATIENCE, Stack, config};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// One frame (RFC 9113 section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A header block of literal fields without indexing (RFC 7541 section 6.2.2).
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.push(0);
        for text in [name, value] {
            // An integer with a prefix of seven bits (RFC 7541 section 5.1).
            if text.len() < 127 {
                bytes.push(text.len() as u8);
            } else {
                bytes.push(127);
                let mut rest = text.len() - 127;
                while rest >= 128 {
                    bytes.push((rest % 128 + 128) as u8);
                    rest /= 128;
                }
                bytes.push(rest as u8);
            }
            bytes.extend(text.as_bytes());
        }
    }
    bytes
}

fn get(path: &str) -> Vec<(&str, &str)> {
    vec![
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "localhost"),
        (":path", path),
    ]
}

/// A frame that came back.
#[derive(Debug)]
struct Came {
    kind: u8,
    stream: u32,
    payload: Vec<u8>,
}

/// A connection of frames.
struct Frames {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
}

impl Frames {
    /// Greets with the client's preface and `settings`.
    async fn open(stack: &Stack, settings: &[u8]) -> Self {
        let mut stream = stack.tls(b"h2").await;
        stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .await
            .unwrap();
        stream.write_all(&frame(SETTINGS, 0, 0, settings)).await.unwrap();
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Sends; a connection that the gateway has closed meanwhile takes no more, which is no failure.
    async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok() && self.stream.flush().await.is_ok()
    }

    async fn request(&mut self, stream: u32, flags: u8, fields: &[(&str, &str)]) -> bool {
        self.send(&frame(HEADERS, END_HEADERS | flags, stream, &block(fields)))
            .await
    }

    /// The next frame; `None` at the end.
    async fn next(&mut self) -> Option<Came> {
        loop {
            if self.buffer.len() >= 9 {
                let length = u32::from_be_bytes([0, self.buffer[0], self.buffer[1], self.buffer[2]]) as usize;
                if self.buffer.len() >= 9 + length {
                    let rest = self.buffer.split_off(9 + length);
                    let bytes = std::mem::replace(&mut self.buffer, rest);
                    return Some(Came {
                        kind: bytes[3],
                        stream: u32::from_be_bytes([bytes[5], bytes[6], bytes[7], bytes[8]]),
                        payload: bytes[9..].to_vec(),
                    });
                }
            }
            let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.buffer))
                .await
                .expect("nothing more comes, and it stays open");
            if !matches!(read, Ok(1..)) {
                return None;
            }
        }
    }

    /// How the gateway answers on `stream`.
    async fn verdict(&mut self, stream: u32) -> Verdict {
        while let Some(came) = self.next().await {
            match came.kind {
                HEADERS if came.stream == stream => return Verdict::Answer(came.payload[0]),
                RST_STREAM if came.stream == stream => return Verdict::Reset,
                GOAWAY => return Verdict::Gone,
                _ => {}
            }
        }
        Verdict::Gone
    }

    /// Reads until the gateway closes.
    async fn closed(&mut self) -> Duration {
        let started = Instant::now();
        while self.next().await.is_some() {}
        started.elapsed()
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Headers; the first byte of their block, which for the common statuses is an index into the static table
    /// (RFC 7541 appendix A): 0x88 = 200, 0x8c = 400, 0x8d = 404.
    Answer(u8),
    /// The stream was reset.
    Reset,
    /// The connection was ended.
    Gone,
}

const OK: Verdict = Verdict::Answer(0x88);
const BAD: Verdict = Verdict::Answer(0x8c);

#[tokio::test]
async fn what_http2_forbids_reaches_no_service() {
    let stack = Stack::start().await;
    let with = |field: (&'static str, &'static str)| {
        let mut fields = get("/api/info/x");
        fields.push(field);
        fields
    };
    let without = |name: &'static str| {
        let mut fields = get("/api/info/x");
        fields.retain(|(known, _)| *known != name);
        fields
    };
    let mut late = vec![("accept", "*/*")];
    late.extend(get("/api/info/x"));
    let rows = [
        ("transfer-encoding", with(("transfer-encoding", "chunked"))),
        ("connection", with(("connection", "x-auth-user"))),
        ("upgrade", with(("upgrade", "websocket"))),
        ("keep-alive", with(("keep-alive", "5"))),
        ("proxy-connection", with(("proxy-connection", "keep-alive"))),
        ("te", with(("te", "gzip"))),
        ("upper case", with(("X-Auth-User", "root"))),
        ("line feed in a value", with(("x-a", "b\r\nx-auth-user: root"))),
        ("line feed in a name", with(("x-a: b\r\nx-auth-user", "root"))),
        ("space in a name", with(("x a", "b"))),
        ("colon in a name", with(("x:a", "b"))),
        ("empty name", with(("", "b"))),
        ("NUL in a value", with(("x-a", "b\0c"))),
        ("second :path", with((":path", "/api/auth/x"))),
        ("unknown pseudo field", with((":status", "200"))),
        ("pseudo field after others", late),
        ("host beside another authority", with(("host", "evil"))),
        (
            "two hosts",
            [with(("host", "localhost")), vec![("host", "localhost")]].concat(),
        ),
        ("no :method", without(":method")),
        ("no :path", without(":path")),
        ("no :authority", without(":authority")),
        ("space in :path", get("/api/info/x HTTP/1.1\r\nX: y")),
        (
            "request in :path",
            get("/api/info/x HTTP/1.1\r\nHost: localhost\r\n\r\nGET /api/info/smuggled"),
        ),
        ("star", get("*")),
        ("no slash", get("api/info/x")),
        ("empty :path", get("")),
        ("dots", get("/api/info/../auth/x")),
        ("parameter", get("/api/info/..;/x")),
        (
            "method with a line feed",
            [vec![(":method", "GET / HTTP/1.1\r\n\r\n")], without(":method")].concat(),
        ),
    ];
    for (name, fields) in rows {
        let mut frames = Frames::open(&stack, b"").await;
        frames.request(1, END_STREAM, &fields).await;
        let verdict = frames.verdict(1).await;
        assert!(
            [BAD, Verdict::Reset, Verdict::Gone].contains(&verdict),
            "{name}: {verdict:?}"
        );
        assert_eq!(stack.seen_count(), 0, "{name}");
    }
    let mut frames = Frames::open(&stack, b"").await;
    frames.request(1, END_STREAM, &get("/api/info/x")).await;
    assert_eq!(frames.verdict(1).await, OK);
}

#[tokio::test]
async fn a_body_that_contradicts_its_length_is_no_request() {
    let stack = Stack::start().await;
    let smuggled = b"GET /api/info/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (length, body) in [
        ("0", &smuggled[..]),
        ("5", smuggled),
        ("500", b"hello"),
        ("x", b"hello"),
        ("-1", b"hello"),
    ] {
        let mut fields = get("/api/info/x");
        fields[0].1 = "POST";
        fields.push(("content-length", length));
        let mut frames = Frames::open(&stack, b"").await;
        frames.request(1, 0, &fields).await;
        frames.send(&frame(DATA, END_STREAM, 1, body)).await;
        let verdict = frames.verdict(1).await;
        assert!(verdict != OK, "length {length}: {verdict:?}");
    }
    assert_eq!(stack.seen_count(), 0, "{:?}", stack.seen.lock().unwrap());
}

#[tokio::test]
async fn rapid_resets_end_the_connection_and_nobody_elses() {
    let mut config = config();
    config.limits.resets = 50;
    let stack = Stack::bare(config).await;
    stack.serve(
        Service::Info,
        Router::new().fallback(std::future::pending::<&str>),
    );
    stack.serve(Service::Auth, stack.echo());
    let mut frames = Frames::open(&stack, b"").await;
    let mut sent = 0;
    for stream in (1..40_000).step_by(2) {
        let opened = frames.request(stream, END_STREAM, &get("/api/info/x")).await;
        if !opened
            || !frames
                .send(&frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()))
                .await
        {
            break;
        }
        sent += 1;
    }
    frames.closed().await;
    assert!(sent < 20_000, "it took them all");
    assert_eq!(stack.get("/api/auth/x").await.status(), 200);
}

#[tokio::test]
async fn resets_after_a_while_are_counted_too() {
    let mut config = config();
    config.limits.resets = 20;
    let stack = Stack::bare(config).await;
    stack.serve(
        Service::Info,
        Router::new().fallback(std::future::pending::<&str>),
    );
    let mut frames = Frames::open(&stack, b"").await;
    // Every stream is accepted and on its way before it is given up: h2's own limit does not see these.
    for stream in (1..).step_by(2) {
        assert!(stream < 400, "it takes them all");
        frames.request(stream, END_STREAM, &get("/api/info/x")).await;
        if !frames.send(&frame(PING, 0, 0, b"pingpong")).await {
            break;
        }
        let mut open = false;
        while let Some(came) = frames.next().await {
            open = came.kind == PING;
            if open || came.kind == GOAWAY {
                break;
            }
        }
        if !open
            || !frames
                .send(&frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()))
                .await
        {
            break;
        }
    }
}

#[tokio::test]
async fn endless_heads_and_floods_end_the_connection() {
    let stack = Stack::start().await;
    let piece = block(&[("x-long", &"y".repeat(8_000))]);
    let mut frames = Frames::open(&stack, b"").await;
    frames
        .send(&frame(HEADERS, END_STREAM, 1, &block(&get("/api/info/x"))))
        .await;
    let mut pieces = 0;
    while pieces < 2_000 && frames.send(&frame(CONTINUATION, 0, 1, &piece)).await {
        pieces += 1;
    }
    frames.closed().await;
    assert!(pieces < 2_000, "16 MB of head were taken");

    let mut empty = Frames::open(&stack, b"").await;
    empty
        .send(&frame(HEADERS, END_STREAM, 1, &block(&get("/api/info/x"))))
        .await;
    let mut pieces = 0;
    while pieces < 100_000 && empty.send(&frame(CONTINUATION, 0, 1, b"").repeat(100)).await {
        pieces += 100;
    }
    empty.closed().await;
    assert!(pieces < 100_000, "empty continuations without end were taken");

    let mut large = Frames::open(&stack, b"").await;
    let mut fields = get("/api/info/x");
    let long = "y".repeat(12_000);
    fields.extend([("x-a", &*long), ("x-b", &*long)]);
    let block = block(&fields);
    large.send(&frame(HEADERS, END_STREAM, 1, &block[..12_000])).await;
    large
        .send(&frame(CONTINUATION, END_HEADERS, 1, &block[12_000..]))
        .await;
    let verdict = large.verdict(1).await;
    assert!(verdict != OK, "24 kB of fields: {verdict:?}");
    assert_eq!(stack.seen_count(), 0);
}

#[tokio::test]
async fn only_so_many_requests_at_once() {
    let mut config = config();
    config.limits.streams = 4;
    let stack = Stack::bare(config).await;
    stack.serve(
        Service::Info,
        Router::new().fallback(std::future::pending::<&str>),
    );
    let mut frames = Frames::open(&stack, b"").await;
    for stream in [1, 3, 5, 7, 9] {
        frames.request(stream, END_STREAM, &get("/api/info/x")).await;
    }
    assert_eq!(frames.verdict(9).await, Verdict::Reset);
}

#[tokio::test]
async fn a_client_that_opens_no_window_holds_nothing_for_long() {
    let mut config = config();
    config.limits.read_timeout.0 = Duration::from_millis(300);
    let stack = Stack::bare(config).await;
    stack.serve(
        Service::Info,
        Router::new().fallback(|| async { "x".repeat(1_000_000) }),
    );
    // SETTINGS_INITIAL_WINDOW_SIZE = 0.
    let mut frames = Frames::open(&stack, &[0, 4, 0, 0, 0, 0]).await;
    for stream in [1, 3, 5, 7] {
        frames.request(stream, END_STREAM, &get("/api/info/x")).await;
    }
    let closed = frames.closed().await;
    assert!(closed < Duration::from_secs(5), "{closed:?}");
    // The same client, reading slowly but reading, gets everything.
    let mut slow = Frames::open(&stack, b"").await;
    slow.request(1, END_STREAM, &get("/api/info/x")).await;
    let mut received = 0;
    while received < 1_000_000 {
        let came = slow.next().await.expect("the rest of the body");
        if came.kind == DATA {
            received += came.payload.len();
            let more = (came.payload.len() as u32).max(1).to_be_bytes();
            slow.send(&frame(WINDOW_UPDATE, 0, 0, &more)).await;
            slow.send(&frame(WINDOW_UPDATE, 0, 1, &more)).await;
        }
    }
}
