//! `POST /api/email/send`, the original's call: one conversation, one answer.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use pistack_email::Config;
use pistack_email::config::Tls;
use pistack_kit::config::Span;
use pistack_kit::testing::eventually;
use serde_json::json;

use crate::bench::{Bench, ask, file, to};
use crate::server::{Certificate, Fault, Server, Setup};

#[tokio::test]
async fn sends_over_plain_smtp() {
    let server = Server::start(Setup::default()).await;
    let bench = Bench::new(&to(&server)).await;
    let body =
        json!({ "to": ["Anna <anna@example.org>", "b@example.org"], "subject": "Zażółć", "text": "a\n.\nb" });
    let (status, answer) = bench.send(body).await;
    assert_eq!(
        (status.as_u16(), &answer["sent"]),
        (200, &json!(true)),
        "{answer}"
    );
    let taken = server.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(
        (taken[0].from.as_str(), &*taken[0].to),
        (
            "pi@example.org",
            &["anna@example.org".to_owned(), "b@example.org".to_owned()][..]
        )
    );
    let id = answer["message_id"].as_str().unwrap();
    assert!(
        taken[0].mail.contains(&format!("Message-ID: {id}\r\n")),
        "{}",
        taken[0].mail
    );
    assert!(
        taken[0].mail.contains("\r\n\r\na\r\n..\r\nb"),
        "a line with a dot alone does not end the mail: {}",
        taken[0].mail
    );
    assert!(!taken[0].encrypted);
}

