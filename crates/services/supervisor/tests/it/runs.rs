//! The runs of a process, and its configuration.

use http::{Method, StatusCode};
use pistack_api::token::Level;
use pistack_kit::testing::eventually;
use serde_json::json;

use crate::Bench;

#[tokio::test]
async fn runs_follow_the_events() {
    let bench = Bench::new().await;
    for state in ["STARTING", "RUNNING", "EXITED", "STARTING"] {
        bench
            .fake
            .emit(&format!("PROCESS_STATE_{state}"), "camera", "camera");
    }
    let body = eventually("both runs are there", async || {
        let (status, body) = bench.get("/processes/camera/runs").await;
        assert_eq!(status, StatusCode::OK);
        (body["runs"].as_array().map(Vec::len) == Some(2)).then_some(body)
    })
    .await;
    assert_eq!(body["runs"][0]["state"], "STARTING");
    assert_eq!(body["runs"][0].get("end"), None);
    assert_eq!(body["runs"][1]["state"], "EXITED");
    assert_eq!(body["runs"][1]["end"], body["runs"][1]["start"]);
    let (_, other) = bench.get("/processes/gateway/runs").await;
    assert_eq!(other, json!({ "runs": [], "acts": [] }));
    let (_, all) = bench.get("/runs").await;
    let camera = all["processes"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["name"] == "camera:camera"));
    let camera = camera.unwrap();
    assert_eq!(
        (&camera["restarts"], &camera["last"]["state"]),
        (&json!(1), &json!("STARTING"))
    );
    assert_eq!(all["processes"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn who_asked_is_noted() {
    let bench = Bench::new().await;
    assert_eq!(bench.post("/processes/camera/start").await.0, StatusCode::OK);
    let (_, body) = bench.get("/processes/camera/runs").await;
    assert_eq!(
        (&body["acts"][0]["what"], &body["acts"][0]["by"]),
        (&json!("start"), &json!("anna"))
    );
}

#[tokio::test]
async fn the_configuration_is_what_the_supervisor_tells() {
    let bench = Bench::new().await;
    let (status, body) = bench.get("/processes/camera:camera/config").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        body,
        json!({ "values": [
            { "key": "autostart", "value": "true" },
            { "key": "command", "value": "python3 camera.py" },
            { "key": "directory", "value": "" },
            { "key": "exitcodes", "value": "0, 2" },
            { "key": "startsecs", "value": "1" },
        ] })
    );
}

#[tokio::test]
async fn who_may_not_see_a_process_sees_neither() {
    let bench = Bench::new().await;
    for path in ["/processes/camera/runs", "/processes/camera/config"] {
        let ask = |level| bench.send(bench.request(Method::GET, path, level));
        assert_eq!(ask(None).await.0, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(ask(Some(Level::User)).await.0, StatusCode::FORBIDDEN, "{path}");
        let unknown = path.replace("camera", "nobody");
        assert_eq!(bench.get(&unknown).await.0, StatusCode::NOT_FOUND, "{unknown}");
    }
}
