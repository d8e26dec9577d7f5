//! Who a request comes from, and how many it may send: proxies that are trusted, addresses that ask too much, clients
//! that dawdle.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::Full;
use pistack_api::service::Service;
use pistack_gateway::Config;
use pistack_kit::testing::eventually;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use crate::harness::{PATIENCE, Stack, config, field, status};

/// This machine plays the proxy, so that a test can name any client.
fn behind_a_proxy() -> Config {
    let mut config = config();
    config.trusted_proxies = vec!["127.0.0.0/8".to_owned()];
    config.outer_paths = vec!["/board".to_owned(), "/api/hassio_ingress".to_owned()];
    config
}

async fn echoing(config: Config) -> Stack {
    let stack = Stack::bare(config).await;
    for service in Service::ALL {
        stack.serve(service, stack.echo());
    }
    stack
}

fn from(client: &'static str, method: &str, path: &str) -> Request<Full<Bytes>> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .body(Full::default())
        .unwrap();
    request
        .headers_mut()
        .insert("x-forwarded-for", HeaderValue::from_static(client));
    request
}

#[tokio::test]
async fn a_trusted_proxy_names_the_client_and_a_stranger_does_not() {
    let stack = echoing(behind_a_proxy()).await;
    stack
        .send(from("6.6.6.6, 192.168.1.9, 127.0.0.9", "GET", "/api/info/x"))
        .await;
    assert_eq!(stack.last().headers["x-forwarded-for"], "192.168.1.9");
    let stack = Stack::start().await;
    stack.send(from("192.168.1.9", "GET", "/api/info/x")).await;
    assert_eq!(stack.last().headers["x-forwarded-for"], "127.0.0.1");
}

#[tokio::test]
async fn behind_a_trusted_proxy_that_speaks_tls_plain_http_is_served() {
    let stack = echoing(behind_a_proxy()).await;
    let ask = |proto: &str| {
        format!(
            "GET /api/info/x HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: {proto}\r\nConnection: close\r\n\r\n"
        )
    };
    let answer = stack.raw_plain(ask("https").as_bytes()).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(status(&stack.raw_plain(ask("http").as_bytes()).await), 301);
    let strict = Stack::start().await;
    assert_eq!(
        status(&strict.raw_plain(ask("https").as_bytes()).await),
        301,
        "a stranger says so"
    );
}

#[tokio::test]
async fn an_address_that_asks_too_much_is_told_when_to_come_back() {
    let mut config = behind_a_proxy();
    config.limits.requests_per_second = 1;
    config.limits.burst = 5;
    let stack = echoing(config).await;
    for _ in 0..5 {
        assert_eq!(
            stack
                .send(from("192.168.1.9", "GET", "/api/info/x"))
                .await
                .status(),
            200
        );
    }
    let refused = stack.send(from("192.168.1.9", "GET", "/api/info/x")).await;
    assert_eq!(refused.status(), 429);
    let wait: u64 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    let body: serde_json::Value = serde_json::from_slice(refused.body()).unwrap();
    assert_eq!(
        (&body["code"], &body["retry_after"]),
        (&"too_many_requests".into(), &wait.into())
    );
    assert_eq!(stack.seen_count(), 5);
    assert_eq!(
        stack
            .send(from("192.168.1.10", "GET", "/api/info/x"))
            .await
            .status(),
        200
    );
    assert_eq!(
        stack.send(from("127.0.0.1", "GET", "/api/info/x")).await.status(),
        200
    );
}

#[tokio::test]
async fn logins_are_few() {
    let stack = echoing(behind_a_proxy()).await;
    let login = || stack.send(from("192.168.1.9", "POST", "/api/auth/session/login"));
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(login().await.status().as_u16());
    }
    assert_eq!(statuses, [[200; 10].as_slice(), &[429; 2]].concat());
    assert_eq!(
        stack
            .send(from("192.168.1.9", "GET", "/api/auth/health"))
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn an_upload_by_the_byte_is_ended() {
    let mut config = config();
    config.limits.upload_rate = 1000;
    config.limits.upload_grace.0 = Duration::from_millis(500);
    let stack = echoing(config).await;
    let mut stream = stack.tls(b"http/1.1").await;
    let head = "POST /api/info/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let dribble = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            if writer.write_all(b"x").await.is_err() || writer.flush().await.is_err() {
                return;
            }
        }
    });
    let started = Instant::now();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, reader.read_to_end(&mut answer))
        .await
        .expect("it stays open");
    dribble.abort();
    assert!(
        started.elapsed() < Duration::from_secs(8),
        "{:?}",
        started.elapsed()
    );
    let answer = String::from_utf8_lossy(&answer);
    assert_eq!(status(&answer), 408, "{answer}");
    assert_eq!(field(&answer, "connection"), Some("close"));
    assert_eq!(stack.seen_count(), 0);
}

