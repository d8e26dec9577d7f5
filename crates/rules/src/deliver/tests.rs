//! Delivery in virtual time on commands, and in real time on servers that hang.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pistack_api::event::Event;
use pistack_api::service::Service;
use pistack_kit::testing::{TestAuth, context, eventually};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::courier::Step;
use super::*;
use crate::channel::config::{Limit, Webhook};
use crate::config::{DailyWindow, Run};
use crate::firing::Kind;
use crate::history::DeliveryQuery;
use crate::schedule::second_of_day;

struct Bench {
    folder: tempfile::TempDir,
    context: Context,
    dispatch: Dispatch,
}

/// A channel whose command writes the message into a file named after it, unless a file `NAME.down` is there: then it
/// asks to be tried later.
fn file_channel(folder: &Path, name: &str) -> Channel {
    let (out, down) = (folder.join(name), folder.join(format!("{name}.down")));
    let script = format!(
        "test -e {} && exit 75; (head -c 4000; echo; echo ---) >> {}",
        down.display(),
        out.display()
    );
    Channel {
        exec: Some(Run {
            command: vec!["sh".into(), "-c".into(), script],
            timeout: None,
            user: None,
        }),
        ..Channel::default()
    }
}

impl Bench {
    fn new(make: impl FnOnce(&Path) -> Vec<(&'static str, Channel)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let context = context(Service::Rules, folder.path(), &TestAuth::new());
        let channels = make(folder.path())
            .into_iter()
            .map(|(name, channel)| (name.to_owned(), channel))
            .collect();
        let path = context.paths.database(Service::Rules);
        let history = Arc::new(History::new(path, context.clock.clone()));
        let dispatch = Dispatch::still(&context, &channels, history);
        Self {
            folder,
            context,
            dispatch,
        }
    }

    async fn put(&self, rule: &str, severity: Severity, channels: &[&str]) {
        let firing = firing(rule, severity);
        let message = self
            .dispatch
            .message(&firing, format!("{rule} happened"), String::new());
        let names: Vec<String> = channels.iter().map(|name| (*name).to_owned()).collect();
        let deliveries = self.dispatch.address(&message, &names, false);
        self.dispatch.enqueue(Some(&firing), deliveries).await.unwrap();
    }

    /// Steps until nothing can be done at this time.
    async fn settle(&self, channel: &str) -> Step {
        let courier = Arc::clone(&self.dispatch.table().couriers[channel]);
        loop {
            match courier.step(&self.dispatch).await.unwrap() {
                Step::Again => {}
                other => return other,
            }
        }
    }

    fn read(&self, channel: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.path(channel)).unwrap_or_default();
        text.split("\n---\n")
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn states(&self, channel: &str) -> Vec<String> {
        let query = DeliveryQuery {
            channel: Some(channel.into()),
            limit: Some(500),
            ..DeliveryQuery::default()
        };
        let all = self.dispatch.history().deliveries(&query).await.unwrap();
        all.into_iter().rev().map(|view| view.state).collect()
    }
}

fn firing(rule: &str, severity: Severity) -> Firing {
    Firing {
        rule: rule.into(),
        kind: Kind::Fired,
        key: "cam".into(),
        severity,
        event: Event {
            serial: 0,
            name: "TEST".into(),
            at: 0,
            fields: serde_json::Map::new(),
            data: String::new(),
        },
        actions: Vec::new(),
        count: 1,
        since: 1_700_000_000,
        depth: 0,
        why: String::new(),
    }
}

#[tokio::test]
async fn what_is_above_the_limit_becomes_one_digest_with_counts() {
    let bench = Bench::new(|folder| {
        let limit = Limit { hour: 3, day: 100 };
        vec![(
            "a",
            Channel {
                limit,
                ..file_channel(folder, "a")
            },
        )]
    });
    for _ in 0..3 {
        bench.put("cam", Severity::Warning, &["a"]).await;
        assert_eq!(bench.settle("a").await, Step::Idle);
    }
    for rule in ["cam", "cam", "disk", "cam"] {
        bench.put(rule, Severity::Critical, &["a"]).await;
    }
    let Step::Until(at) = bench.settle("a").await else {
        panic!("the limit is used up");
    };
    assert_eq!(at, bench.context.clock.unix() + 3600);
    assert_eq!(bench.read("a").len(), 3);
    bench.context.clock.advance(Duration::from_hours(1));
    assert_eq!(bench.settle("a").await, Step::Idle);
    let all = bench.read("a");
    assert_eq!(all.len(), 4, "{all:?}");
    assert!(
        all[3].starts_with("4 messages since ") && all[3].contains("3 × cam") && all[3].contains("1 × disk"),
        "{}",
        all[3]
    );
    let states = bench.states("a").await;
    assert_eq!(
        states.iter().filter(|state| *state == "in_digest").count(),
        4,
        "{states:?}"
    );
    assert_eq!(
        states.iter().filter(|state| *state == "sent").count(),
        4,
        "{states:?}"
    );
}

#[tokio::test]
async fn quiet_hours_hold_back_and_end_with_one_digest() {
    let around = |unix: i64| {
        let clock = |second: u32| format!("{:02}:{:02}", second / 3600 % 24, second / 60 % 60);
        let now = second_of_day(unix);
        format!("{}-{}", clock(now + 86_400 - 3600), clock(now + 2 * 3600))
    };
    let bench = Bench::new(|folder| {
        let quiet = Some(DailyWindow::try_from(around(1_700_000_000)).unwrap());
        vec![(
            "a",
            Channel {
                quiet,
                ..file_channel(folder, "a")
            },
        )]
    });
    bench.put("cam", Severity::Warning, &["a"]).await;
    bench.put("fire", Severity::Critical, &["a"]).await;
    bench.put("disk", Severity::Info, &["a"]).await;
    let Step::Until(at) = bench.settle("a").await else {
        panic!("these are quiet hours");
    };
    assert_eq!(bench.read("a"), ["fire happened"]);
    let wait = at - bench.context.clock.unix();
    assert!((3600..=2 * 3600 + 60).contains(&wait), "{wait}");
    bench.context.clock.advance(Duration::from_secs(wait as u64));
    assert_eq!(bench.settle("a").await, Step::Idle);
    let all = bench.read("a");
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(
        all[1].starts_with("2 messages since ") && all[1].contains("1 × disk"),
        "{}",
        all[1]
    );
}

#[tokio::test]
async fn a_day_without_the_other_side_keeps_order_and_then_everything_goes_out() {
    let bench = Bench::new(|folder| vec![("a", file_channel(folder, "a"))]);
    std::fs::write(bench.path("a.down"), "").unwrap();
    for number in 0..5 {
        bench.put(&format!("r{number}"), Severity::Warning, &["a"]).await;
    }
    let mut attempts = 0;
    let end = bench.context.clock.unix() + 24 * 3600;
    while let Step::Until(at) = bench.settle("a").await {
        attempts += 1;
        if at >= end {
            break;
        }
        bench
            .context
            .clock
            .advance(Duration::from_secs((at - bench.context.clock.unix()) as u64));
    }
    assert!((20..60).contains(&attempts), "{attempts} attempts in a day");
    std::fs::remove_file(bench.path("a.down")).unwrap();
    bench.context.clock.advance(Duration::from_hours(2));
    assert_eq!(bench.settle("a").await, Step::Idle);
    let titles: Vec<String> = (0..5).map(|number| format!("r{number} happened")).collect();
    assert_eq!(bench.read("a"), titles);
}

#[tokio::test]
async fn a_channel_that_fails_leaves_its_message_to_the_next_once() {
    let bench = Bench::new(|folder| {
        let fallback = |name: &str| Some(name.to_owned());
        vec![
            (
                "a",
                Channel {
                    fallback: fallback("b"),
                    ..file_channel(folder, "a")
                },
            ),
            (
                "b",
                Channel {
                    fallback: fallback("c"),
                    ..file_channel(folder, "b")
                },
            ),
            ("c", file_channel(folder, "c")),
        ]
    });
    for name in ["a.down", "b.down"] {
        std::fs::write(bench.path(name), "").unwrap();
    }
    bench.put("cam", Severity::Warning, &["a"]).await;
    for channel in ["a", "b"] {
        let began = bench.context.clock.unix();
        while let Step::Until(at) = bench.settle(channel).await {
            bench
                .context
                .clock
                .advance(Duration::from_secs((at - bench.context.clock.unix()) as u64));
        }
        assert!(bench.context.clock.unix() - began <= 60);
    }
    assert_eq!(bench.settle("c").await, Step::Idle);
    assert_eq!(bench.read("c"), ["cam happened"]);
    std::fs::remove_file(bench.path("a.down")).unwrap();
    bench.context.clock.advance(Duration::from_hours(3));
    assert_eq!(bench.settle("a").await, Step::Idle);
    assert_eq!(
        (bench.read("a").len(), bench.states("a").await),
        (0, vec!["handed_over".to_owned()])
    );
}

#[tokio::test]
async fn the_first_channel_that_takes_it_is_enough() {
    let bench = Bench::new(|folder| vec![("a", file_channel(folder, "a")), ("b", file_channel(folder, "b"))]);
    let names = ["a".to_owned(), "b".to_owned()];
    let firing = firing("cam", Severity::Warning);
    let message = bench.dispatch.message(&firing, "t".into(), String::new());
    let deliveries = bench.dispatch.address(&message, &names, true);
    bench.dispatch.enqueue(Some(&firing), deliveries).await.unwrap();
    bench.settle("a").await;
    bench.settle("b").await;
    assert_eq!((bench.read("a").len(), bench.read("b").len()), (1, 0));
}

#[tokio::test]
async fn a_failure_for_good_is_given_up_at_once_and_may_be_tried_again() {
    let bench = Bench::new(|folder| {
        let mut channel = file_channel(folder, "a");
        let gate = folder.join("open");
        let script = format!("test -e {} || {{ echo no >&2; exit 1; }}", gate.display());
        channel.exec.as_mut().unwrap().command = vec!["sh".into(), "-c".into(), script];
        vec![("a", channel)]
    });
    bench.put("cam", Severity::Warning, &["a"]).await;
    assert_eq!(bench.settle("a").await, Step::Idle);
    assert_eq!(bench.states("a").await, ["failed"]);
    let views = bench.dispatch.channels().await.unwrap();
    assert_eq!(views[0].last_state.as_deref(), Some("failed"));
    assert!(
        views[0].last_detail.as_deref().unwrap().ends_with("no"),
        "{views:?}"
    );
    std::fs::write(bench.path("open"), "").unwrap();
    assert!(bench.dispatch.retry(1).await.unwrap());
    assert!(!bench.dispatch.retry(1).await.unwrap());
    assert_eq!(bench.settle("a").await, Step::Idle);
    assert_eq!(bench.states("a").await, ["sent"]);
}

#[tokio::test]
async fn a_message_by_hand_passes_the_limit_and_a_test_passes_the_queue() {
    let bench = Bench::new(|folder| {
        let limit = Limit { hour: 1, day: 1 };
        vec![(
            "a",
            Channel {
                limit,
                ..file_channel(folder, "a")
            },
        )]
    });
    bench.put("cam", Severity::Warning, &["a"]).await;
    bench.settle("a").await;
    bench.put("cam", Severity::Warning, &["a"]).await;
    let note = bench.dispatch.note(Word::Sent, Severity::Info, "by hand", "");
    let deliveries = bench.dispatch.address(&note, &["a".to_owned()], false);
    bench.dispatch.enqueue(None, deliveries).await.unwrap();
    assert!(matches!(bench.settle("a").await, Step::Until(_)));
    assert!(bench.dispatch.test("a").await.unwrap().is_ok());
    assert!(bench.dispatch.test("nope").await.is_err());
    let all = bench.read("a");
    assert_eq!((all.len(), all[1].as_str()), (3, "by hand"), "{all:?}");
    assert!(all[2].contains("This is a test of the channel `a`"));
}

#[tokio::test]
async fn a_full_or_broken_disk_does_not_silence_an_alert() {
    let bench = Bench::new(|folder| vec![("a", file_channel(folder, "a"))]);
    // A directory where the database should be.
    std::fs::create_dir_all(bench.context.paths.database(Service::Rules)).unwrap();
    let firing = firing("disk", Severity::Critical);
    let message = bench.dispatch.message(&firing, "disk full".into(), String::new());
    let deliveries = bench.dispatch.address(&message, &["a".to_owned()], false);
    assert!(bench.dispatch.enqueue(Some(&firing), deliveries).await.is_err());
    let courier = Arc::clone(&bench.dispatch.table().couriers["a"]);
    assert_eq!(courier.step(&bench.dispatch).await.unwrap(), Step::Again);
    assert_eq!(bench.read("a"), ["disk full"]);
}

/// Answers with 200 and counts; or, if it hangs, takes connections and says nothing.
async fn server(hangs: bool) -> (Channel, Arc<std::sync::atomic::AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let seen = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = vec![0; 16 * 1024];
            let _ = stream.read(&mut bytes).await;
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            if hangs {
                held.push(stream);
            } else {
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    .await;
            }
        }
    });
    let webhook = Webhook {
        url,
        private: true,
        ..Webhook::default()
    };
    let channel = Channel {
        webhook: Some(webhook),
        ..Channel::default()
    };
    (channel, seen)
}

