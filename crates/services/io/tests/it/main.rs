//! The io service's routes, on the simulated backend or on a chip (see `hand`).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod events;
mod hand;
mod lines;
mod socket;
mod stream;

use axum::Router;
use axum::body::Body;
use bench::Bench as Service;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use pistack_api::token::Level;
use pistack_io::config::{BackendChoice, Bias, Direction};
use pistack_io::{Config, LineConfig, Lines};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// The original's calls are tested on simulated lines alone: half of what they answer is the warning.
struct Bench(Service);

fn simulated() -> Config {
    Config {
        backend: BackendChoice::Simulated,
        ..Config::default()
    }
}

fn lines() -> Lines {
    let relay = LineConfig {
        bcm: Some(5),
        direction: Direction::Output,
        label: Some("Boiler".into()),
        ..LineConfig::default()
    };
    let door = LineConfig {
        pin: Some(13),
        bias: Bias::PullUp,
        ..LineConfig::default()
    };
    [("relay1".to_owned(), relay), ("door".to_owned(), door)]
        .into_iter()
        .collect()
}

impl Bench {
    fn new(config: &Config, lines: &Lines) -> Self {
        Self(Service::with(config, lines))
    }

    async fn send(&self, method: Method, path: &str, body: &str, signed_in: bool) -> (StatusCode, Value) {
        let token = if signed_in {
            self.0.token("anna", Level::User)
        } else {
            String::new()
        };
        let answer = self.0.ask(method, path, &token, &[], body.to_owned()).await;
        (answer.status, answer.body)
    }

    async fn set(&self, body: &str) -> (StatusCode, Value) {
        self.send(Method::POST, "/api/io/gpio/set", body, true).await
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.send(Method::GET, path, "", true).await
    }
}