/// Counts how many there are.
struct Alive(Arc<AtomicUsize>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn who_does_not_read_its_answer_is_left_with_it() {
    let mut config = config();
    config.limits.read_timeout.0 = Duration::from_millis(300);
    let stack = Stack::bare(config).await;
    let streams = Arc::new(AtomicUsize::new(0));
    let counter = streams.clone();
    let endless = Router::new().fallback(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        let alive = Alive(counter.clone());
        async move {
            let pieces = futures_util::stream::unfold(alive, |alive| async move {
                Some((Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 65_536])), alive))
            });
            axum::body::Body::from_stream(pieces)
        }
    });
    stack.serve(Service::Info, endless);
    let mut stream = stack.tls(b"http/1.1").await;
    stream
        .write_all(b"GET /api/info/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let now = || async { Some(streams.load(Ordering::SeqCst)) };
    eventually("the answer to begin", || async {
        now().await.filter(|count| *count == 1)
    })
    .await;
    eventually("the answer to be given up", || async {
        now().await.filter(|count| *count == 0)
    })
    .await;
    drop(stream);
}

#[tokio::test]
async fn the_path_of_a_trusted_proxy_is_passed_on_whole_and_a_strangers_is_dropped() {
    let ask = |path: &str, name: &'static str, prefix: &'static str| {
        let mut request = from("192.168.1.9", "GET", path);
        request
            .headers_mut()
            .insert(name, HeaderValue::from_static(prefix));
        request
    };
    let stack = echoing(behind_a_proxy()).await;
    for (name, prefix, told, ingress) in [
        ("x-forwarded-prefix", "/board/", "/board/control", None),
        (
            "x-ingress-path",
            "/api/hassio_ingress/x",
            "/api/hassio_ingress/x/control",
            Some("/api/hassio_ingress/x/control"),
        ),
        ("x-forwarded-prefix", "/board\";", "/control", None),
        ("x-ingress-path", "//evil.example", "/control", None),
        // The proxy does not know the field and passes on what a client wrote.
        ("x-forwarded-prefix", "/evil", "/control", None),
        ("x-ingress-path", "/evil", "/control", None),
    ] {
        stack.send(ask("/control/page", name, prefix)).await;
        let seen = stack.last();
        assert_eq!(seen.headers["x-forwarded-prefix"], told, "{name}: {prefix}");
        let field = seen
            .headers
            .get("x-ingress-path")
            .map(|value| value.to_str().unwrap());
        assert_eq!(field, ingress, "{name}: {prefix}");
    }
    for (path, place) in [
        ("/", "/board/control/"),
        ("/control", "/board/control/"),
        ("/.pistack/back/app/x?q=1", "/board/app/x?q=1"),
    ] {
        let moved = stack.send(ask(path, "x-forwarded-prefix", "/board")).await;
        assert_eq!(moved.headers()["location"], place, "{path}");
    }
    let mut request = ask("/nowhere", "x-forwarded-prefix", "/board");
    let accept = HeaderValue::from_static("text/html");
    request.headers_mut().insert(http::header::ACCEPT, accept);
    let page = stack.send(request).await.into_body();
    let page = String::from_utf8_lossy(&page);
    assert!(page.contains("href=\"/board/control/\""), "{page}");
    let stack = Stack::start().await;
    for name in ["x-forwarded-prefix", "x-ingress-path"] {
        stack.send(ask("/control/page", name, "/evil")).await;
        let seen = stack.last();
        assert_eq!(seen.headers["x-forwarded-prefix"], "/control", "{name}");
        assert!(!seen.headers.contains_key("x-ingress-path"), "{name}");
        let moved = stack.send(ask("/", name, "/evil")).await;
        assert_eq!(moved.headers()["location"], "/control/", "{name}");
    }
}

#[tokio::test]
async fn an_application_below_a_trusted_proxys_path_is_seen_there_whether_it_knows_or_not() {
    let moved = |request: axum::extract::Request| async move {
        let prefix = request.headers()["x-forwarded-prefix"]
            .to_str()
            .unwrap()
            .to_owned();
        let place = if request.uri().path() == "/knows" {
            format!("{prefix}/next")
        } else {
            "/next".to_owned()
        };
        let cookie = format!("sid=1; Path={place}");
        (
            http::StatusCode::FOUND,
            [("location", place), ("set-cookie", cookie)],
        )
    };
    let app = crate::applications::application(Router::new().fallback(moved)).await;
    let route = pistack_gateway::Route {
        strip: true,
        ..crate::applications::public("/app", &app)
    };
    let routes = crate::applications::routes(vec![("app", route)]);
    let stack = Stack::configured(behind_a_proxy(), routes).await;
    for path in ["/app/knows", "/app/knows-not"] {
        let mut request = from("192.168.1.9", "GET", path);
        request
            .headers_mut()
            .insert("x-forwarded-prefix", HeaderValue::from_static("/board"));
        let answer = stack.send(request).await;
        assert_eq!(answer.headers()["location"], "/board/app/next", "{path}");
        assert_eq!(
            answer.headers()["set-cookie"],
            "sid=1; Path=/board/app/next",
            "{path}"
        );
    }
}
