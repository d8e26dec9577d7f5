//! Dashboard sessions: a cookie for a short token.

use std::time::Duration;

use serde_json::json;

use crate::bed::{Bed, Got, PASSWORD};

async fn sign_in(bed: &Bed, name: &str) -> String {
    let body = json!({ "name": name, "password": PASSWORD, "device": "Firefox", "address": "192.0.2.1" });
    let got = bed.internal("POST", "/internal/session", Some(body)).await;
    assert_eq!((got.status, &got.body["max_age"]), (200, &json!(7 * 24 * 3600)));
    got.text("cookie").to_owned()
}

async fn exchange(bed: &Bed, cookie: &str) -> Got {
    bed.internal("POST", "/internal/exchange", Some(json!({ "cookie": cookie })))
        .await
}

async fn end(bed: &Bed, cookie: &str) -> u16 {
    bed.internal("POST", "/internal/session/end", Some(json!({ "cookie": cookie })))
        .await
        .status
}

#[tokio::test]
async fn a_cookie_is_exchanged_and_ended() {
    let (bed, root) = Bed::set_up().await;
    let (cookie, other) = (sign_in(&bed, "root").await, sign_in(&bed, "root").await);
    let got = exchange(&bed, &cookie).await;
    assert_eq!(
        (got.status, &got.body["expires_in"], &got.body["user"]),
        (200, &json!(300), &root.body["user"])
    );
    assert!(!got.text("sid").is_empty() && got.text("sid") != cookie);
    assert_eq!(bed.me(got.text("access_token")).await.status, 200);
    assert_eq!((end(&bed, &cookie).await, end(&bed, &cookie).await), (204, 204));
    assert_eq!(exchange(&bed, &cookie).await.status, 401);
    assert_eq!(
        bed.me(got.text("access_token")).await.status,
        401,
        "its token is dead at once"
    );
    assert_eq!(exchange(&bed, &other).await.status, 200);
}

#[tokio::test]
async fn who_has_only_the_token_ends_the_session_by_its_name() {
    let (bed, _) = Bed::set_up().await;
    let (cookie, other) = (sign_in(&bed, "root").await, sign_in(&bed, "root").await);
    let got = exchange(&bed, &cookie).await;
    for sid in [got.text("sid"), got.text("sid"), "", "unknown"] {
        let body = json!({ "cookie": "", "sid": sid });
        let ended = bed.internal("POST", "/internal/session/end", Some(body)).await;
        assert_eq!(ended.status, 204, "{sid}");
    }
    assert_eq!(exchange(&bed, &cookie).await.status, 401);
    assert_eq!(bed.me(got.text("access_token")).await.status, 401);
    assert_eq!(
        exchange(&bed, &other).await.status,
        200,
        "another session lives on"
    );
}

#[tokio::test]
async fn bad_logins_and_cookies_are_refused() {
    let (bed, root) = Bed::set_up().await;
    let body = json!({ "name": "root", "password": "wrong" });
    let got = bed.internal("POST", "/internal/session", Some(body)).await;
    assert_eq!(got.refusal(), (401, "invalid credentials"));
    let got = bed
        .internal("POST", "/internal/session", Some(json!({ "name": "root" })))
        .await;
    assert_eq!(got.refusal(), (400, "invalid payload"));
    for cookie in [
        "",
        "x",
        root.text("refresh_token"),
        root.text("access_token"),
        &"A".repeat(43),
    ] {
        assert_eq!(exchange(&bed, cookie).await.status, 401, "{cookie}");
        assert_eq!(end(&bed, cookie).await, 204);
    }
    assert_eq!(
        bed.refresh(&sign_in(&bed, "root").await).await.status,
        401,
        "a cookie is no refresh token"
    );
}

#[tokio::test]
async fn internal_routes_are_not_public() {
    let (bed, _) = Bed::set_up().await;
    for (method, path) in [
        ("POST", "/internal/exchange"),
        ("GET", "/internal/feed"),
        ("POST", "/internal/reload"),
    ] {
        assert_eq!(bed.call(method, path, None, Some(json!({}))).await.status, 404);
    }
}

#[tokio::test]
async fn an_idle_session_ends_after_twelve_hours_and_a_used_one_after_a_week() {
    let (bed, _) = Bed::set_up().await;
    let (used, idle) = (sign_in(&bed, "root").await, sign_in(&bed, "root").await);
    let hours = |count| Duration::from_hours(count);
    for _ in 0..15 {
        bed.clock.advance(hours(11));
        assert_eq!(exchange(&bed, &used).await.status, 200);
    }
    assert_eq!(exchange(&bed, &idle).await.status, 401);
    bed.clock.advance(Duration::from_secs(3 * 3600 - 100));
    assert_eq!(
        exchange(&bed, &used).await.body["expires_in"],
        100,
        "no token outlives its session"
    );
    bed.clock.advance(Duration::from_secs(100));
    assert_eq!(exchange(&bed, &used).await.status, 401);
}

#[tokio::test]
async fn last_use_and_session_outlive_a_restart() {
    let (bed, _) = Bed::set_up().await;
    let cookie = sign_in(&bed, "root").await;
    assert_eq!(exchange(&bed, &cookie).await.status, 200);
    bed.clock.advance(Duration::from_hours(10));
    assert_eq!(exchange(&bed, &cookie).await.status, 200);
    let bed = bed.restart().await;
    bed.clock.advance(Duration::from_hours(10));
    assert_eq!(exchange(&bed, &cookie).await.status, 200);
}

#[tokio::test]
async fn password_change_and_removal_end_the_users_cookies() {
    let (bed, root) = Bed::set_up().await;
    let (id, _) = bed.add(&root, "anna", "User").await;
    let token = Some(root.text("access_token"));
    let path = format!("/api/auth/user/{id}");
    let before = sign_in(&bed, "anna").await;
    let short = exchange(&bed, &before).await;
    let change = json!({ "password": "entirely different phrase" });
    assert_eq!(bed.call("PATCH", &path, token, Some(change)).await.status, 200);
    assert_eq!(exchange(&bed, &before).await.status, 401);
    assert_eq!(bed.me(short.text("access_token")).await.status, 401);
    bed.call("PATCH", &path, token, Some(json!({ "password": PASSWORD })))
        .await;
    let after = sign_in(&bed, "anna").await;
    assert_eq!(exchange(&bed, &after).await.status, 200);
    assert_eq!(bed.call("DELETE", &path, token, None).await.status, 200);
    assert_eq!(exchange(&bed, &after).await.status, 401);
}

#[tokio::test]
async fn a_user_has_fifty_sessions_at_most() {
    let (bed, _) = Bed::set_up().await;
    let first = sign_in(&bed, "root").await;
    assert_eq!(exchange(&bed, &first).await.status, 200);
    bed.clock.advance(Duration::from_secs(1));
    let second = sign_in(&bed, "root").await;
    bed.clock.advance(Duration::from_secs(1));
    for _ in 0..49 {
        sign_in(&bed, "root").await;
    }
    assert_eq!(
        exchange(&bed, &first).await.status,
        401,
        "the one used longest ago made room"
    );
    assert_eq!(exchange(&bed, &second).await.status, 200);
}
