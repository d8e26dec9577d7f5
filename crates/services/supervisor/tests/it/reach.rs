//! Supervisors that cannot be reached, hang, refuse, or are others than ours.

use std::time::Duration;

use pistack_kit::config::Span;
use pistack_kit::testing::eventually;
use pistack_supervisor::Config;
use pistack_supervisor::config::Password;

use crate::{Bench, hasty};

#[tokio::test]
async fn no_supervisor_is_503_and_names_the_socket() {
    let bench = Bench::with(&Config::default(), false);
    for (status, body) in [
        bench.get("/processes/list").await,
        bench.post("/processes/camera/start").await,
    ] {
        assert_eq!(status, 503);
        let message = body["message"].as_str().unwrap();
        assert!(
            message.starts_with("supervisor unreachable: ") && message.contains("supervisor.sock"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_hanging_supervisor_is_503_in_time() {
    let bench = Bench::with(&hasty(), true);
    eventually("the event stream is connected", async || {
        bench.fake.event_streams_open(1)
    })
    .await;
    bench.fake.state().hangs = true;
    let ask = async {
        // Those that wait for the first one's turn must not wait longer than it.
        let lists = futures_util::future::join_all((0..5).map(|_| bench.get("/processes/list"))).await;
        lists.into_iter().chain([
            bench.post("/processes/camera/start").await,
            bench.get("/processes/camera/log").await,
        ])
    };
    let answers = tokio::time::timeout(Duration::from_secs(2), ask)
        .await
        .expect("three times 150 ms, not seven times");
    for (status, body) in answers {
        assert_eq!(status, 503, "{body}");
        assert!(
            body["message"]
                .as_str()
                .unwrap()
                .starts_with("supervisor unreachable: "),
            "{body}"
        );
    }
}

#[tokio::test]
async fn faults_become_statuses() {
    let bench = Bench::new().await;
    for (code, text, status) in [
        (6, "SHUTDOWN_STATE", 503),
        (10, "BAD_NAME: x", 404),
        (20, "NO_FILE: x", 409),
        (50, "SPAWN_ERROR: x", 409),
        (1, "UNKNOWN_METHOD", 502),
    ] {
        bench.fake.state().fault = Some((code, text));
        let (got, body) = bench.get("/processes/list").await;
        assert_eq!(
            (got.as_u16(), &body["message"], &body["fault"]),
            (status, &text.into(), &code.into())
        );
    }
}

#[tokio::test]
async fn a_supervisord_elsewhere_with_a_password() {
    let fake = crate::fake::Fake::new();
    fake.state().no_events = true;
    // printf user:secret | base64
    fake.state().authorization = Some("Basic dXNlcjpzZWNyZXQ=".into());
    let url = format!("http://{}/RPC2", fake.serve_tcp().await);
    let config = Config {
        url: Some(url),
        user: Some("user".into()),
        ..Config::default()
    };

    let good = Config {
        password: Some(Password::new("secret")),
        ..config.clone()
    };
    let bench = Bench::with(&good, false);
    let (status, body) = bench.get("/processes/list").await;
    assert_eq!((status.as_u16(), body.as_array().map(Vec::len)), (200, Some(5)));
    let (status, body) = bench.post("/processes/camera/start").await;
    assert_eq!(
        (status.as_u16(), &body["statename"]),
        (200, &"RUNNING".into()),
        "also without an event stream"
    );

    let bench = Bench::with(
        &Config {
            password: Some(Password::new("wrong")),
            ..config.clone()
        },
        false,
    );
    let (status, body) = bench.get("/processes/list").await;
    assert_eq!(status, 502, "{body}");

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    std::fs::write(&file, "secret\n").unwrap();
    let bench = Bench::with(
        &Config {
            password_file: Some(file),
            ..config
        },
        false,
    );
    assert_eq!(bench.get("/processes/list").await.0, 200);
}

#[tokio::test]
async fn a_bad_configuration_is_refused_with_its_cure() {
    let bench = Bench::with(&Config::default(), false);
    let refused = |config: Config| {
        pistack_supervisor::app(&bench.context, &config)
            .unwrap_err()
            .to_string()
    };
    let url = refused(Config {
        url: Some("localhost:9001".into()),
        ..Config::default()
    });
    assert!(
        url.contains("localhost:9001") && url.contains("http://host:port"),
        "{url}"
    );
    let missing = Config {
        user: Some("u".into()),
        password_file: Some("/nonexistent/pw".into()),
        ..Config::default()
    };
    let missing = refused(missing);
    assert!(
        missing.contains("/nonexistent/pw") && missing.contains("password_file"),
        "{missing}"
    );
}

#[tokio::test]
async fn a_stop_that_takes_too_long_is_answered_with_the_state() {
    let bench = Bench::with(
        &Config {
            wait: Span(Duration::ZERO),
            ..Config::default()
        },
        true,
    );
    let (status, body) = bench.post("/processes/auth_service/stop").await;
    assert_eq!((status.as_u16(), &body["statename"]), (200, &"STOPPING".into()));
    let (status, body) = bench.post("/processes/event_listener/restart").await;
    assert_eq!((status.as_u16(), &body["code"]), (504, &"still_stopping".into()));
    assert_eq!(bench.fake.calls("startProcess"), 0);
}
