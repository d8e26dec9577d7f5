//! The first start: a one-time code, no default password.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::bed::{Bed, PASSWORD};

async fn set_up(bed: &Bed, body: Value) -> crate::bed::Got {
    bed.post("/api/auth/setup", body).await
}

async fn is_required(bed: &Bed) -> bool {
    bed.internal("GET", "/internal/state", None).await.body["setup_required"]
        .as_bool()
        .unwrap()
}

#[tokio::test]
async fn the_code_makes_the_first_root_once() {
    let bed = Bed::new().await;
    assert!(is_required(&bed).await);
    assert_eq!(
        bed.login("root", "password").await.status,
        401,
        "no default account"
    );
    let code = bed.setup_code().unwrap();
    let mode = std::fs::metadata(bed.secret("setup_code"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let got = set_up(
        &bed,
        json!({ "code": code.to_lowercase(), "name": "boss", "password": PASSWORD }),
    )
    .await;
    assert_eq!(
        (got.status, &got.body["user"]["name"], &got.body["user"]["level"]),
        (201, &json!("boss"), &json!("Root"))
    );
    assert_eq!(got.body["user"]["id"], "16601861-02df-58e0-9144-54a4e4a8b567");
    assert_eq!(bed.me(got.text("access_token")).await.status, 200);
    assert_eq!(bed.refresh(got.text("refresh_token")).await.status, 200);
    assert!(!is_required(&bed).await);
    assert_eq!(bed.setup_code(), None);
    for code in [code.as_str(), "", "x"] {
        let got = set_up(&bed, json!({ "code": code, "password": PASSWORD })).await;
        assert_eq!(got.refusal(), (409, "already set up"));
    }
    let bed = bed.restart().await;
    assert!(!is_required(&bed).await);
    assert_eq!(bed.setup_code(), None);
}

#[tokio::test]
async fn a_restart_keeps_the_code_that_was_printed() {
    let bed = Bed::new().await;
    let code = bed.setup_code();
    let bed = bed.restart().await;
    assert_eq!(bed.setup_code(), code);
    std::fs::write(bed.secret("setup_code"), "").unwrap();
    let bed = bed.restart().await;
    assert_eq!(bed.setup_code().unwrap().len(), 19, "a broken file is made anew");
}

#[tokio::test]
async fn bad_attempts_make_nothing_and_use_nothing_up() {
    let bed = Bed::new().await;
    let code = bed.setup_code().unwrap();
    for body in [
        json!({}),
        json!({ "code": code }),
        json!({ "code": 1, "password": PASSWORD }),
        json!([]),
    ] {
        assert_eq!(set_up(&bed, body).await.refusal(), (400, "invalid payload"));
    }
    let got = set_up(&bed, json!({ "code": code, "name": " ", "password": PASSWORD })).await;
    assert_eq!(got.refusal(), (400, "invalid payload"));
    for password in ["short", "raspberry", "root"] {
        let got = set_up(&bed, json!({ "code": code, "password": password })).await;
        assert_eq!((got.status, got.text("code")), (400, "weak_password"));
    }
    assert!(is_required(&bed).await);
    assert_eq!(bed.setup_code(), Some(code));
    bed.finish_setup().await;
}

#[tokio::test]
async fn wrong_codes_are_slowed_down() {
    let bed = Bed::new().await;
    let right = json!({ "code": bed.setup_code().unwrap(), "password": PASSWORD });
    for _ in 0..3 {
        let got = set_up(
            &bed,
            json!({ "code": "AAAA-BBBB-CCCC-DDDD", "password": PASSWORD }),
        )
        .await;
        assert_eq!(got.refusal(), (403, "invalid setup code"));
    }
    let got = set_up(&bed, right.clone()).await;
    assert_eq!(
        (got.status, got.headers["retry-after"].to_str().unwrap()),
        (429, "1")
    );
    bed.clock.advance(Duration::from_secs(1));
    assert_eq!(set_up(&bed, right).await.status, 201);
}

#[tokio::test]
async fn of_two_at_once_one_wins() {
    let bed = Bed::new().await;
    let code = bed.setup_code().unwrap();
    let body = |name: &str| json!({ "code": code, "name": name, "password": PASSWORD });
    let (one, two) = tokio::join!(set_up(&bed, body("one")), set_up(&bed, body("two")));
    let mut both = [one.status, two.status];
    both.sort_unstable();
    assert_eq!(both, [201, 409]);
}

#[tokio::test]
async fn the_dashboard_sets_up_with_a_cookie() {
    let bed = Bed::new().await;
    let body =
        |code: &str| json!({ "code": code, "name": "root", "password": PASSWORD, "address": "192.0.2.3" });
    let got = bed.internal("POST", "/internal/setup", Some(body("no"))).await;
    assert_eq!(got.refusal(), (403, "invalid setup code"));
    let got = bed
        .internal("POST", "/internal/setup", Some(body(&bed.setup_code().unwrap())))
        .await;
    assert_eq!((got.status, &got.body["user"]["level"]), (200, &json!("Root")));
    let cookie = json!({ "cookie": got.text("cookie") });
    let token = bed.internal("POST", "/internal/exchange", Some(cookie)).await;
    assert_eq!(bed.me(token.text("access_token")).await.text("name"), "root");
}
