//! The contract's session table: login, validate, logout, me.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use serde_json::{Value, json};

use crate::bed::{Bed, PASSWORD};

const LEGACY: &str = ".eJxFjNsKgzAQRP9ln13YaLz-zWaNoHijSUtL8d_dlrTOw8AZDvOG-NqhAxbxIUAGUxwVKQW_ZT_V_DDFqBzuTuV8MK7mUpD6xqOVymHLxYClt30huTNMpPLKi8q3bYsK82O-YOQInamr9JyBf-7_oSU6TsZQKlo.aOd4AA.Q2-rY0U0GCRp2gx48W0Pj90h4TI";

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn login_answers_as_the_contract_says() {
    let (bed, _) = Bed::set_up().await;
    let got = bed.login("root", PASSWORD).await;
    assert_eq!(got.status, 200);
    assert_eq!(got.headers["cache-control"], "no-store");
    assert_eq!(
        (got.text("token_type"), &got.body["expires_in"]),
        ("Bearer", &json!(900))
    );
    let user = json!({ "id": "16601861-02df-58e0-9144-54a4e4a8b567", "name": "root", "level": "Root" });
    assert_eq!(got.body["user"], user);
    let claims = claims(got.text("access_token"));
    assert_eq!(
        (&claims["typ"], &claims["nam"], &claims["lvl"]),
        (&json!("access"), &json!("root"), &json!("Root"))
    );
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        900
    );
    assert_eq!(claims["sub"], user["id"]);
    for key in ["jti", "sid", "iss"] {
        assert!(!claims[key].as_str().unwrap().is_empty());
    }
    assert_eq!(claims["aud"].as_array().unwrap().len(), 7);
    // Names are one whatever their case.
    assert_eq!(bed.login("ROOT", PASSWORD).await.body["user"], user);
}

