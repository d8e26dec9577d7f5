//! Services that come, go and misbehave.

use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use pistack_api::service::Service;
use tokio::net::UnixListener;
use tokio::time::Instant;

use crate::harness::{Stack, config, status};

fn post(path: &str, body: &'static str) -> Request<Full<Bytes>> {
    Request::post(path).body(Full::from(body)).unwrap()
}

#[tokio::test]
async fn requests_wait_for_a_service_that_comes_back() {
    let stack = Stack::start().await;
    assert_eq!(stack.get("/api/info/before").await.status(), StatusCode::OK);
    stack.kill(Service::Info).await;
    let echo = stack.echo();
    let path = stack.paths.service_socket(Service::Info);
    let requests = async {
        tokio::join!(
            stack.get("/api/info/read"),
            stack.send(post("/api/info/written", "hello"))
        )
    };
    let mut requests = std::pin::pin!(requests);
    // Refused at first, then no socket at all, then there again: what a restart looks like.
    let moment = Duration::from_millis(200);
    assert!(
        tokio::time::timeout(moment, &mut requests).await.is_err(),
        "they wait"
    );
    std::fs::remove_file(&path).unwrap();
    assert!(
        tokio::time::timeout(moment, &mut requests).await.is_err(),
        "they still wait"
    );
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move { axum::serve(listener, echo).await });
    let (read, written) = requests.await;
    assert_eq!(
        (read.status(), written.status()),
        (StatusCode::OK, StatusCode::OK)
    );
    let mut seen: Vec<(String, Bytes)> = stack
        .seen
        .lock()
        .unwrap()
        .iter()
        .map(|seen| (seen.uri.clone(), seen.body.clone()))
        .collect();
    seen.sort();
    let expected = [
        ("/api/info/before", ""),
        ("/api/info/read", ""),
        ("/api/info/written", "hello"),
    ];
    assert_eq!(
        seen,
        expected.map(|(uri, body)| (uri.to_owned(), Bytes::from(body)))
    );
}

#[tokio::test]
async fn a_request_under_way_when_the_service_dies_is_asked_again_if_it_only_reads() {
    let stack = Stack::bare(config()).await;
    let (arrived, mut arrivals) = tokio::sync::mpsc::channel::<()>(8);
    let stuck = Router::new().fallback(move || {
        let arrived = arrived.clone();
        async move {
            arrived.send(()).await.unwrap();
            std::future::pending::<()>().await;
        }
    });
    stack.serve(Service::Info, stuck);
    let restart = async {
        arrivals.recv().await.unwrap();
        arrivals.recv().await.unwrap();
        stack.kill(Service::Info).await;
        stack.serve(Service::Info, stack.echo());
    };
    let (read, written, ()) = tokio::join!(
        stack.get("/api/info/x"),
        stack.send(post("/api/info/x", "hello")),
        restart
    );
    assert_eq!(
        (read.status(), written.status()),
        (StatusCode::OK, StatusCode::BAD_GATEWAY)
    );
    assert_eq!((stack.seen_count(), &*stack.last().method), (1, "GET"));
}

/// A service that reads a request and then breaks off, `times` times; after that it answers.
fn breaks_off(listener: UnixListener, times: usize) -> tokio::task::JoinHandle<usize> {
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut taken = 0;
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4096];
            if stream.read(&mut buffer).await.unwrap() == 0 {
                continue;
            }
            taken += 1;
            if taken > times {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                    .await
                    .unwrap();
                return taken;
            }
        }
    })
}

#[tokio::test]
async fn only_requests_that_only_read_are_sent_again() {
    let stack = Stack::bare(config()).await;
    let path = stack.paths.service_socket(Service::Info);
    let service = breaks_off(UnixListener::bind(&path).unwrap(), 1);
    assert_eq!(stack.get("/api/info/x").await.status(), StatusCode::OK);
    assert_eq!(service.await.unwrap(), 2);

    let path = stack.paths.service_socket(Service::Email);
    let service = breaks_off(UnixListener::bind(&path).unwrap(), 1);
    let broken = stack.send(post("/api/email/send", "{}")).await;
    assert_eq!(broken.status(), StatusCode::BAD_GATEWAY);
    let body: serde_json::Value = serde_json::from_slice(broken.body()).unwrap();
    assert_eq!(
        (&body["service"], &body["code"]),
        (&"email_service".into(), &"bad_gateway".into())
    );
    let empty = Request::post("/api/email/send").body(Full::default()).unwrap();
    assert_eq!(
        stack.send(empty).await.status(),
        StatusCode::OK,
        "the second connection is answered"
    );
    assert_eq!(service.await.unwrap(), 2, "the mail was not sent twice");
}

