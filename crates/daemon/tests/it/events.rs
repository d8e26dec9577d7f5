//! Event listeners over their protocol, captured text, and the event stream.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use pistack_api::event::Event;
use pistack_engine::config::model::{GroupKind, PoolSpec, ProcessSpec};
use pistack_engine::event::EventKind;
use pistack_kit::client::Client;

use crate::harness::{Daemon, Place, Test, block_on, group, shell, start, start_at};

pub(crate) const TESTS: &[Test] = &[
    (
        "a_listener_gets_events_and_answers",
        a_listener_gets_events_and_answers,
    ),
    (
        "a_listener_that_dies_gets_its_event_again",
        a_listener_that_dies_gets_its_event_again,
    ),
    (
        "a_listener_that_closes_its_input_leaves_its_event_to_another",
        a_listener_that_closes_its_input_leaves_its_event_to_another,
    ),
    (
        "the_event_stream_replays_and_follows",
        the_event_stream_replays_and_follows,
    ),
    (
        "captured_text_and_log_events_are_told",
        captured_text_and_log_events_are_told,
    ),
];

/// A listener in shell: writes each header and payload to its standard error, then acknowledges.
const LISTENER: &str = "while :; do printf 'READY\\n'; read header || exit; \
    len=${header##*len:}; payload=$(dd bs=1 count=$len 2>/dev/null); \
    echo \"$header|$payload\" >&2; printf 'RESULT 2\\nOK'; done";

fn pool(events: Vec<EventKind>) -> GroupKind {
    GroupKind::Listeners(PoolSpec {
        events,
        buffer_size: None,
        result_handler: "supervisor.dispatchers:default_handler".into(),
    })
}

fn all_states() -> Vec<EventKind> {
    EventKind::parse("PROCESS_STATE").unwrap()
}

async fn with_listener(script: &str, programs: Vec<ProcessSpec>) -> Daemon {
    let place = Place::new();
    let mut model = place.model(programs);
    let mut listener = shell("listener", script);
    listener.stderr.logfile = pistack_engine::config::model::LogTarget::File(place.path("listener.err"));
    model.groups.insert(
        "listener".into(),
        group("listener", pool(all_states()), vec![listener]),
    );
    start_at(place, model).await
}

fn a_listener_gets_events_and_answers() {
    block_on(async {
        let daemon = with_listener(LISTENER, vec![shell("brief", "exit 0")]).await;
        let log = daemon
            .file_has("listener.err", "eventname:PROCESS_STATE_EXITED")
            .await;
        assert!(
            log.contains("|processname:brief groupname:brief from_state:RUNNING expected:1 pid:"),
            "{log}"
        );
        let first = log.lines().next().unwrap();
        assert!(first.starts_with("ver:3.0 server:supervisor serial:"), "{first}");
        assert!(
            first.contains(" pool:listener poolserial:0 eventname:PROCESS_STATE_"),
            "{first}"
        );
        // its protocol is logged, as supervisord's is
        let info = daemon.info("listener").await;
        crate::harness::file_has(info.stdout_logfile.as_ref(), "READY\nRESULT 2\nOKREADY\n").await;
        daemon.shutdown().await;
    });
}

fn a_listener_that_dies_gets_its_event_again() {
    block_on(async {
        // dies at its first event, answers in its second life
        let script = format!(
            "if test -e $0.lived; then {LISTENER}; else touch $0.lived; printf 'READY\\n'; read header; echo \"died at $header\" >&2; exit 1; fi"
        );
        let place = Place::new();
        let script_file = place.path("listener.sh");
        std::fs::write(&script_file, script).unwrap();
        let mut listener = ProcessSpec::new("listener", format!("/bin/sh {}", script_file.display()));
        listener.startsecs = 0;
        listener.stderr.logfile = pistack_engine::config::model::LogTarget::File(place.path("listener.err"));
        let mut model = place.model(vec![shell("brief", "exit 7")]);
        model.groups.insert(
            "listener".into(),
            group("listener", pool(all_states()), vec![listener]),
        );
        let daemon = start_at(place, model).await;
        let log = daemon.file_has("listener.err", "expected:0 pid:").await;
        let serial = |line: &str| {
            line.split("poolserial:")
                .nth(1)
                .unwrap()
                .split(' ')
                .next()
                .unwrap()
                .to_owned()
        };
        let lost = serial(log.lines().find(|line| line.starts_with("died at")).unwrap());
        assert!(
            log.lines()
                .any(|line| line.starts_with("ver:") && serial(line) == lost),
            "{log}"
        );
        daemon.shutdown().await;
    });
}

