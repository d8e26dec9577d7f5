//! Requests that programs read differently: what is refused, and in which form the rest arrives.

use crate::harness::{Stack, status};

const HOST: &str = "Host: localhost\r\n";

/// A request with `Connection: close`, so that the answer ends.
fn request(line: &str, fields: &str, body: &str) -> String {
    format!("{line}\r\n{fields}Connection: close\r\n\r\n{body}")
}

fn get(path: &str) -> String {
    request(&format!("GET {path} HTTP/1.1"), HOST, "")
}

fn fields(fields: &str) -> String {
    request("GET /api/info/x HTTP/1.1", fields, "")
}

fn post(fields: &str, body: &str) -> String {
    request("POST /api/info/x HTTP/1.1", &format!("{HOST}{fields}"), body)
}

/// Each request gets one of `expected`, and no service sees it.
async fn refuse(expected: &[u16], requests: impl IntoIterator<Item = String>) {
    let stack = Stack::start().await;
    for request in requests {
        let answer = stack.raw(request.as_bytes()).await;
        let shown = request.get(..200).unwrap_or(&request);
        assert!(expected.contains(&status(&answer)), "{shown}\n{answer}");
        assert_eq!(stack.seen_count(), 0, "{shown} reached a service");
    }
    assert_eq!(
        stack.get("/api/info/x").await.status(),
        200,
        "the gateway still works"
    );
}

#[tokio::test]
async fn framing_that_can_be_read_in_two_ways() {
    let old = "POST /api/info/x HTTP/1.0";
    let requests = [
        post("Content-Length: +5\r\n", "hello"),
        post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"),
        post("Content-Length: 5, 6\r\n", "hello!"),
        post("Content-Length: -1\r\n", ""),
        post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"),
        post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
        request(old, &format!("{HOST}Transfer-Encoding: chunked\r\n"), "0\r\n\r\n"),
    ];
    refuse(&[400, 501], requests).await;
}

#[tokio::test]
async fn fields_that_can_be_read_in_two_ways() {
    let requests = [
        fields("Host: localhost\r\nX-A: b\r\n c\r\n"),
        fields("Host: localhost\r\nX-A : b\r\n"),
        fields("Host: localhost\r\nX-A: b\rX-B: c\r\n"),
        fields("Host: localhost\r\nX-A: b\0c\r\n"),
        fields("Host: localhost\r\n: b\r\n"),
        "hello\r\n\r\n".to_owned(),
    ];
    refuse(&[400], requests).await;
    refuse(&[0, 400], ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()]).await;
}

#[tokio::test]
async fn hosts_that_are_none_or_several() {
    let requests = [
        fields(""),
        request("GET /api/info/x HTTP/1.0", "", ""),
        fields("Host: localhost\r\nHost: localhost\r\n"),
        fields("Host: localhost:x\r\n"),
        fields("Host: \r\n"),
        get("https://evil.example/api/info/x"),
    ];
    refuse(&[400], requests).await;
    let strangers = [
        "evil.example",
        "localhost.evil.example",
        "user@localhost",
        "localhost,evil",
        "10.255.255.1",
    ];
    refuse(&[421], strangers.map(|host| fields(&format!("Host: {host}\r\n")))).await;
}

#[tokio::test]
async fn paths_that_can_be_read_in_two_ways() {
    let paths = [
        "/api/info/..%2f..%2fauth",
        "/api/info/%5cx",
        "/api/info/%00",
        "/api/info/../auth/x",
        "/api/info/%2e%2E/auth/x",
        "/api/info/..",
        "/api//info/x",
        "/api/info\\x",
    ];
    refuse(&[400], paths.map(get)).await;
    refuse(&[400], [request("OPTIONS * HTTP/1.1", HOST, "")]).await;
    let methods = ["CONNECT localhost:443 HTTP/1.1", "TRACE /api/info/x HTTP/1.1"];
    refuse(&[405], methods.map(|line| request(line, HOST, ""))).await;
}

#[tokio::test]
async fn heads_that_are_too_long() {
    let many: Vec<String> = (0..150).map(|index| format!("X-{index}: 1\r\n")).collect();
    let long = "x".repeat(40_000);
    let requests = [
        fields(&format!("{HOST}X-Long: {long}\r\n")),
        fields(&format!("{HOST}{}", many.concat())),
        get(&format!("/api/info/{long}")),
    ];
    refuse(&[414, 431], requests).await;
}

#[tokio::test]
async fn a_broken_body_is_the_clients_fault() {
    let stack = Stack::start().await;
    for body in [
        "0x5\r\nhello\r\n0\r\n\r\n",
        "zz\r\n",
        "5\r\nhello!!\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n",
    ] {
        let answer = stack
            .raw(post("Transfer-Encoding: chunked\r\n", body).as_bytes())
            .await;
        assert_eq!(status(&answer), 400, "{body:?}: {answer}");
    }
    assert_eq!(
        stack.seen_count(),
        0,
        "no service took half a body for a whole one"
    );
}

#[tokio::test]
async fn length_and_coding_together_arrive_as_one_and_end_the_connection() {
    let stack = Stack::start().await;
    // Without `Connection: close`: the second request must not be answered.
    let smuggled = "POST /api/info/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n\
                    5\r\nhello\r\n0\r\n\r\nGET /api/auth/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let answer = stack.raw(smuggled.as_bytes()).await;
    assert_eq!(
        (status(&answer), answer.matches("HTTP/1.1 ").count()),
        (200, 1),
        "{answer}"
    );
    let seen = stack.last();
    assert_eq!((stack.seen_count(), seen.body.as_ref()), (1, &b"hello"[..]));
    assert!(!seen.headers.contains_key("content-length"), "{seen:?}");
}

#[tokio::test]
async fn harmless_variants_arrive_in_one_form() {
    let stack = Stack::start().await;
    let twice = "Content-Length: 5\r\nContent-Length: 5\r\n";
    let answer = stack.raw(post(twice, "hello").as_bytes()).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(stack.last().headers.get_all("content-length").iter().count(), 1);
    let absolute = request(
        "GET https://localhost/api/info/x?y HTTP/1.1",
        "Host: LOCALHOST\r\n",
        "",
    );
    assert_eq!(status(&stack.raw(absolute.as_bytes()).await), 200);
    assert_eq!(stack.last().uri, "/api/info/x?y");
    assert_eq!(
        status(
            &stack
                .raw(b"GET /api/info/lf HTTP/1.1\nHost: localhost\nConnection: close\n\n")
                .await
        ),
        200
    );
}
