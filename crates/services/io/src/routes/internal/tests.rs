//! Watchers, levels and pulls over the internal routes.

use axum::body::to_bytes;
use http::Request;
use http_body_util::BodyExt as _;
use pistack_api::service::Service;
use pistack_kit::testing::{self, TestAuth};
use tower::ServiceExt as _;

use super::*;
use crate::config::{BackendChoice, Config};

struct Bed {
    gpio: Gpio,
    _home: tempfile::TempDir,
}

fn bed() -> Bed {
    let home = tempfile::tempdir().unwrap();
    let context = testing::context(Service::Io, home.path(), &TestAuth::new());
    context.paths.create().unwrap();
    let config = Config {
        backend: BackendChoice::Simulated,
        ..Config::default()
    };
    let lines = serde_json::from_value(json!({ "door": { "pin": 13, "bias": "pull_up" } })).unwrap();
    Bed {
        gpio: Gpio::open(&context, &config, &lines).unwrap(),
        _home: home,
    }
}

async fn post(gpio: &Gpio, path: &str, body: &Value) -> Response {
    let request = Request::post(path)
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    crate::routes::private(gpio.clone())
        .oneshot(request)
        .await
        .unwrap()
}

#[tokio::test]
async fn watchers_see_edges_of_inputs_and_changes_of_outputs() {
    let Bed { gpio, _home } = bed();
    let answer = post(
        &gpio,
        "/internal/gpio/edges",
        &json!({ "lines": ["17", "door", "bcm:4"] }),
    )
    .await;
    assert_eq!(answer.status(), StatusCode::OK);
    let mut body = answer.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "\n");
    for (path, call, wanted) in [
        (
            "set",
            json!({ "pin": 17, "value": 1 }),
            "{\"line\":\"17\",\"bcm\":17,\"level\":1}\n",
        ),
        (
            "pull",
            json!({ "pin": "door", "pull": "down" }),
            "{\"line\":\"door\",\"bcm\":27,\"level\":0}\n",
        ),
        (
            "pull",
            json!({ "pin": 4, "pull": "up" }),
            "{\"line\":\"bcm:4\",\"bcm\":4,\"level\":1}\n",
        ),
        (
            "set",
            json!({ "pin": 17, "value": 0 }),
            "{\"line\":\"17\",\"bcm\":17,\"level\":0}\n",
        ),
    ] {
        let answer = post(&gpio, &format!("/internal/gpio/{path}"), &call).await;
        assert_eq!(answer.status(), StatusCode::OK, "{call}");
        let frame = tokio::time::timeout(Duration::from_secs(10), body.frame())
            .await
            .unwrap();
        assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), wanted);
    }
    let answer = post(&gpio, "/internal/gpio/read", &json!({ "pin": "27" })).await;
    assert_eq!(to_bytes(answer.into_body(), 100).await.unwrap(), "{\"value\":0}");
    drop(body);
    let lines = gpio.board().views();
    assert_eq!(lines.len(), 2, "what was only watched is free again: {lines:?}");
}

#[tokio::test]
async fn what_is_no_line_is_refused() {
    let Bed { gpio, _home } = bed();
    for lines in [json!([]), json!(["camera"]), json!(["99"]), json!(vec!["17"; 65])] {
        let answer = post(&gpio, "/internal/gpio/edges", &json!({ "lines": lines })).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{lines}");
    }
}

#[tokio::test]
async fn figures_are_prometheus_text() {
    let Bed { gpio, _home } = bed();
    post(&gpio, "/internal/gpio/set", &json!({ "pin": 17, "value": 1 })).await;
    let request = Request::get("/internal/metrics").body(Body::empty()).unwrap();
    let answer = crate::routes::private(gpio.clone())
        .oneshot(request)
        .await
        .unwrap();
    assert_eq!(
        answer.headers()["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let text = to_bytes(answer.into_body(), 10_000).await.unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    for line in [
        "# TYPE pistack_gpio_level gauge",
        "pistack_gpio_level{line=\"bcm:17\"} 1",
        "pistack_gpio_level{line=\"door\"} 1",
        "pistack_gpio_edges_total{line=\"door\"} 0",
        "pistack_gpio_safe_mode 0",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line} is not in\n{text}"
        );
    }
}
