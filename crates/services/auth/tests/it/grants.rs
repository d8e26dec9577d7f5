//! Rights beyond the level: who gives them, who has them, and how soon.

use serde_json::{Value, json};

use crate::bed::{Bed, Got};

async fn grant(bed: &Bed, by: &Got, id: &str, body: Value) -> Got {
    let path = format!("/api/auth/user/{id}/grants");
    bed.call("PUT", &path, Some(by.text("access_token")), Some(body))
        .await
}

#[tokio::test]
async fn a_grant_is_in_the_next_token_and_the_session_lives_on() {
    let (bed, root) = Bed::set_up().await;
    let (id, anna) = bed.add(&root, "anna", "User").await;
    let got = grant(
        &bed,
        &root,
        &id,
        json!({ "grants": ["process:camera:restart", "gpio:*"] }),
    )
    .await;
    assert_eq!(
        (got.status, &got.body["grants"]),
        (200, &json!(["gpio:*:*", "process:camera:restart"]))
    );
    assert_eq!(
        bed.me(anna.text("access_token")).await.status,
        401,
        "the old token says too little"
    );
    let next = bed.refresh(anna.text("refresh_token")).await;
    assert_eq!(next.status, 200, "{}", next.body);
    let me = bed.me(next.text("access_token")).await;
    assert_eq!(me.body["grants"], json!(["gpio:*:*", "process:camera:restart"]));
    assert!(me.body.get("scope").is_none());
    // The dashboard's session lives on as well.
    let body = json!({ "name": "anna", "password": crate::bed::PASSWORD });
    let cookie = bed.internal("POST", "/internal/session", Some(body)).await;
    let exchange = async || {
        let body = json!({ "cookie": cookie.text("cookie") });
        bed.internal("POST", "/internal/exchange", Some(body)).await
    };
    assert_eq!(exchange().await.status, 200);
    assert_eq!(
        grant(&bed, &root, &id, json!({ "grants": ["info:*"], "limited": true }))
            .await
            .status,
        200
    );
    let short = exchange().await;
    let claims = bed.context.guard.verify(short.text("access_token")).unwrap();
    assert_eq!(claims.scope.as_deref(), Some("info:*:*"));
}

#[tokio::test]
async fn nobody_grants_what_is_above_the_own_level() {
    let (bed, root) = Bed::set_up().await;
    let (id, anna) = bed.add(&root, "anna", "User").await;
    let (admin_id, admin) = bed.add(&root, "admin", "Admin").await;
    for (grants, status) in [
        (json!(["gpio:17:write"]), 200),
        (json!(["process:*:read"]), 200),
        (json!(["process:camera:restart"]), 403),
        (json!(["*"]), 403),
        (json!(["*:*:read"]), 403),
    ] {
        assert_eq!(
            grant(&bed, &admin, &id, json!({ "grants": grants })).await.status,
            status,
            "{grants}"
        );
    }
    assert_eq!(
        grant(&bed, &anna, &id, json!({ "grants": ["gpio:*"] }))
            .await
            .status,
        401,
        "her token is of before"
    );
    let anna = bed.login("anna", crate::bed::PASSWORD).await;
    assert_eq!(
        grant(&bed, &anna, &id, json!({ "grants": ["gpio:*"] }))
            .await
            .status,
        403
    );
    let own = grant(&bed, &admin, &admin_id, json!({ "grants": ["gpio:*"] })).await;
    assert_eq!(own.status, 403, "nor changes what limits oneself");
    let root_id = root.body["user"]["id"].as_str().unwrap();
    assert_eq!(
        grant(&bed, &admin, root_id, json!({ "grants": ["gpio:*"] }))
            .await
            .status,
        403
    );
    assert_eq!(
        grant(&bed, &root, root_id, json!({ "grants": [], "limited": true }))
            .await
            .status,
        409
    );
    let got = grant(&bed, &root, &admin_id, json!({ "grants": ["user:*:manage"] })).await;
    assert_eq!((got.status, got.text("code")), (400, "invalid_scope"));
}

#[tokio::test]
async fn grants_are_read_by_those_whom_they_concern_and_go_with_the_account() {
    let (bed, root) = Bed::set_up().await;
    let (id, _) = bed.add(&root, "anna", "User").await;
    let (_, ben) = bed.add(&root, "ben", "User").await;
    grant(&bed, &root, &id, json!({ "grants": ["audit:*:read"] })).await;
    let anna = bed.login("anna", crate::bed::PASSWORD).await;
    let path = format!("/api/auth/user/{id}/grants");
    let read = async |who: &Got| bed.call("GET", &path, Some(who.text("access_token")), None).await;
    assert_eq!(read(&anna).await.body["grants"], json!(["audit:*:read"]));
    assert_eq!((read(&ben).await.status, read(&root).await.status), (403, 200));
    let audit = async |who: &Got| {
        bed.call("GET", "/api/auth/audit", Some(who.text("access_token")), None)
            .await
            .status
    };
    assert_eq!((audit(&anna).await, audit(&ben).await), (200, 403));
    for body in [
        json!({}),
        json!({ "grants": "gpio:*" }),
        json!({ "grants": [5] }),
        json!([]),
    ] {
        assert_eq!(
            grant(&bed, &root, &id, body).await.refusal(),
            (400, "invalid payload")
        );
    }
    assert_eq!(
        grant(&bed, &root, "no-id", json!({ "grants": [] })).await.status,
        404
    );
}