#[tokio::test]
async fn a_channel_that_hangs_delays_no_other_and_a_restart_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let context = context(Service::Rules, folder.path(), &TestAuth::new());
    let ((stuck, tried), (well, received)) = (server(true).await, server(false).await);
    let channels = IndexMap::from([("stuck".to_owned(), stuck), ("well".to_owned(), well)]);
    let start = |context: &Context, channels: &IndexMap<String, Channel>| {
        let path = context.paths.database(Service::Rules);
        Dispatch::start(
            context,
            channels,
            Arc::new(History::new(path, context.clock.clone())),
        )
    };
    let dispatch = start(&context, &channels);
    let firing = firing("cam", Severity::Warning);
    let names = ["stuck".to_owned(), "well".to_owned()];
    let began = Clock::system().monotonic();
    for _ in 0..10 {
        let message = dispatch.message(&firing, "t".into(), String::new());
        let deliveries = dispatch.address(&message, &names, false);
        dispatch.enqueue(Some(&firing), deliveries).await.unwrap();
    }
    let count = |seen: &Arc<std::sync::atomic::AtomicUsize>| seen.load(std::sync::atomic::Ordering::SeqCst);
    eventually("all ten", || async { (count(&received) == 10).then_some(()) }).await;
    // Far below the 15 s that an attempt on the stuck one may take.
    assert!(Clock::system().monotonic().saturating_sub(began) < Duration::from_secs(10));
    eventually("the first attempt", || async {
        (count(&tried) == 1).then_some(())
    })
    .await;
    context.lifecycle.stop();
    assert!(
        context.lifecycle.finish(Duration::from_secs(5)).await,
        "a hanging attempt held up the end"
    );
    dispatch.history().close().await;

    // What waited for the stuck one goes out by its mended address after the restart; what waits for a channel that is
    // no longer there is given up.
    let (mended, seen) = server(false).await;
    let again = pistack_kit::testing::context(Service::Rules, folder.path(), &TestAuth::new());
    let channels = IndexMap::from([("stuck".to_owned(), mended)]);
    let dispatch = start(&again, &channels);
    eventually("the ten that waited", || async {
        (count(&seen) == 10).then_some(())
    })
    .await;
    dispatch.adopt(&again.lifecycle, &IndexMap::new());
    let message = dispatch.message(&firing, "late".into(), String::new());
    let deliveries = dispatch.address(&message, &["stuck".to_owned()], false);
    dispatch.enqueue(Some(&firing), deliveries).await.unwrap();
    dispatch.resume().await;
    let query = DeliveryQuery {
        state: Some("failed".into()),
        ..DeliveryQuery::default()
    };
    let given_up = dispatch.history().deliveries(&query).await.unwrap();
    assert_eq!(given_up[0].detail, "the channel was removed");
    again.lifecycle.stop();
    assert!(again.lifecycle.finish(Duration::from_secs(5)).await);
    dispatch.history().close().await;
}