#[tokio::test]
async fn sets_and_reads_as_the_original_did_but_says_that_nothing_is_there() {
    let bench = Bench::new(&simulated(), &Lines::new());
    let warned = |body: Value| (StatusCode::OK, body);
    for (value, level) in [("1", 1), ("false", 0), ("true", 1), ("0", 0), ("1", 1)] {
        let answer = bench.set(&format!(r#"{{"pin":17,"value":{value}}}"#)).await;
        assert_eq!(
            answer,
            warned(json!({ "ok": true, "warning": "no_gpio_backend" }))
        );
        let answer = bench.get("/api/io/gpio/read?pin=17").await;
        assert_eq!(
            answer,
            warned(json!({ "value": level, "warning": "no_gpio_backend" }))
        );
    }
    // Reading does not switch the output off.
    assert_eq!(bench.get("/api/io/gpio/read?pin=17").await.1["value"], 1);
    assert_eq!(bench.get("/api/io/gpio/read?pin=4").await.1["value"], 0);
}

#[tokio::test]
async fn the_original_path_works_too() {
    let bench = Bench::new(&simulated(), &Lines::new());
    let body = r#"{"pin":17,"value":1}"#;
    let (status, answer) = bench.send(Method::POST, "/api/gpio/set", body, true).await;
    assert_eq!((status.as_u16(), &answer["ok"]), (200, &true.into()));
    assert_eq!(bench.get("/api/gpio/read?pin=17").await.1["value"], 1);
}

#[tokio::test]
async fn nothing_moves_without_a_token() {
    let bench = Bench::new(&simulated(), &lines());
    for path in ["/api/io/gpio/set", "/api/gpio/set"] {
        let body = r#"{"pin":5,"value":1}"#;
        let (status, answer) = bench.send(Method::POST, path, body, false).await;
        assert_eq!(
            (status.as_u16(), &answer["message"]),
            (401, &"invalid or expired token".into())
        );
    }
    for path in ["/api/io/gpio/read?pin=5", "/api/gpio/read?pin=5", "/api/io/lines"] {
        assert_eq!(bench.send(Method::GET, path, "", false).await.0, 401, "{path}");
    }
    assert_eq!(bench.get("/api/io/gpio/read?pin=5").await.1["value"], 0);
}

#[tokio::test]
async fn bad_calls_are_named_and_carry_the_warning() {
    let bench = Bench::new(&simulated(), &lines());
    for (body, status, code) in [
        ("", 400, "invalid_payload"),
        ("[]", 400, "invalid_payload"),
        (r#"{"pin":17}"#, 400, "invalid_payload"),
        (r#"{"value":1}"#, 400, "invalid_payload"),
        (r#"{"pin":17,"value":2}"#, 400, "bad_value"),
        (r#"{"pin":17,"value":"1"}"#, 400, "bad_value"),
        (r#"{"pin":17,"value":0.5}"#, 400, "bad_value"),
        (r#"{"pin":17,"value":null}"#, 400, "bad_value"),
        (r#"{"pin":28,"value":1}"#, 400, "bad_line"),
        (r#"{"pin":-1,"value":1}"#, 400, "bad_line"),
        (r#"{"pin":1.5,"value":1}"#, 400, "bad_line"),
        (r#"{"pin":null,"value":1}"#, 400, "bad_line"),
        (r#"{"pin":"pin:2","value":1}"#, 400, "bad_line"),
        (r#"{"pin":"door","value":1}"#, 409, "wrong_direction"),
        (r#"{"pin":27,"value":1}"#, 409, "wrong_direction"),
    ] {
        let (got, answer) = bench.set(body).await;
        assert_eq!(
            (got.as_u16(), &answer["code"]),
            (status, &code.into()),
            "{body}: {answer}"
        );
        assert_eq!(answer["warning"], "no_gpio_backend", "{body}");
        assert!(answer["message"].is_string());
    }
    for query in ["", "?pin=", "?pin=28", "?pin=x", "?pin=-1"] {
        let (got, answer) = bench.get(&format!("/api/io/gpio/read{query}")).await;
        assert_eq!(
            (got.as_u16(), &answer["warning"]),
            (400, &"no_gpio_backend".into()),
            "{query}: {answer}"
        );
    }
}

#[tokio::test]
async fn lines_go_by_name_and_show_in_the_list() {
    let bench = Bench::new(&simulated(), &lines());
    assert_eq!(bench.set(r#"{"pin":"relay1","value":1}"#).await.0, 200);
    assert_eq!(bench.set(r#"{"pin":"pin:11","value":true}"#).await.0, 200);
    assert_eq!(bench.get("/api/io/gpio/read?pin=door").await.1["value"], 1);
    let (status, answer) = bench.get("/api/io/lines").await;
    assert_eq!(status, 200);
    assert_eq!(
        (&answer["backend"], &answer["warning"]),
        (&"simulated".into(), &"no_gpio_backend".into())
    );
    let rows: Vec<_> = answer["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            json!([
                line["name"],
                line["bcm"],
                line["pin"],
                line["direction"],
                line["value"],
                line["reserved"],
                line["label"]
            ])
        })
        .collect();
    assert_eq!(
        rows,
        [
            json!(["relay1", 5, 29, "output", true, true, "Boiler"]),
            json!(["door", 27, 13, "input", true, true, null]),
            json!([null, 17, 11, "output", true, false, null]),
        ]
    );
}

#[tokio::test]
async fn closed_lines_are_refused() {
    let bench = Bench::new(
        &Config {
            open_lines: false,
            ..simulated()
        },
        &lines(),
    );
    let (status, answer) = bench.set(r#"{"pin":17,"value":1}"#).await;
    assert_eq!(
        (status.as_u16(), &answer["code"]),
        (403, &"line_not_reserved".into())
    );
    assert_eq!(bench.set(r#"{"pin":5,"value":1}"#).await.0, 200);
}

#[tokio::test]
async fn a_chip_that_is_asked_for_by_name_must_be_there() {
    let config = Config {
        chip: "no-such-chip".into(),
        backend: BackendChoice::Chardev,
        ..Config::default()
    };
    let directory = tempfile::tempdir().unwrap();
    let auth = pistack_kit::testing::TestAuth::new();
    let context = pistack_kit::testing::context(pistack_api::service::Service::Io, directory.path(), &auth);
    let error = pistack_io::app(&context, &config, &Lines::new())
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("no-such-chip") && error.contains("backend = \"auto\""),
        "{error}"
    );
}

#[test]
fn the_configuration_reads_strictly() {
    let line: LineConfig = serde_json::from_value(
        json!({ "bcm": 4, "direction": "output", "initial": "keep", "bias": "pull_down" }),
    )
    .unwrap();
    assert_eq!(line.offset(), Some(4));
    assert!(serde_json::from_value::<LineConfig>(json!({ "bmc": 4 })).is_err());
    assert!(serde_json::from_value::<Config>(json!({ "backend": "magic" })).is_err());
}

#[test]
fn the_document_has_the_calls() {
    let spec = serde_json::to_value(pistack_io::spec()).unwrap();
    assert_eq!(
        spec["paths"]["/api/io/gpio/set"]["post"]["operationId"],
        "set_gpio"
    );
    assert_eq!(
        spec["paths"]["/api/io/gpio/read"]["get"]["parameters"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(spec["paths"]["/api/io/lines"]["get"]["operationId"], "list_lines");
}

#[tokio::test]
async fn the_stacks_own_processes_need_no_token_on_the_socket_and_have_no_way_in_elsewhere() {
    let bench = Bench::new(&simulated(), &lines());
    let app = &bench.0;
    let ask = |router: Router, path: &str, body: &str| {
        let request = Request::post(path).body(Body::from(body.to_owned())).unwrap();
        async move {
            let response = router.oneshot(request).await.unwrap();
            let status = response.status();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            (status, serde_json::from_slice::<Value>(&body).unwrap_or_default())
        }
    };
    let set = ask(
        app.internal.clone(),
        "/internal/gpio/set",
        r#"{"pin":"relay1","value":1}"#,
    )
    .await;
    assert_eq!(set.0, StatusCode::OK);
    let read = ask(app.internal.clone(), "/internal/gpio/read", r#"{"pin":5}"#).await;
    assert_eq!(read, (StatusCode::OK, json!({ "value": 1 })));
    let wrong = ask(
        app.internal.clone(),
        "/internal/gpio/set",
        r#"{"pin":"nope","value":1}"#,
    )
    .await;
    assert!(wrong.0.is_client_error());
    let public = ask(
        app.public.clone(),
        "/internal/gpio/set",
        r#"{"pin":17,"value":1}"#,
    )
    .await;
    assert_eq!(public.0, StatusCode::NOT_FOUND);
}
