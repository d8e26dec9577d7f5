//! API tokens: limited, never more than their owner, dead at once when revoked.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bed::{Bed, Got};

async fn make(bed: &Bed, who: &Got, scope: Value) -> Got {
    let body = json!({ "name": "script", "scope": scope });
    bed.call(
        "POST",
        "/api/auth/token/add",
        Some(who.text("access_token")),
        Some(body),
    )
    .await
}

async fn exchange(bed: &Bed, token: &str) -> Got {
    bed.internal("POST", "/internal/exchange", Some(json!({ "token": token })))
        .await
}

#[tokio::test]
async fn a_token_is_exchanged_for_its_owners_rights_within_its_scope() {
    let (bed, root) = Bed::set_up().await;
    let made = make(&bed, &root, json!(["info:*", "gpio:relay1:write", "info:*:*"])).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["scope"], json!(["gpio:relay1:write", "info:*:*"]));
    let got = exchange(&bed, made.text("token")).await;
    assert_eq!((got.status, got.text("sid")), (200, made.text("id")));
    let claims = bed.context.guard.verify(got.text("access_token")).unwrap();
    assert_eq!(
        (claims.via.as_str(), claims.scope.as_deref()),
        ("token", Some("gpio:relay1:write info:*:*"))
    );
    assert_eq!(claims.auth_time, None);
    let me = bed.me(got.text("access_token")).await;
    assert_eq!(
        (me.status, &me.body["scope"]),
        (200, &json!(["gpio:relay1:write", "info:*:*"]))
    );
    let list = bed
        .call("GET", "/api/auth/user/list", Some(got.text("access_token")), None)
        .await;
    assert_eq!((list.status, list.text("required_right")), (403, "user:*:read"));
    let wide = make(&bed, &root, json!(["user:*:read"])).await;
    let wide = exchange(&bed, wide.text("token")).await;
    let list = bed
        .call(
            "GET",
            "/api/auth/user/list",
            Some(wide.text("access_token")),
            None,
        )
        .await;
    assert_eq!(list.status, 200);
}