#[tokio::test]
async fn a_new_configuration_replaces_the_couriers_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let context = context(Service::Rules, folder.path(), &TestAuth::new());
    let ((first, old), (second, new), (third, _)) =
        (server(false).await, server(false).await, server(false).await);
    let history = History::new(context.paths.database(Service::Rules), context.clock.clone());
    let before = IndexMap::from([("a".to_owned(), first), ("b".to_owned(), third)]);
    let dispatch = Dispatch::start(&context, &before, Arc::new(history));
    let kept = Arc::clone(&dispatch.table().couriers["b"]);
    let mut after = before.clone();
    after.insert("a".to_owned(), second);
    dispatch.adopt(&context.lifecycle, &after);
    assert!(Arc::ptr_eq(&kept, &dispatch.table().couriers["b"]));
    let firing = firing("cam", Severity::Warning);
    let message = dispatch.message(&firing, "t".into(), String::new());
    let deliveries = dispatch.address(&message, &["a".to_owned()], false);
    dispatch.enqueue(Some(&firing), deliveries).await.unwrap();
    let count = |seen: &Arc<std::sync::atomic::AtomicUsize>| seen.load(std::sync::atomic::Ordering::SeqCst);
    eventually("the new address", || async { (count(&new) == 1).then_some(()) }).await;
    assert_eq!(count(&old), 0);
    context.lifecycle.stop();
    assert!(context.lifecycle.finish(Duration::from_secs(5)).await);
}

