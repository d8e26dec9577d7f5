//! The info service's routes against local servers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod board;
mod outside;
mod weather;

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

    /// As somebody who may read what the board tells.
    async fn get_as_user(&self, path: &str) -> (StatusCode, Value) {
        let token = self.auth.token("anna", Level::User, self.context.clock.unix());
        let request =
            Request::get(format!("/api/info{path}")).header("authorization", format!("Bearer {token}"));
        self.send(request.body(Body::empty()).unwrap()).await
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
        let (head, body) = self.text(request).await;
        (head.status, serde_json::from_str(&body).unwrap())
    }

    async fn text(&self, request: Request<Body>) -> (http::response::Parts, String) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head, String::from_utf8(body.to_vec()).unwrap())
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
        external_ip: true,
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
        external_ip: true,
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
            external_ip_urls: vec![outside.url("/")],
            ..Config::default()
        },
        Config {
            external_ip: true,
            external_ip_urls: Vec::new(),
            ..Config::default()
        },
    ] {
        assert_eq!(Bench::new(config).get("/ip").await.1["external_ip"], "unknown");
    }
    assert!(outside.asked().is_empty());
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
