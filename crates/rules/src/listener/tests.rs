//! A supervisor played over in-memory pipes.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, duplex};

use super::*;

struct Supervisor {
    to: DuplexStream,
    from: DuplexStream,
    heard: mpsc::Receiver<Event>,
    session: tokio::task::JoinHandle<Result<(), SessionError>>,
}

fn start() -> Supervisor {
    let (to, input) = duplex(64 * 1024);
    let (output, from) = duplex(64 * 1024);
    let (events, heard) = mpsc::channel(16);
    let session = Session::new(BufReader::new(input), output, events, Clock::manual(1_000));
    Supervisor {
        to,
        from,
        heard,
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
async fn answers_every_event_and_hands_it_over() {
    let mut supervisor = start();
    supervisor.expect("READY\n").await;
    supervisor
        .send(
            "PROCESS_STATE_FATAL",
            "processname:cam groupname:cam from_state:BACKOFF",
        )
        .await;
    supervisor.expect("RESULT 2\nOKREADY\n").await;
    let event = supervisor.heard.recv().await.unwrap();
    assert_eq!(
        (event.name.as_str(), event.field("processname"), event.at),
        ("PROCESS_STATE_FATAL", Some("cam"), 1_000)
    );
    supervisor.send("TICK_5", "when:5").await;
    supervisor.expect("RESULT 2\nOKREADY\n").await;
    assert_eq!(supervisor.heard.recv().await.unwrap().name, "TICK_5");
}

#[tokio::test]
async fn counts_characters_not_bytes() {
    let mut supervisor = start();
    supervisor.expect("READY\n").await;
    supervisor
        .send(
            "PROCESS_COMMUNICATION_STDOUT",
            "processname:a groupname:a pid:1\nzażółć gęślą 🔑",
        )
        .await;
    supervisor.expect("RESULT 2\nOKREADY\n").await;
    assert_eq!(supervisor.heard.recv().await.unwrap().data, "zażółć gęślą 🔑");
}

#[tokio::test]
async fn an_event_without_payload_and_the_end() {
    let mut supervisor = start();
    supervisor.expect("READY\n").await;
    supervisor.send("SUPERVISOR_STATE_CHANGE_STOPPING", "").await;
    supervisor.expect("RESULT 2\nOKREADY\n").await;
    drop(supervisor.to);
    assert!(supervisor.session.await.unwrap().is_ok());
}

#[tokio::test]
async fn says_that_it_is_not_for_hands() {
    let mut supervisor = start();
    supervisor.expect("READY\n").await;
    supervisor.to.write_all(b"hello\n").await.unwrap();
    let error = supervisor.session.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("not by hand"), "{error}");
}

#[test]
fn a_crash_loop_does_not_fill_the_log() {
    let mut journal = Journal::default();
    let event = crate::decide::event::make("PROCESS_STATE_EXITED", 0, &[("processname", "cam")]);
    let written: Vec<String> = (0..1000)
        .filter_map(|number| journal.line(Duration::from_millis(number * 10), &event))
        .collect();
    assert_eq!(written.len(), 20);
    assert!(written[19].contains("left out here"));
    let next = journal.line(Duration::from_mins(2), &event).unwrap();
    assert!(next.contains("980 events of cam"), "{next}");
    let other = crate::decide::event::make("PROCESS_STATE_EXITED", 0, &[("processname", "dog")]);
    assert!(journal.line(Duration::ZERO, &other).is_some());
}
