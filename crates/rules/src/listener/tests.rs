//! A supervisor played over in-memory pipes.

use indexmap::IndexMap;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, duplex};

use super::*;
use crate::config::{Action, Matching, Rule, When};
use crate::decide::Firing;

fn rule(event: &str) -> IndexMap<String, Rule> {
    let when = When {
        event: event.into(),
        ..When::default()
    };
    let then = vec![Action::Log("seen".into())];
    IndexMap::from([(
        "r".to_owned(),
        Rule {
            when,
            then,
            priority: 0,
            cooldown: None,
            enabled: true,
        },
    )])
}

struct Supervisor {
    to: DuplexStream,
    from: DuplexStream,
    fired: tokio::sync::mpsc::Receiver<Firing>,
    session: tokio::task::JoinHandle<Result<(), SessionError>>,
}

fn start(event: &str) -> Supervisor {
    let (to, input) = duplex(64 * 1024);
    let (output, from) = duplex(64 * 1024);
    let (outbox, fired) = Outbox::for_test(16);
    let decider = Decider::new(Matching::Highest, rule(event));
    let session = Session::new(
        BufReader::new(input),
        output,
        decider,
        outbox,
        Clock::manual(1_000),
    );
    Supervisor {
        to,
        from,
        fired,
        session: tokio::spawn(session.run()),
    }
}

impl Supervisor {
    async fn expect(&mut self, text: &str) {
        let mut bytes = vec![0; text.len()];
        self.from.read_exact(&mut bytes).await.unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), text);
    }

    async fn send(&mut self, name: &str, payload: &str) {
        let len = payload.chars().count();
        let text =
            format!("ver:3.0 server:s serial:1 pool:p poolserial:1 eventname:{name} len:{len}\n{payload}");
        self.to.write_all(text.as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn answers_every_event_and_hands_firings_over() {
    let mut supervisor = start("PROCESS_STATE_*");
    supervisor.expect("READY\n").await;
    supervisor
        .send(
            "PROCESS_STATE_FATAL",
            "processname:cam groupname:cam from_state:BACKOFF",
        )
        .await;
    supervisor.expect("RESULT 2\nOKREADY\n").await;
    let firing = supervisor.fired.recv().await.unwrap();
    assert_eq!(
        (firing.rule.as_str(), firing.event.field("processname")),
        ("r", Some("cam"))
    );
    supervisor.send("TICK_5", "when:5").await;
    supervisor.expect("RESULT 2\nOKREADY\n").await;
    assert!(supervisor.fired.try_recv().is_err());
}

#[tokio::test]
async fn counts_characters_not_bytes() {
    let mut supervisor = start("*");
    supervisor.expect("READY\n").await;
    supervisor
        .send(
            "PROCESS_COMMUNICATION_STDOUT",
            "processname:a groupname:a pid:1\nzażółć gęślą 🔑",
        )
        .await;
    supervisor.expect("RESULT 2\nOKREADY\n").await;
    assert_eq!(
        supervisor.fired.recv().await.unwrap().event.data,
        "zażółć gęślą 🔑"
    );
}

#[tokio::test]
async fn an_event_without_payload_and_the_end() {
    let mut supervisor = start("SUPERVISOR_*");
    supervisor.expect("READY\n").await;
    supervisor.send("SUPERVISOR_STATE_CHANGE_STOPPING", "").await;
    supervisor.expect("RESULT 2\nOKREADY\n").await;
    drop(supervisor.to);
    assert!(supervisor.session.await.unwrap().is_ok());
}

#[tokio::test]
async fn says_that_it_is_not_for_hands() {
    let mut supervisor = start("*");
    supervisor.expect("READY\n").await;
    supervisor.to.write_all(b"hello\n").await.unwrap();
    let error = supervisor.session.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("not by hand"), "{error}");
}
