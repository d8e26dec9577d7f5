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

/// Of the values: key, value, file, line.
fn rows(body: &serde_json::Value) -> Vec<String> {
    let rows = body["values"].as_array().unwrap().iter();
    rows.map(|row| {
        let text = |key: &str| row[key].as_str().unwrap_or("-").to_owned();
        format!(
            "{}={} {}:{}",
            text("key"),
            text("value"),
            text("file"),
            row["line"]
        )
    })
    .collect()
}

#[tokio::test]
async fn each_value_of_the_configuration_has_its_file_and_line() {
    let bench = Bench::new().await;
    let (status, body) = bench.get("/processes/camera:camera/config").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        rows(&body),
        [
            "autostart=true /etc/conf.d/camera.ini:4",
            "command=python3 camera.py /etc/supervisord.conf:12",
            "directory= -:null",
            "exitcodes=0, 2 -:null",
            "startsecs=1 -:null",
            "umask=022 /etc/supervisord.conf:13",
        ]
    );
    assert_eq!(
        (&body["places"], &body["built_in"]),
        (&json!(true), &json!(false))
    );
}

#[tokio::test]
async fn values_of_the_environment_are_for_those_who_manage_the_process() {
    let bench = Bench::new().await;
    let path = "/processes/camera/config";
    let ask = async |request| bench.send(request).await.1["environment"].clone();
    let name = json!({ "name": "TOKEN", "file": "/etc/supervisord.conf", "line": 14 });
    let admin = ask(bench.request(Method::GET, path, Some(Level::Admin))).await;
    assert_eq!(admin, json!([name]));
    let root = ask(bench.request(Method::GET, path, Some(Level::Root))).await;
    assert_eq!(root[0]["value"], "s3cret");
    // a grant for this one process, by either name
    for grant in ["process:camera:*", "process:camera:camera:*"] {
        let token = bench.granted(grant);
        let mut request = bench.request(Method::GET, path, None);
        let value = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", value);
        assert_eq!(ask(request).await[0]["value"], "s3cret", "{grant}");
    }
}

#[tokio::test]
async fn a_supervisord_tells_values_without_places() {
    let bench = Bench::new().await;
    bench.fake.state().no_events = true;
    let (status, body) = bench.get("/processes/camera:camera/config").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(rows(&body)[1], "command=python3 camera.py -:null");
    assert_eq!(
        (&body["places"], &body["environment"]),
        (&json!(false), &json!([]))
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
