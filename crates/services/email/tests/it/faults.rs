//! Everything that can go wrong between the outbox and a mail server, over STARTTLS and implicit TLS.

use std::time::Duration;

use pistack_email::Config;
use pistack_email::config::{LostAnswer, Tls};
use pistack_kit::config::Span;
use serde_json::json;

use crate::bench::{Bench, file, to};
use crate::server::{Fault, Server, Setup, Taken};

const HOUR: Duration = Duration::from_hours(1);

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy)]
enum How {
    Starttls,
    Implicit,
}

async fn server(how: How, fault: Fault, times: usize) -> Server {
    Server::start(Setup {
        fault,
        times,
        starttls: matches!(how, How::Starttls),
        implicit: matches!(how, How::Implicit),
        ..Setup::default()
    })
    .await
}

fn config(how: How, server: &Server, directory: &tempfile::TempDir) -> Config {
    Config {
        tls: match how {
            How::Starttls => Tls::Required,
            How::Implicit => Tls::Implicit,
        },
        ca_file: Some(file(directory, &server.ca)),
        timeout: Span(Duration::from_millis(400)),
        answer_timeout: Span(Duration::from_millis(400)),
        ..to(server)
    }
}

/// A fault that spoils the first conversation; the mail's state after it, after an hour, and how often it was taken.
type Row = (Fault, &'static str, &'static str, usize);

const MATRIX: &[Row] = &[
    (Fault::Banner("421 4.3.2 busy"), "waiting", "sent", 1),
    (Fault::Banner("554 no service"), "waiting", "sent", 1),
    (Fault::Garbage, "waiting", "sent", 1),
    (Fault::Silent, "waiting", "sent", 1),
    (Fault::SilentAfterBanner, "waiting", "sent", 1),
    (Fault::Mail("451 4.3.0 later"), "deferred", "sent", 1),
    (Fault::Mail("421 4.3.2 closing"), "waiting", "sent", 1),
    (Fault::Mail("550 5.7.1 not from you"), "dead", "dead", 0),
    (Fault::DropAtMail, "deferred", "sent", 1),
    (Fault::Rcpt("451 4.7.1 greylisted"), "deferred", "sent", 1),
    (Fault::Rcpt("452 4.2.2 mailbox full"), "deferred", "sent", 1),
    (Fault::Rcpt("550 5.1.1 no such user"), "dead", "dead", 0),
    (Fault::DropAtData, "deferred", "sent", 1),
    (Fault::Data("451 4.3.0 disk"), "deferred", "sent", 1),
    (Fault::Data("554 5.7.1 spam"), "dead", "dead", 0),
    (Fault::DropAfterMail(true), "undecided", "undecided", 1),
    (Fault::DropAfterMail(false), "undecided", "undecided", 0),
    (Fault::SilentAfterMail(true), "undecided", "undecided", 1),
    (Fault::SilentAfterMail(false), "undecided", "undecided", 0),
    (Fault::Slow(50), "sent", "sent", 1),
];

async fn row(how: How, (fault, first, last, taken): Row) {
    let directory = tempfile::tempdir().unwrap();
    let server = server(how, fault, 1).await;
    let bench = Bench::new(&config(how, &server, &directory)).await;
    let id = bench.put(&["anna@example.org"], "s").await;
    if first == "waiting" {
        // The server as a whole is at fault, not this mail.
        bench.until_channel("failing").await;
        assert_eq!(bench.message(&id).await["tries"], 0, "{how:?} {fault:?}");
    }
    let mail = bench.until(&id, &[first]).await;
    if first != "sent" {
        let attempts = bench.get(&format!("/api/email/messages/{id}/attempts")).await;
        assert_eq!(
            attempts.as_array().unwrap().len(),
            1,
            "{how:?} {fault:?} {attempts}"
        );
        assert!(
            !attempts[0]["text"].as_str().unwrap().is_empty(),
            "{how:?} {fault:?}"
        );
        assert!(mail["error"].is_string(), "{how:?} {fault:?} {mail}");
    }
    bench.pass(HOUR).await;
    let mail = bench.until(&id, &[last]).await;
    let got = server.taken();
    assert_eq!(got.len(), taken, "{how:?} {fault:?} {mail}");
    for one in got {
        assert!(one.encrypted, "{how:?} {fault:?}");
        let line = format!("Message-ID: {}\r\n", mail["message_id"].as_str().unwrap());
        assert!(one.mail.contains(&line), "{how:?} {fault:?} {}", one.mail);
    }
    bench.stop().await;
}

