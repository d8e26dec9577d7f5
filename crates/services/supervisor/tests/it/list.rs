//! The process list: true, and cheap while nothing changes.

use std::time::Duration;

use pistack_kit::testing::eventually;

use crate::Bench;

#[tokio::test]
async fn the_list_is_supervisords_own() {
    let bench = Bench::new().await;
    let (status, body) = bench.get("/processes/list").await;
    assert_eq!(status, 200);
    assert_eq!(body, serde_json::to_value(&bench.fake.state().processes).unwrap());
    let keys: Vec<_> = body[0].as_object().unwrap().keys().map(String::as_str).collect();
    for key in [
        "name",
        "group",
        "state",
        "statename",
        "pid",
        "start",
        "stop",
        "now",
        "exitstatus",
        "spawnerr",
        "description",
        "stdout_logfile",
    ] {
        assert!(keys.contains(&key), "{key}");
    }
}

#[tokio::test]
async fn within_a_second_without_an_event_the_supervisor_is_asked_once() {
    let bench = Bench::new().await;
    futures_util::future::join_all((0..20).map(|_| bench.get("/processes/list"))).await;
    bench.get("/processes/list").await;
    assert_eq!(bench.fake.calls("getAllProcessInfo"), 1);
    bench.context.clock.advance(Duration::from_secs(1));
    bench.get("/processes/list").await;
    assert_eq!(bench.fake.calls("getAllProcessInfo"), 2);
}

#[tokio::test]
async fn an_event_makes_the_next_answer_new() {
    let bench = Bench::new().await;
    bench.get("/processes/list").await;
    {
        let mut state = bench.fake.state();
        state.processes[3].state = 200;
        state.processes[3].statename = "FATAL".into();
    }
    bench.fake.emit("TICK_5", "", "");
    bench.fake.emit("PROCESS_STATE_FATAL", "camera", "camera");
    eventually("the change shows", async || {
        let (_, list) = bench.get("/processes/list").await;
        (list[3]["statename"] == "FATAL").then_some(())
    })
    .await;
}

#[tokio::test]
async fn without_an_event_stream_every_answer_is_asked_for() {
    let bench = Bench::new().await;
    bench.fake.state().no_events = true;
    bench.fake.cut_streams();
    eventually("the stream is gone", async || bench.fake.event_streams_open(0)).await;
    eventually("each request asks", async || {
        let before = bench.fake.calls("getAllProcessInfo");
        bench.get("/processes/list").await;
        bench.get("/processes/list").await;
        (bench.fake.calls("getAllProcessInfo") == before + 2).then_some(())
    })
    .await;
}
