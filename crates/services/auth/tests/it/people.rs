//! Accounts that are closed, that must choose a password, and people who are told by mail of what happens to theirs.

use std::time::Duration;

use pistack_api::service::Service;
use pistack_auth::{ConsoleAnswer, ConsoleCommand, console};
use pistack_kit::testing::eventually;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

use crate::bed::{Bed, Got, PASSWORD};

const NEW: &str = "entirely different phrase";

async fn command(bed: &Bed, command: ConsoleCommand) -> ConsoleAnswer {
    let answer = console(&bed.context.paths, &bed.config, &bed.clock, command)
        .await
        .unwrap();
    assert_eq!(bed.internal("POST", "/internal/reload", None).await.status, 204);
    answer
}

fn disable(name: &str, disabled: bool) -> ConsoleCommand {
    ConsoleCommand::Disable {
        name: name.to_owned(),
        disabled,
    }
}

#[tokio::test]
async fn a_closed_account_is_out_everywhere_and_comes_back_as_it_was() {
    let (bed, root) = Bed::set_up().await;
    let (id, anna) = bed.add(&root, "anna", "User").await;
    let login = json!({ "name": "anna", "password": PASSWORD, "device": "d", "address": "192.0.2.9" });
    let cookie = bed.internal("POST", "/internal/session", Some(login)).await;
    command(&bed, disable("anna", true)).await;
    assert_eq!(bed.me(anna.text("access_token")).await.status, 401);
    assert_eq!(bed.refresh(anna.text("refresh_token")).await.status, 401);
    let exchange = json!({ "cookie": cookie.text("cookie") });
    assert_eq!(
        bed.internal("POST", "/internal/exchange", Some(exchange))
            .await
            .status,
        401
    );
    assert_eq!(
        bed.login("anna", PASSWORD).await.refusal(),
        (401, "invalid credentials")
    );
    let shown = bed
        .call(
            "GET",
            &format!("/api/auth/user/{id}"),
            Some(root.text("access_token")),
            None,
        )
        .await;
    assert_eq!(shown.status, 200, "those who manage still see it");
    command(&bed, disable("anna", false)).await;
    assert_eq!(bed.login("anna", PASSWORD).await.status, 200);
    assert_eq!(
        bed.refresh(anna.text("refresh_token")).await.status,
        401,
        "what was ended stays so"
    );
}

#[tokio::test]
async fn the_last_root_that_can_log_in_stays() {
    let (bed, root) = Bed::set_up().await;
    let last = console(&bed.context.paths, &bed.config, &bed.clock, disable("root", true)).await;
    assert_eq!(last.unwrap_err().to_string(), "the last Root cannot be disabled");
    let (id, second) = bed.add(&root, "second", "Root").await;
    command(&bed, disable("root", true)).await;
    let (path, token) = (format!("/api/auth/user/{id}"), Some(second.text("access_token")));
    let lowered = bed
        .call("PATCH", &path, token, Some(json!({ "level": "User" })))
        .await;
    assert_eq!(lowered.refusal(), (409, "the last Root cannot be demoted"));
    let removed = bed.call("DELETE", &path, token, None).await;
    assert_eq!(removed.status, 409);
}

#[tokio::test]
async fn the_own_password_takes_the_present_one_or_a_fresh_login() {
    let (bed, root) = Bed::set_up().await;
    let (id, anna) = bed.add(&root, "anna", "User").await;
    let path = format!("/api/auth/user/{id}");
    let patch = async |token: &Got, body: Value| {
        bed.call("PATCH", &path, Some(token.text("access_token")), Some(body))
            .await
    };
    bed.clock.advance(Duration::from_secs(601));
    let refused = patch(&anna, json!({ "password": NEW })).await;
    assert_eq!(refused.refusal(), (403, "current password needed"));
    let refused = patch(
        &anna,
        json!({ "password": NEW, "current_password": "wrong wrong" }),
    )
    .await;
    assert_eq!(refused.refusal(), (401, "invalid credentials"));
    let changed = patch(&anna, json!({ "password": NEW, "current_password": PASSWORD })).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    let anna = bed.login("anna", NEW).await;
    assert_eq!(patch(&anna, json!({ "password": PASSWORD })).await.status, 200);
}

/// The mail service and the rules, as far as auth calls them.
struct Listener(UnixListener);

impl Listener {
    fn new(bed: &Bed, service: Service) -> Self {
        Self(UnixListener::bind(bed.context.paths.service_socket(service)).unwrap())
    }

    /// The body of the next request.
    async fn next(&self) -> Value {
        let taken = async {
            let (mut stream, _) = self.0.accept().await.unwrap();
            let mut text = Vec::new();
            loop {
                let mut some = [0; 4096];
                let count = stream.read(&mut some).await.unwrap();
                text.extend_from_slice(&some[..count]);
                let head = String::from_utf8_lossy(&text).into_owned();
                let Some((_, body)) = head.split_once("\r\n\r\n") else {
                    continue;
                };
                if let Ok(body) = serde_json::from_str(body) {
                    stream
                        .write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}")
                        .await
                        .unwrap();
                    return body;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), taken)
            .await
            .expect("a request comes")
    }
}

#[tokio::test]
async fn a_stolen_refresh_token_is_told_to_its_owner_the_rules_and_the_record() {
    let (bed, root) = Bed::set_up().await;
    let (mail, rules) = (
        Listener::new(&bed, Service::Email),
        Listener::new(&bed, Service::Rules),
    );
    let email = ConsoleCommand::SetEmail {
        name: "root".to_owned(),
        email: Some("root@example.org".to_owned()),
    };
    command(&bed, email).await;
    bed.refresh(root.text("refresh_token")).await;
    bed.clock.advance(Duration::from_mins(1));
    assert_eq!(bed.refresh(root.text("refresh_token")).await.status, 401);
    let mail = mail.next().await;
    assert_eq!(mail["to"], json!(["root@example.org"]));
    assert!(
        mail["idempotency_key"]
            .as_str()
            .unwrap()
            .starts_with("refresh-reuse-")
    );
    let event = rules.next().await;
    assert_eq!(event["kind"], "refresh_reuse");
    let login = bed.login("root", PASSWORD).await;
    eventually("it is in the record", async || {
        let record = bed
            .call("GET", "/api/auth/audit", Some(login.text("access_token")), None)
            .await;
        record.body.to_string().contains("refresh_reuse").then_some(())
    })
    .await;
}

#[tokio::test]
async fn without_mail_and_rules_nothing_is_wrong() {
    let (bed, root) = Bed::set_up().await;
    bed.refresh(root.text("refresh_token")).await;
    bed.clock.advance(Duration::from_mins(1));
    assert_eq!(bed.refresh(root.text("refresh_token")).await.status, 401);
    bed.context.lifecycle.stop();
    assert!(bed.context.lifecycle.finish(Duration::from_secs(5)).await);
}
