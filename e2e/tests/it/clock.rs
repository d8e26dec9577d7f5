//! A board that begins in 1970, played by libfaketime: the whole stack believes it, until a time server comes.

use pistack_e2e::Stack;
use pistack_e2e::stack::PASSWORD;
use serde_json::json;

/// Where Debian keeps the library, on every architecture.
fn library() -> String {
    std::fs::read_dir("/usr/lib")
        .unwrap()
        .map(|entry| entry.unwrap().path().join("faketime/libfaketime.so.1"))
        .find(|path| path.exists())
        .expect("libfaketime is installed: apt-get install faketime")
        .display()
        .to_string()
}

#[test]
fn logins_of_1970_outlive_the_first_time_sync() {
    let place = tempfile::tempdir().unwrap();
    let now = place.path().join("now");
    std::fs::write(&now, "@1970-01-01 00:01:00").unwrap();
    let stack = Stack::builder()
        .env("LD_PRELOAD", &library())
        .env("FAKETIME_TIMESTAMP_FILE", now.to_str().unwrap())
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1")
        .start();
    let login = stack.login("root", PASSWORD);
    assert_eq!(login.status, 200, "{login:?}");
    let body = login.json();
    let claims = stack
        .post(
            body["access_token"].as_str().unwrap(),
            "/api/auth/session/validate",
            &json!({}),
        )
        .json();
    assert!(
        claims["token"]["iat"].as_i64().unwrap() < 1_000_000,
        "it is 1970: {claims}"
    );
    assert_eq!(
        stack
            .get_as(
                body["access_token"].as_str().unwrap(),
                "/api/supervisor/processes/list"
            )
            .status,
        200,
        "every service believes the same time"
    );

    std::fs::write(&now, "+0").unwrap();
    let next = stack.post(
        "",
        "/api/auth/session/refresh",
        &json!({ "refresh_token": body["refresh_token"] }),
    );
    assert_eq!(next.status, 200, "the session lives on: {next:?}");
    let token = next.json()["access_token"].as_str().unwrap().to_owned();
    let claims = stack
        .post(&token, "/api/auth/session/validate", &json!({}))
        .json();
    assert!(
        claims["token"]["iat"].as_i64().unwrap() > 1_700_000_000,
        "{claims}"
    );
    assert_eq!(stack.get_as(&token, "/api/supervisor/processes/list").status, 200);
}
