//! The event stream as a subscriber sees it.

use std::time::Duration;

use axum::body::BodyDataStream;
use futures_util::StreamExt as _;
use http::Method;
use pistack_api::token::{Level, Revocation};
use pistack_kit::testing::eventually;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::Bench;

/// A subscriber that reads whole server-sent events.
struct Reader {
    body: BodyDataStream,
    text: String,
}

/// `event:`, `id:` and `data:` of one event.
type Message = (Option<String>, Option<String>, Value);

impl Reader {
    async fn open(bench: &Bench, path: &str, last: Option<u64>) -> Self {
        let mut request = bench.request(Method::GET, path, Some(Level::Admin));
        if let Some(last) = last {
            request.headers_mut().insert("last-event-id", last.into());
        }
        let response = bench.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    /// The next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    block
                        .lines()
                        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                        .map(str::to_owned)
                };
                if let Some(data) = field("data") {
                    return Some((field("event"), field("id"), serde_json::from_str(&data).unwrap()));
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(10), self.body.next())
                .await
                .expect("an event in 10 s");
            self.text.push_str(std::str::from_utf8(&chunk?.unwrap()).unwrap());
        }
    }

    /// The id of the next unnamed event.
    async fn next_id(&mut self) -> u64 {
        loop {
            let (event, id, _) = self.next().await.expect("the stream goes on");
            if event.is_none() {
                return id.unwrap().parse().unwrap();
            }
        }
    }
}

#[tokio::test]
async fn events_reach_every_subscriber_over_one_connection() {
    let bench = Bench::new().await;
    let mut readers = Vec::new();
    for _ in 0..3 {
        let mut reader = Reader::open(&bench, "/events", None).await;
        let hello = reader.next().await.unwrap();
        assert_eq!(
            (hello.0.as_deref(), &hello.2["connected"]),
            (Some("supervisor"), &true.into())
        );
        readers.push(reader);
    }
    let serial = bench.fake.emit("PROCESS_STATE_EXITED", "camera", "camera");
    for reader in &mut readers {
        let (event, id, data) = reader.next().await.unwrap();
        assert_eq!((event, id), (None, Some(serial.to_string())));
        assert_eq!(
            (&data["name"], &data["fields"]["processname"]),
            (&"PROCESS_STATE_EXITED".into(), &"camera".into())
        );
    }
    assert_eq!(bench.fake.state().streams.len(), 1);
}

#[tokio::test]
async fn a_reconnecting_subscriber_misses_nothing() {
    let bench = Bench::new().await;
    for _ in 0..5 {
        bench.fake.emit("PROCESS_STATE_RUNNING", "camera", "camera");
    }
    let mut first = Reader::open(&bench, "/events?after=0", None).await;
    for serial in 1..=5 {
        assert_eq!(first.next_id().await, serial);
    }
    let mut again = Reader::open(&bench, "/events?after=0", Some(3)).await;
    assert_eq!(
        (again.next_id().await, again.next_id().await),
        (4, 5),
        "the header wins"
    );
    bench.fake.emit("PROCESS_STATE_RUNNING", "camera", "camera");
    assert_eq!((first.next_id().await, again.next_id().await), (6, 6));
}

#[tokio::test]
async fn only_wanted_names() {
    let bench = Bench::new().await;
    let mut reader = Reader::open(&bench, "/events?names=TICK_60,PROCESS_STATE_*", None).await;
    bench.fake.emit("TICK_5", "", "");
    let wanted = bench.fake.emit("PROCESS_STATE_RUNNING", "camera", "camera");
    assert_eq!(reader.next_id().await, wanted);
}

#[tokio::test]
async fn the_stream_outlives_the_connection_to_the_supervisor() {
    let bench = Bench::new().await;
    let mut reader = Reader::open(&bench, "/events", None).await;
    let before = bench.fake.emit("PROCESS_STATE_RUNNING", "camera", "camera");
    assert_eq!(reader.next_id().await, before);
    bench.fake.cut_streams();
    for connected in [false, true] {
        let (event, _, data) = reader.next().await.unwrap();
        assert_eq!(
            (event.as_deref(), &data["connected"]),
            (Some("supervisor"), &connected.into())
        );
    }
    let after = bench.fake.emit("PROCESS_STATE_EXITED", "camera", "camera");
    assert_eq!(reader.next_id().await, after);
    assert_eq!(
        bench.fake.state().streams,
        [0, before],
        "it goes on where it stopped"
    );
}

#[tokio::test]
async fn another_run_of_the_supervisor_is_told() {
    let bench = Bench::new().await;
    for _ in 0..3 {
        bench.fake.emit("PROCESS_STATE_RUNNING", "camera", "camera");
    }
    let mut reader = Reader::open(&bench, "/events?after=2", None).await;
    assert_eq!(reader.next_id().await, 3);
    bench.fake.begin_anew();
    bench.fake.emit("SUPERVISOR_STATE_CHANGE_RUNNING", "", "");
    let (event, ..) = reader.next().await.unwrap();
    assert_eq!(event.as_deref(), Some("reset"));
    assert_eq!(reader.next_id().await, 1);
}

#[tokio::test]
async fn a_slow_subscriber_is_told_what_it_lost() {
    let bench = Bench::new().await;
    let mut slow = Reader::open(&bench, "/events", None).await;
    let mut quick = Reader::open(&bench, "/events", None).await;
    slow.next().await.unwrap();
    // The quick one keeps pace with the fake; the slow one does not read at all.
    for _ in 0..400 {
        let serial = bench.fake.emit("PROCESS_STATE_RUNNING", "camera", "camera");
        assert_eq!(quick.next_id().await, serial);
    }
    let (event, _, data) = slow.next().await.unwrap();
    assert_eq!(event.as_deref(), Some("lost"));
    let lost = data["events"].as_u64().unwrap();
    assert_eq!(slow.next_id().await, lost + 1, "and goes on right after that");
}

#[tokio::test]
async fn an_ended_session_hears_nothing_more() {
    let bench = Bench::new().await;
    let mut reader = Reader::open(&bench, "/events", None).await;
    reader.next().await.unwrap();
    let until = bench.context.clock.unix() + 900;
    bench.context.guard.revoke(&Revocation::Session {
        sid: "session-of-anna".into(),
        until,
    });
    bench.fake.emit("PROCESS_STATE_RUNNING", "camera", "camera");
    assert!(reader.next().await.is_none());
}

#[tokio::test]
async fn the_stream_ends_with_the_service() {
    let bench = Bench::new().await;
    let mut reader = Reader::open(&bench, "/events", None).await;
    reader.next().await.unwrap();
    bench.context.lifecycle.stop();
    assert!(reader.next().await.is_none());
    assert!(
        bench.context.lifecycle.finish(Duration::from_secs(5)).await,
        "the follower ends too"
    );
    eventually("the upstream connection is closed", async || {
        bench.fake.event_streams_open(0)
    })
    .await;
}
