//! Bounces by webhook.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request};
use pistack_email::Config;
use ring::hmac;
use serde_json::{Value, json};

use crate::bench::{Bench, ask, file, to};
use crate::server::{Server, Setup};

fn states(mail: &Value) -> Vec<&str> {
    let recipients = mail["recipients"].as_array().unwrap().iter();
    recipients.map(|one| one["state"].as_str().unwrap()).collect()
}

async fn report(bench: &Bench, header: (&str, &str), body: &Value) -> (u16, Value) {
    let request = Request::post("/api/email/bounces")
        .header(header.0, header.1)
        .body(Body::from(body.to_string()))
        .unwrap();
    let (status, answer) = ask(&bench.router, request).await;
    (status.as_u16(), answer)
}

#[tokio::test]
async fn a_bounce_finds_its_mail() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(Setup::default()).await;
    let bench = Bench::new(&Config {
        bounce_secret_file: Some(file(&directory, "hush\n")),
        ..to(&server)
    })
    .await;
    let id = bench.put(&["anna@example.org", "berta@example.org"], "s").await;
    let mail = bench.until(&id, &["sent"]).await;
    let body = json!({ "message": mail["message_id"], "recipient": "Anna@example.org", "reason": "550 5.1.1\r\nno such user" });
    for header in [
        ("x-bounce-token", "wrong"),
        ("x-signature", "sha256=00"),
        ("x-other", ""),
    ] {
        let (status, answer) = report(&bench, header, &body).await;
        assert_eq!((status, &answer["code"]), (401, &json!("bad_signature")));
    }
    let (status, answer) = report(&bench, ("x-bounce-token", "hush"), &body).await;
    assert_eq!(status, 202, "{answer}");
    let mail = bench.message(&id).await;
    assert_eq!(mail["state"], "bounced");
    assert_eq!(states(&mail), ["bounced", "sent"]);
    assert_eq!(mail["bounces"][0]["reason"], "550 5.1.1no such user");
    // Signed, several at once, one of them for nobody's mail.
    let body = json!([
        { "recipient": "berta@example.org", "kind": "soft", "reason": "full" },
        { "recipient": "nobody@example.net" },
    ]);
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"hush");
    let signature = STANDARD.encode(hmac::sign(&key, body.to_string().as_bytes()));
    let (status, answer) = report(&bench, ("x-signature", &format!("sha256={signature}")), &body).await;
    assert_eq!(
        (status, answer["ids"].as_array().unwrap().len()),
        (202, 2),
        "{answer}"
    );
    assert_eq!(
        states(&bench.message(&id).await),
        ["bounced", "sent"],
        "a soft one decides nothing"
    );
    let list = bench.get("/api/email/bounces").await;
    assert_eq!(list.as_array().unwrap().len(), 3);
    assert!(
        list[0]["message"].is_null() && list[1]["message"] == json!(id),
        "{list}"
    );
    let path = format!("/api/email/bounces/{}", list[0]["id"]);
    assert_eq!(bench.ask(Method::DELETE, &path, &Value::Null).await.0, 200);
    assert_eq!(bench.ask(Method::DELETE, &path, &Value::Null).await.0, 404);
    for bad in [
        json!({ "recipient": "x" }),
        json!({ "recipient": "a@b.c\r\nd" }),
        json!(5),
    ] {
        assert_eq!(
            report(&bench, ("x-bounce-token", "hush"), &bad).await.0,
            400,
            "{bad}"
        );
    }
}

#[tokio::test]
async fn without_a_secret_there_are_none() {
    let bench = Bench::new(&Config::default()).await;
    let (status, _) = report(
        &bench,
        ("x-bounce-token", ""),
        &json!({ "recipient": "a@example.org" }),
    )
    .await;
    assert_eq!(status, 404);
}
