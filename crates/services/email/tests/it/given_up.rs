//! Mails of the rules that are given up: the rules are told, now or as soon as they are there.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use http::{Request, StatusCode};
use pistack_api::service::Service;
use pistack_kit::testing::eventually;
use serde_json::{Value, json};
use tokio::net::UnixListener;

use crate::bench::{Bench, ask, to};
use crate::server::{Fault, Server, Setup};

type Told = Arc<Mutex<Vec<Value>>>;

/// Stands in for the rules.
fn rules(socket: &Path, told: &Told) {
    async fn take(State(told): State<Told>, Json(body): Json<Value>) -> StatusCode {
        told.lock().unwrap().push(body);
        StatusCode::NO_CONTENT
    }
    let router = Router::new()
        .route("/internal/notify/given-up", post(take))
        .with_state(Arc::clone(told));
    std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
    let listener = UnixListener::bind(socket).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
}

async fn put(bench: &Bench, key: &str) -> String {
    let body = json!({ "to": "anna@example.org", "subject": "s", "text": "t", "idempotency_key": key });
    let request = Request::post("/internal/send")
        .body(Body::from(body.to_string()))
        .unwrap();
    let (status, answer) = ask(&bench.internal, request).await;
    assert_eq!(status, 202, "{answer}");
    answer["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_rules_hear_of_their_own_mails_though_they_come_late() {
    let setup = Setup {
        fault: Fault::Rcpt("550 5.1.1 no such user"),
        ..Setup::default()
    };
    let server = Server::start(setup).await;
    let bench = Bench::new(&to(&server)).await;
    let of_rules = put(&bench, "rules-1234").await;
    let of_auth = put(&bench, "reset-5").await;
    bench.until(&of_rules, &["dead"]).await;
    bench.until(&of_auth, &["dead"]).await;
    let told = Told::default();
    rules(&bench.context.paths.service_socket(Service::Rules), &told);
    eventually("word to the rules", || async {
        (!told.lock().unwrap().is_empty()).then_some(())
    })
    .await;
    // One more, which is told at once; the first is not told again.
    let second = put(&bench, "rules-5678").await;
    bench.until(&second, &["dead"]).await;
    eventually("the second", || async {
        (told.lock().unwrap().len() == 2).then_some(())
    })
    .await;
    let told = told.lock().unwrap().clone();
    assert_eq!(told[0]["key"], "rules-1234");
    assert!(
        told[0]["reason"].as_str().unwrap().contains("no such user"),
        "{told:?}"
    );
    assert_eq!(told[1]["key"], "rules-5678");
}
