//! What reaches a service, byte by byte: the service here is a socket that notes everything and answers once for
//! every request that it can make out, as a program would that trusts its gateway.

use std::sync::{Arc, Mutex};

use pistack_api::service::Service;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use crate::harness::{PATIENCE, Stack, config, status};

/// All bytes that a service received, one entry a connection.
#[derive(Clone, Default)]
struct Wire(Arc<Mutex<Vec<Vec<u8>>>>);

impl Wire {
    /// Puts a raw socket behind `service`.
    fn serve(stack: &Stack, service: Service) -> Self {
        let wire = Self::default();
        let path = stack.paths.service_socket(service);
        let listener = UnixListener::bind(path).unwrap();
        let noted = wire.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let noted = noted.clone();
                tokio::spawn(async move { noted.hear(stream).await });
            }
        });
        wire
    }

    async fn hear(&self, mut stream: UnixStream) {
        let at = {
            let mut all = self.0.lock().unwrap();
            all.push(Vec::new());
            all.len() - 1
        };
        let mut answered = 0;
        let mut piece = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut piece).await {
            let complete = {
                let mut all = self.0.lock().unwrap();
                all[at].extend_from_slice(&piece[..read]);
                requests(&all[at])
            };
            while answered < complete {
                answered += 1;
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                if stream.write_all(answer).await.is_err() {
                    return;
                }
            }
        }
    }

    /// Everything that came, as text.
    fn text(&self) -> String {
        let all = self.0.lock().unwrap().concat();
        String::from_utf8_lossy(&all).into_owned()
    }

    /// How many request lines a lenient reader would find anywhere outside of bodies that are declared.
    fn requests(&self) -> usize {
        self.0.lock().unwrap().iter().map(|bytes| requests(bytes)).sum()
    }
}

/// Complete requests in `bytes`, read with the framing that the head declares.
fn requests(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let mut rest = &bytes[end + 4..];
        if head.contains("\r\ntransfer-encoding: chunked") {
            let Some(last) = rest.windows(5).position(|window| window == b"0\r\n\r\n") else {
                return count;
            };
            rest = &rest[last + 5..];
        } else if let Some(line) = head
            .split("\r\n")
            .find_map(|line| line.strip_prefix("content-length: "))
        {
            let length: usize = line.parse().unwrap();
            if rest.len() < length {
                return count;
            }
            rest = &rest[length..];
        }
        count += 1;
        bytes = rest;
    }
    count
}

/// One line of the table: what is sent, which answers are right, and how many requests the service may see.
struct Row {
    name: &'static str,
    bytes: String,
    status: &'static [u16],
    requests: usize,
}

fn row(name: &'static str, bytes: impl Into<String>, status: &'static [u16], requests: usize) -> Row {
    Row {
        name,
        bytes: bytes.into(),
        status,
        requests,
    }
}

/// What a smuggler would have behind the body.
const SMUGGLED: &str = "GET /api/info/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn post(fields: &str, body: &str) -> String {
    format!("POST /api/info/x HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n{body}")
}

fn get(fields: &str) -> String {
    format!("GET /api/info/x HTTP/1.1\r\n{fields}\r\n")
}