/// Reads JSON lines from the stream until one fits.
async fn read_until(
    body: &mut hyper::body::Incoming,
    text: &mut String,
    fits: impl Fn(&Event) -> bool,
) -> Event {
    loop {
        while let Some((line, rest)) = text.split_once('\n') {
            let event: Event = serde_json::from_str(line).unwrap();
            let after = text.len() - rest.len();
            text.drain(..after);
            if fits(&event) {
                return event;
            }
        }
        let frame = tokio::time::timeout(Duration::from_secs(10), body.frame())
            .await
            .expect("an event in time");
        text.push_str(std::str::from_utf8(&frame.unwrap().unwrap().into_data().unwrap()).unwrap());
    }
}

async fn stream(daemon: &Daemon, path: &str) -> hyper::body::Incoming {
    let client = Client::unix(daemon.place.path("d.sock"));
    let request = http::Request::get(path).body(Bytes::new()).unwrap();
    let response = client.stream(request, Duration::from_secs(5)).await.unwrap();
    assert_eq!(response.status(), 200);
    response.into_body()
}

fn the_event_stream_replays_and_follows() {
    block_on(async {
        let daemon = start(vec![shell("brief", "exit 0")]).await;
        daemon.state("brief", "EXITED").await;
        let (mut body, mut text) = (stream(&daemon, "/pistack/events?after=0").await, String::new());
        let exited = read_until(&mut body, &mut text, |event| event.name == "PROCESS_STATE_EXITED").await;
        assert_eq!(exited.field("processname"), Some("brief"));
        assert_eq!(exited.field("expected"), Some("1"));
        let mut live = stream(&daemon, "/pistack/events").await;
        daemon
            .call("startProcess", vec!["brief".into(), false.into()])
            .await;
        let (one, mut other) = (read_until(&mut body, &mut text, |_| true).await, String::new());
        assert_eq!(read_until(&mut live, &mut other, |_| true).await, one);
        assert_eq!(
            (one.name.as_str(), one.serial),
            ("PROCESS_STATE_STARTING", exited.serial + 1)
        );
        daemon.shutdown().await;
        // the end of the daemon is the end of the stream
        tokio::time::timeout(Duration::from_secs(5), async {
            while let Some(Ok(_)) = body.frame().await {}
        })
        .await
        .expect("the stream ends");
    });
}

fn a_listener_that_closes_its_input_leaves_its_event_to_another() {
    block_on(async {
        // the first of the pool is deaf: ready, alive, and nobody reads what it is sent
        let place = Place::new();
        let mut model = place.model(vec![shell("brief", "exit 0")]);
        let mut deaf = shell("deaf", "exec 0<&-; printf 'READY\\n'; exec sleep 100");
        let mut listener = shell("listener", LISTENER);
        for spec in [&mut deaf, &mut listener] {
            spec.group = "pool".into();
        }
        listener.stderr.logfile = pistack_engine::config::model::LogTarget::File(place.path("listener.err"));
        model.groups.insert(
            "pool".into(),
            group("pool", pool(all_states()), vec![deaf, listener]),
        );
        let daemon = start_at(place, model).await;
        let log = daemon
            .file_has("listener.err", "eventname:PROCESS_STATE_EXITED")
            .await;
        for serial in 0..4 {
            let part = format!(" poolserial:{serial} ");
            assert!(log.contains(&part), "event {serial} is missing: {log}");
        }
        daemon.shutdown().await;
    });
}

fn captured_text_and_log_events_are_told() {
    block_on(async {
        let script =
            "printf 'before<!--XSUPERVISOR:BEGIN-->the message<!--XSUPERVISOR:END-->after\\n'; exec cat";
        let mut talker = shell("talker", script);
        talker.stdout.capture_maxbytes = 100;
        talker.stdout.events_enabled = true;
        let daemon = start(vec![talker]).await;
        let (mut body, mut text) = (stream(&daemon, "/pistack/events?after=0").await, String::new());
        let event = read_until(&mut body, &mut text, |event| {
            event.name == "PROCESS_COMMUNICATION_STDOUT"
        })
        .await;
        assert_eq!(
            (event.field("processname"), event.data.as_str()),
            (Some("talker"), "the message")
        );
        let event = read_until(&mut body, &mut text, |event| event.name == "PROCESS_LOG_STDOUT").await;
        assert_eq!(
            (event.field("channel"), event.data.as_str()),
            (Some("stdout"), "after\n")
        );
        let info = daemon.info("talker").await;
        assert_eq!(
            std::fs::read_to_string(info.stdout_logfile).unwrap(),
            "beforeafter\n"
        );
        daemon.shutdown().await;
    });
}
