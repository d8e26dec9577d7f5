//! `/api/email/messages`: taking, reading, removing, trying again.

use std::time::Duration;

use axum::body::Body;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use pistack_api::token::Level;
use pistack_email::Config;
use pistack_email::config::{OutboxLimits, Template};
use pistack_kit::config::ByteSize;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::bench::{Bench, ask, to};
use crate::server::{Fault, Server, Setup, Taken};

fn mail(subject: &str) -> Value {
    json!({ "to": "anna@example.org", "subject": subject, "text": "The door is open." })
}

/// Nobody listens there.
fn away() -> Config {
    Config {
        smtp_host: "127.0.0.1".into(),
        smtp_port: Some(1),
        ..Config::default()
    }
}

#[tokio::test]
async fn a_mail_is_taken_delivered_listed_and_read() {
    let server = Server::start(Setup::default()).await;
    let bench = Bench::new(&to(&server)).await;
    let body = json!({
        "to": "Anna <anna@example.org>", "bcc": ["unseen@example.org"], "subject": "Zażółć", "html": "<p>gęślą</p>",
        "attachments": [{ "name": "log.txt", "content_type": "text/plain", "content": "YQ==" }],
    });
    let request = bench
        .request(Method::POST, "/api/email/messages", "anna", Level::User)
        .body(Body::from(body.to_string()))
        .unwrap();
    let response = bench.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 202);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let answer: Value =
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap();
    let id = answer["id"].as_str().unwrap();
    assert_eq!(location, format!("/api/email/messages/{id}"));
    let read = bench.until(id, &["sent"]).await;
    assert_eq!(read["text"], "gęślą");
    assert_eq!(read["attachments"][0]["name"], "log.txt");
    assert_eq!((&read["by"], &read["tries"]), (&json!("anna"), &json!(1)));
    assert_eq!(read["recipients"][0]["text"], "2.0.0 queued");
    let taken = server.taken();
    assert_eq!(taken[0].to, ["anna@example.org", "unseen@example.org"]);
    assert!(
        !taken[0].mail.contains("unseen@example.org"),
        "nobody sees the bcc: {}",
        taken[0].mail
    );
    assert!(
        taken[0].mail.starts_with("Date: Fri, 15 Jan 2027 "),
        "{}",
        taken[0].mail
    );
    let page = bench.get("/api/email/messages?state=sent&q=ANNA").await;
    assert_eq!(page["messages"][0]["id"], id);
    assert_eq!(
        bench.get("/api/email/messages?state=dead").await["messages"],
        json!([])
    );
    let (status, answer) = bench
        .ask(Method::GET, "/api/email/messages?state=gone", &Value::Null)
        .await;
    assert_eq!(status, 400, "{answer}");
    let request = bench
        .request(Method::GET, &format!("{location}/source"), "root", Level::Root)
        .body(Body::empty())
        .unwrap();
    let response = bench.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "message/rfc822");
    let (status, _) = bench.ask(Method::DELETE, &location, &Value::Null).await;
    assert_eq!(status, 200);
    assert_eq!(bench.ask(Method::GET, &location, &Value::Null).await.0, 404);
}

#[tokio::test]
async fn pages_follow_each_other() {
    let bench = Bench::new(&away()).await;
    for number in 0..5 {
        bench.put(&["anna@example.org"], &number.to_string()).await;
    }
    let mut subjects = Vec::new();
    let mut path = "/api/email/messages?limit=2".to_owned();
    loop {
        let page = bench.get(&path).await;
        for one in page["messages"].as_array().unwrap() {
            subjects.push(one["subject"].as_str().unwrap().to_owned());
        }
        let Some(next) = page["next"].as_i64() else { break };
        path = format!("/api/email/messages?limit=2&before={next}");
    }
    assert_eq!(subjects, ["4", "3", "2", "1", "0"]);
}