#[tokio::test]
async fn needs_a_token_but_not_from_our_own_processes() {
    let server = Server::start(Setup::default()).await;
    let bench = Bench::new(&to(&server)).await;
    let body = json!({ "to": "anna@example.org", "subject": "s", "text": "t" }).to_string();
    let (status, answer) = ask(
        &bench.router,
        Request::post("/api/email/send")
            .body(Body::from(body.clone()))
            .unwrap(),
    )
    .await;
    assert_eq!(
        (status.as_u16(), &answer["message"]),
        (401, &json!("invalid or expired token"))
    );
    let internal = || {
        Request::post("/internal/send")
            .body(Body::from(body.clone()))
            .unwrap()
    };
    assert_eq!(
        ask(&bench.router, internal()).await.0,
        404,
        "not on the public side"
    );
    assert_eq!(ask(&bench.internal, internal()).await.0, 202);
    eventually("the mail is there", async || {
        (server.taken().len() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn bad_mails_never_reach_the_server() {
    let server = Server::start(Setup::default()).await;
    let bench = Bench::new(&to(&server)).await;
    for body in [
        json!({}),
        json!({ "to": "anna@example.org", "subject": "s" }),
        json!({ "to": 5, "subject": "s", "text": "t" }),
        json!({ "to": [], "subject": "s", "text": "t" }),
        json!({ "to": "anna", "subject": "s", "text": "t" }),
        json!({ "to": "anna@example.org\r\nBcc: eve@example.org", "subject": "s", "text": "t" }),
        json!({ "to": "anna@example.org", "subject": "s\r\nBcc: eve@example.org", "text": "t" }),
        json!({ "to": "anna@example.org", "subject": "", "text": "t" }),
        json!({ "to": "anna@example.org", "subject": "s", "text": "" }),
    ] {
        let (status, answer) = bench.send(body.clone()).await;
        assert_eq!(
            (status.as_u16(), &answer["message"]),
            (400, &json!("invalid payload")),
            "{body}"
        );
        assert!(answer["detail"].is_string(), "{body}");
    }
    assert!(server.clear().is_empty());
}

#[tokio::test]
async fn refusals_carry_the_servers_own_words() {
    for (fault, code, text, temporary) in [
        (Fault::Rcpt("550 5.1.1 no such user"), 550, "no such user", false),
        (Fault::Rcpt("451 4.7.1 greylisted"), 451, "greylisted", true),
        (Fault::Rcpt("452 4.2.2 mailbox full"), 452, "mailbox full", true),
        (Fault::Data("554 5.7.1 spam"), 554, "spam", false),
    ] {
        let server = Server::start(Setup {
            fault,
            ..Setup::default()
        })
        .await;
        let (status, answer) = Bench::new(&to(&server)).await.send_one().await;
        assert_eq!(
            (status.as_u16(), &answer["code"]),
            (502, &json!("smtp_refused")),
            "{answer}"
        );
        assert_eq!(
            (&answer["smtp_code"], &answer["temporary"]),
            (&json!(code), &json!(temporary))
        );
        assert!(answer["smtp_text"].as_str().unwrap().contains(text), "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(text), "{answer}");
        assert!(server.taken().is_empty());
    }
}

#[tokio::test]
async fn nobody_there_is_503_and_names_the_server() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for host in ["127.0.0.1", "no-such-host.invalid"] {
        let config = Config {
            smtp_host: host.into(),
            smtp_port: Some(port),
            ..Config::default()
        };
        let (status, answer) = Bench::new(&config).await.send_one().await;
        assert_eq!(
            (status.as_u16(), &answer["code"]),
            (503, &json!("smtp_unreachable")),
            "{answer}"
        );
        let message = answer["message"].as_str().unwrap();
        assert!(
            message.starts_with(&format!("smtp server unreachable: {host}:{port}")),
            "{message}"
        );
        assert!(answer["detail"].as_str().unwrap().contains("SMTP_HOST"));
    }
}

#[tokio::test]
async fn a_silent_server_is_504_in_time() {
    for fault in [Fault::Silent, Fault::SilentAfterBanner] {
        let server = Server::start(Setup {
            fault,
            ..Setup::default()
        })
        .await;
        let bench = Bench::new(&Config {
            timeout: Span(Duration::from_millis(200)),
            ..to(&server)
        })
        .await;
        let answer = tokio::time::timeout(Duration::from_secs(3), bench.send_one())
            .await
            .expect("200 ms");
        assert_eq!(
            (answer.0.as_u16(), &answer.1["code"]),
            (504, &json!("smtp_timeout")),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn a_broken_conversation_is_502() {
    for fault in [Fault::DropAtData, Fault::Garbage] {
        let server = Server::start(Setup {
            fault,
            ..Setup::default()
        })
        .await;
        let (status, answer) = Bench::new(&to(&server)).await.send_one().await;
        assert_eq!(
            (status.as_u16(), &answer["code"]),
            (502, &json!("smtp_broken")),
            "{fault:?}: {answer}"
        );
    }
}

#[tokio::test]
async fn starttls_is_used_where_it_is_offered() {
    let server = Server::start(Setup {
        starttls: true,
        ..Setup::default()
    })
    .await;
    assert_eq!(
        Bench::new(&to(&server)).await.send_one().await.0,
        200,
        "a certificate nobody knows is better than none"
    );
    assert!(server.taken()[0].encrypted);
    assert!(
        !server.clear().iter().any(|line| line.starts_with("MAIL")),
        "{:?}",
        server.clear()
    );
    let off = Config {
        tls: Tls::Off,
        ..to(&server)
    };
    assert_eq!(Bench::new(&off).await.send_one().await.0, 200);
    assert!(!server.taken()[1].encrypted);
}

#[tokio::test]
async fn required_tls_is_trusted_or_nothing_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(Setup {
        starttls: true,
        ..Setup::default()
    })
    .await;
    let required = Config {
        tls: Tls::Required,
        ..to(&server)
    };
    let (status, answer) = Bench::new(&required).await.send_one().await;
    assert_eq!(
        (status.as_u16(), &answer["code"]),
        (502, &json!("smtp_tls")),
        "{answer}"
    );
    assert!(
        answer["message"].as_str().unwrap().contains("certificate"),
        "{answer}"
    );
    let trusted = Config {
        ca_file: Some(file(&directory, &server.ca)),
        ..required
    };
    let (status, answer) = Bench::new(&trusted).await.send_one().await;
    assert_eq!(status, 200, "{answer}");

    let plain = Server::start(Setup::default()).await;
    let required = Config {
        tls: Tls::Required,
        ..to(&plain)
    };
    let (status, answer) = Bench::new(&required).await.send_one().await;
    assert_eq!(
        (status.as_u16(), &answer["code"]),
        (502, &json!("smtp_tls")),
        "{answer}"
    );
    assert!(
        answer["message"].as_str().unwrap().contains("STARTTLS"),
        "{answer}"
    );
    assert!(plain.taken().is_empty());
}

#[tokio::test]
async fn a_certificate_is_believed_for_itself_or_by_its_root() {
    let directory = tempfile::tempdir().unwrap();
    for certificate in [Certificate::Itself, Certificate::MarkedAsCa, Certificate::Root] {
        let server = Server::start(Setup {
            starttls: true,
            certificate,
            ..Setup::default()
        })
        .await;
        for tls in [Tls::Required, Tls::Opportunistic] {
            let config = |pem: &str| Config {
                tls,
                ca_file: Some(file(&directory, pem)),
                ..to(&server)
            };
            let (status, answer) = Bench::new(&config(&server.ca)).await.send_one().await;
            assert_eq!(status, 200, "{certificate:?} {tls:?}: {answer}");
            let other = Server::start(Setup {
                certificate,
                ..Setup::default()
            })
            .await;
            let (status, answer) = Bench::new(&config(&other.ca)).await.send_one().await;
            assert_eq!(
                (status.as_u16(), &answer["code"]),
                (502, &json!("smtp_tls")),
                "{certificate:?} {tls:?}"
            );
        }
        assert_eq!(server.taken().len(), 2);
        assert!(server.taken().iter().all(|mail| mail.encrypted));
    }
}

#[tokio::test]
async fn implicit_tls() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(Setup {
        implicit: true,
        ..Setup::default()
    })
    .await;
    let config = Config {
        tls: Tls::Implicit,
        ca_file: Some(file(&directory, &server.ca)),
        ..to(&server)
    };
    let (status, answer) = Bench::new(&config).await.send_one().await;
    assert_eq!(status, 200, "{answer}");
    assert!(server.taken()[0].encrypted);
}

#[tokio::test]
async fn a_password_leaves_over_trusted_tls_only() {
    let directory = tempfile::tempdir().unwrap();
    let secrets = tempfile::tempdir().unwrap();
    let setup = || Setup {
        login: Some("user:secret"),
        ..Setup::default()
    };
    let with_login = |server: &Server, ca: bool| Config {
        username: Some("user".into()),
        password_file: Some(file(&secrets, "secret\n")),
        ca_file: ca.then(|| file(&directory, &server.ca)),
        ..to(server)
    };
    let server = Server::start(Setup {
        starttls: true,
        ..setup()
    })
    .await;
    let (status, answer) = Bench::new(&with_login(&server, true)).await.send_one().await;
    assert_eq!(status, 200, "{answer}");
    let (status, answer) = Bench::new(&with_login(&server, false)).await.send_one().await;
    assert_eq!(
        (status.as_u16(), &answer["code"]),
        (502, &json!("smtp_tls")),
        "{answer}"
    );

    let plain = Server::start(setup()).await;
    let (status, answer) = Bench::new(&with_login(&plain, false)).await.send_one().await;
    assert_eq!(
        (status.as_u16(), &answer["code"]),
        (502, &json!("smtp_tls")),
        "{answer}"
    );
    assert!(
        !plain.clear().iter().any(|line| line.starts_with("AUTH")),
        "{:?}",
        plain.clear()
    );
    // Unless the operator says so.
    let off = Config {
        tls: Tls::Off,
        ..with_login(&plain, false)
    };
    assert_eq!(Bench::new(&off).await.send_one().await.0, 200);
}

#[tokio::test]
async fn a_wrong_password_is_told_apart_and_not_shown() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(Setup {
        login: Some("user:secret"),
        ..Setup::default()
    })
    .await;
    let config = Config {
        username: Some("user".into()),
        password_file: Some(file(&directory, "hunter2")),
        tls: Tls::Off,
        ..to(&server)
    };
    let bench = Bench::new(&config).await;
    let (status, answer) = bench.send_one().await;
    assert_eq!(
        (status.as_u16(), &answer["code"], &answer["smtp_code"]),
        (502, &json!("smtp_login"), &json!(535))
    );
    assert!(!answer.to_string().contains("hunter2"));
    // A corrected password needs no restart.
    file(&directory, "secret");
    assert_eq!(bench.send_one().await.0, 200);
    std::fs::remove_file(directory.path().join("file")).unwrap();
    let (status, answer) = bench.send_one().await;
    assert_eq!((status.as_u16(), &answer["code"]), (503, &json!("smtp_password")));
}

#[tokio::test]
async fn a_bad_configuration_is_refused_with_its_cure() {
    let directory = tempfile::tempdir().unwrap();
    let refused = async |config: Config| Bench::try_new(&config).await.err().unwrap();
    let sender = refused(Config {
        smtp_from: "nobody".into(),
        ..Config::default()
    })
    .await;
    assert!(
        sender.contains("`nobody`") && sender.contains("SMTP_FROM"),
        "{sender}"
    );
    let missing = refused(Config {
        ca_file: Some("/nonexistent/ca.pem".into()),
        ..Config::default()
    })
    .await;
    assert!(
        missing.contains("/nonexistent/ca.pem") && missing.contains("`ca_file`"),
        "{missing}"
    );
    let none = refused(Config {
        ca_file: Some(file(&directory, "no certificate")),
        ..Config::default()
    })
    .await;
    assert!(none.contains("no PEM certificate"), "{none}");
    let user = Config {
        username: Some("u".into()),
        ..Config::default()
    };
    assert!(refused(user.clone()).await.contains("password_file"));
    let secret = refused(Config {
        password_file: Some("/nonexistent/pw".into()),
        ..user
    })
    .await;
    assert!(secret.contains("/nonexistent/pw"), "{secret}");
}

#[test]
fn the_document_has_the_call() {
    let spec = serde_json::to_value(pistack_email::spec()).unwrap();
    assert_eq!(
        spec["paths"]["/api/email/send"]["post"]["operationId"],
        "send_email"
    );
    assert!(spec["paths"]["/internal/send"].is_null());
}
