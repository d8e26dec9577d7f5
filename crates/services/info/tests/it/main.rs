//! The info service's routes against local servers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod outside;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use pistack_api::service::Service;
use pistack_api::token::Level;
use pistack_info::Config;
use pistack_kit::config::Span;
use pistack_kit::service::Context;
use pistack_kit::testing::{self, TestAuth};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::outside::{Answer, Outside};

struct Bench {
    router: Router,
    context: Context,
    auth: TestAuth,
    directory: tempfile::TempDir,
}

impl Bench {
    fn new(config: Config) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let auth = TestAuth::new();
        let context = testing::context(Service::Info, directory.path(), &auth);
        let config = Config {
            timeout: Span(Duration::from_millis(300)),
            ..config
        };
        let router = pistack_kit::service::router(&context, pistack_info::app(&context, &config).unwrap());
        Self {
            router,
            context,
            auth,
            directory,
        }
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.send(
            Request::get(format!("/api/info{path}"))
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }
}

fn weather_from(outside: &Outside) -> Config {
    Config {
        weather_url: outside.url(""),
        ..Config::default()
    }
}

const GOOD: &str = r#"{"timezone":"Europe/Warsaw","current":{"time":"2026-11-23T13:15","temperature_2m":4.5,"weather_code":61}}"#;

#[tokio::test]
async fn the_weather_comes_with_its_source_and_is_kept_for_a_quarter_of_an_hour() {
    let outside = Outside::start(Answer::Text(200, GOOD)).await;
    let bench = Bench::new(weather_from(&outside));
    let (status, body) = bench.get("/weather").await;
    assert_eq!(
        (status.as_u16(), &body["temperature"], &body["text"]),
        (200, &json!(4.5), &json!("rain"))
    );
    assert_eq!(body["age_s"], 0);
    assert!(
        body["attribution"].as_str().unwrap().contains("Open-Meteo") && body["attribution_url"].is_string()
    );
    let asked = outside.asked();
    assert_eq!(asked.len(), 1);
    assert!(
        asked[0].starts_with("/v1/forecast?latitude=52.2297&longitude=21.0122&"),
        "{asked:?}"
    );

    bench.context.clock.advance(Duration::from_secs(899));
    let (_, body) = bench.get("/weather?lat=52.2297&lon=21.0122").await;
    assert_eq!((&body["age_s"], outside.asked().len()), (&json!(899), 1));
    bench.context.clock.advance(Duration::from_secs(1));
    bench.get("/weather").await;
    assert_eq!(outside.asked().len(), 2);
    bench.get("/weather?lat=-33.9").await;
    assert!(outside.asked()[2].starts_with("/v1/forecast?latitude=-33.9&longitude=21.0122&"));
}

#[tokio::test]
async fn one_flight_for_a_place() {
    let outside = Outside::start(Answer::Text(200, GOOD)).await;
    let bench = Bench::new(weather_from(&outside));
    let answers = futures_util::future::join_all((0..10).map(|_| bench.get("/weather"))).await;
    assert!(answers.iter().all(|(status, _)| *status == 200));
    assert_eq!(outside.asked().len(), 1);
}

#[tokio::test]
async fn no_weather_is_503_whatever_the_reason() {
    for (answer, reason) in [
        (Answer::Text(500, "oops"), "500"),
        (
            Answer::Text(400, r#"{"error":true,"reason":"Latitude is wrong"}"#),
            "Latitude is wrong",
        ),
        (Answer::Text(200, "<html>"), "makes no sense"),
        (Answer::Text(200, "{}"), "no current weather"),
        (Answer::Large, "cannot be reached"),
        (Answer::Never, "did not answer within 300 ms"),
        (Answer::Drop, "cannot be reached"),
    ] {
        let outside = Outside::start(answer).await;
        let bench = Bench::new(weather_from(&outside));
        let (status, body) = bench.get("/weather").await;
        assert_eq!(
            (status.as_u16(), &body["error"]),
            (503, &json!("weather_unavailable")),
            "{answer:?}"
        );
        let message = body["message"].as_str().unwrap();
        assert!(
            message.starts_with("weather unavailable: ") && message.contains(reason),
            "{answer:?}: {message}"
        );
        // A failure is not kept.
        outside.answers(Answer::Text(200, GOOD));
        assert_eq!(bench.get("/weather").await.0, 200, "{answer:?}");
    }
    let bench = Bench::new(Config {
        weather_url: outside::nobody().await,
        ..Config::default()
    });
    assert_eq!(bench.get("/weather").await.0, 503);
}

#[tokio::test]
async fn a_provider_that_says_too_many_is_left_alone_for_a_minute() {
    let outside = Outside::start(Answer::Text(429, "")).await;
    let bench = Bench::new(weather_from(&outside));
    assert_eq!(bench.get("/weather").await.0, 503);
    outside.answers(Answer::Text(200, GOOD));
    assert_eq!(bench.get("/weather").await.0, 503);
    assert_eq!(outside.asked().len(), 1);
    bench.context.clock.advance(Duration::from_mins(1));
    assert_eq!(bench.get("/weather").await.0, 200);
}

#[tokio::test]
async fn old_weather_is_not_passed_off_as_new() {
    let outside = Outside::start(Answer::Text(200, GOOD)).await;
    let bench = Bench::new(weather_from(&outside));
    assert_eq!(bench.get("/weather").await.0, 200);
    outside.answers(Answer::Text(500, ""));
    bench.context.clock.advance(Duration::from_mins(15));
    assert_eq!(bench.get("/weather").await.0, 503);
}

#[tokio::test]
async fn places_beyond_the_planet_are_400() {
    let bench = Bench::new(Config {
        weather_url: outside::nobody().await,
        ..Config::default()
    });
    for query in [
        "lat=91",
        "lat=-90.5",
        "lon=181",
        "lat=NaN",
        "lon=inf",
        "lat=x",
        "lat=",
    ] {
        let (status, body) = bench.get(&format!("/weather?{query}")).await;
        assert_eq!(status, 400, "{query}: {body}");
        assert!(body["message"].is_string());
    }
}

#[tokio::test]
async fn the_outside_address_is_the_first_good_answer_and_is_kept() {
    let bad = Outside::start(Answer::Text(200, "<html>")).await;
    let silent = Outside::start(Answer::Never).await;
    let good = Outside::start(Answer::Text(200, "203.0.113.7\n")).await;
    let urls = vec![
        bad.url("/ip"),
        outside::nobody().await,
        silent.url("/ip"),
        good.url("/ip"),
    ];
    let bench = Bench::new(Config {
        external_ip_urls: urls,
        ..Config::default()
    });
    let (status, body) = bench.get("/ip").await;
    assert_eq!(
        (status.as_u16(), &body["external_ip"]),
        (200, &json!("203.0.113.7"))
    );
    let local = body["local_ip"].as_str().unwrap();
    assert!(
        local == "unknown"
            || local
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| !ip.is_loopback()),
        "{local}"
    );
    bench.get("/ip").await;
    assert_eq!(good.asked(), ["/ip"]);
    bench.context.clock.advance(Duration::from_mins(15));
    bench.get("/ip").await;
    assert_eq!(good.asked().len(), 2);
}

