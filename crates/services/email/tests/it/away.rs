//! A mail server that is away for a day: order kept, nothing lost, memory flat; then everything goes out.

use std::time::Duration;

use http::Method;
use pistack_email::Config;
use pistack_kit::testing::eventually;
use serde_json::{Value, json};

use crate::bench::{Bench, to};
use crate::server::{Server, Setup, Taken};

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn config(port: u16) -> Config {
    Config {
        smtp_host: "localhost".into(),
        smtp_port: Some(port),
        smtp_from: "pi@example.org".into(),
        ..Config::default()
    }
}

/// Resident kilobytes of this process.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

/// Waits until the queue has tried, if it was its time, and rests again; failures in a row.
async fn rested(bench: &Bench) -> u64 {
    eventually("the queue rests", async || {
        let channel = bench.get("/api/email/status").await["channel"].clone();
        let rests = channel["next_try_seconds"]
            .as_u64()
            .is_some_and(|seconds| seconds > 0);
        rests.then(|| channel["failures"].as_u64().unwrap())
    })
    .await
}

#[tokio::test]
async fn a_day_without_a_mail_server() {
    let port = free_port();
    let bench = Bench::new(&config(port)).await;
    let mut ids = vec![bench.put(&["anna@example.org"], "0").await];
    let mut knocks = rested(&bench).await;
    let mut early = 0;
    // 24 hours in steps of two minutes; a mail every twelve.
    for step in 1..=720 {
        if step % 6 == 0 {
            ids.push(bench.put(&["anna@example.org"], &ids.len().to_string()).await);
        }
        bench.pass(Duration::from_mins(2)).await;
        knocks = rested(&bench).await;
        if step == 120 {
            early = resident();
        }
    }
    assert!((24..=40).contains(&knocks), "{knocks} tries in a day");
    let late = resident();
    assert!(late < early + 3000, "memory grew from {early} to {late} kB");
    let status = bench.get("/api/email/status").await;
    assert_eq!(status["outbox"]["waiting"], ids.len());
    assert_eq!(status["outbox"]["oldest_seconds"], 24 * 3600);
    println!(
        "{} mails waited up to 24 h, {knocks} tries, memory {early} -> {late} kB",
        ids.len()
    );
    // Answers as fast as ever.
    let began = bench.get("/api/email/health").await;
    assert_eq!(began["status"], "degraded");
    let server = Server::start_at(port, Setup::default()).await;
    bench.pass(Duration::from_hours(1)).await;
    eventually("everything goes out", async || {
        (server.taken().len() == ids.len()).then_some(())
    })
    .await;
    let order: Vec<_> = server.taken().iter().map(Taken::subject).collect();
    let expected: Vec<_> = (0..ids.len()).map(|number| number.to_string()).collect();
    assert_eq!(order, expected);
    assert_eq!(server.conversations(), 1);
    bench.until(ids.last().unwrap(), &["sent"]).await;
    assert_eq!(bench.get("/api/email/health").await["status"], "ok");
}

#[tokio::test]
async fn after_three_days_a_mail_is_given_up_and_may_be_revived() {
    let port = free_port();
    let bench = Bench::new(&config(port)).await;
    let id = bench.put(&["anna@example.org"], "s").await;
    rested(&bench).await;
    for _ in 0..74 {
        bench.pass(Duration::from_hours(1)).await;
        eventually("the queue rests", async || {
            let status = bench.get("/api/email/status").await;
            let rests = status["channel"]["next_try_seconds"].as_u64() > Some(0);
            (rests || status["outbox"]["waiting"] == 0).then_some(())
        })
        .await;
    }
    let mail = bench.until(&id, &["dead"]).await;
    let text = mail["recipients"][0]["text"].as_str().unwrap();
    assert!(
        text.starts_with("given up after 72 h: smtp server unreachable"),
        "{text}"
    );
    let server = Server::start_at(port, Setup::default()).await;
    bench
        .ask(
            Method::POST,
            &format!("/api/email/messages/{id}/retry"),
            &Value::Null,
        )
        .await;
    bench.until(&id, &["sent"]).await;
    assert_eq!(server.taken().len(), 1);
}

#[tokio::test]
async fn a_clock_that_nobody_believes_decides_nothing() {
    let (port, directory) = (free_port(), tempfile::tempdir().unwrap());
    // 1970, as on a board without a battery.
    let bench = Bench::at(directory.path(), &config(port), 100).await.unwrap();
    let id = bench.put(&["anna@example.org"], "s").await;
    rested(&bench).await;
    bench.pass(Duration::from_hours(100)).await;
    rested(&bench).await;
    assert_eq!(
        bench.message(&id).await["state"],
        "waiting",
        "100 hours of no known date"
    );
    let young = bench.put(&["anna@example.org"], "young").await;
    // The time server answers: 56 years at once. Ages stay what they are: 100 hours, and none.
    bench.context.clock.set_wall(1_800_000_000);
    bench.pass(Duration::from_hours(2)).await;
    bench.until(&id, &["dead"]).await;
    assert_eq!(bench.message(&young).await["state"], "waiting");
    let server = Server::start_at(port, Setup::default()).await;
    bench.pass(Duration::from_hours(1)).await;
    bench.until(&young, &["sent"]).await;
    let mail = server.taken()[0].mail.clone();
    assert!(
        mail.starts_with("Date: Fri, 15 Jan 2027"),
        "the time of sending: {mail}"
    );
}

#[tokio::test]
async fn without_a_known_time_a_mail_has_no_date() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(Setup::default()).await;
    let bench = Bench::at(directory.path(), &to(&server), 100).await.unwrap();
    let id = bench.put(&["anna@example.org"], "s").await;
    bench.until(&id, &["sent"]).await;
    assert!(
        !server.taken()[0].mail.contains("Date:"),
        "{}",
        server.taken()[0].mail
    );
    assert_eq!(
        bench
            .send(json!({ "to": "a@example.org", "subject": "s", "text": "t" }))
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn what_is_done_is_forgotten_after_its_time() {
    let server = Server::start(Setup::default()).await;
    let bench = Bench::new(&to(&server)).await;
    let old = bench.put(&["anna@example.org"], "old").await;
    bench.until(&old, &["sent"]).await;
    bench.context.clock.advance(Duration::from_hours(24 * 31));
    let new = bench.put(&["anna@example.org"], "new").await;
    bench.until(&new, &["sent"]).await;
    let path = format!("/api/email/messages/{old}");
    assert_eq!(bench.ask(Method::GET, &path, &Value::Null).await.0, 404);
    assert_eq!(bench.message(&new).await["subject"], "new");
}
