//! The event stream: edges in order, replay, gaps, rights, the end.

use http::Method;
use pistack_api::token::Level;
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::stream::Stream;

fn lines() -> Value {
    json!({
        "button": { "bcm": 27, "bias": "pull_down", "edge": "both" },
        "bouncy": { "bcm": 17, "bias": "pull_down", "edge": "both", "debounce": "20ms" },
        "relay": { "bcm": 5, "direction": "output" },
        "vault": { "bcm": 6, "direction": "output", "read": "Root" },
    })
}

#[tokio::test]
async fn every_edge_comes_once_and_in_order() {
    let bench = Bench::start(lines());
    let token = bench.token("anna", Level::User);
    let mut stream = Stream::open(&bench, "/api/io/events?line=button", &token, None).await;
    let mut before = 0;
    for number in 1..=50_u64 {
        let up = number % 2 == 1;
        bench.hand.pull(27, up).await;
        let heard = stream.expect().await;
        let event = &heard.event;
        assert_eq!(
            (
                &event["kind"],
                &event["value"],
                &event["line"],
                &event["bcm"],
                &event["by"]
            ),
            (
                &json!(if up { "rising" } else { "falling" }),
                &json!(up),
                &json!("button"),
                &json!(27),
                &json!("edge")
            )
        );
        assert_eq!(
            (event["line_seqno"].as_u64(), &event["lost"]),
            (Some(number), &json!(0))
        );
        let mono = event["mono_ns"].as_u64().unwrap();
        assert!(mono > before, "time goes on");
        before = mono;
        assert!(heard.id.ends_with(&format!("-{}", event["seq"])), "{}", heard.id);
        assert!(event["ts"].as_str().unwrap().starts_with("20"));
    }
    bench.stop().await;
}

#[tokio::test]
async fn bouncing_is_one_edge() {
    let bench = Bench::start(lines());
    let token = bench.token("anna", Level::User);
    let mut stream = Stream::open(&bench, "/api/io/events?line=bouncy,button", &token, None).await;
    for up in [true, false, true, false, true] {
        bench.hand.pull(17, up).await;
    }
    assert_eq!(stream.expect().await.event["kind"], "rising");
    // The next that comes is of another line: the bouncing made one edge.
    bench.hand.pull(27, true).await;
    assert_eq!(stream.expect().await.event["line"], "button");
    bench.stop().await;
}

#[tokio::test]
async fn a_client_that_was_away_hears_what_it_missed() {
    let bench = Bench::start(lines());
    let token = bench.token("anna", Level::User);
    let write = |level: bool| {
        let body = json!({ "value": level }).to_string();
        let bench = &bench;
        async move { bench.anna(Method::PUT, "/api/io/lines/relay/value", &body).await }
    };
    let mut stream = Stream::open(&bench, "/api/io/events", &token, None).await;
    write(true).await;
    let first = stream.expect().await;
    assert_eq!(
        (&first.event["kind"], &first.event["by"]),
        (&json!("value"), &json!("user:anna"))
    );
    drop(stream);
    for level in [false, true, false] {
        write(level).await;
    }
    let mut stream = Stream::open(&bench, "/api/io/events", &token, Some(&first.id)).await;
    for level in [false, true, false] {
        assert_eq!(stream.expect().await.event["value"], level);
    }
    // More than is kept: the gap is told, then what is kept.
    for _ in 0..5001 {
        write(true).await;
        write(false).await;
    }
    let mut stream = Stream::open(&bench, "/api/io/events?kind=lost,value", &token, Some(&first.id)).await;
    let gap = stream.expect().await.event;
    assert_eq!((&gap["kind"], gap["lost"].as_u64()), (&json!("lost"), Some(5)));
    assert_eq!(stream.expect().await.event["kind"], "value");
    // An id of another run: everything that is kept.
    let mut stream = Stream::open(&bench, "/api/io/events?kind=value", &token, Some("000000-77")).await;
    assert_eq!(stream.expect().await.event["seq"], 7);
    bench.stop().await;
}

#[tokio::test]
async fn nobody_hears_of_lines_that_they_may_not_read() {
    let bench = Bench::start(lines());
    let root = bench.token("root", Level::Root);
    let mut anna = Stream::open(&bench, "/api/io/events", &bench.token("anna", Level::User), None).await;
    let mut all = Stream::open(&bench, "/api/io/events", &root, None).await;
    let body = r#"{"set":{"vault":true,"relay":true}}"#;
    let answer = bench
        .ask(Method::POST, "/api/io/lines/set", &root, &[], body)
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(anna.expect().await.event["line"], "relay");
    assert_eq!(all.expect().await.event["line"], "vault");
    assert_eq!(all.expect().await.event["line"], "relay");
    let answer = bench.ask(Method::GET, "/api/io/events", "", &[], "").await;
    assert_eq!(answer.status, 401);
    bench.context.lifecycle.stop();
    assert!(all.next().await.is_none(), "the stream ends with the service");
}

#[tokio::test]
async fn a_request_that_is_no_websocket_is_told_so() {
    let bench = Bench::start(lines());
    let answer = bench.get("/api/io/ws").await;
    assert!(answer.status.is_client_error(), "{answer:?}");
    assert!(answer.body["message"].is_string(), "{answer:?}");
    bench.stop().await;
}