#[tokio::test]
async fn the_whole_matrix_over_starttls() {
    for one in MATRIX {
        row(How::Starttls, *one).await;
    }
}

#[tokio::test]
async fn the_whole_matrix_over_implicit_tls() {
    for one in MATRIX {
        row(How::Implicit, *one).await;
    }
}

#[tokio::test]
async fn a_wrong_certificate_keeps_mails_and_is_named() {
    for how in [How::Starttls, How::Implicit] {
        let directory = tempfile::tempdir().unwrap();
        let other = Server::start(Setup::default()).await;
        let server = Server::start(Setup {
            starttls: matches!(how, How::Starttls),
            implicit: matches!(how, How::Implicit),
            wrong_certificate: true,
            certificate: crate::server::Certificate::Root,
            ..Setup::default()
        })
        .await;
        for ca in [&server.ca, &other.ca] {
            let config = Config {
                ca_file: Some(file(&directory, ca)),
                ..config(how, &server, &directory)
            };
            let config = Config {
                ca_file: Some(file(&directory, ca)),
                ..config
            };
            let bench = Bench::new(&config).await;
            let id = bench.put(&["anna@example.org"], "s").await;
            let status = bench.until_channel("failing").await;
            let error = status["channel"]["error"].as_str().unwrap();
            assert!(
                error.contains("no trusted TLS") && error.contains("certificate"),
                "{error}"
            );
            assert_eq!(bench.message(&id).await["state"], "waiting");
        }
        assert!(server.taken().is_empty());
        assert!(!server.clear().iter().any(|line| line.starts_with("MAIL")));
    }
}

#[tokio::test]
async fn a_pinned_certificate_is_the_only_one_believed() {
    let directory = tempfile::tempdir().unwrap();
    for how in [How::Starttls, How::Implicit] {
        let server = server(how, Fault::None, 0).await;
        let pinned = |fingerprint: &str| Config {
            ca_file: None,
            fingerprint: Some(fingerprint.to_owned()),
            ..config(how, &server, &directory)
        };
        let bench = Bench::new(&pinned(&server.fingerprint)).await;
        assert_eq!(bench.send_one().await.0, 200);
        let bench = Bench::new(&pinned(&"00".repeat(32))).await;
        let (status, answer) = bench.send_one().await;
        assert_eq!(
            (status.as_u16(), &answer["code"]),
            (502, &json!("smtp_tls")),
            "{answer}"
        );
        assert!(
            answer["message"].as_str().unwrap().contains("fingerprint"),
            "{answer}"
        );
        assert_eq!(server.taken().len(), 1);
    }
}

#[tokio::test]
async fn a_bad_password_pauses_with_everything_kept_until_it_is_corrected() {
    for how in [How::Starttls, How::Implicit] {
        let (directory, secrets) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let server = Server::start(Setup {
            login: Some("user:secret"),
            starttls: matches!(how, How::Starttls),
            implicit: matches!(how, How::Implicit),
            ..Setup::default()
        })
        .await;
        let bench = Bench::new(&Config {
            username: Some("user".into()),
            password_file: Some(file(&secrets, "hunter2")),
            ..config(how, &server, &directory)
        })
        .await;
        let mut ids = Vec::new();
        for number in 0..3 {
            ids.push(bench.put(&["anna@example.org"], &number.to_string()).await);
        }
        let status = bench.until_channel("paused").await;
        assert!(
            status["channel"]["error"].as_str().unwrap().contains("535"),
            "{status}"
        );
        assert!(!status.to_string().contains("hunter2"));
        let knocks = server.conversations();
        // Days later nothing has been given up, and the wrong password was not tried again.
        bench.pass(Duration::from_hours(24 * 10)).await;
        ids.push(bench.put(&["anna@example.org"], "3").await);
        let (code, answer) = bench.send_one().await;
        assert_eq!((code.as_u16(), &answer["code"]), (502, &json!("smtp_login")));
        assert_eq!(server.conversations(), knocks);
        let status = bench.get("/api/email/status").await;
        assert_eq!(status["outbox"]["waiting"], 4, "{status}");
        let health = bench.get("/api/email/health").await;
        assert_eq!(
            (
                &health["status"],
                &health["channel"],
                &health["outbox"]["waiting"]
            ),
            (&json!("degraded"), &json!("paused"), &json!(4))
        );
        file(&secrets, "secret");
        bench.wake().await;
        for id in &ids {
            bench.until(id, &["sent"]).await;
        }
        let subjects: Vec<_> = server.taken().iter().map(Taken::subject).collect();
        assert_eq!(subjects, ["0", "1", "2", "3"], "order");
    }
}

