//! Lines over the API, on whichever chip: levels, many at once, actions, limits, rights.

use std::time::Duration;

use http::Method;
use pistack_api::token::Level;
use pistack_kit::testing::eventually;
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::hand::chip;

fn lines() -> Value {
    json!({
        "relay1": { "bcm": 5, "direction": "output", "tags": ["heat"], "label": "Boiler" },
        "relay2": { "bcm": 6, "direction": "output" },
        "low": { "bcm": 7, "direction": "output", "active_low": true },
        "button": { "bcm": 27, "bias": "pull_down", "edge": "both" },
        "free": { "bcm": 22, "reconfigurable": true, "bias": "pull_up" },
        "up": { "bcm": 23, "direction": "output", "interlock": "blind", "interlock_wait": "100ms" },
        "down": { "bcm": 24, "direction": "output", "interlock": "blind", "interlock_wait": "100ms" },
        "pump": { "bcm": 25, "direction": "output", "min_off": "1h" },
        "lamp": { "bcm": 26, "direction": "output", "max_on": "150ms" },
        "vault": { "bcm": 16, "direction": "output", "read": "Admin", "write": "Root" },
    })
}

async fn put(bench: &Bench, line: &str, body: &str) -> crate::bench::Answer {
    bench
        .anna(Method::PUT, &format!("/api/io/lines/{line}/value"), body)
        .await
}

