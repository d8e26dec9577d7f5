//! The weather: cache, old answers, both providers, and what goes wrong.

use std::time::Duration;

use pistack_info::Config;
use serde_json::json;

use crate::Bench;
use crate::outside::{self, Answer, Outside};

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
async fn a_provider_that_goes_on_saying_so_is_left_alone_for_longer() {
    let outside = Outside::start(Answer::Text(429, "")).await;
    let bench = Bench::new(weather_from(&outside));
    for (asked, minutes) in [(1, 1), (2, 2), (3, 4), (4, 8)] {
        assert_eq!(bench.get("/weather").await.0, 503);
        assert_eq!(outside.asked().len(), asked);
        bench.context.clock.advance(Duration::from_secs(minutes * 60 - 1));
        bench.get("/weather").await;
        assert_eq!(outside.asked().len(), asked, "before {minutes} min are over");
        bench.context.clock.advance(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn old_weather_is_shown_as_old_for_three_hours() {
    let outside = Outside::start(Answer::Text(200, GOOD)).await;
    let bench = Bench::new(weather_from(&outside));
    assert_eq!(bench.get("/weather").await.1["stale"], false);
    outside.answers(Answer::Text(500, ""));
    bench.context.clock.advance(Duration::from_mins(15));
    let (status, body) = bench.get("/weather").await;
    assert_eq!(
        (status.as_u16(), &body["stale"], &body["age_s"]),
        (200, &json!(true), &json!(900))
    );
    bench.get("/weather").await;
    assert_eq!(
        outside.asked().len(),
        2,
        "nobody waits for a dead provider at each request"
    );
    bench.context.clock.advance(Duration::from_mins(165));
    assert_eq!(bench.get("/weather").await.0, 200);
    bench.context.clock.advance(Duration::from_mins(1));
    assert_eq!(bench.get("/weather").await.0, 503);
    outside.answers(Answer::Text(200, GOOD));
    bench.context.clock.advance(Duration::from_mins(1));
    assert_eq!(bench.get("/weather").await.1["stale"], false);
}

const MET: &str = r#"{"properties":{"timeseries":[{"time":"2026-11-23T10:00:00Z","data":{"instant":{"details":{"air_temperature":-7.5}},"next_1_hours":{"summary":{"symbol_code":"snow"},"details":{"precipitation_amount":0.4}}}}]}}"#;

#[tokio::test]
async fn met_norway_steps_in_and_learns_whom_to_write_to() {
    let open_meteo = Outside::start(Answer::Text(500, "")).await;
    let met = Outside::start(Answer::Text(200, MET)).await;
    let bench = Bench::new(Config {
        weather_contact: Some("anna@example.org".into()),
        met_norway_url: met.url(""),
        ..weather_from(&open_meteo)
    });
    let (status, body) = bench.get("/weather").await;
    assert_eq!(
        (status.as_u16(), &body["temperature"], &body["text"]),
        (200, &json!(-7.5), &json!("snow"))
    );
    assert_eq!(body["provider"], "met-norway");
    assert!(body["attribution"].as_str().unwrap().contains("MET Norway"));
    assert_eq!(
        met.asked(),
        ["/weatherapi/locationforecast/2.0/compact?lat=52.2297&lon=21.0122"]
    );
    let headers = met.headers();
    assert!(
        headers[0]["user-agent"]
            .to_str()
            .unwrap()
            .ends_with(" anna@example.org")
    );
    assert!(!headers[0].contains_key("if-modified-since"));
    assert!(
        open_meteo.headers()[0]["user-agent"]
            .to_str()
            .unwrap()
            .starts_with("pistack/")
    );
    assert!(
        !open_meteo.headers()[0]["user-agent"]
            .to_str()
            .unwrap()
            .contains("anna")
    );
}

#[tokio::test]
async fn met_norway_is_asked_again_when_it_wants_to_be_and_only_for_news() {
    let met = Outside::start(Answer::Dated(MET)).await;
    let bench = Bench::new(Config {
        weather_provider: pistack_info::Provider::MetNorway,
        weather_contact: Some("https://example.org".into()),
        met_norway_url: met.url("/compact"),
        weather_url: outside::nobody().await,
        ..Config::default()
    });
    assert_eq!(bench.get("/weather").await.0, 200);
    bench.context.clock.advance(Duration::from_mins(29));
    bench.get("/weather").await;
    assert_eq!(met.asked().len(), 1, "it expires after half an hour");
    met.answers(Answer::NotModified);
    bench.context.clock.advance(Duration::from_mins(1));
    let (status, body) = bench.get("/weather").await;
    assert_eq!((status.as_u16(), &body["temperature"]), (200, &json!(-7.5)));
    assert_eq!((&body["age_s"], &body["stale"]), (&json!(0), &json!(false)));
    assert_eq!(met.headers()[1]["if-modified-since"], outside::MODIFIED);
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
