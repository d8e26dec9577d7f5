//! The feed: what other processes learn about keys and ended sessions, and how fast.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt as _;
use pistack_api::service::Service;
use pistack_api::token::{FeedLine, Jwks, Revocation};
use pistack_kit::guard::{Guard, Refusal};
use serde_json::json;

use crate::bed::{Bed, PASSWORD};

async fn next(body: &mut Body) -> FeedLine {
    loop {
        let frame = tokio::time::timeout(Duration::from_secs(1), body.frame());
        let data = frame
            .await
            .expect("a line within a second")
            .unwrap()
            .unwrap()
            .into_data()
            .unwrap();
        if data.as_ref() != b"\n" {
            return serde_json::from_slice(&data).unwrap();
        }
    }
}

/// Another service, as far as its guard goes.
async fn other_service(bed: &Bed, feed: &mut Body) -> std::sync::Arc<Guard> {
    let guard = Guard::new(Service::Io, bed.clock.clone());
    let FeedLine::Snapshot { keys, revoked } = next(feed).await else {
        panic!("a snapshot comes first")
    };
    guard.set_keys(&keys);
    for revocation in &revoked {
        guard.revoke(revocation);
    }
    guard
}

async fn revocation(feed: &mut Body) -> Revocation {
    match next(feed).await {
        FeedLine::Revoked { revocation } => revocation,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn others_verify_with_the_key_set_and_hear_of_a_logout() {
    let (bed, root) = Bed::set_up().await;
    let mut feed = bed.feed().await;
    let guard = other_service(&bed, &mut feed).await;
    let claims = guard.verify(root.text("access_token")).unwrap();
    bed.post(
        "/api/auth/session/logout",
        json!({ "refresh_token": root.text("refresh_token") }),
    )
    .await;
    let ended = revocation(&mut feed).await;
    let Revocation::Session { sid, until } = &ended else {
        panic!("{ended:?}")
    };
    assert_eq!(*sid, claims.sid);
    assert!(*until > claims.exp, "the revocation outlives the token");
    guard.revoke(&ended);
    assert_eq!(
        guard.verify(root.text("access_token")).unwrap_err(),
        Refusal::Invalid
    );
}

#[tokio::test]
async fn others_hear_of_password_changes_and_removals() {
    let (bed, root) = Bed::set_up().await;
    let (id, anna) = bed.add(&root, "anna", "User").await;
    let mut feed = bed.feed().await;
    let guard = other_service(&bed, &mut feed).await;
    guard.verify(anna.text("access_token")).unwrap();
    let path = format!("/api/auth/user/{id}");
    let body = json!({ "password": "entirely different phrase" });
    bed.call("PATCH", &path, Some(root.text("access_token")), Some(body))
        .await;
    guard.revoke(&revocation(&mut feed).await);
    guard.verify(anna.text("access_token")).unwrap_err();
    let anna = bed.login("anna", "entirely different phrase").await;
    guard.verify(anna.text("access_token")).unwrap();
    bed.call("DELETE", &path, Some(root.text("access_token")), None)
        .await;
    guard.revoke(&revocation(&mut feed).await);
    guard.verify(anna.text("access_token")).unwrap_err();
    guard.verify(root.text("access_token")).unwrap();
}

#[tokio::test]
async fn a_snapshot_tells_what_happened_before_and_forgets_what_expired() {
    let (bed, root) = Bed::set_up().await;
    bed.post(
        "/api/auth/session/logout",
        json!({ "refresh_token": root.text("refresh_token") }),
    )
    .await;
    let bed = bed.restart().await;
    let guard = other_service(&bed, &mut bed.feed().await).await;
    guard.verify(root.text("access_token")).unwrap_err();
    bed.clock.advance(Duration::from_secs(900 + 61));
    let FeedLine::Snapshot { revoked, .. } = next(&mut bed.feed().await).await else {
        panic!("a snapshot")
    };
    assert_eq!(revoked, []);
}

#[tokio::test]
async fn a_reused_refresh_token_is_told_too() {
    let (bed, root) = Bed::set_up().await;
    bed.refresh(root.text("refresh_token")).await;
    bed.clock.advance(Duration::from_mins(1));
    let mut feed = bed.feed().await;
    let guard = other_service(&bed, &mut feed).await;
    guard.verify(root.text("access_token")).unwrap();
    bed.refresh(root.text("refresh_token")).await;
    guard.revoke(&revocation(&mut feed).await);
    guard.verify(root.text("access_token")).unwrap_err();
}

#[tokio::test]
async fn the_feed_ends_when_the_process_stops() {
    let (bed, _) = Bed::set_up().await;
    let mut feed = bed.feed().await;
    next(&mut feed).await;
    bed.context.lifecycle.stop();
    assert!(feed.frame().await.is_none());
}

#[tokio::test]
async fn the_keys_are_public_and_hold_no_secret() {
    let (bed, _) = Bed::set_up().await;
    let got = bed.call("GET", "/api/auth/jwks.json", None, None).await;
    let keys: Jwks = serde_json::from_value(got.body.clone()).unwrap();
    assert_eq!((keys.keys.len(), keys.keys[0].crv.as_str()), (1, "Ed25519"));
    assert!(got.body["keys"][0].get("d").is_none());
    assert_eq!(bed.internal("GET", "/internal/jwks", None).await.body, got.body);
    assert_eq!(bed.login("root", PASSWORD).await.status, 200);
}
