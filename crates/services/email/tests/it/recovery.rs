//! What a start makes of what the last run left.

use std::time::Duration;

use pistack_kit::config::Span;
use pistack_kit::testing::eventually;
use serde_json::json;

use crate::bench::{Bench, to};
use crate::server::{Fault, Server, Setup, Taken};

const NOW: i64 = 1_800_000_000;

#[tokio::test]
async fn accepted_mails_outlive_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let config = pistack_email::Config {
        smtp_host: "localhost".into(),
        smtp_port: Some(port),
        ..pistack_email::Config::default()
    };
    let mut ids = Vec::new();
    for run in 0..3 {
        let bench = Bench::at(directory.path(), &config, NOW).await.unwrap();
        ids.push(bench.put(&["anna@example.org"], &run.to_string()).await);
        bench.stop().await;
    }
    let server = Server::start_at(port, Setup::default()).await;
    // The clock went back meanwhile, as on a board without a battery.
    let bench = Bench::at(directory.path(), &config, NOW - 1_000_000)
        .await
        .unwrap();
    eventually("everything goes out", async || {
        bench.pass(Duration::from_hours(2)).await;
        (server.taken().len() == ids.len()).then_some(())
    })
    .await;
    for id in &ids {
        bench.until(id, &["sent"]).await;
    }
    let order: Vec<_> = server.taken().iter().map(Taken::subject).collect();
    assert_eq!(order, ["0", "1", "2"]);
}

#[tokio::test]
async fn a_mail_cut_off_after_its_end_is_undecided_and_not_sent_again() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(Setup {
        fault: Fault::SilentAfterMail(true),
        times: 1,
        ..Setup::default()
    })
    .await;
    let config = pistack_email::Config {
        answer_timeout: Span(Duration::from_mins(10)),
        ..to(&server)
    };
    let first = Bench::at(directory.path(), &config, NOW).await.unwrap();
    let id = first.put(&["anna@example.org"], "s").await;
    first.until(&id, &["sending"]).await;
    let (status, _) = first
        .ask(
            http::Method::DELETE,
            &format!("/api/email/messages/{id}"),
            &json!(null),
        )
        .await;
    assert_eq!(status, 409, "on its way");
    // A second process on the same file is what a restart after kill -9 sees.
    let second = Bench::at(directory.path(), &config, NOW + 60).await.unwrap();
    let mail = second.until(&id, &["undecided"]).await;
    assert_eq!(mail["lost_answers"], 1);
    assert!(
        mail["recipients"][0]["text"]
            .as_str()
            .unwrap()
            .contains("the service ended"),
        "{mail}"
    );
    second.pass(Duration::from_hours(100)).await;
    let other = second.put(&["anna@example.org"], "other").await;
    second.until(&other, &["sent"]).await;
    assert_eq!(server.taken().len(), 2, "once each");
}