/// Every case in which content length, transfer coding, chunks and fields can be read in two ways.
#[expect(clippy::too_many_lines, reason = "a table: one line a case")]
fn framing() -> Vec<Row> {
    let te = "Transfer-Encoding: chunked\r\n";
    let body = format!("0\r\n\r\n{SMUGGLED}");
    let both = |first: &str, second: &str| post(&format!("{first}{second}"), &body);
    let alone = |field: &str| post(field, &body);
    vec![
        // The safe re-framing of RFC 9112 section 6.3, and the connection ends.
        row("CL.TE", both("Content-Length: 6\r\n", te), &[200], 1),
        row("TE.CL", both(te, "Content-Length: 60\r\n"), &[200], 1),
        row(
            "two different CL",
            post("Content-Length: 0\r\nContent-Length: 60\r\n", SMUGGLED),
            &[400],
            0,
        ),
        row("CL list", post("Content-Length: 0, 60\r\n", SMUGGLED), &[400], 0),
        row("CL plus", post("Content-Length: +5\r\n", "hello"), &[400], 0),
        row("CL minus", post("Content-Length: -5\r\n", "hello"), &[400], 0),
        row("CL hex", post("Content-Length: 0x5\r\n", "hello"), &[400], 0),
        row(
            "CL with a space inside",
            post("Content-Length: 1 0\r\n", "hello"),
            &[400],
            0,
        ),
        row("CL empty", post("Content-Length:\r\n", SMUGGLED), &[400], 0),
        row(
            "CL too large",
            post("Content-Length: 99999999999999999999\r\n", ""),
            &[400],
            0,
        ),
        row(
            "TE xchunked",
            alone("Transfer-Encoding: xchunked\r\n"),
            &[400, 501],
            0,
        ),
        row(
            "TE chunked, identity",
            alone("Transfer-Encoding: chunked, identity\r\n"),
            &[400, 501],
            0,
        ),
        row(
            "TE identity",
            alone("Transfer-Encoding: identity\r\n"),
            &[400, 501],
            0,
        ),
        row(
            "TE quoted",
            alone("Transfer-Encoding: \"chunked\"\r\n"),
            &[400, 501],
            0,
        ),
        row(
            "TE with vertical tab",
            alone("Transfer-Encoding: \x0bchunked\r\n"),
            &[400, 501],
            0,
        ),
        row(
            "TE with space before colon",
            alone("Transfer-Encoding : chunked\r\n"),
            &[400],
            0,
        ),
        row(
            "TE folded",
            alone("Transfer-Encoding:\r\n chunked\r\n"),
            &[400],
            0,
        ),
        row(
            "TE with leading space",
            alone(" Transfer-Encoding: chunked\r\n"),
            &[400],
            0,
        ),
        row(
            "TE behind bare CR",
            alone("X: y\rTransfer-Encoding: chunked\r\n"),
            &[400],
            0,
        ),
        row(
            "TE on 1.0",
            format!("POST /api/info/x HTTP/1.0\r\nHost: localhost\r\n{te}\r\n{body}"),
            &[400, 501],
            0,
        ),
        row(
            "chunk size hex prefix",
            post(te, "0x5\r\nhello\r\n0\r\n\r\n"),
            &[400],
            0,
        ),
        row("chunk size sign", post(te, "+5\r\nhello\r\n0\r\n\r\n"), &[400], 0),
        row(
            "chunk size overflow",
            post(te, "fffffffffffffffff\r\n"),
            &[400],
            0,
        ),
        row(
            "chunk size space",
            post(te, " 5\r\nhello\r\n0\r\n\r\n"),
            &[400],
            0,
        ),
        row("chunk size empty", post(te, "\r\nhello\r\n0\r\n\r\n"), &[400], 0),
        row(
            "chunk longer than said",
            post(te, "5\r\nhelloX\r\n0\r\n\r\n"),
            &[400],
            0,
        ),
        row(
            "chunk bare LF after size",
            post(te, "5\nhello\r\n0\r\n\r\n"),
            &[400],
            0,
        ),
        row(
            "chunk bare LF after data",
            post(te, "5\r\nhello\n0\r\n\r\n"),
            &[400],
            0,
        ),
        row(
            "chunk extension with LF",
            post(te, "5;a=\nb\r\nhello\r\n0\r\n\r\n"),
            &[400],
            0,
        ),
        row("obs-fold", get("Host: localhost\r\nX: a\r\n b\r\n"), &[400], 0),
        row(
            "space before colon",
            get("Host: localhost\r\nX : a\r\n"),
            &[400],
            0,
        ),
        row("bare CR", get("Host: localhost\r\nX: a\rb\r\n"), &[400], 0),
        row("NUL in a value", get("Host: localhost\r\nX: a\0b\r\n"), &[400], 0),
        row("NUL in a name", get("Host: localhost\r\nX\0: a\r\n"), &[400], 0),
        row("no colon", get("Host: localhost\r\nrubbish\r\n"), &[400], 0),
        row("no Host", get(""), &[400], 0),
        row(
            "two Hosts",
            get("Host: localhost\r\nHost: localhost\r\n"),
            &[400],
            0,
        ),
        row(
            "two spaces in the request line",
            "GET  /api/info/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
            &[400],
            0,
        ),
        row("no version", "GET /api/info/x\r\n\r\n", &[0, 400], 0),
        row(
            "version 1.2",
            "GET /api/info/x HTTP/1.2\r\nHost: localhost\r\n\r\n",
            &[400, 505],
            0,
        ),
        row(
            "line feed in the target",
            "GET /api/info/x\n HTTP/1.1\r\nHost: localhost\r\n\r\n",
            &[400],
            0,
        ),
        row(
            "other host in the target",
            "GET http://evil/api/info/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
            &[400],
            0,
        ),
        row(
            "encoded line feed",
            "GET /api/info/x%0d%0aX:%20y HTTP/1.1\r\nHost: localhost\r\n\r\n",
            &[400],
            0,
        ),
        row(
            "path parameter",
            "GET /api/info;/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
            &[400],
            0,
        ),
        row(
            "dots and a parameter",
            "GET /api/info/..;/auth HTTP/1.1\r\nHost: localhost\r\n\r\n",
            &[400],
            0,
        ),
        row(
            "encoded slash",
            "GET /api/info/..%2fauth HTTP/1.1\r\nHost: localhost\r\n\r\n",
            &[400],
            0,
        ),
        row(
            "empty segment",
            "GET //api/info/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
            &[400],
            0,
        ),
        row(
            "overlong dot",
            "GET /api/info/%c0%ae%c0%ae/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
            &[400],
            0,
        ),
        row(
            "40 kB of one field",
            get(&format!("Host: localhost\r\nX: {}\r\n", "x".repeat(40_000))),
            &[431],
            0,
        ),
        row(
            "150 fields",
            get(&format!("Host: localhost\r\n{}", "X-A: 1\r\n".repeat(150))),
            &[431],
            0,
        ),
        row(
            "9 kB of address",
            format!(
                "GET /api/info/{} HTTP/1.1\r\nHost: localhost\r\n\r\n",
                "x".repeat(9_000)
            ),
            &[414],
            0,
        ),
    ]
}

