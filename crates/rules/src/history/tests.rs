//! The history on real files.

use pistack_api::event::Event;

use super::*;
use crate::channel::message::Word;
use crate::config::Severity;
use crate::firing::{Held, Kind};

fn firing(rule: &str) -> Firing {
    let (fields, data) = Event::split_payload("processname:cam groupname:cam expected:0");
    Firing {
        rule: rule.into(),
        kind: Kind::Fired,
        key: "cam".into(),
        severity: Severity::Warning,
        event: Event {
            serial: 1,
            name: "PROCESS_STATE_EXITED".into(),
            at: 5,
            fields,
            data,
        },
        actions: Vec::new(),
        count: 1,
        since: 5,
        depth: 0,
        why: "PROCESS_STATE_FATAL of camera".into(),
    }
}

fn delivery(channel: &str, rule: &str) -> NewDelivery {
    NewDelivery {
        channel: channel.into(),
        chain: vec!["b".into()],
        manual: false,
        message: Message {
            id: pistack_kit::random::token(6),
            rule: rule.into(),
            kind: Word::Fired,
            key: "cam".into(),
            severity: Severity::Warning,
            title: format!("{rule} title"),
            text: "text".into(),
            count: 1,
            since: 5,
            at: 5,
            host: "pi".into(),
            event: None,
        },
    }
}

fn history(folder: &std::path::Path) -> History {
    History::new(folder.join("db/rules.sqlite3"), Clock::manual(1_700_000_000))
}

#[tokio::test]
async fn nothing_is_opened_before_there_is_something_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let history = history(folder.path());
    assert!(!history.exists());
    assert!(history.firings(&Page::default()).await.unwrap().is_empty());
    assert!(history.held(&Page::default()).await.unwrap().is_empty());
    assert!(history.last_result("a").await.unwrap().is_none());
    assert!(!folder.path().join("db").exists());
}

#[tokio::test]
async fn a_firing_and_its_messages_are_one_transaction_and_survive() {
    let folder = tempfile::tempdir().unwrap();
    let first = history(folder.path());
    let id = first
        .record(Some(&firing("r")), &[delivery("a", "r"), delivery("b", "r")])
        .await
        .unwrap();
    let result = ResultView {
        action: "restart".into(),
        ok: false,
        detail: "no".into(),
        ms: 3,
    };
    first
        .finish_firing(id, std::slice::from_ref(&result))
        .await
        .unwrap();
    first.close().await;
    let second = history(folder.path());
    assert_eq!(second.waiting_channels().await.unwrap(), ["a", "b"]);
    let view = second.firing(id).await.unwrap().unwrap();
    assert_eq!(
        (view.results.as_slice(), view.deliveries.len(), view.why.as_str()),
        ([result].as_slice(), 2, "PROCESS_STATE_FATAL of camera")
    );
    let due = second.head("a", Some(Severity::Info)).await.unwrap().unwrap();
    second.finish(due.id, Fate::Sent, "200 OK").await.unwrap();
    assert!(second.head("a", Some(Severity::Info)).await.unwrap().is_none());
    let last = second.last_result("a").await.unwrap().unwrap();
    assert_eq!(
        (last.state.as_str(), last.detail.as_str(), last.attempts),
        ("sent", "200 OK", 1)
    );
    assert_eq!(second.sent_since("a", 0).await.unwrap(), [1_700_000_000]);
}

#[tokio::test]
async fn ten_thousand_messages_to_a_dead_channel_stay_bounded_and_none_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let history = history(folder.path());
    let batch: Vec<NewDelivery> = (0..100).map(|_| delivery("a", "r")).collect();
    for _ in 0..100 {
        history.record(None, &batch).await.unwrap();
    }
    let crowd = history.crowd("a").await.unwrap();
    assert_eq!((crowd.rows, crowd.total), (MOST_WAITING, 10_000));
    assert_eq!(crowd.by_rule, [("r".to_owned(), 10_000)]);
    let size = std::fs::metadata(folder.path().join("db/rules.sqlite3"))
        .unwrap()
        .len();
    assert!(size < 4 << 20, "{size}");
}

#[tokio::test]
async fn a_message_is_handed_over_once() {
    let folder = tempfile::tempdir().unwrap();
    let history = history(folder.path());
    history
        .record(Some(&firing("r")), &[delivery("a", "r")])
        .await
        .unwrap();
    let due = history.head("a", Some(Severity::Info)).await.unwrap().unwrap();
    assert_eq!(due.chain, ["b"]);
    history
        .hand_over(due.id, &delivery("b", "r"), "gone")
        .await
        .unwrap();
    assert_eq!(history.waiting_channels().await.unwrap(), ["b"]);
    let all = history.deliveries(&DeliveryQuery::default()).await.unwrap();
    let shown: Vec<(&str, &str, Option<i64>)> = all
        .iter()
        .map(|view| (view.channel.as_str(), view.state.as_str(), view.firing))
        .collect();
    assert_eq!(shown, [("b", "waiting", Some(1)), ("a", "handed_over", Some(1))]);
    assert_eq!(history.revive(all[1].id).await.unwrap().as_deref(), Some("a"));
    assert_eq!(history.revive(all[1].id).await.unwrap(), None);
}

#[tokio::test]
async fn what_was_held_back_is_counted_in_memory_and_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let history = history(folder.path());
    let held = |number: usize| Held {
        rule: format!("r{}", number % 500),
        key: "cam".into(),
        why: "cooling down for 7 s more".into(),
    };
    assert!(history.hold(vec![held(0)]));
    for number in 1..1_000 {
        assert!(!history.hold(vec![held(number)]));
    }
    assert!(!history.exists());
    history.flush_held().await.unwrap();
    let all = history
        .held(&Page {
            limit: Some(500),
            ..Page::default()
        })
        .await
        .unwrap();
    assert_eq!(all.iter().map(|view| view.count).sum::<i64>(), 1_000);
    assert_eq!(all.len(), 257);
}

#[tokio::test]
async fn a_damaged_file_is_moved_aside() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("db")).unwrap();
    let path = folder.path().join("db/rules.sqlite3");
    std::fs::write(
        &path,
        "no database at all, and long enough to have a header. ".repeat(20),
    )
    .unwrap();
    let history = history(folder.path());
    history.record(Some(&firing("r")), &[]).await.unwrap();
    assert_eq!(history.firings(&Page::default()).await.unwrap().len(), 1);
    assert!(folder.path().join("db/rules.sqlite3.damaged").exists());
}