#[tokio::test]
async fn no_outside_address_is_unknown_in_time_and_not_asked_for_again_at_once() {
    let silent = Outside::start(Answer::Never).await;
    let bench = Bench::new(Config {
        external_ip_urls: vec![silent.url("/a"), silent.url("/b")],
        ..Config::default()
    });
    let answer = tokio::time::timeout(Duration::from_secs(2), bench.get("/ip"))
        .await
        .expect("300 ms");
    assert_eq!(answer.1["external_ip"], "unknown");
    bench.get("/ip").await;
    assert_eq!(silent.asked(), ["/a", "/b"]);
    bench.context.clock.advance(Duration::from_secs(30));
    silent.answers(Answer::Text(200, "2001:db8::7"));
    assert_eq!(bench.get("/ip").await.1["external_ip"], "2001:db8::7");
}

#[tokio::test]
async fn the_outside_is_not_asked_when_switched_off() {
    let outside = Outside::start(Answer::Text(200, "203.0.113.7")).await;
    for config in [
        Config {
            external_ip: false,
            external_ip_urls: vec![outside.url("/")],
            ..Config::default()
        },
        Config {
            external_ip_urls: Vec::new(),
            ..Config::default()
        },
    ] {
        assert_eq!(Bench::new(config).get("/ip").await.1["external_ip"], "unknown");
    }
    assert!(outside.asked().is_empty());
}

#[tokio::test]
async fn the_board_is_for_those_signed_in() {
    let root = tempfile::tempdir().unwrap();
    let proc = root.path().join("proc/sys/kernel");
    std::fs::create_dir_all(&proc).unwrap();
    std::fs::write(proc.join("hostname"), "pi4\n").unwrap();
    let bench = Bench::new(Config {
        sysroot: root.path().into(),
        ..Config::default()
    });
    let (status, body) = bench.get("/board").await;
    assert_eq!(
        (status.as_u16(), &body["message"]),
        (401, &json!("invalid or expired token"))
    );
    let token = bench.auth.token("anna", Level::User, bench.context.clock.unix());
    let request = Request::get("/api/info/board").header("authorization", format!("Bearer {token}"));
    let (status, body) = bench.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(
        (status.as_u16(), &body["hostname"], &body["model"]),
        (200, &json!("pi4"), &Value::Null)
    );
    assert_eq!(body["disk"]["path"], bench.directory.path().to_str().unwrap());
}

#[tokio::test]
async fn a_bad_address_stops_the_start() {
    let bench = Bench::new(Config::default());
    let config = Config {
        weather_url: "ftp://weather".into(),
        ..Config::default()
    };
    let error = pistack_info::app(&bench.context, &config)
        .unwrap_err()
        .to_string();
    assert!(error.contains("ftp://weather"), "{error}");
}

#[test]
fn open_calls_say_so_in_the_document() {
    let spec = serde_json::to_value(pistack_info::spec()).unwrap();
    for (path, open) in [
        ("/api/info/ip", true),
        ("/api/info/weather", true),
        ("/api/info/board", false),
    ] {
        let security = &spec["paths"][path]["get"]["security"];
        assert_eq!(security == &json!([{}]), open, "{path}: {security}");
    }
    let parameters = &spec["paths"]["/api/info/weather"]["get"]["parameters"];
    assert_eq!(parameters.as_array().unwrap().len(), 2, "{parameters}");
}
