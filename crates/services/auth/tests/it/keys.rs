//! Key rotation: two keys overlap, everybody hears of it, and nobody is logged out.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt as _;
use pistack_api::service::Service;
use pistack_api::token::{FeedLine, Jwks};
use pistack_auth::rotate_keys;
use pistack_kit::guard::{Guard, Refusal};

use crate::bed::Bed;

async fn keys(bed: &Bed) -> Jwks {
    let got = bed.call("GET", "/api/auth/jwks.json", None, None).await;
    serde_json::from_value(got.body).unwrap()
}

async fn next(body: &mut Body) -> FeedLine {
    loop {
        let frame = tokio::time::timeout(Duration::from_secs(1), body.frame());
        let data = frame.await.expect("within a second").unwrap().unwrap();
        let data = data.into_data().unwrap();
        if data.as_ref() != b"\n" {
            return serde_json::from_slice(&data).unwrap();
        }
    }
}

async fn rotate(bed: &Bed, at_once: bool) -> String {
    let kid = rotate_keys(&bed.context.paths, &bed.config, &bed.clock, at_once)
        .await
        .unwrap();
    // The console's word, which has no socket to go to here.
    assert_eq!(bed.internal("POST", "/internal/reload", None).await.status, 204);
    kid
}

#[tokio::test]
async fn old_tokens_live_out_their_time_beside_the_new_key() {
    let (bed, root) = Bed::set_up().await;
    let old = root.text("access_token");
    let mut feed = bed.feed().await;
    let guard = Guard::new(Service::Io, bed.clock.clone());
    let FeedLine::Snapshot { keys: first, .. } = next(&mut feed).await else {
        panic!("a snapshot")
    };
    guard.set_keys(&first);
    let kid = rotate(&bed, false).await;
    let FeedLine::Keys { keys: told } = next(&mut feed).await else {
        panic!("the others hear of it within a second")
    };
    guard.set_keys(&told);
    let kids: Vec<_> = told.keys.iter().map(|key| key.kid.as_str()).collect();
    assert_eq!(kids, [kid.as_str(), first.keys[0].kid.as_str()]);
    assert_eq!(keys(&bed).await, told);
    guard.verify(old).unwrap();
    assert_eq!(bed.me(old).await.status, 200);
    let renewed = bed.refresh(root.text("refresh_token")).await;
    guard.verify(renewed.text("access_token")).unwrap();

    bed.clock.advance(Duration::from_secs(899));
    assert_eq!(bed.me(old).await.status, 200, "until the last second of its life");
    bed.clock.advance(Duration::from_secs(902));
    assert_eq!(keys(&bed).await.keys.len(), 2, "told anew at the next look");
    assert_eq!(bed.internal("POST", "/internal/reload", None).await.status, 204);
    assert_eq!(keys(&bed).await.keys.len(), 1);
}

#[tokio::test]
async fn at_once_ends_access_tokens_but_no_session() {
    let (bed, root) = Bed::set_up().await;
    rotate(&bed, true).await;
    assert_eq!(bed.me(root.text("access_token")).await.status, 401);
    let renewed = bed.refresh(root.text("refresh_token")).await;
    assert_eq!(bed.me(renewed.text("access_token")).await.status, 200);
    assert_eq!(keys(&bed).await.keys.len(), 1);
}

#[tokio::test]
async fn it_works_with_the_service_down() {
    let (bed, root) = Bed::set_up().await;
    let before = keys(&bed).await.keys[0].kid.clone();
    rotate_keys(&bed.context.paths, &bed.config, &bed.clock, false)
        .await
        .unwrap();
    let bed = bed.restart().await;
    let after = keys(&bed).await;
    assert_eq!((after.keys.len(), &after.keys[1].kid), (2, &before));
    assert_eq!(bed.me(root.text("access_token")).await.status, 200);
}

#[tokio::test]
async fn a_month_is_enough_for_a_key() {
    let (bed, _) = Bed::set_up().await;
    let before = keys(&bed).await.keys[0].kid.clone();
    bed.clock.advance(Duration::from_hours(30 * 24));
    pistack_kit::testing::eventually("the key is replaced by itself", async || {
        (keys(&bed).await.keys[0].kid != before).then_some(())
    })
    .await;
}

/// Section 2.1 of the facts on tokens, at the service's own door: forged tokens of every kind are 401.
#[tokio::test]
async fn tokens_of_another_installation_are_refused() {
    let (bed, _) = Bed::set_up().await;
    let (_, other) = Bed::set_up().await;
    let got = bed.me(other.text("access_token")).await;
    assert_eq!(got.refusal(), (401, "invalid or expired token"));
    let guard = Guard::new(Service::Io, bed.clock.clone());
    guard.set_keys(&keys(&bed).await);
    assert_eq!(
        guard.verify(other.text("access_token")).unwrap_err(),
        Refusal::Invalid
    );
}
