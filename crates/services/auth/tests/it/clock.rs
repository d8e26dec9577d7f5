//! A board that begins in 1970: people log in, and stay in when a time server sets the clock.

use std::time::Duration;

use pistack_kit::clock::Clock;
use serde_json::json;
use tempfile::TempDir;

use crate::bed::{Bed, PASSWORD, quick};

/// A few seconds after a start without a battery.
const BOOT: i64 = 42;
const REAL: i64 = 1_800_000_000;

async fn cookie(bed: &Bed) -> String {
    let login = json!({ "name": "root", "password": PASSWORD, "device": "browser", "address": "192.0.2.4" });
    let got = bed.internal("POST", "/internal/session", Some(login)).await;
    assert_eq!(got.status, 200, "{}", got.body);
    got.text("cookie").to_owned()
}

async fn exchange(bed: &Bed, cookie: &str) -> u16 {
    bed.internal("POST", "/internal/exchange", Some(json!({ "cookie": cookie })))
        .await
        .status
}

#[tokio::test]
async fn logins_of_1970_outlive_the_first_time_sync() {
    let bed = Bed::start(TempDir::new().unwrap(), Clock::manual(BOOT), quick()).await;
    let state = bed.internal("GET", "/internal/state", None).await;
    assert_eq!(state.text("clock"), "untrusted");
    let root = bed.finish_setup().await;
    assert_eq!(bed.me(root.text("access_token")).await.status, 200);
    let cookie = cookie(&bed).await;
    assert_eq!(exchange(&bed, &cookie).await, 200);
    let second = bed.refresh(root.text("refresh_token")).await;
    bed.clock.advance(Duration::from_mins(5));

    bed.clock.set_wall(REAL);
    // Either may come first after the step.
    let third = bed.refresh(second.text("refresh_token")).await;
    assert_eq!(third.status, 200, "{}", third.body);
    assert_eq!(bed.me(third.text("access_token")).await.status, 200);
    assert_eq!(exchange(&bed, &cookie).await, 200);
    let state = bed.internal("GET", "/internal/state", None).await;
    assert_eq!(state.text("clock"), "assumed");

    // They end when they would have ended anyway.
    bed.clock.advance(Duration::from_hours(13));
    assert_eq!(exchange(&bed, &cookie).await, 401, "12 hours unused");
    bed.clock.advance(Duration::from_hours(30 * 24));
    assert_eq!(bed.refresh(third.text("refresh_token")).await.status, 401);
}

#[tokio::test]
async fn reuse_is_noticed_across_the_step() {
    let bed = Bed::start(TempDir::new().unwrap(), Clock::manual(BOOT), quick()).await;
    let root = bed.finish_setup().await;
    let second = bed.refresh(root.text("refresh_token")).await;
    bed.clock.set_wall(REAL);
    bed.clock.advance(Duration::from_mins(1));
    assert_eq!(bed.refresh(root.text("refresh_token")).await.status, 401);
    assert_eq!(
        bed.refresh(second.text("refresh_token")).await.refusal(),
        (401, "refresh token revoked or unknown")
    );
}

#[tokio::test]
async fn a_restart_before_the_sync_changes_nothing() {
    let bed = Bed::start(TempDir::new().unwrap(), Clock::manual(BOOT), quick()).await;
    let root = bed.finish_setup().await;
    let bed = bed.restart().await;
    bed.clock.advance(Duration::from_mins(3));
    bed.clock.set_wall(REAL);
    assert_eq!(bed.refresh(root.text("refresh_token")).await.status, 200);
}

#[tokio::test]
async fn what_was_begun_with_the_right_time_is_not_moved() {
    let bed = Bed::start(TempDir::new().unwrap(), Clock::manual(REAL), quick()).await;
    let root = bed.finish_setup().await;
    let bed = bed.restart().await;
    // A month later by the clock, trusted before and after: the session is over, as it should be.
    bed.clock.set_wall(REAL + 31 * 24 * 3600);
    assert_eq!(bed.refresh(root.text("refresh_token")).await.status, 401);
}

#[tokio::test]
async fn a_clock_that_is_put_right_backwards_keeps_sessions_too() {
    // The time of the image, wrong by being early, then a wrong year far ahead, then right.
    let bed = Bed::start(TempDir::new().unwrap(), Clock::manual(BOOT), quick()).await;
    let root = bed.finish_setup().await;
    bed.clock.set_wall(1000);
    let second = bed.refresh(root.text("refresh_token")).await;
    assert_eq!(second.status, 200);
    bed.clock.set_wall(500);
    assert_eq!(bed.refresh(second.text("refresh_token")).await.status, 200);
}
