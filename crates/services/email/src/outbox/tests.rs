//! The outbox by itself: no mail server.

use std::sync::Arc;

use pistack_api::mail::MailRequest;
use pistack_api::service::Service;
use pistack_kit::testing::{TestAuth, context};
use serde_json::json;

use super::*;
use crate::compose::{Author, compose};
use crate::deliver::Reply;

struct Bench {
    outbox: Outbox,
    config: Arc<Config>,
    _directory: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let context = context(Service::Email, directory.path(), &TestAuth::new());
        context.clock.set_wall(1_800_000_000);
        let config = Arc::new(Config::default());
        Self {
            outbox: Outbox::open(&context, &config).await.unwrap(),
            config,
            _directory: directory,
        }
    }

    async fn put(&self, text: &str) -> Result<String, Error> {
        let request: MailRequest =
            serde_json::from_value(json!({ "to": "a@example.org", "subject": "s", "text": text })).unwrap();
        let from = "pi@example.org".parse().unwrap();
        let mail = compose(
            &request,
            Author::Stack,
            &self.config,
            &from,
            self.outbox.clock.wall(),
        )?;
        let accepted = self
            .outbox
            .accept(&mail, &Owner::stack(), &Wanted::default())
            .await?;
        Ok(accepted.0.id)
    }

    async fn first(&self) -> Job {
        match self.outbox.next().await.unwrap() {
            Next::Mail(job) => *job,
            other => panic!("{other:?}"),
        }
    }
}

fn tried(job: &Job, reply: Reply) -> Tried {
    Tried {
        seq: job.seq,
        once: job.once,
        at_ms: 0,
        took_ms: 0,
        stage: "answer",
        replies: vec![(0, reply)],
        error: None,
        counts: true,
        next_ms: 0,
    }
}

/// `max_page_count` makes SQLite say the same as a full disk (`SQLITE_FULL`).
async fn fill(bench: &Bench, full: bool) {
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count")
        .fetch_one(&bench.outbox.pool)
        .await
        .unwrap();
    let limit = if full { pages } else { pages + 100_000 };
    sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {limit}")))
        .fetch_one(&bench.outbox.pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_new_mails_and_loses_none() {
    let bench = Bench::new().await;
    let kept = bench.put("kept").await.unwrap();
    fill(&bench, true).await;
    let big = "x".repeat(200_000);
    assert_eq!(bench.put(&big).await.unwrap_err(), Error::DiskFull);
    // What was accepted can still be sent, and its state written.
    let job = bench.first().await;
    assert_eq!(job.id, kept);
    fill(&bench, false).await;
    assert!(bench.outbox.mark_sending(job.seq, &[0]).await.unwrap());
    let state = bench
        .outbox
        .record(&tried(&job, Reply::Taken("ok".into())))
        .await
        .unwrap();
    assert_eq!(state.unwrap().as_str(), "sent");
    let later = bench.put(&big).await.unwrap();
    assert_eq!(bench.first().await.id, later);
}

#[tokio::test]
async fn a_mail_removed_on_its_way_is_neither_marked_nor_recorded() {
    let bench = Bench::new().await;
    let id = bench.put("t").await.unwrap();
    let job = bench.first().await;
    bench.outbox.remove(&id, &Owner::stack()).await.unwrap();
    assert!(!bench.outbox.mark_sending(job.seq, &[0]).await.unwrap());
    assert_eq!(
        bench.outbox.record(&tried(&job, Reply::Untried)).await.unwrap(),
        None
    );
    assert!(matches!(bench.outbox.next().await.unwrap(), Next::Nothing));
}

#[tokio::test]
async fn only_the_tail_of_what_is_kept_keeps_its_text() {
    let mut bench = Bench::new().await;
    let mut config = Config::default();
    config.outbox.max_kept_size = pistack_kit::config::ByteSize(250_000);
    bench.config = Arc::new(config.clone());
    bench.outbox.config = Arc::new(config);
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(bench.put(&"x".repeat(100_000)).await.unwrap());
        let job = bench.first().await;
        bench.outbox.mark_sending(job.seq, &[0]).await.unwrap();
        bench
            .outbox
            .record(&tried(&job, Reply::Taken(String::new())))
            .await
            .unwrap();
    }
    bench.outbox.prune().await.unwrap();
    let mut texts = Vec::new();
    for id in &ids {
        texts.push(
            bench
                .outbox
                .get(id, &Owner::stack())
                .await
                .unwrap()
                .text
                .is_some(),
        );
    }
    assert_eq!(texts, [false, false, true, true]);
}
