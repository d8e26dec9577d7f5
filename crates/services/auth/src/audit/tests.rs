//! The record: complete, folded, capped.

use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::paths::StatePaths;

use super::*;
use crate::config::Config;
use crate::store::audit::Filter;

struct Bed {
    _dir: tempfile::TempDir,
    clock: Clock,
    store: Store,
    audit: Arc<Audit>,
    lifecycle: Lifecycle,
}

impl Bed {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let paths = StatePaths::new(dir.path());
        paths.create().unwrap();
        let store = Store::open(&paths, &Config::default()).await.unwrap();
        let clock = Clock::manual(1_800_000_000);
        let (audit, lifecycle) = (Arc::new(Audit::new(clock.clone())), Lifecycle::new());
        let (writing, on, until) = (Arc::clone(&audit), store.clone(), lifecycle.clone());
        lifecycle.spawn(async move { writing.write(on, until.stopped()).await });
        Self {
            _dir: dir,
            clock,
            store,
            audit,
            lifecycle,
        }
    }

    async fn read(&self, filter: Filter) -> Vec<Row> {
        self.audit.flush().await;
        statements::read(&mut self.store.read().await.unwrap(), &filter)
            .await
            .unwrap()
    }
}

fn all() -> Filter {
    Filter {
        limit: 20_000,
        ..Filter::default()
    }
}

#[tokio::test]
async fn equal_failures_are_one_entry_a_minute() {
    let bed = Bed::new().await;
    let failure = || Event::new("login").refused().detail("wrong password");
    for index in 0..500 {
        bed.audit.record(failure());
        bed.clock.advance(Duration::from_millis(100));
        if index % 100 == 0 {
            bed.audit.flush().await;
        }
    }
    bed.audit.record(Event::new("login").refused().detail("another"));
    let rows = bed.read(all()).await;
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!((rows[1].times, rows[1].last_at - rows[1].at), (500, 49));
    bed.clock.advance(Duration::from_secs(61));
    bed.audit.record(failure());
    assert_eq!(bed.read(all()).await.len(), 3);
    // What was done is never folded.
    bed.audit.record(Event::new("login"));
    bed.audit.record(Event::new("login"));
    assert_eq!(bed.read(all()).await.len(), 5);
}

#[tokio::test]
async fn the_record_is_capped_and_filtered() {
    let bed = Bed::new().await;
    for index in 0..statements::CAPACITY + 200 {
        let kind = if index % 2 == 0 { "user.add" } else { "user.remove" };
        bed.audit
            .record(Event::new(kind).about(&format!("id-{}", index % 3)));
        if index % 100 == 0 {
            bed.audit.flush().await;
        }
    }
    let rows = bed.read(all()).await;
    assert!(
        rows.len() as i64 >= statements::CAPACITY && rows.len() as i64 <= statements::CAPACITY + 64,
        "{}",
        rows.len()
    );
    assert!(rows.windows(2).all(|pair| pair[0].seq == pair[1].seq + 1));
    let filter = |kind: &str, user: &str| Filter {
        kind: Some(kind.to_owned()),
        user: Some(user.to_owned()),
        limit: 3,
        before: Some(rows[500].seq),
        ..Filter::default()
    };
    for (kind, user) in [("user.add", "id-1"), ("user.*", "id-2")] {
        let found = bed.read(filter(kind, user)).await;
        assert_eq!(found.len(), 3);
        assert!(
            found
                .iter()
                .all(|row| row.seq < rows[500].seq && row.subject.as_deref() == Some(user))
        );
    }
    assert!(bed.read(filter("user", "id-1")).await.is_empty());
}

#[tokio::test]
async fn what_waits_at_the_end_is_written_and_nothing_blocks_the_caller() {
    let bed = Bed::new().await;
    let held = bed.store.begin().await.unwrap();
    for _ in 0..5 {
        bed.audit.record(Event::new("login").detail("a\r\nb\u{1b}[31m"));
    }
    drop(held);
    bed.lifecycle.stop();
    assert!(bed.lifecycle.finish(Duration::from_secs(5)).await);
    let rows = statements::read(&mut bed.store.read().await.unwrap(), &all())
        .await
        .unwrap();
    assert_eq!(rows.len(), 5);
    assert_eq!(
        (rows[0].detail.as_str(), rows[0].clock.as_str()),
        ("ab[31m", "trusted")
    );
    assert_eq!(rows[0].boot.len(), 36);
}

#[tokio::test]
async fn a_clock_of_1970_is_called_so() {
    let dir = tempfile::tempdir().unwrap();
    let paths = StatePaths::new(dir.path());
    paths.create().unwrap();
    let store = Store::open(&paths, &Config::default()).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    write_in(&mut tx, &Clock::manual(60), Event::new("user.unlock"))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let rows = statements::read(&mut store.read().await.unwrap(), &all())
        .await
        .unwrap();
    assert_eq!(
        (rows[0].clock.as_str(), rows[0].at, rows[0].address.as_str()),
        ("untrusted", 60, "console")
    );
}