#[tokio::test]
async fn a_body_that_is_none_is_an_invalid_payload() {
    let (bed, _) = Bed::set_up().await;
    for body in [
        json!({}),
        json!([]),
        json!("root"),
        json!(null),
        json!({ "name": "root" }),
        json!({ "password": PASSWORD }),
        json!({ "name": 1, "password": PASSWORD }),
        json!({ "name": "root", "password": null }),
        json!({ "name": ["root"], "password": { "x": 1 } }),
    ] {
        let got = bed.post("/api/auth/session/login", body.clone()).await;
        assert_eq!(got.refusal(), (400, "invalid payload"), "{body}");
    }
    for text in ["", "{", "\u{0}", "name=root&password=x"] {
        let request = Request::post("/api/auth/session/login")
            .body(text.to_owned().into())
            .unwrap();
        assert_eq!(
            bed.send(request).await.refusal(),
            (400, "invalid payload"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn unknown_user_and_wrong_password_are_told_apart_by_nothing() {
    let (bed, _) = Bed::set_up().await;
    let wrong = bed.login("root", "not the password").await;
    let unknown = bed.login("nobody", "not the password").await;
    assert_eq!(wrong.refusal(), (401, "invalid credentials"));
    assert_eq!(
        (wrong.status, &wrong.body, &wrong.headers),
        (unknown.status, &unknown.body, &unknown.headers)
    );
    for name in ["", " ", "root\0", "root ", &"x".repeat(100_000)] {
        assert_eq!(
            bed.login(name, PASSWORD).await.refusal(),
            (401, "invalid credentials")
        );
    }
}

#[tokio::test]
async fn me_and_validate_know_the_bearer() {
    let (bed, root) = Bed::set_up().await;
    let token = root.text("access_token");
    assert_eq!(bed.me(token).await.body, root.body["user"]);
    let got = bed
        .call("POST", "/api/auth/session/validate", Some(token), None)
        .await;
    assert_eq!(
        (got.status, &got.body["valid"], &got.body["user"]),
        (200, &json!(true), &root.body["user"])
    );
    assert_eq!(got.body["token"], claims(token));
}

#[tokio::test]
async fn the_bearer_is_read_as_leniently_as_by_the_original() {
    let (bed, root) = Bed::set_up().await;
    let token = root.text("access_token");
    for header in [
        format!("Bearer {token}"),
        format!("  bearer   {token}  "),
        format!("BEARER {token}"),
        format!("Bearer%20{token}"),
        format!("Bearer Bearer {token}"),
        format!("Bearer \"{token}\""),
        format!("Bearer '{token}'"),
    ] {
        let request = Request::get("/api/auth/session/me").header("authorization", &header);
        assert_eq!(
            bed.send(request.body("".into()).unwrap()).await.status,
            200,
            "{header}"
        );
    }
}

#[tokio::test]
async fn what_is_no_access_token_is_refused_in_one_way() {
    let (bed, root) = Bed::set_up().await;
    let token = root.text("access_token");
    let parts: Vec<&str> = token.split('.').collect();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    let bad = [
        String::new(),
        "x".to_owned(),
        root.text("refresh_token").to_owned(),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], "A".repeat(86)),
        format!(
            "{}.{}.{}",
            parts[0],
            parts[1].replace(&parts[1][20..24], "AAAA"),
            parts[2]
        ),
        "a".repeat(60_000),
    ];
    for token in &bad {
        for (method, path) in [
            ("GET", "/api/auth/session/me"),
            ("POST", "/api/auth/session/validate"),
        ] {
            let got = bed.call(method, path, Some(token), None).await;
            assert_eq!(got.refusal(), (401, "invalid or expired token"), "{token}");
            assert!(
                got.headers["www-authenticate"]
                    .to_str()
                    .unwrap()
                    .starts_with("Bearer")
            );
        }
    }
    let got = bed.call("GET", "/api/auth/session/me", None, None).await;
    assert_eq!(got.refusal(), (401, "invalid or expired token"));
}

#[tokio::test]
async fn an_access_token_ends_by_itself() {
    let (bed, root) = Bed::set_up().await;
    bed.clock.advance(Duration::from_secs(899));
    assert_eq!(bed.me(root.text("access_token")).await.status, 200);
    bed.clock.advance(Duration::from_secs(10));
    assert_eq!(
        bed.me(root.text("access_token")).await.refusal(),
        (401, "invalid or expired token")
    );
}

#[tokio::test]
async fn logout_ends_both_tokens_and_may_be_repeated() {
    let (bed, root) = Bed::set_up().await;
    let other = bed.login("root", PASSWORD).await;
    let token = json!({ "refresh_token": root.text("refresh_token") });
    for _ in 0..2 {
        let got = bed.post("/api/auth/session/logout", token.clone()).await;
        assert_eq!((got.status, &got.body), (200, &json!({ "revoked": true })));
    }
    assert_eq!(
        bed.me(root.text("access_token")).await.refusal(),
        (401, "invalid or expired token")
    );
    assert_eq!(
        bed.refresh(root.text("refresh_token")).await.refusal(),
        (401, "refresh token revoked or unknown")
    );
    assert_eq!(
        bed.me(other.text("access_token")).await.status,
        200,
        "another session goes on"
    );
}

#[tokio::test]
async fn logout_takes_the_refresh_token_as_bearer_too() {
    let (bed, root) = Bed::set_up().await;
    let logout = "/api/auth/session/logout";
    let got = bed
        .call("POST", logout, Some(root.text("access_token")), None)
        .await;
    assert_eq!(got.refusal(), (401, "invalid or expired refresh token"));
    for body in [None, Some(json!({})), Some(json!({ "refresh_token": 5 }))] {
        let got = bed.call("POST", logout, None, body).await;
        assert_eq!(got.refusal(), (400, "missing refresh token"));
    }
    let got = bed.post(logout, json!({ "refresh_token": "x" })).await;
    assert_eq!(got.refusal(), (401, "invalid or expired refresh token"));
    let got = bed
        .call("POST", logout, Some(root.text("refresh_token")), None)
        .await;
    assert_eq!(got.body, json!({ "revoked": true }));
    assert_eq!(bed.me(root.text("access_token")).await.status, 401);
}

#[tokio::test]
async fn the_originals_tokens_are_recognised_and_refused() {
    let mut config = crate::bed::quick();
    config.legacy_secret = Some("pistack-legacy-test-secret-0123456789".to_owned().into());
    let bed = Bed::with(config).await;
    bed.finish_setup().await;
    let got = bed.me(LEGACY).await;
    assert_eq!(
        (got.refusal(), got.text("code")),
        ((401, "invalid or expired token"), "legacy-token")
    );
    let got = bed.refresh(LEGACY).await;
    assert_eq!(
        (got.refusal(), got.text("code")),
        ((401, "invalid or expired refresh token"), "legacy-token")
    );
    let got = bed
        .post("/api/auth/session/logout", json!({ "refresh_token": LEGACY }))
        .await;
    assert_eq!(got.refusal(), (401, "invalid or expired refresh token"));
}

#[tokio::test]
async fn both_spellings_of_the_paths_are_served() {
    let (bed, root) = Bed::set_up().await;
    let body = json!({ "name": "root", "password": PASSWORD });
    let login = bed.post("/api/auth/sessions/login", body).await;
    let token = login.text("access_token");
    assert_eq!(
        bed.call("GET", "/api/auth/sessions/me", Some(token), None)
            .await
            .status,
        200
    );
    assert_eq!(
        bed.call("POST", "/api/auth/sessions/validate", Some(token), None)
            .await
            .status,
        200
    );
    let refresh = json!({ "refresh_token": login.text("refresh_token") });
    let next = bed.post("/api/auth/sessions/refresh", refresh).await;
    let logout = json!({ "refresh_token": next.text("refresh_token") });
    assert_eq!(bed.post("/api/auth/sessions/logout", logout).await.status, 200);

    let root = Some(root.text("access_token"));
    for (index, path) in ["user/create", "users/add", "users/create"]
        .into_iter()
        .enumerate()
    {
        let body = json!({ "name": format!("u{index}"), "password": PASSWORD, "level": "admin" });
        let got = bed
            .call("POST", &format!("/api/auth/{path}"), root, Some(body))
            .await;
        assert_eq!((got.status, got.text("level")), (201, "Admin"));
        let one = format!("/api/auth/users/{}", got.text("id"));
        assert_eq!(bed.call("GET", &one, root, None).await.status, 200);
        assert_eq!(
            bed.call("PATCH", &one, root, Some(json!({ "level": "user" })))
                .await
                .text("level"),
            "User"
        );
        assert_eq!(
            bed.call("DELETE", &one, root, None).await.body,
            json!({ "removed": true })
        );
    }
    assert_eq!(
        bed.call("GET", "/api/auth/users/list", root, None)
            .await
            .body
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
