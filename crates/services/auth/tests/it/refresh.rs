//! Refresh tokens: one use, half a minute of grace, and the end of the family after that.

use std::time::Duration;

use serde_json::json;

use crate::bed::{Bed, PASSWORD};

const REVOKED: (u16, &str) = (401, "refresh token revoked or unknown");
const INVALID: (u16, &str) = (401, "invalid or expired refresh token");

#[tokio::test]
async fn a_refresh_gives_a_new_pair() {
    let (bed, root) = Bed::set_up().await;
    let next = bed.refresh(root.text("refresh_token")).await;
    assert_eq!(next.status, 200);
    assert_eq!(
        (next.text("token_type"), &next.body["expires_in"]),
        ("Bearer", &json!(900))
    );
    assert_eq!(next.body["user"], root.body["user"]);
    assert_ne!(next.text("refresh_token"), root.text("refresh_token"));
    assert_eq!(bed.me(next.text("access_token")).await.status, 200);
    assert_eq!(bed.refresh(next.text("refresh_token")).await.status, 200);
}

#[tokio::test]
async fn within_half_a_minute_it_yields_the_same_successor() {
    let (bed, root) = Bed::set_up().await;
    let first = bed.refresh(root.text("refresh_token")).await;
    bed.clock.advance(Duration::from_secs(30));
    let again = bed.refresh(root.text("refresh_token")).await;
    assert_eq!(again.text("refresh_token"), first.text("refresh_token"));
    assert_eq!(bed.me(again.text("access_token")).await.status, 200);
    assert_eq!(
        bed.refresh(first.text("refresh_token")).await.status,
        200,
        "the chain goes on"
    );
}

#[tokio::test]
async fn two_at_once_get_the_same_successor() {
    let (bed, root) = Bed::set_up().await;
    let token = root.text("refresh_token");
    let (one, two, three) = tokio::join!(bed.refresh(token), bed.refresh(token), bed.refresh(token));
    assert_eq!((one.status, two.status, three.status), (200, 200, 200));
    assert_eq!(one.text("refresh_token"), two.text("refresh_token"));
    assert_eq!(one.text("refresh_token"), three.text("refresh_token"));
}

#[tokio::test]
async fn later_it_ends_the_whole_family() {
    let (bed, root) = Bed::set_up().await;
    let other = bed.login("root", PASSWORD).await;
    let thief = bed.refresh(root.text("refresh_token")).await;
    bed.clock.advance(Duration::from_secs(31));
    assert_eq!(bed.refresh(root.text("refresh_token")).await.refusal(), REVOKED);
    assert_eq!(
        bed.refresh(thief.text("refresh_token")).await.refusal(),
        REVOKED,
        "the successor is dead too"
    );
    assert_eq!(
        bed.me(thief.text("access_token")).await.status,
        401,
        "and so is its access token"
    );
    assert_eq!(
        bed.refresh(other.text("refresh_token")).await.status,
        200,
        "another login is not touched"
    );
}

#[tokio::test]
async fn what_was_never_given_out_is_refused() {
    let (bed, root) = Bed::set_up().await;
    for body in [
        json!({}),
        json!({ "refresh_token": "" }),
        json!({ "refresh_token": 1 }),
        json!(7),
    ] {
        assert_eq!(
            bed.post("/api/auth/session/refresh", body).await.refusal(),
            (400, "invalid payload")
        );
    }
    for token in [
        "x",
        root.text("access_token"),
        &"ą".repeat(43),
        &"A".repeat(44),
        "' OR 1=1 --",
    ] {
        assert_eq!(bed.refresh(token).await.refusal(), INVALID, "{token}");
    }
    assert_eq!(bed.refresh(&"A".repeat(43)).await.refusal(), REVOKED);
}

#[tokio::test]
async fn an_unused_token_expires_and_a_used_one_renews() {
    let (bed, root) = Bed::set_up().await;
    let day = Duration::from_hours(24);
    bed.clock.advance(day * 29);
    let next = bed.refresh(root.text("refresh_token")).await;
    assert_eq!(next.status, 200);
    bed.clock.advance(day * 29);
    let next = bed.refresh(next.text("refresh_token")).await;
    assert_eq!(next.status, 200);
    bed.clock.advance(day * 30);
    assert_eq!(bed.refresh(next.text("refresh_token")).await.refusal(), INVALID);
    let logout = bed
        .post(
            "/api/auth/session/logout",
            json!({ "refresh_token": next.text("refresh_token") }),
        )
        .await;
    assert_eq!(logout.refusal(), INVALID);
}

#[tokio::test]
async fn a_family_ends_after_half_a_year_in_any_case() {
    let (bed, root) = Bed::set_up().await;
    let mut token = root.text("refresh_token").to_owned();
    for _ in 0..8 {
        bed.clock.advance(Duration::from_hours(20 * 24));
        let next = bed.refresh(&token).await;
        assert_eq!(next.status, 200);
        next.text("refresh_token").clone_into(&mut token);
    }
    bed.clock.advance(Duration::from_hours(20 * 24));
    assert_eq!(bed.refresh(&token).await.refusal(), INVALID);
}

#[tokio::test]
async fn a_removed_user_is_not_found() {
    let (bed, root) = Bed::set_up().await;
    let (id, anna) = bed.add(&root, "anna", "User").await;
    let path = format!("/api/auth/user/{id}");
    assert_eq!(
        bed.call("DELETE", &path, Some(root.text("access_token")), None)
            .await
            .status,
        200
    );
    assert_eq!(
        bed.refresh(anna.text("refresh_token")).await.refusal(),
        (401, "user not found")
    );
    assert_eq!(bed.me(anna.text("access_token")).await.status, 401);
    let logout = bed
        .post(
            "/api/auth/session/logout",
            json!({ "refresh_token": anna.text("refresh_token") }),
        )
        .await;
    assert_eq!(logout.body, json!({ "revoked": true }));
}

#[tokio::test]
async fn sessions_outlive_a_restart() {
    let (bed, root) = Bed::set_up().await;
    let used = bed.login("root", PASSWORD).await;
    let successor = bed.refresh(used.text("refresh_token")).await;
    let ended = bed.login("root", PASSWORD).await;
    bed.post(
        "/api/auth/session/logout",
        json!({ "refresh_token": ended.text("refresh_token") }),
    )
    .await;
    let bed = bed.restart().await;
    assert_eq!(
        bed.me(root.text("access_token")).await.status,
        200,
        "the key is the same"
    );
    assert_eq!(
        bed.me(ended.text("access_token")).await.status,
        401,
        "what was ended stays ended"
    );
    assert_eq!(bed.refresh(root.text("refresh_token")).await.status, 200);
    // The successor is lost with the old process's memory; to ask for it is no theft.
    assert_eq!(bed.refresh(used.text("refresh_token")).await.refusal(), REVOKED);
    assert_eq!(bed.refresh(successor.text("refresh_token")).await.status, 200);
}