#[tokio::test]
async fn what_the_mail_service_gives_up_is_left_to_the_fallback() {
    let bench = Bench::new(|folder| {
        let mut first = file_channel(folder, "first");
        first.fallback = Some("second".into());
        vec![
            ("first", first),
            ("second", file_channel(folder, "second")),
            ("alone", file_channel(folder, "alone")),
        ]
    });
    assert!(!bench.dispatch.given_up("x", "no history at all").await.unwrap());
    bench.put("cam", Severity::Warning, &["first", "alone"]).await;
    bench.settle("first").await;
    bench.settle("alone").await;
    assert_eq!(bench.states("first").await, ["sent"]);
    let query = DeliveryQuery::default();
    let all = bench.dispatch.history().deliveries(&query).await.unwrap();
    for delivery in &all {
        let known = bench
            .dispatch
            .given_up(&delivery.message_id, "550 no such user")
            .await;
        assert!(known.unwrap());
        // Told twice, it is done once.
        let again = bench.dispatch.given_up(&delivery.message_id, "550").await;
        assert!(!again.unwrap());
    }
    assert_eq!(bench.states("first").await, ["handed_over"]);
    assert_eq!(bench.states("alone").await, ["failed"]);
    bench.settle("second").await;
    let told = bench.read("second");
    assert!(told.len() == 1 && told[0].contains("cam happened"), "{told:?}");
    let all = bench.dispatch.history().deliveries(&query).await.unwrap();
    let first = all.iter().find(|view| view.channel == "first").unwrap();
    assert!(first.detail.contains("550 no such user"), "{first:?}");
    assert_eq!(
        all.iter().find(|view| view.channel == "second").unwrap().firing,
        first.firing
    );
}