#[tokio::test]
async fn people_see_their_own_mails_and_admins_all() {
    let bench = Bench::new(&away()).await;
    let put = async |name: &str| {
        let request = bench
            .request(Method::POST, "/api/email/messages", name, Level::User)
            .body(Body::from(mail(name).to_string()))
            .unwrap();
        ask(&bench.router, request).await.1["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (annas, bertas) = (put("anna").await, put("berta").await);
    let status = async |method: Method, path: String, name: &str, level| {
        let request = bench
            .request(method, &path, name, level)
            .body(Body::empty())
            .unwrap();
        ask(&bench.router, request).await
    };
    let path = |id: &str| format!("/api/email/messages/{id}");
    assert_eq!(
        status(Method::GET, path(&annas), "anna", Level::User).await.0,
        200
    );
    assert_eq!(
        status(Method::GET, path(&annas), "carl", Level::Admin).await.0,
        200
    );
    for (method, suffix) in [
        (Method::GET, ""),
        (Method::GET, "/source"),
        (Method::GET, "/attempts"),
        (Method::POST, "/retry"),
        (Method::DELETE, ""),
    ] {
        let path = path(&bertas) + suffix;
        assert_eq!(status(method, path, "anna", Level::User).await.0, 404, "{suffix}");
    }
    let page = status(Method::GET, "/api/email/messages".into(), "anna", Level::User)
        .await
        .1;
    assert_eq!(page["messages"].as_array().unwrap().len(), 1);
    let page = status(Method::GET, "/api/email/messages".into(), "carl", Level::Admin)
        .await
        .1;
    assert_eq!(page["messages"].as_array().unwrap().len(), 2);
    for (path, method) in [
        ("test", Method::POST),
        ("resume", Method::POST),
        ("bounces/1", Method::DELETE),
    ] {
        let path = format!("/api/email/{path}");
        assert_eq!(
            status(method, path.clone(), "anna", Level::User).await.0,
            403,
            "{path}"
        );
    }
    let nobody = Request::get(path(&annas)).body(Body::empty()).unwrap();
    assert_eq!(ask(&bench.router, nobody).await.0, 401);
}

#[tokio::test]
async fn a_key_stands_for_its_first_request() {
    let server = Server::start(Setup::default()).await;
    let bench = Bench::new(&to(&server)).await;
    let put = async |key: &str, subject: &str, name: &str| {
        let request = bench
            .request(Method::POST, "/api/email/messages", name, Level::User)
            .header("idempotency-key", key)
            .body(Body::from(mail(subject).to_string()))
            .unwrap();
        let response = bench.router.clone().oneshot(request).await.unwrap();
        let replayed = response.headers().contains_key("idempotency-replayed");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let answer: Value = serde_json::from_slice(&body).unwrap();
        (
            status,
            replayed,
            answer["id"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let first = put("k1", "a", "anna").await;
    assert_eq!((first.0, first.1), (202, false));
    assert_eq!(put("k1", "a", "anna").await, (202, true, first.2.clone()));
    assert_eq!(put("k1", "b", "anna").await.0, 422, "another mail");
    let bertas = put("k1", "a", "berta").await;
    assert!(bertas.0 == 202 && bertas.2 != first.2, "keys are everyone's own");
    assert_eq!(put("", "a", "anna").await.0, 400);
    assert_eq!(put(&"k".repeat(256), "a", "anna").await.0, 400);
    bench.until(&first.2, &["sent"]).await;
    bench.until(&bertas.2, &["sent"]).await;
    assert_eq!(server.taken().len(), 2);
    // Eight days later the key may be used anew.
    bench.context.clock.advance(Duration::from_hours(24 * 8));
    let later = put("k1", "a", "anna").await;
    assert!(later.0 == 202 && !later.1 && later.2 != first.2);
}

#[tokio::test]
async fn the_stacks_own_mails_keep_their_text_to_themselves() {
    let bench = Bench::new(&away()).await;
    let mut body = mail("Your code");
    body["idempotency_key"] = json!("once");
    let send = async |body: &Value| {
        let request = Request::post("/internal/send")
            .body(Body::from(body.to_string()))
            .unwrap();
        ask(&bench.internal, request).await
    };
    let (status, answer) = send(&body).await;
    assert_eq!(status, 202, "{answer}");
    let id = answer["id"].as_str().unwrap();
    assert_eq!(send(&body).await.1["id"], id, "the key counts");
    let read = bench.message(id).await;
    assert_eq!(
        (&read["subject"], &read["by"]),
        (&json!("Your code"), &json!("pistack"))
    );
    assert!(read["text"].is_null() && read["attachments"].is_null(), "{read}");
    let path = format!("/api/email/messages/{id}/source");
    assert_eq!(bench.ask(Method::GET, &path, &Value::Null).await.0, 404);
    body["sensitive"] = json!(false);
    body["idempotency_key"] = json!("twice");
    let open = send(&body).await.1["id"].as_str().unwrap().to_owned();
    assert_eq!(bench.message(&open).await["text"], "The door is open.");
}

#[tokio::test]
async fn a_sensitive_text_is_deleted_once_it_is_out() {
    let server = Server::start(Setup::default()).await;
    let bench = Bench::new(&to(&server)).await;
    let request = Request::post("/internal/send")
        .body(Body::from(mail("code").to_string()))
        .unwrap();
    let id = ask(&bench.internal, request).await.1["id"]
        .as_str()
        .unwrap()
        .to_owned();
    bench.until(&id, &["sent"]).await;
    let directory = bench.context.paths.database(pistack_api::service::Service::Email);
    bench.stop().await;
    for suffix in ["", "-wal"] {
        let mut path = directory.clone().into_os_string();
        path.push(suffix);
        // What was written ahead of the file is emptied when the last connection closes it.
        if suffix.is_empty() {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains("The door is open."));
        }
    }
}

#[tokio::test]
async fn mails_wait_for_their_time_and_may_be_called_back() {
    let server = Server::start(Setup::default()).await;
    let bench = Bench::new(&to(&server)).await;
    let later = bench.context.clock.unix() + 7200;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut body = mail("later");
        body["not_before"] = json!(later);
        let (_, answer) = bench.ask(Method::POST, "/api/email/messages", &body).await;
        ids.push(answer["id"].as_str().unwrap().to_owned());
    }
    let now = bench.put(&["anna@example.org"], "now").await;
    bench.until(&now, &["sent"]).await;
    let (status, _) = bench
        .ask(
            Method::DELETE,
            &format!("/api/email/messages/{}", ids[0]),
            &Value::Null,
        )
        .await;
    assert_eq!(status, 200);
    bench.pass(Duration::from_secs(7100)).await;
    let second = bench.put(&["anna@example.org"], "second").await;
    bench.until(&second, &["sent"]).await;
    assert_eq!(bench.message(&ids[1]).await["state"], "waiting");
    bench.pass(Duration::from_secs(200)).await;
    bench.until(&ids[1], &["sent"]).await;
    let subjects: Vec<_> = server.taken().iter().map(Taken::subject).collect();
    assert_eq!(subjects, ["now", "second", "later"]);
}

#[tokio::test]
async fn one_connection_carries_a_burst() {
    let server = Server::start(Setup::default()).await;
    let bench = Bench::new(&to(&server)).await;
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(bench.put(&["anna@example.org"], &number.to_string()).await);
    }
    for id in &ids {
        bench.until(id, &["sent"]).await;
    }
    assert_eq!(server.conversations(), 1);
    let order: Vec<_> = server.taken().iter().map(Taken::subject).collect();
    let expected: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(order, expected);
}

#[tokio::test]
async fn a_full_outbox_refuses_and_keeps() {
    let bench = Bench::new(&Config {
        outbox: OutboxLimits {
            max_waiting: 2,
            ..OutboxLimits::default()
        },
        ..away()
    })
    .await;
    bench.put(&["anna@example.org"], "1").await;
    let second = bench.put(&["anna@example.org"], "2").await;
    let (status, answer) = bench.ask(Method::POST, "/api/email/messages", &mail("3")).await;
    assert_eq!(
        (status.as_u16(), &answer["code"]),
        (507, &json!("outbox_full")),
        "{answer}"
    );
    assert_eq!(bench.get("/api/email/status").await["outbox"]["waiting"], 2);
    bench
        .ask(
            Method::DELETE,
            &format!("/api/email/messages/{second}"),
            &Value::Null,
        )
        .await;
    bench.put(&["anna@example.org"], "4").await;
    let sized = Bench::new(&Config {
        outbox: OutboxLimits {
            max_waiting_size: ByteSize(1000),
            ..OutboxLimits::default()
        },
        ..away()
    })
    .await;
    sized.put(&["anna@example.org"], "1").await;
    let mut big = mail("2");
    big["text"] = json!("x".repeat(1000));
    assert_eq!(sized.ask(Method::POST, "/api/email/messages", &big).await.0, 507);
}

#[tokio::test]
async fn bad_requests_are_refused_and_never_reach_the_server() {
    let server = Server::start(Setup::default()).await;
    let bench = Bench::new(&Config {
        max_attachments: ByteSize(1 << 20),
        ..to(&server)
    })
    .await;
    let mut injected = mail("s\r\nBcc: eve@example.org");
    injected["cc"] = json!("b@example.org");
    let many: Vec<_> = (0..10_000)
        .map(|number| format!("a{number}@example.org"))
        .collect();
    let mut crowded = mail("s");
    crowded["to"] = json!(many);
    let mut heavy = mail("s");
    heavy["attachments"] = json!([{ "name": "a", "content": "YWFh".repeat(400_000) }]);
    let mut heaviest = mail("s");
    heaviest["attachments"] = json!([{ "name": "a", "content": "YWFh".repeat(2_000_000) }]);
    let template = json!({ "to": "a@example.org", "template": { "subject": "s", "text": "{{ nobody }}" } });
    for (body, status, place) in [
        (injected, 400, "`subject`"),
        (crowded, 400, "`to` has more than 50"),
        (heavy, 413, "`attachments[0]`"),
        (heaviest, 413, ""),
        (template, 400, "`template.text` line 1"),
        (json!([]), 400, ""),
    ] {
        let (got, answer) = bench.ask(Method::POST, "/api/email/messages", &body).await;
        assert_eq!(got, status, "{answer}");
        let detail = answer["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(place), "{answer}");
    }
    let ok = bench.put(&["anna@example.org"], "s").await;
    bench.until(&ok, &["sent"]).await;
    assert_eq!(
        server.taken().len(),
        1,
        "the server sees exactly what was accepted"
    );
    assert!(!server.clear().iter().any(|line| line.contains("eve")));
}

#[tokio::test]
async fn templates_are_shown_before_they_are_sent() {
    let mut config = away();
    config.template.insert(
        "door".into(),
        Template {
            subject: Some("{{ door }} open".into()),
            text: Some("Since {{ minutes }} minutes.".into()),
            html: None,
        },
    );
    let bench = Bench::new(&config).await;
    let body = json!({ "template": "door", "data": { "door": "Garage", "minutes": 10 } });
    let (status, answer) = bench.ask(Method::POST, "/api/email/preview", &body).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        answer,
        json!({ "subject": "Garage open", "text": "Since 10 minutes." })
    );
}

#[tokio::test]
async fn a_test_mail_tells_whether_mail_works() {
    let server = Server::start(Setup {
        fault: Fault::Rcpt("550 5.1.1 no such user"),
        times: 1,
        ..Setup::default()
    })
    .await;
    let bench = Bench::new(&to(&server)).await;
    let body = json!({ "to": "anna@example.org" });
    let (status, answer) = bench.ask(Method::POST, "/api/email/test", &body).await;
    assert_eq!(
        (status.as_u16(), &answer["smtp_code"]),
        (502, &json!(550)),
        "{answer}"
    );
    let (status, answer) = bench.ask(Method::POST, "/api/email/test", &body).await;
    assert_eq!(
        (status.as_u16(), &answer["sent"]),
        (200, &json!(true)),
        "{answer}"
    );
    assert_eq!(server.taken()[0].subject(), "pistack: test mail");
}

#[tokio::test]
async fn addresses_beyond_ascii_are_sent_as_such() {
    let server = Server::start(Setup::default()).await;
    let bench = Bench::new(&to(&server)).await;
    let id = bench.put(&["żółw@example.org", "anna@żółw.pl"], "s").await;
    bench.until(&id, &["sent"]).await;
    assert_eq!(
        server.taken()[0].to,
        ["żółw@example.org", "anna@xn--w-uga1v8h.pl"]
    );
    assert!(
        server.clear().iter().any(|line| line.contains("SMTPUTF8")),
        "{:?}",
        server.clear()
    );
}
