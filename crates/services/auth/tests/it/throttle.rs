//! Guessing is slowed down per account and per address, before anything is hashed.

use std::time::Duration;

use http::Request;
use serde_json::json;

use crate::bed::{Bed, Got, PASSWORD};

async fn from(bed: &Bed, address: &str, name: &str, password: &str) -> Got {
    let body = json!({ "name": name, "password": password }).to_string();
    let request = Request::post("/api/auth/session/login").header("x-forwarded-for", address);
    bed.send(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn the_third_failure_costs_a_second_then_more() {
    let (bed, _) = Bed::set_up().await;
    for pause in ["1", "3", "5", "10", "10"] {
        while bed.login("root", "wrong").await.status == 401 {}
        let got = bed.login("root", PASSWORD).await;
        assert_eq!(got.refusal(), (429, "too many attempts"));
        assert_eq!(
            (got.headers["retry-after"].to_str().unwrap(), got.text("code")),
            (pause, "throttled")
        );
        assert_eq!(got.body["retry_after"].to_string(), pause);
        bed.clock.advance(Duration::from_secs(pause.parse().unwrap()));
    }
    assert_eq!(
        bed.login("root", PASSWORD).await.status,
        200,
        "nothing is locked for good"
    );
    assert_eq!(
        bed.login("root", "wrong").await.status,
        401,
        "and a good login forgets"
    );
    assert_eq!(bed.login("root", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn an_unknown_account_is_slowed_down_in_the_same_way() {
    let (bed, _) = Bed::set_up().await;
    for name in ["root", "nobody"] {
        let statuses = [
            bed.login(name, "wrong").await.status,
            bed.login(name, "wrong").await.status,
            bed.login(name, "wrong").await.status,
            bed.login(name, "wrong").await.status,
        ];
        assert_eq!(statuses, [401, 401, 401, 429], "{name}");
    }
}

#[tokio::test]
async fn one_address_cannot_try_many_names() {
    let (bed, _) = Bed::set_up().await;
    for index in 0..10 {
        assert_eq!(
            from(&bed, "203.0.113.9", &format!("u{index}"), "wrong")
                .await
                .status,
            401
        );
    }
    assert_eq!(from(&bed, "203.0.113.9", "root", PASSWORD).await.status, 429);
    // What the client wrote in front of the gateway's entry changes nothing.
    assert_eq!(
        from(&bed, "1.2.3.4, 203.0.113.9", "root", PASSWORD).await.status,
        429
    );
    assert_eq!(from(&bed, "203.0.113.10", "root", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_burst_of_guesses_is_bounded_by_queue_and_throttle() {
    let (bed, _) = Bed::set_up().await;
    let guesses = futures_util::future::join_all((0..40).map(|_| bed.login("root", "wrong"))).await;
    let count = |status| guesses.iter().filter(|got| got.status == status).count();
    assert_eq!(count(401) + count(429) + count(503), 40);
    assert!(count(401) <= 4, "{} were hashed", count(401));
    assert!(count(503) >= 20, "{} found the queue full", count(503));
    let busy = guesses.iter().find(|got| got.status == 503).unwrap();
    assert!(busy.headers.contains_key("retry-after"));
}
