//! The contract's table, the redirects, the header fields, both protocols.

use bytes::Bytes;
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt as _, Full};
use pistack_api::service::Service;

use crate::harness::{Stack, field, status};

fn header<'a>(response: &'a http::Response<Bytes>, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
        .unwrap_or_default()
}

#[tokio::test]
async fn every_route_leads_to_its_service() {
    let stack = Stack::bare(crate::harness::config()).await;
    for service in Service::ALL {
        let name = service.program();
        let path = move |request: axum::extract::Request| async move { format!("{name} {}", request.uri()) };
        stack.serve(service, axum::Router::new().fallback(path));
    }
    for (path, expected) in [
        ("/control/", "control_service /"),
        ("/control/login?a=1", "control_service /login?a=1"),
        ("/api/auth/session/me", "auth_service /api/auth/session/me"),
        (
            "/api/supervisor/processes/list",
            "supervisor_service /api/supervisor/processes/list",
        ),
        ("/api/email/health", "email_service /api/email/health"),
        ("/api/info/ip?x=%2F", "info_service /api/info/ip?x=%2F"),
        ("/api/io/gpio/read?pin=4", "io_service /api/io/gpio/read?pin=4"),
        ("/api/control/health", "control_service /api/control/health"),
    ] {
        let response = stack.get(path).await;
        assert_eq!(
            (response.status(), response.body().as_ref()),
            (StatusCode::OK, expected.as_bytes()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_front_door_leads_to_the_dashboard() {
    let stack = Stack::start().await;
    let root = stack.get("/").await;
    assert_eq!(
        (root.status(), header(&root, "location")),
        (StatusCode::FOUND, "/control/")
    );
    let bare = stack.get("/control").await;
    assert_eq!(
        (bare.status(), header(&bare, "location")),
        (StatusCode::PERMANENT_REDIRECT, "/control/")
    );
    for path in [
        "/nothing",
        "/internal/exchange",
        "/control/internal/x",
        "/api/",
        "/api/unknown/x",
    ] {
        let lost = stack.get(path).await;
        assert_eq!(lost.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(header(&lost, "content-type"), "application/problem+json");
        let body: serde_json::Value = serde_json::from_slice(lost.body()).unwrap();
        assert_eq!(
            (&body["code"], &body["message"]),
            (&"not_found".into(), &"not found".into())
        );
    }
    assert_eq!(stack.seen_count(), 0);
}

#[tokio::test]
async fn services_learn_the_truth_about_the_client_whatever_it_says() {
    let stack = Stack::start().await;
    let request = Request::get("/control/page")
        .header("forwarded", "for=6.6.6.6")
        .header("x-forwarded-for", "6.6.6.6")
        .header("x-forwarded-proto", "gopher")
        .header("x-forwarded-host", "evil")
        .header("x-forwarded-prefix", "/evil")
        .header("x-forwarded-user", "root")
        .header("x-real-ip", "6.6.6.6")
        .header("x_real_ip", "6.6.6.6")
        .header("x-auth-user", "root")
        .header("x-pistack-user", "root")
        .header("x-request-id", "mine")
        .header("x-secret", "1")
        .header("connection", "x-secret, x-forwarded-for, host")
        .header("accept-language", "pl")
        .body(Full::default())
        .unwrap();
    let response = stack.send(request).await;
    let seen = stack.last();
    let saw = |name: &str| {
        seen.headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(seen.uri, "/page");
    assert_eq!(saw("host"), Some(stack.host()));
    assert_eq!(saw("x-forwarded-host"), Some(stack.host()));
    assert_eq!(saw("x-forwarded-for").as_deref(), Some("127.0.0.1"));
    assert_eq!(saw("x-forwarded-proto").as_deref(), Some("https"));
    assert_eq!(saw("x-forwarded-prefix").as_deref(), Some("/control"));
    assert_eq!(saw("accept-language").as_deref(), Some("pl"));
    assert_eq!(
        saw("x-request-id").as_deref(),
        Some(header(&response, "x-request-id"))
    );
    for name in [
        "forwarded",
        "x-forwarded-user",
        "x-real-ip",
        "x_real_ip",
        "x-auth-user",
        "x-pistack-user",
        "x-secret",
        "connection",
    ] {
        assert_eq!(saw(name), None, "{name}");
    }
    stack.get("/api/info/ip").await;
    assert_eq!(stack.last().headers["x-forwarded-prefix"], "/api/info");
}

#[tokio::test]
async fn plain_http_leads_to_https_for_known_names_only() {
    let stack = Stack::start().await;
    let port = stack.addresses.https.port();
    let ask = |line: &str, host: &str| {
        let text = format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let stack = &stack;
        async move { stack.raw_plain(text.as_bytes()).await }
    };
    let answer = ask("GET /api/info/ip?a=b", "localhost:8000").await;
    assert_eq!(status(&answer), 301);
    assert_eq!(
        field(&answer, "location"),
        Some(&*format!("https://localhost:{port}/api/info/ip?a=b"))
    );
    assert_eq!(status(&ask("HEAD /", "127.0.0.1").await), 301);
    let answer = ask("POST /api/auth/session/login", "127.0.0.1").await;
    assert_eq!(status(&answer), 308);
    assert_eq!(
        field(&answer, "location"),
        Some(&*format!("https://127.0.0.1:{port}/api/auth/session/login"))
    );
    assert_eq!(status(&ask("GET /", "evil.example").await), 421);
    assert_eq!(status(&ask("GET //evil.example/..", "localhost").await), 400);
    assert_eq!(
        status(&ask("GET / HTTP/1.1\r\nHost: localhost\r\nX: y", "evil").await),
        400
    );
    assert_eq!(stack.seen_count(), 0);
}

#[tokio::test]
async fn the_root_certificate_can_be_had_on_both_sides() {
    let stack = Stack::start().await;
    let pem = std::fs::read_to_string(stack.paths.tls().join("ca.pem")).unwrap();
    for path in ["/ca.pem", "/pistack-ca.pem"] {
        let response = stack.get(path).await;
        assert_eq!(header(&response, "content-type"), "application/x-x509-ca-cert");
        assert_eq!(response.body(), pem.as_bytes());
        let text = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        assert!(stack.raw_plain(text.as_bytes()).await.ends_with(&pem));
    }
    let head = stack
        .raw(b"HEAD /ca.pem HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await;
    assert!(status(&head) == 200 && head.ends_with("\r\n\r\n"), "{head}");
}

#[tokio::test]
async fn http2_is_spoken_where_alpn_says_so() {
    let stack = Stack::start().await;
    let mut client = stack.http2().await;
    let uri = |path: &str| format!("https://{}{path}", stack.host());
    let requests: Vec<_> = (0..20)
        .map(|index| {
            let request = Request::post(uri(&format!("/api/info/x{index}")))
                .header("cookie", "a=1")
                .header("cookie", "b=2")
                .body(Full::from(vec![b'x'; 1000]))
                .unwrap();
            client.send_request(request)
        })
        .collect();
    for response in futures_util::future::join_all(requests).await {
        let response = response.unwrap();
        assert_eq!(
            (response.status(), response.version()),
            (StatusCode::OK, Version::HTTP_2)
        );
        assert_eq!(
            response.into_body().collect().await.unwrap().to_bytes(),
            "from the service"
        );
    }
    let seen = stack.last();
    assert_eq!((&*seen.method, seen.body.len()), ("POST", 1000));
    assert_eq!(seen.headers["host"], *stack.host());
    assert_eq!(
        seen.headers.get_all("cookie").iter().collect::<Vec<_>>(),
        ["a=1; b=2"]
    );
    let lost = client
        .send_request(Request::head(uri("/nothing")).body(Full::default()).unwrap())
        .await
        .unwrap();
    assert_eq!(lost.status(), StatusCode::NOT_FOUND);
    assert!(lost.into_body().collect().await.unwrap().to_bytes().is_empty());
    let strange = Request::get("https://evil.example/")
        .body(Full::default())
        .unwrap();
    assert_eq!(
        client.send_request(strange).await.unwrap().status(),
        StatusCode::MISDIRECTED_REQUEST
    );
}

#[tokio::test]
async fn head_and_empty_answers_pass_as_they_are() {
    let stack = Stack::bare(crate::harness::config()).await;
    let router = axum::Router::new()
        .route("/api/info/page", axum::routing::get(|| async { "twelve bytes" }))
        .route(
            "/api/info/none",
            axum::routing::delete(|| async { StatusCode::NO_CONTENT }),
        );
    stack.serve(Service::Info, router);
    let head = stack
        .send(Request::head("/api/info/page").body(Full::default()).unwrap())
        .await;
    assert_eq!(
        (head.status(), header(&head, "content-length"), head.body().len()),
        (StatusCode::OK, "12", 0)
    );
    let none = stack
        .send(Request::delete("/api/info/none").body(Full::default()).unwrap())
        .await;
    assert_eq!((none.status(), none.body().len()), (StatusCode::NO_CONTENT, 0));
    // A client of HTTP/1.0 gets an answer that it can read, and the end of the connection.
    let old = stack
        .raw(b"GET /api/info/page HTTP/1.0\r\nHost: localhost\r\n\r\n")
        .await;
    assert!(status(&old) == 200 && old.ends_with("twelve bytes"), "{old}");
}
