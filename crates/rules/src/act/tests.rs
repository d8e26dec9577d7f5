//! Actions against real commands, a real XML-RPC answerer and a mail service on unix sockets.

use std::sync::Mutex;

use pistack_api::event::Event;
use pistack_kit::testing::eventually;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::config::{EmailChannel, Notify, Run};

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
        event,
        actions,
    }
}

fn context(folder: &std::path::Path) -> Context {
    std::fs::create_dir_all(folder.join("run")).unwrap();
    pistack_kit::testing::context(
        pistack_api::service::Service::Rules,
        folder,
        &pistack_kit::testing::TestAuth::new(),
    )
}

fn run(command: &[&str]) -> Run {
    Run {
        command: command.iter().map(|part| (*part).to_owned()).collect(),
        timeout: None,
    }
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
async fn runs_commands_with_the_event_in_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let script = format!(
        "echo \"$PISTACK_EVENT $PISTACK_PROCESSNAME $0\" > {}",
        out.display()
    );
    let outbox = Outbox::start(&context(folder.path()), IndexMap::new());
    outbox.put(firing(vec![Action::Run(run(&[
        "sh",
        "-c",
        &script,
        "{process}:{to_state}",
    ]))]));
    let text = eventually("the command's output", || async {
        std::fs::read_to_string(&out)
            .ok()
            .filter(|text| text.ends_with('\n'))
    })
    .await;
    assert_eq!(text, "PROCESS_STATE_EXITED cam cam:EXITED\n");
}

#[tokio::test]
async fn a_hanging_command_is_killed_and_keeps_nothing_else_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let outbox = Outbox::start(&context(folder.path()), IndexMap::new());
    outbox.put(firing(vec![Action::Run(run(&["sleep", "1000"]))]));
    outbox.put(firing(vec![Action::Run(run(&["touch", out.to_str().unwrap()]))]));
    eventually("the second command", || async { out.exists().then_some(()) }).await;

    let (arguments, event) = (["sleep".to_owned(), "1000".to_owned()], firing(Vec::new()).event);
    let short = command::run(&arguments, &event, Duration::from_millis(20), None);
    let error = short.await.unwrap_err().to_string();
    assert!(error.contains("was killed"), "{error}");
}

#[tokio::test]
async fn a_failing_command_tells_why() {
    let event = firing(Vec::new()).event;
    let go = |command: &'static [&'static str]| {
        let arguments: Vec<String> = command.iter().map(|part| (*part).to_owned()).collect();
        let event = event.clone();
        async move {
            command::run(&arguments, &event, COMMAND_TIMEOUT, None)
                .await
                .unwrap_err()
                .to_string()
        }
    };
    assert!(
        go(&["sh", "-c", "echo broken >&2; exit 3"])
            .await
            .contains("broken")
    );
    assert!(go(&["/does/not/exist"]).await.contains("cannot be started"));
}

#[tokio::test]
async fn restarts_through_the_supervisor_and_mails_through_the_mail_service() {
    let folder = tempfile::tempdir().unwrap();
    let context = context(folder.path());
    let calls = answer(context.paths.supervisor_socket(), TRUE);
    let mails = answer(
        context.paths.service_socket(pistack_api::service::Service::Email),
        "{}",
    );
    let channels = IndexMap::from([(
        "me".to_owned(),
        Channel::Email(EmailChannel {
            to: "me@example.org".into(),
        }),
    )]);
    let outbox = Outbox::start(&context, channels);
    outbox.put(firing(vec![
        Action::Restart("{group}:{process}".into()),
        Action::Notify(Notify {
            channels: vec!["me".into()],
            text: None,
        }),
    ]));
    let mail = eventually("the mail", || async { mails.lock().unwrap().first().cloned() }).await;
    assert!(
        mail.starts_with("POST /internal/send") && mail.contains("cam ended unexpectedly"),
        "{mail}"
    );
    let calls = calls.lock().unwrap();
    assert_eq!(calls.len(), 2);
    assert!(
        calls[0].contains("supervisor.stopProcess") && calls[0].contains("cam:cam"),
        "{}",
        calls[0]
    );
    assert!(calls[1].contains("supervisor.startProcess"), "{}", calls[1]);
}