#[tokio::test]
async fn no_way_of_framing_gets_a_second_request_through() {
    let stack = Stack::bare(config()).await;
    let wire = Wire::serve(&stack, Service::Info);
    for Row {
        name,
        bytes,
        status: expected,
        requests,
    } in framing()
    {
        let before = wire.requests();
        // What follows a request that was refused, or framed in two ways, must find a closed connection.
        let answer = stack.raw(format!("{bytes}{SMUGGLED}").as_bytes()).await;
        assert!(expected.contains(&status(&answer)), "{name}: {answer}");
        assert!(
            answer.matches("HTTP/1.1 ").count() <= 1,
            "{name}: one answer, then the end: {answer}"
        );
        assert_eq!(wire.requests() - before, requests, "{name}: {}", wire.text());
        assert!(!wire.text().contains("smuggled"), "{name}: {}", wire.text());
    }
    let seen = wire.text();
    assert!(!seen.to_ascii_lowercase().contains("content-length"), "{seen}");
    assert_eq!(stack.get("/api/info/x").await.status(), 200);
}

#[tokio::test]
async fn an_answer_of_refusal_says_that_the_connection_ends() {
    let stack = Stack::bare(config()).await;
    let wire = Wire::serve(&stack, Service::Info);
    for request in [
        "GET /api/info/..;/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /api/info/x HTTP/1.1\r\nHost: evil\r\n\r\n",
        "TRACE /api/info/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        let answer = stack.raw(request.as_bytes()).await;
        assert_eq!(
            crate::harness::field(&answer, "connection"),
            Some("close"),
            "{answer}"
        );
    }
    assert_eq!(wire.text(), "");
}

