//! Actions against real commands, a real XML-RPC answerer, an io and a mail service on unix sockets.

use std::sync::Mutex;

use indexmap::IndexMap;
use pistack_api::event::Event;
use pistack_api::service::Service;
use pistack_kit::testing::{TestAuth, eventually};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::ask::Ask;
use crate::channel::config::{Channel, Email};
use crate::config::{Action, Gpio, LineRef, Notify, RuleState, Run, SetRule, Severity, Signal, Until};
use crate::firing::Kind;
use crate::history::{FiringView, History, Page};

fn firing(actions: Vec<Action>) -> Firing {
    let (fields, data) =
        Event::split_payload("processname:cam groupname:cam from_state:RUNNING expected:0 pid:7");
    let event = Event {
        serial: 1,
        name: "PROCESS_STATE_EXITED".into(),
        at: 0,
        fields,
        data,
    };
    Firing {
        rule: "r".into(),
        kind: Kind::Fired,
        key: "cam".into(),
        severity: Severity::Warning,
        event,
        actions,
        count: 1,
        since: 0,
        depth: 1,
        why: "it happened".into(),
    }
}

struct Bench {
    folder: tempfile::TempDir,
    context: Context,
    dispatch: Dispatch,
    outbox: Outbox,
    asks: mpsc::Receiver<Ask>,
}

fn bench(channels: &[(&str, Channel)]) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("run")).unwrap();
    let context = pistack_kit::testing::context(Service::Rules, folder.path(), &TestAuth::new());
    let channels: IndexMap<String, Channel> = channels
        .iter()
        .map(|(name, channel)| ((*name).to_owned(), channel.clone()))
        .collect();
    let history = History::new(context.paths.database(Service::Rules), context.clock.clone());
    let dispatch = Dispatch::start(&context, &channels, Arc::new(history));
    let (asker, asks) = Asker::pair();
    let outbox = Outbox::start(&context, &dispatch, asker);
    Bench {
        folder,
        context,
        dispatch,
        outbox,
        asks,
    }
}

impl Bench {
    /// The newest firing, once its actions have ended.
    async fn written(&self) -> FiringView {
        eventually("the firing in the history", || async {
            let all = self.dispatch.history().firings(&Page::default()).await.unwrap();
            all.into_iter().next().filter(|firing| !firing.results.is_empty())
        })
        .await
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }
}

fn run(command: &[&str]) -> Action {
    Action::Run(Run {
        command: command.iter().map(|part| (*part).to_owned()).collect(),
        timeout: Some(pistack_kit::config::Span::seconds(20)),
        user: None,
    })
}

/// Answers every HTTP request on `path` with `body` and keeps the requests.
fn answer(path: std::path::PathBuf, body: &'static str) -> Arc<Mutex<Vec<String>>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let listener = tokio::net::UnixListener::bind(path).unwrap();
    let kept = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = vec![0; 65536];
            let mut text = String::new();
            while !text.contains("\r\n\r\n") || !is_whole(&text) {
                let count = stream.read(&mut bytes).await.unwrap();
                text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
            }
            kept.lock().unwrap().push(text);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            stream
                .write_all(format!("{head}{body}").as_bytes())
                .await
                .unwrap();
        }
    });
    seen
}

fn is_whole(request: &str) -> bool {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length: ")?
            .parse()
            .ok()
    });
    body.len() >= length.unwrap_or(0usize)
}

const TRUE: &str = "<?xml version='1.0'?><methodResponse><params><param><value><boolean>1</boolean></value></param></params></methodResponse>";

#[tokio::test]
async fn runs_commands_with_the_event_in_the_environment_and_keeps_their_output() {
    let bench = bench(&[]);
    let script = "echo \"$PISTACK_EVENT $PISTACK_PROCESSNAME $PISTACK_RULE $0\"";
    bench
        .outbox
        .put(firing(vec![run(&["sh", "-c", script, "{process}:{to_state}"])]));
    let firing = bench.written().await;
    assert_eq!(firing.results[0].detail, "PROCESS_STATE_EXITED cam r cam:EXITED");
    assert!(firing.results[0].ok && firing.why == "it happened");
}