#[tokio::test]
async fn no_way_to_log_in_pauses_and_nothing_goes_out_in_the_clear() {
    let secrets = tempfile::tempdir().unwrap();
    let server = Server::start(Setup::default()).await;
    let bench = Bench::new(&Config {
        username: Some("user".into()),
        password_file: Some(file(&secrets, "secret")),
        tls: Tls::Off,
        ..to(&server)
    })
    .await;
    let id = bench.put(&["anna@example.org"], "s").await;
    bench.until_channel("paused").await;
    assert_eq!(bench.message(&id).await["state"], "waiting");
    assert!(
        !server
            .clear()
            .iter()
            .any(|line| line.starts_with("AUTH") || line.starts_with("MAIL"))
    );
    let (status, _) = bench
        .ask(http::Method::POST, "/api/email/resume", &serde_json::Value::Null)
        .await;
    assert_eq!(status, 202);
}

#[tokio::test]
async fn recipients_are_tracked_one_by_one() {
    let server = Server::start(Setup::default()).await;
    let bench = Bench::new(&to(&server)).await;
    let id = bench
        .put(
            &["anna@example.org", "nobody@example.org", "full@example.org"],
            "s",
        )
        .await;
    let mail = bench.until(&id, &["deferred"]).await;
    let states: Vec<_> = mail["recipients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["state"].as_str().unwrap(), one["code"].as_i64().unwrap()))
        .collect();
    assert_eq!(states, [("sent", 250), ("dead", 550), ("waiting", 452)]);
    bench.pass(HOUR).await;
    bench.wake().await;
    pistack_kit::testing::eventually("the second try", async || {
        (bench.message(&id).await["tries"] == 2).then_some(())
    })
    .await;
    assert_eq!(server.taken().len(), 1, "anna gets it once");
    assert_eq!(server.taken()[0].to, ["anna@example.org"]);
}

#[tokio::test]
async fn a_lost_answer_may_be_answered_by_sending_again() {
    let server = Server::start(Setup {
        fault: Fault::DropAfterMail(true),
        times: 1,
        ..Setup::default()
    })
    .await;
    let bench = Bench::new(&Config {
        lost_answer: LostAnswer::Resend,
        ..to(&server)
    })
    .await;
    let id = bench.put(&["anna@example.org"], "s").await;
    let mail = bench.until(&id, &["deferred"]).await;
    assert_eq!(mail["lost_answers"], 1);
    bench.pass(HOUR).await;
    bench.until(&id, &["sent"]).await;
    let ids: Vec<_> = server.taken().iter().map(Taken::message_id).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(
        ids[0], ids[1],
        "the reader's program can tell that it is the same"
    );
}

#[tokio::test]
async fn an_undecided_mail_is_sent_again_when_somebody_says_so() {
    let server = Server::start(Setup {
        fault: Fault::DropAfterMail(false),
        times: 1,
        ..Setup::default()
    })
    .await;
    let bench = Bench::new(&to(&server)).await;
    let id = bench.put(&["anna@example.org"], "s").await;
    bench.until(&id, &["undecided"]).await;
    let path = format!("/api/email/messages/{id}/retry");
    let (status, answer) = bench
        .ask(http::Method::POST, &path, &serde_json::Value::Null)
        .await;
    assert_eq!(status, 202, "{answer}");
    let mail = bench.until(&id, &["sent"]).await;
    assert_eq!((&mail["lost_answers"], server.taken().len()), (&json!(1), 1));
    let (status, answer) = bench
        .ask(http::Method::POST, &path, &serde_json::Value::Null)
        .await;
    assert_eq!(
        (status.as_u16(), &answer["message"]),
        (409, &json!("the mail has been sent"))
    );
}

/// Whether the end of a small mail has left before the server hangs up is a race, and the answer is right both ways:
/// nothing is sent twice.
#[tokio::test]
async fn a_connection_lost_within_the_mail_never_makes_two_of_it() {
    for how in [How::Starttls, How::Implicit] {
        let directory = tempfile::tempdir().unwrap();
        let server = server(how, Fault::DropInMail, 1).await;
        let bench = Bench::new(&config(how, &server, &directory)).await;
        let id = bench.put(&["anna@example.org"], "s").await;
        let first = bench.until(&id, &["deferred", "undecided"]).await;
        bench.pass(HOUR).await;
        if first["state"] == "deferred" {
            bench.until(&id, &["sent"]).await;
            assert_eq!(server.taken().len(), 1);
        } else {
            assert_eq!(bench.message(&id).await["state"], "undecided");
            assert!(server.taken().is_empty());
        }
    }
}