#[tokio::test]
async fn accepted_variants_arrive_in_one_form() {
    let stack = Stack::bare(config()).await;
    let wire = Wire::serve(&stack, Service::Info);
    let close = "Connection: close\r\n";
    let te = "Transfer-Encoding: chunked\r\n";
    for bytes in [
        "GET /api/info/x HTTP/1.1\nHost: localhost\nConnection: close\n\n".to_owned(),
        post(
            &format!("{close}Content-Length: 5\r\nContent-Length: 5\r\n"),
            "hello",
        ),
        post(&format!("{close}{te}"), "5;name=value\r\nhello\r\n0\r\n\r\n"),
        post(
            &format!("{close}Connection: content-length\r\nContent-Length: 5\r\n"),
            "hello",
        ),
        post(
            &format!("{close}{te}Trailer: X-Auth-User\r\n"),
            "5\r\nhello\r\n0\r\nX-Auth-User: root\r\n\r\n",
        ),
        post(&format!("{close}Upgrade: h2c\r\nContent-Length: 0\r\n"), ""),
        post(
            &format!("{close}Expect: 100-continue\r\nContent-Length: 5\r\n"),
            "hello",
        ),
    ] {
        let before = wire.requests();
        let answer = stack.raw(bytes.as_bytes()).await;
        let last = answer.rsplit("HTTP/1.1 ").next().unwrap_or_default();
        assert!(last.starts_with("200"), "{bytes}: {answer}");
        assert_eq!(wire.requests() - before, 1, "{bytes}: {}", wire.text());
    }
    let seen = wire.text().to_ascii_lowercase();
    for gone in [
        "x-auth-user: root",
        "h2c",
        "name=value",
        "100-continue",
        "connection: close",
    ] {
        assert!(!seen.contains(gone), "{gone}: {seen}");
    }
}

#[tokio::test]
async fn identity_and_forwarding_are_the_gateways_own() {
    let stack = Stack::bare(config()).await;
    let wire = Wire::serve(&stack, Service::Info);
    let spoofed = "Host: localhost\r\nConnection: close, x-forwarded-for, x-auth-user\r\nX-Forwarded-For: 6.6.6.6\r\n\
                   X-Forwarded-Proto: http\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Prefix: /evil\r\n\
                   Forwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nX_Real_IP: 6.6.6.6\r\nX-Auth-User: evil\r\n\
                   X_Auth_User: evil\r\nX-Auth-Level: root-evil\r\nX-Auth-Id: evil\r\nX-Auth-Method: evil\r\n\
                   X-Original-URL: /evil\r\nX-HTTP-Method-Override: evil\r\nX-Request-Id: evil\r\n";
    let answer = stack.raw(get(spoofed).as_bytes()).await;
    assert_eq!(status(&answer), 200, "{answer}");
    let seen = wire.text().to_ascii_lowercase();
    assert!(!seen.contains("evil") && !seen.contains("6.6.6.6"), "{seen}");
    for line in [
        "x-forwarded-for: 127.0.0.1",
        "x-forwarded-proto: https",
        "x-forwarded-host: localhost",
    ] {
        assert_eq!(seen.matches(line).count(), 1, "{line}: {seen}");
    }
}

#[tokio::test]
async fn a_service_gets_nothing_of_a_body_that_breaks_off() {
    let stack = Stack::bare(config()).await;
    let wire = Wire::serve(&stack, Service::Info);
    let mut stream = stack.tls(b"http/1.1").await;
    stream
        .write_all(post("Content-Length: 100\r\n", "half").as_bytes())
        .await
        .unwrap();
    pistack_kit::testing::eventually("the head to arrive", || async {
        wire.text().contains("half").then_some(())
    })
    .await;
    drop(stream);
    let mut again = stack.tls(b"http/1.1").await;
    again
        .write_all(get("Host: localhost\r\nConnection: close\r\n").as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, again.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((status(&answer), wire.requests()), (200, 1));
}