#[tokio::test]
async fn a_hanging_command_is_killed_with_its_children_and_keeps_nothing_else_waiting() {
    let bench = bench(&[]);
    let out = bench.path("out");
    bench.outbox.put(firing(vec![run(&["sleep", "1000"])]));
    bench
        .outbox
        .put(firing(vec![run(&["touch", out.to_str().unwrap()])]));
    eventually("the second command", || async { out.exists().then_some(()) }).await;

    let pid = bench.path("pid");
    let script = format!("sleep 1000 & echo $! > {}; wait", pid.display());
    let arguments = ["sh", "-c", &script].map(str::to_owned);
    let order = command::Order {
        arguments: &arguments,
        user: None,
        environment: &[],
        input: None,
        timeout: Duration::from_secs(1),
    };
    let error = command::run(order).await.unwrap_err();
    assert!(
        error.timed_out && error.to_string().contains("was killed"),
        "{error}"
    );
    let pid = std::fs::read_to_string(pid).unwrap();
    eventually("the end of the command's child", || async {
        let status = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        (status.is_empty() || status.contains(") Z")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_command_in_the_background_does_not_hold_the_action_up() {
    let arguments = ["sh", "-c", "sleep 1000 & echo started"].map(str::to_owned);
    let order = command::Order {
        arguments: &arguments,
        user: None,
        environment: &[],
        input: None,
        timeout: Duration::from_secs(30),
    };
    assert_eq!(command::run(order).await.unwrap(), "started");
}

#[tokio::test]
async fn a_failing_command_tells_why_and_may_have_a_second_way() {
    let bench = bench(&[]);
    let out = bench.path("out");
    let touch = run(&["touch", out.to_str().unwrap()]);
    let never = run(&["touch", bench.path("never").to_str().unwrap()]);
    bench.outbox.put(firing(vec![
        run(&["true"]),
        Action::OnFail(vec![never]),
        run(&["sh", "-c", "echo broken >&2; exit 3"]),
        Action::OnFail(vec![touch]),
        run(&["/does/not/exist"]),
    ]));
    let firing = bench.written().await;
    let shown: Vec<(bool, &str)> = firing
        .results
        .iter()
        .map(|result| (result.ok, result.detail.as_str()))
        .collect();
    assert!(out.exists() && !bench.path("never").exists());
    assert_eq!(shown.len(), 4, "{shown:?}");
    assert!(shown[1].1.contains("exit status: 3: broken"), "{shown:?}");
    assert!(
        !shown[3].0 && shown[3].1.contains("cannot be started"),
        "{shown:?}"
    );
}

#[tokio::test]
async fn restarts_and_signals_through_the_supervisor_and_mails_through_the_mail_service() {
    let channel = Channel {
        email: Some(Email {
            to: "me@example.org".into(),
        }),
        ..Channel::default()
    };
    let bench = bench(&[("me", channel)]);
    let calls = answer(bench.context.paths.supervisor_socket(), TRUE);
    let mails = answer(bench.context.paths.service_socket(Service::Email), "{}");
    bench.outbox.put(firing(vec![
        Action::Restart("{group}:{process}".into()),
        Action::Signal(Signal {
            signal: "HUP".into(),
            process: "cam".into(),
        }),
        Action::Start("@heavy".into()),
        Action::Notify(Notify {
            channels: vec!["me".into()],
            text: None,
            title: None,
            fallback: false,
        }),
    ]));
    let mail = eventually("the mail", || async { mails.lock().unwrap().first().cloned() }).await;
    assert!(
        mail.starts_with("POST /internal/send")
            && mail.contains("cam ended unexpectedly")
            && mail.contains("idempotency_key"),
        "{mail}"
    );
    let firing = bench.written().await;
    assert!(firing.results.iter().all(|result| result.ok), "{firing:?}");
    let calls = calls.lock().unwrap();
    for wanted in [
        "supervisor.stopProcess",
        "supervisor.startProcess",
        "supervisor.signalProcess",
        "heavy:*",
    ] {
        assert!(calls.iter().any(|call| call.contains(wanted)), "{wanted}");
    }
}

#[tokio::test]
async fn messages_keep_their_order_while_commands_hang() {
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("all");
    let command = [
        "sh".to_owned(),
        "-c".to_owned(),
        format!("cat >> {}", path.display()),
    ];
    let channel = Channel {
        exec: Some(Run {
            command: command.to_vec(),
            timeout: None,
            user: None,
        }),
        ..Channel::default()
    };
    let bench = bench(&[("a", channel)]);
    for number in 0..15 {
        bench.outbox.put(firing(vec![
            run(&["sleep", "1000"]),
            Action::Notify(Notify {
                channels: vec!["a".into()],
                text: Some(format!("{number},")),
                title: None,
                fallback: false,
            }),
        ]));
    }
    let wanted: String = "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,".to_owned();
    eventually("all messages in order", || async {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        (text == wanted).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_rule_changes_another_one_step_further_in_the_chain() {
    let mut bench = bench(&[]);
    bench.outbox.put(firing(vec![Action::Rule(SetRule {
        name: "other".into(),
        set: RuleState::Off,
    })]));
    let Some(Ask::Set {
        rule,
        state,
        depth,
        answer,
    }) = bench.asks.recv().await
    else {
        panic!("no question");
    };
    assert_eq!((rule.as_str(), state, depth), ("other", RuleState::Off, 2));
    answer.send(true).unwrap();
    assert_eq!(bench.written().await.results[0].detail, "other is set to off");
}

#[tokio::test]
async fn a_line_blinks_until_the_rule_resolves_and_goes_back_to_where_it_was() {
    let bench = bench(&[]);
    let asked = answer(bench.context.paths.service_socket(Service::Io), r#"{"value":1}"#);
    let blink = |until: Option<Until>| {
        Action::Gpio(Gpio {
            line: LineRef::Pin(17),
            set: None,
            pulse: None,
            blink: Some(String::from("20Hz").try_into().unwrap()),
            until,
        })
    };
    bench.outbox.put(firing(vec![blink(Some(Until::Resolved))]));
    eventually("some blinking", || async {
        (asked.lock().unwrap().len() > 6).then_some(())
    })
    .await;
    let resolved = Firing {
        kind: Kind::Resolved,
        ..firing(Vec::new())
    };
    bench.outbox.put(Firing {
        key: "another".into(),
        ..resolved.clone()
    });
    let before = asked.lock().unwrap().len();
    eventually("that it goes on", || async {
        (asked.lock().unwrap().len() > before + 3).then_some(())
    })
    .await;
    bench.outbox.put(resolved);
    // The level was 1 before; low and high alternate, and at the end it stays where it was.
    let mut last = 0;
    eventually("the end of the blinking", || {
        let now = asked.lock().unwrap().len();
        let same = now == last;
        last = now;
        async move {
            tokio::time::sleep(Duration::from_millis(150)).await;
            same.then_some(())
        }
    })
    .await;
    let all = asked.lock().unwrap();
    assert!(all[0].starts_with("POST /internal/gpio/read"), "{}", all[0]);
    assert!(
        all.last().unwrap().contains(r#""value":1"#),
        "{}",
        all.last().unwrap()
    );
    assert!(all.iter().any(|request| request.contains(r#""value":0"#)));
}

#[tokio::test]
async fn a_crash_loop_of_a_thousand_exits_makes_two_messages_and_hardly_any_writes() {
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("all");
    let script = format!("(cat; echo; echo ---) >> {}", path.display());
    let channel = Channel {
        exec: Some(Run {
            command: vec!["sh".into(), "-c".into(), script],
            timeout: None,
            user: None,
        }),
        ..Channel::default()
    };
    let bench = bench(&[("a", channel)]);
    let rule = serde_json::from_value(serde_json::json!({
        "when": { "event": "crashed" }, "then": [{ "notify": "a" }],
    }))
    .unwrap();
    let tables = crate::hub::Tables {
        rules: IndexMap::from([("down".to_owned(), rule)]),
        ..crate::hub::Tables::default()
    };
    let mut hub = crate::hub::Hub::new(&tables, bench.outbox.clone(), bench.context.clock.clone());
    let exited = firing(Vec::new()).event;
    // A crash a second: a thousand of them take a quarter of an hour.
    for _ in 0..1_000 {
        bench.context.clock.advance(Duration::from_secs(1));
        hub.event(&exited);
        hub.time();
        tokio::task::yield_now().await;
    }
    let messages = || {
        std::fs::read_to_string(&path)
            .unwrap_or_default()
            .matches("---\n")
            .count()
    };
    eventually("both messages", || async { (messages() == 2).then_some(()) }).await;
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("cam: 599 more since"), "{text}");
    let database = bench.context.paths.database(Service::Rules);
    let wal = database.with_extension("sqlite3-wal");
    let written: u64 = [database, wal]
        .iter()
        .map(|file| std::fs::metadata(file).map_or(0, |found| found.len()))
        .sum();
    assert!(written < 1 << 20, "{written} bytes");
}