#[tokio::test]
async fn a_service_that_stays_away_is_named() {
    let mut config = config();
    config.hold.0 = Duration::from_millis(300);
    let stack = Stack::bare(config).await;
    let started = Instant::now();
    let request = |accept: &str| {
        Request::get("/api/email/x")
            .header("accept", accept)
            .body(Full::default())
            .unwrap()
    };
    let response = stack.send(request("application/json")).await;
    assert!(
        started.elapsed() >= Duration::from_millis(200),
        "it was waited for"
    );
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["retry-after"], "2");
    let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(
        (&body["service"], &body["status"]),
        (&"email_service".into(), &503.into())
    );
    assert_eq!(body["message"], "email_service is down");

    // The outage is known by now: nobody waits again.
    let started = Instant::now();
    let page = stack.send(request("text/html,*/*")).await;
    assert!(
        started.elapsed() < Duration::from_millis(250),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let text = String::from_utf8(page.body().to_vec()).unwrap();
    assert!(
        text.contains("email_service") && text.contains("color-scheme"),
        "{text}"
    );
    assert!(
        !text.contains("src=") && !text.contains("<link"),
        "the page stands alone"
    );
}

#[tokio::test]
async fn answers_that_are_none_are_a_bad_gateway() {
    let stack = Stack::bare(config()).await;
    let listener = UnixListener::bind(stack.paths.service_socket(Service::Info)).unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        for answer in [
            "nonsense\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        ] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    for _ in 0..3 {
        let request = "POST /api/info/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        assert_eq!(status(&stack.raw(request.as_bytes()).await), 502);
    }
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_given_up() {
    let mut config = config();
    config.response_timeout.0 = Duration::from_millis(200);
    let stack = Stack::bare(config).await;
    stack.serve(Service::Info, Router::new().fallback(std::future::pending::<()>));
    assert_eq!(
        stack.get("/api/info/x").await.status(),
        StatusCode::GATEWAY_TIMEOUT
    );
    assert_eq!(
        stack.send(post("/api/info/x", "hello")).await.status(),
        StatusCode::GATEWAY_TIMEOUT
    );
}

/// Asks over a connection that is kept, until told to stop; answers how often, and what did not go well.
async fn ask_on(stack: &Stack, path: &str, stop: &std::cell::Cell<bool>) -> (usize, Vec<StatusCode>) {
    let mut client = stack.http2().await;
    let (mut count, mut failed) = (0, Vec::new());
    while !stop.get() {
        let request = Request::get(format!("https://{}{path}", stack.host()))
            .body(Full::default())
            .unwrap();
        let response = client.send_request(request).await.unwrap();
        count += 1;
        if response.status() != StatusCode::OK {
            failed.push(response.status());
        }
        let _ = http_body_util::BodyExt::collect(response.into_body()).await;
    }
    (count, failed)
}

#[tokio::test]
async fn under_load_a_service_that_is_killed_for_a_second_costs_no_request_that_only_reads() {
    let stack = Stack::start().await;
    let stop = std::cell::Cell::new(false);
    let restarts = async {
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            stack.kill(Service::Info).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            stack.serve(Service::Info, stack.echo());
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.set(true);
    };
    let clients = futures_util::future::join_all((0..8).map(|_| ask_on(&stack, "/api/info/x", &stop)));
    let (answers, ()) = tokio::join!(clients, restarts);
    let asked: usize = answers.iter().map(|(count, _)| count).sum();
    let failed: Vec<StatusCode> = answers.into_iter().flat_map(|(_, failed)| failed).collect();
    assert!(asked > 100, "{asked}");
    assert!(
        failed.is_empty(),
        "{} of {asked} failed: {:?}",
        failed.len(),
        failed.first()
    );
}