#[tokio::test]
async fn what_only_a_person_may_do_no_token_does() {
    let (bed, root) = Bed::set_up().await;
    let made = make(&bed, &root, json!(["*"])).await;
    let token = exchange(&bed, made.text("token")).await;
    let token = token.text("access_token");
    let id = root.body["user"]["id"].as_str().unwrap();
    for (method, path, body) in [
        (
            "POST",
            "/api/auth/token/add".to_owned(),
            Some(json!({ "name": "x", "scope": ["*"] })),
        ),
        ("GET", "/api/auth/token/list".to_owned(), None),
        ("GET", "/api/auth/session/list".to_owned(), None),
        ("POST", "/api/auth/session/end_others".to_owned(), None),
        ("POST", "/api/auth/second-factor/begin".to_owned(), None),
        (
            "PUT",
            format!("/api/auth/user/{id}/grants"),
            Some(json!({ "grants": [] })),
        ),
        ("DELETE", format!("/api/auth/user/{id}"), None),
        (
            "PATCH",
            format!("/api/auth/user/{id}"),
            Some(json!({ "level": "User" })),
        ),
    ] {
        let got = bed.call(method, &path, Some(token), body).await;
        assert_eq!(
            got.refusal(),
            (403, "forbidden: requires a login"),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn revoked_expired_and_orphaned_tokens_are_dead() {
    let (bed, root) = Bed::set_up().await;
    let (id, anna) = bed.add(&root, "anna", "User").await;
    let revoked = make(&bed, &anna, json!(["*"])).await;
    let orphan = make(&bed, &anna, json!(["*"])).await;
    let short = exchange(&bed, revoked.text("token")).await;
    assert_eq!(bed.me(short.text("access_token")).await.status, 200);
    let path = format!("/api/auth/token/{}", revoked.text("id"));
    let (_, ben) = bed.add(&root, "ben", "User").await;
    let end = async |who: &Got| {
        bed.call("DELETE", &path, Some(who.text("access_token")), None)
            .await
            .status
    };
    assert_eq!(end(&ben).await, 404, "another's token is not even there");
    assert_eq!((end(&anna).await, end(&anna).await), (200, 404));
    assert_eq!(exchange(&bed, revoked.text("token")).await.status, 401);
    assert_eq!(
        bed.me(short.text("access_token")).await.status,
        401,
        "what it was exchanged for, too"
    );
    assert_eq!(exchange(&bed, orphan.text("token")).await.status, 200);
    bed.call(
        "DELETE",
        &format!("/api/auth/user/{id}"),
        Some(root.text("access_token")),
        None,
    )
    .await;
    assert_eq!(exchange(&bed, orphan.text("token")).await.status, 401);
    let old = make(&bed, &root, json!(["*"])).await;
    bed.clock
        .advance(Duration::from_hours(90 * 24) - Duration::from_secs(100));
    assert_eq!(exchange(&bed, old.text("token")).await.body["expires_in"], 100);
    bed.clock.advance(Duration::from_secs(100));
    assert_eq!(exchange(&bed, old.text("token")).await.status, 401);
}

#[tokio::test]
async fn a_closed_account_closes_its_tokens() {
    let (bed, root) = Bed::set_up().await;
    let (id, anna) = bed.add(&root, "anna", "User").await;
    let token = make(&bed, &anna, json!(["*"])).await;
    let path = format!("/api/auth/user/{id}");
    let set = async |disabled: bool| {
        let body = json!({ "disabled": disabled });
        bed.call("PATCH", &path, Some(root.text("access_token")), Some(body))
            .await
            .status
    };
    assert_eq!(set(true).await, 200);
    assert_eq!(exchange(&bed, token.text("token")).await.status, 401);
    assert_eq!(set(false).await, 200);
    assert_eq!(exchange(&bed, token.text("token")).await.status, 200);
}

#[tokio::test]
async fn the_last_use_is_shown_and_seldom_written() {
    let (bed, root) = Bed::set_up().await;
    let made = make(&bed, &root, json!(["*"])).await;
    let last_use = async || {
        let got = bed
            .call(
                "GET",
                "/api/auth/token/list",
                Some(root.text("access_token")),
                None,
            )
            .await;
        got.body[0]["last_used_at"].as_i64()
    };
    assert_eq!(last_use().await, None);
    for (wait, expected) in [(0, 0), (100, 0), (250, 350)] {
        bed.clock.advance(Duration::from_secs(wait));
        assert_eq!(exchange(&bed, made.text("token")).await.status, 200);
        pistack_kit::testing::eventually("the use is noted", async || {
            (last_use().await == Some(1_800_000_000 + expected)).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn bad_tokens_and_bad_wishes() {
    let (bed, root) = Bed::set_up().await;
    for token in [
        "",
        "x",
        "pst_",
        &format!("pst_{}", "A".repeat(49)),
        root.text("refresh_token"),
        &"pst_".repeat(5000),
    ] {
        let got = exchange(&bed, token).await;
        assert_eq!(got.status, 401, "{}", got.body);
    }
    for scope in [
        json!([]),
        json!(["nothing:x:read"]),
        json!(["gpio"]),
        json!(["gpio:1:fly"]),
        json!(vec!["*"; 65]),
    ] {
        let got = make(&bed, &root, scope).await;
        assert_eq!(
            (got.status, got.text("code")),
            (400, "invalid_scope"),
            "{}",
            got.body
        );
        assert!(!got.text("detail").is_empty());
    }
    let token = Some(root.text("access_token"));
    for body in [
        json!({ "name": "", "scope": ["*"] }),
        json!({ "name": "a\nb", "scope": ["*"] }),
        json!({ "name": "x", "scope": ["*"], "expires_in_days": 0 }),
        json!({ "name": "x", "scope": ["*"], "expires_in_days": 367 }),
        json!({ "name": "x", "scope": "*" }),
    ] {
        let got = bed.call("POST", "/api/auth/token/add", token, Some(body)).await;
        assert_eq!(got.refusal(), (400, "invalid payload"));
    }
    for _ in 0..50 {
        assert_eq!(make(&bed, &root, json!(["*"])).await.status, 201);
    }
    assert_eq!(
        make(&bed, &root, json!(["*"])).await.refusal(),
        (409, "too many tokens")
    );
}