#[tokio::test]
async fn a_level_reaches_the_wire_by_every_name() {
    let bench = Bench::start(lines());
    let label = chip().unwrap_or_else(|| "simulated".into());
    let by_chip = format!("chip:{label}%2F5");
    for name in ["relay1", "5", "bcm:5", "pin:29", by_chip.as_str()] {
        for (text, level) in [("true", true), ("false", false)] {
            let answer = put(&bench, name, &format!(r#"{{"value":{text}}}"#)).await;
            assert_eq!(answer.status, 200, "{name}: {answer:?}");
            assert_eq!(answer.body["value"], level);
            assert_eq!(bench.hand.level(5).await, level, "{name}");
        }
    }
    let line = bench.get("/api/io/lines/relay1").await.body;
    for (key, value) in [
        ("name", json!("relay1")),
        ("bcm", json!(5)),
        ("pin", json!(29)),
        ("offset", json!(5)),
        ("chip", json!(label)),
        ("direction", json!("output")),
        ("value", json!(false)),
        ("active_low", json!(false)),
        ("bias", json!("as_is")),
        ("drive", json!("push_pull")),
        ("debounce_us", json!(0)),
        ("edge", json!("none")),
        ("mode", json!("gpio")),
        ("pwm", Value::Null),
        ("action", Value::Null),
        ("changed_by", json!("user:anna")),
        ("safe", json!("off")),
        ("allowed", json!(["read", "write"])),
        ("label", json!("Boiler")),
    ] {
        assert_eq!(line[key], value, "{key}");
    }
    assert!(line["seq"].as_u64().unwrap() > 0 && line["changed_at"].as_str().unwrap().ends_with('Z'));
    // What high means is the configuration's business.
    put(&bench, "low", r#"{"value":true}"#).await;
    if chip().is_some() {
        assert!(!bench.hand.level(7).await, "active low: on is no voltage");
    }
    bench.stop().await;
}

#[tokio::test]
async fn inputs_read_what_is_pulled_and_cannot_be_set() {
    let bench = Bench::start(lines());
    for up in [true, false, true] {
        bench.hand.pull(27, up).await;
        let value = || async {
            bench.get("/api/io/lines/button").await.body["value"]
                .as_bool()
                .filter(|value| *value == up)
        };
        eventually("the input reads what is pulled", value).await;
    }
    let answer = put(&bench, "button", r#"{"value":true}"#).await;
    assert_eq!(answer.code(), (409, "wrong_direction"));
    // Reading a line that nobody took takes nothing.
    bench.hand.pull(12, true).await;
    assert_eq!(bench.get("/api/io/lines/12").await.body["value"], true);
    assert_eq!(
        bench.get("/api/io/lines?direction=input").await.body["lines"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        bench.get("/api/io/lines?tag=heat").await.body["lines"][0]["name"],
        "relay1"
    );
    bench.stop().await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table")]
async fn bad_calls_have_their_status() {
    let bench = Bench::start(lines());
    for (method, path, body, status, code) in [
        (Method::PUT, "relay1/value", r#"{"value":1}"#, 400, "bad_value"),
        (
            Method::PUT,
            "relay1/value",
            r#"{"value":true,"for_ms":0}"#,
            400,
            "bad_value",
        ),
        (Method::PUT, "relay1/value", "{}", 400, "invalid_payload"),
        (
            Method::PUT,
            "relay1/value",
            r#"{"value":true,"x":1}"#,
            400,
            "invalid_payload",
        ),
        (
            Method::PUT,
            "nope/value",
            r#"{"value":true}"#,
            404,
            "line_unknown",
        ),
        (Method::PUT, "pin:2/value", r#"{"value":true}"#, 400, "bad_line"),
        (
            Method::PUT,
            "chip:nope%2F3/value",
            r#"{"value":true}"#,
            400,
            "bad_line",
        ),
        (Method::PUT, "pump/value", r#"{"value":true}"#, 409, "min_off"),
        (Method::PUT, "relay1/pwm", r#"{"duty":1.1}"#, 400, "bad_value"),
        (
            Method::PUT,
            "relay1/pwm",
            r#"{"duty":0.5,"freq_hz":100000}"#,
            422,
            "not_supported",
        ),
        (
            Method::POST,
            "relay1/actions",
            r#"{"do":"dance"}"#,
            400,
            "invalid_payload",
        ),
        (
            Method::POST,
            "relay1/actions",
            r#"{"do":"servo","angle":270}"#,
            400,
            "bad_value",
        ),
        (
            Method::POST,
            "relay1/actions",
            r#"{"do":"servo"}"#,
            400,
            "bad_value",
        ),
        (
            Method::POST,
            "relay1/actions",
            r#"{"do":"servo","us":100}"#,
            400,
            "bad_value",
        ),
        (
            Method::POST,
            "relay1/actions",
            r#"{"do":"blink","on_ms":0,"off_ms":1}"#,
            400,
            "bad_value",
        ),
        (
            Method::POST,
            "relay1/actions",
            r#"{"do":"follow","source":"relay1"}"#,
            400,
            "bad_value",
        ),
        (
            Method::POST,
            "relay1/actions",
            r#"{"do":"follow","source":"nope"}"#,
            404,
            "line_unknown",
        ),
        (Method::POST, "set", r#"{"set":{}}"#, 400, "bad_value"),
        (
            Method::POST,
            "set",
            r#"{"set":{"relay1":true,"button":true}}"#,
            409,
            "wrong_direction",
        ),
        (
            Method::POST,
            "set",
            r#"{"set":{"up":true,"down":true}}"#,
            409,
            "interlock",
        ),
        (
            Method::PATCH,
            "relay1",
            r#"{"direction":"input"}"#,
            409,
            "line_not_reconfigurable",
        ),
        (
            Method::PATCH,
            "free",
            r#"{"debounce_us":99999999}"#,
            400,
            "bad_value",
        ),
    ] {
        let answer = bench.anna(method, &format!("/api/io/lines/{path}"), body).await;
        assert_eq!(answer.code(), (status, code), "{path} {body}: {answer:?}");
        assert!(answer.body["message"].is_string());
    }
    let answer = put(&bench, "pump", r#"{"value":true}"#).await;
    assert!(
        answer.body["retry_ms"].as_u64().unwrap() > 3_000_000 && answer.headers.contains_key("retry-after")
    );
    // None of all that switched anything.
    for offset in [5, 6, 23, 24, 25] {
        assert!(!bench.hand.level(offset).await, "{offset}");
    }
    bench.stop().await;
}

#[tokio::test]
async fn many_at_once_and_the_interlock() {
    let bench = Bench::start(lines());
    let set = |body: &'static str| bench.anna(Method::POST, "/api/io/lines/set", body);
    let answer = set(r#"{"set":{"relay1":true,"relay2":true,"up":true}}"#).await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.body["lines"].as_array().unwrap().len()
        ),
        (200, 3)
    );
    for offset in [5, 6, 23] {
        assert!(bench.hand.level(offset).await, "{offset}");
    }
    let answer = put(&bench, "down", r#"{"value":true}"#).await;
    assert_eq!(
        (answer.code(), &answer.body["blocked_by"]),
        ((409, "interlock"), &json!("up"))
    );
    put(&bench, "up", r#"{"value":false}"#).await;
    let answer = put(&bench, "down", r#"{"value":true}"#).await;
    assert_eq!(answer.code(), (409, "interlock"));
    let retry = answer.body["retry_ms"].as_u64().unwrap();
    assert!((1..=100).contains(&retry), "{retry}");
    eventually("the wait is over", || async {
        (put(&bench, "down", r#"{"value":true}"#).await.status == 200).then_some(())
    })
    .await;
    assert!(bench.hand.level(24).await && !bench.hand.level(23).await);
    bench.stop().await;
}

#[tokio::test]
async fn time_ends_a_level_and_max_on_does_too() {
    let bench = Bench::start(lines());
    let off = |offset: u32| {
        let hand = bench.hand.clone();
        move || {
            let hand = hand.clone();
            async move { (!hand.level(offset).await).then_some(()) }
        }
    };
    let answer = put(&bench, "relay1", r#"{"value":true,"for_ms":80}"#).await;
    assert_eq!(answer.body["action"]["do"], "timed");
    assert!(bench.hand.level(5).await);
    eventually("the time is over", off(5)).await;
    put(&bench, "lamp", r#"{"value":true}"#).await;
    assert!(bench.hand.level(26).await);
    eventually("max_on switches it off", off(26)).await;
    assert_eq!(bench.get("/api/io/lines/lamp").await.body["changed_by"], "max_on");
    bench.stop().await;
}

#[tokio::test]
async fn actions_run_by_themselves_until_a_write() {
    let bench = Bench::start(lines());
    let act = |line: &str, body: &str| {
        let (path, body) = (format!("/api/io/lines/{line}/actions"), body.to_owned());
        let bench = &bench;
        async move { bench.anna(Method::POST, &path, &body).await }
    };
    let level = |offset: u32, wanted: bool| {
        let hand = bench.hand.clone();
        move || {
            let hand = hand.clone();
            async move { (hand.level(offset).await == wanted).then_some(()) }
        }
    };
    let answer = act("relay1", r#"{"do":"blink","on_ms":30,"off_ms":30}"#).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(
        (&answer.body["action"]["do"], &answer.body["action"]["until"]),
        (&json!("blink"), &Value::Null)
    );
    for wanted in [false, true, false, true] {
        eventually("it blinks", level(5, wanted)).await;
    }
    put(&bench, "relay1", r#"{"value":true}"#).await;
    assert_eq!(
        bench.get("/api/io/lines/relay1").await.body["action"],
        Value::Null
    );
    let answer = act("relay1", r#"{"do":"follow","source":"button","invert":true}"#).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    for up in [true, false] {
        bench.hand.pull(27, up).await;
        eventually("it follows", level(5, !up)).await;
    }
    let answer = act("relay2", r#"{"do":"fade","to":1.0,"ms":60}"#).await;
    assert!(answer.body["action"]["until"].is_string());
    eventually("the fade has ended", || async {
        let line = bench.get("/api/io/lines/relay2").await.body;
        (line["action"].is_null() && line["mode"] == "gpio" && line["value"] == true).then_some(())
    })
    .await;
    let answer = act("relay2", r#"{"do":"servo","angle":90}"#).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["jitter"]),
        (202, &json!(true))
    );
    let line = bench.get("/api/io/lines/relay2").await.body;
    assert_eq!(
        (&line["pwm"]["duty"], &line["pwm"]["backend"]),
        (&json!(0.075), &json!("soft"))
    );
    let answer = bench
        .anna(Method::DELETE, "/api/io/lines/relay2/actions", "")
        .await;
    assert_eq!(answer.status, 204);
    bench.stop().await;
}

#[tokio::test]
async fn software_pwm_is_seen_from_outside_and_ends() {
    let bench = Bench::start(lines());
    let answer = bench
        .anna(
            Method::PUT,
            "/api/io/lines/relay1/pwm",
            r#"{"duty":0.5,"freq_hz":50}"#,
        )
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["mode"]),
        (200, &json!("pwm"))
    );
    if chip().is_some() {
        for wanted in [true, false, true, false] {
            let hand = bench.hand.clone();
            eventually("the line pulses", || async {
                (hand.level(5).await == wanted).then_some(())
            })
            .await;
        }
    }
    put(&bench, "relay1", r#"{"value":false}"#).await;
    for _ in 0..50 {
        assert!(!bench.hand.level(5).await, "it pulses on");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    bench.stop().await;
}

#[tokio::test]
async fn the_same_key_does_it_once_and_seq_guards() {
    let bench = Bench::start(lines());
    let token = bench.token("anna", Level::User);
    let toggle = |key: &'static str| {
        let (bench, token) = (&bench, &token);
        async move {
            let headers = [("idempotency-key", key)];
            bench
                .ask(Method::POST, "/api/io/lines/relay1/toggle", token, &headers, "")
                .await
        }
    };
    let first = toggle("a").await;
    let again = toggle("a").await;
    assert_eq!(first.body, again.body);
    assert!(
        again.headers.contains_key("idempotent-replayed")
            && !first.headers.contains_key("idempotent-replayed")
    );
    assert!(bench.hand.level(5).await);
    assert_eq!(toggle("b").await.body["value"], false);
    let other = bench
        .ask(
            Method::POST,
            "/api/io/lines/relay2/toggle",
            &token,
            &[("idempotency-key", "a")],
            "",
        )
        .await;
    assert_eq!(other.code(), (409, "idempotency_key_reused"));

    let seq = bench.get("/api/io/lines/relay1").await.body["seq"]
        .as_u64()
        .unwrap();
    let body = r#"{"value":true}"#;
    let guarded = |tag: String| async {
        let tag = tag;
        bench
            .ask(
                Method::PUT,
                "/api/io/lines/relay1/value",
                &token,
                &[("if-match", &tag)],
                body,
            )
            .await
    };
    let answer = guarded(format!("\"{}\"", seq - 1)).await;
    assert_eq!(
        (answer.code(), answer.body["seq"].as_u64()),
        ((412, "seq_changed"), Some(seq))
    );
    assert!(!bench.hand.level(5).await);
    assert_eq!(guarded(seq.to_string()).await.status, 200);
    assert_eq!(guarded("*".into()).await.status, 200);
    bench.stop().await;
}

#[tokio::test]
async fn a_line_is_reconfigured_without_letting_go() {
    let bench = Bench::start(lines());
    let patch = |body: &'static str| bench.anna(Method::PATCH, "/api/io/lines/free", body);
    let answer = patch(r#"{"direction":"output"}"#).await;
    assert_eq!(
        (
            answer.status.as_u16(),
            &answer.body["direction"],
            &answer.body["value"]
        ),
        (200, &json!("output"), &json!(true))
    );
    assert!(bench.hand.level(22).await, "it keeps its level");
    assert_eq!(put(&bench, "free", r#"{"value":false}"#).await.status, 200);
    assert!(!bench.hand.level(22).await);
    let answer =
        patch(r#"{"direction":"input","bias":"pull_down","edge":"rising","debounce_us":1000}"#).await;
    let line = &answer.body;
    assert_eq!(
        (
            &line["direction"],
            &line["bias"],
            &line["edge"],
            &line["debounce_us"]
        ),
        (
            &json!("input"),
            &json!("pull_down"),
            &json!("rising"),
            &json!(1000)
        )
    );
    assert_eq!(
        put(&bench, "free", r#"{"value":true}"#).await.code(),
        (409, "wrong_direction")
    );
    bench.stop().await;
}

#[tokio::test]
async fn levels_and_grants_decide_about_single_lines() {
    let bench = Bench::start(lines());
    let now = bench.context.clock.unix();
    let with = |level: Level, grants: Option<&str>, scope: Option<&str>| {
        let mut claims = bench.auth.claims("ben", level, now);
        claims.grants = grants.map(str::to_owned);
        claims.scope = scope.map(str::to_owned);
        bench.auth.sign(&claims)
    };
    for (token, read, write) in [
        (with(Level::User, None, None), 403, 403),
        (with(Level::Admin, None, None), 200, 403),
        (with(Level::Root, None, None), 200, 200),
        (with(Level::User, Some("gpio:vault:read"), None), 200, 403),
        (
            with(Level::User, Some("gpio:16:write gpio:vault:read"), None),
            200,
            200,
        ),
        (with(Level::Root, None, Some("gpio:relay1:*")), 403, 403),
    ] {
        let answer = bench
            .ask(Method::GET, "/api/io/lines/vault", &token, &[], "")
            .await;
        assert_eq!(answer.status, read, "{answer:?}");
        let answer = bench
            .ask(
                Method::PUT,
                "/api/io/lines/vault/value",
                &token,
                &[],
                r#"{"value":true}"#,
            )
            .await;
        assert_eq!(answer.status, write, "{answer:?}");
    }
    let answer = put(&bench, "vault", r#"{"value":true}"#).await;
    assert_eq!(
        (answer.code(), &answer.body["required_level"]),
        ((403, "line_forbidden"), &json!("Root"))
    );
    let names: Vec<_> = bench.get("/api/io/lines").await.body["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["name"].clone())
        .collect();
    assert!(
        names.contains(&json!("relay1")) && !names.contains(&json!("vault")),
        "{names:?}"
    );
    let board = bench.get("/api/io/board").await.body;
    let used = |pin: usize| board["header"][pin - 1]["used_by"].clone();
    assert_eq!(
        (used(29), used(36), used(1)),
        (json!("relay1"), json!("reserved"), Value::Null)
    );
    assert_eq!(board["header"].as_array().unwrap().len(), 40);
    bench.stop().await;
}

#[tokio::test]
async fn health_tells_of_the_lines_and_too_many_writes_are_refused() {
    let mut config = crate::hand::config();
    config.writes_per_second = 5;
    let bench = Bench::with(&config, &serde_json::from_value(lines()).unwrap());
    let health = bench.ask(Method::GET, "/api/io/health", "", &[], "").await;
    assert_eq!(
        (health.status.as_u16(), &health.body["ok"], &health.body["lines"]),
        (200, &json!(true), &json!(10))
    );
    assert_eq!(
        (&health.body["busy"], &health.body["dropped_events"]),
        (&json!([]), &json!(0))
    );
    let mut last = None;
    for _ in 0..10 {
        last = Some(put(&bench, "relay1", r#"{"value":true}"#).await);
    }
    let last = last.unwrap();
    assert_eq!(last.code(), (429, "rate"));
    assert!(last.body["retry_ms"].as_u64().unwrap() <= 200);
    bench.stop().await;
}

#[tokio::test]
async fn a_stop_leaves_lines_as_the_configuration_says() {
    let bench = Bench::start(json!({
        "off": { "bcm": 5, "direction": "output" },
        "on": { "bcm": 6, "direction": "output", "on_stop": "on" },
        "hold": { "bcm": 7, "direction": "output", "on_stop": "hold", "initial": "on" },
    }));
    put(&bench, "off", r#"{"value":true}"#).await;
    let (hand, router) = (bench.hand.clone(), bench.internal.clone());
    bench.stop().await;
    drop(router);
    let mut levels = Vec::new();
    for offset in [5, 6, 7] {
        levels.push(hand.level(offset).await);
    }
    assert_eq!(levels, [false, true, true]);
}
