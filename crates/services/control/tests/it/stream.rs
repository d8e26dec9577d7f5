//! The streams that keep open pages up to date.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use http::StatusCode;
use http_body_util::BodyExt as _;
use pistack_api::service::Service;
use pistack_api::token::{Level, Revocation};
use tokio::time::timeout;

use super::fake::{NOW, process};
use super::{Stack, stack, whole};

/// Reads a stream until `wanted` stands in it; `None` when it ends before.
struct Reader {
    body: Body,
    text: String,
}

impl Reader {
    async fn open(stack: &Stack, path: &str) -> Self {
        let response = stack.get(path).by(Level::Admin).send().await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: response.into_body(),
            text: String::new(),
        }
    }

    /// What came since the last call, up to the message with `wanted` in it.
    async fn until(&mut self, wanted: &str) -> Option<String> {
        let reading = async {
            while !self.text.contains(wanted) {
                let frame = self.body.frame().await?.ok()?;
                self.text += &String::from_utf8_lossy(&frame.into_data().ok()?);
            }
            Some(std::mem::take(&mut self.text))
        };
        timeout(Duration::from_secs(10), reading)
            .await
            .unwrap_or_else(|_| panic!("no {wanted} within 10 s"))
    }
}

fn camera(stack: &Stack) {
    *stack.fake.processes.lock().unwrap() =
        vec![process("camera", "camera", 20), process("sensors", "light", 20)];
    stack
        .fake
        .logs
        .lock()
        .unwrap()
        .insert("camera:camera/stdout".to_owned(), "first\n".to_owned());
}

#[tokio::test]
async fn a_change_reaches_the_page_as_one_row() {
    let stack = whole();
    camera(&stack);
    let mut reader = Reader::open(&stack, "/live").await;
    let first = reader.until("</hx-partial>\n\n").await.unwrap();
    assert!(
        first.contains("hx-target=\"#programs\"") && first.contains("hx-target=\"#summary\""),
        "{first}"
    );
    // the stand-in tells only whoever listens already
    stack.fake.change("camera", 200, "FATAL");
    let change = reader.until("#summary").await.unwrap();
    assert!(
        change.contains("camera: failed") && change.contains("class=\"state bad\""),
        "{change}"
    );
    assert!(
        !change.contains("light"),
        "a row that did not change was sent: {change}"
    );
    assert!(!change.contains("value=\"start\""), "an Admin got buttons");
    stack
        .fake
        .processes
        .lock()
        .unwrap()
        .push(process("new", "new", 20));
    stack.fake.change("new", 20, "RUNNING");
    let table = reader.until("</table>").await.unwrap();
    assert!(
        table.contains("hx-target=\"#programs\"") && table.contains("light"),
        "{table}"
    );
}

/// Opens a stream and waits until it has looked at the programs.
async fn looking(stack: &Stack, path: &str, last_id: Option<&str>) -> Reader {
    let looks = || stack.fake.lists.load(Ordering::SeqCst);
    let before = looks();
    let mut ask = stack.get(path).by(Level::Admin);
    if let Some(id) = last_id {
        ask = ask.with("last-event-id", id);
    }
    let body = ask.send().await.into_body();
    let mut reader = Reader {
        body,
        text: String::new(),
    };
    // A stream runs only while it is read.
    let first = timeout(Duration::from_millis(1), reader.body.frame()).await;
    if let Ok(Some(Ok(frame))) = first {
        reader.text += &String::from_utf8_lossy(&frame.into_data().unwrap_or_default());
    }
    until("a look at the programs", &mut reader, || looks() > before).await;
    reader
}

/// Reads on until `done`.
async fn until(what: &str, reader: &mut Reader, done: impl Fn() -> bool) {
    let reading = async {
        while !done() {
            if let Ok(Some(Ok(frame))) = timeout(Duration::from_millis(10), reader.body.frame()).await {
                reader.text += &String::from_utf8_lossy(&frame.into_data().unwrap_or_default());
            }
        }
    };
    timeout(Duration::from_secs(10), reading)
        .await
        .unwrap_or_else(|_| panic!("not within 10 s: {what}"));
}

const WHOLE: &str = "hx-target=\"#programs\"";

#[tokio::test]
async fn what_the_page_shows_already_is_not_sent_to_it_again() {
    let stack = whole();
    camera(&stack);
    let page = stack.get("/").by(Level::Admin).page().await;
    let place = page.text.split("hx-sse:connect=\"").nth(1).unwrap();
    let place = place.split('"').next().unwrap();
    let mut reader = looking(&stack, place, None).await;
    stack.fake.change("camera", 200, "FATAL");
    let change = reader.until("#summary").await.unwrap();
    assert!(
        change.contains("camera: failed") && !change.contains(WHOLE),
        "{change}"
    );
    let id = change.rsplit("id: ").next().unwrap().lines().next().unwrap();
    drop(reader);
    // It comes back: what it shows is what the last message left, not what its address says.
    let mut reader = looking(&stack, place, Some(id)).await;
    stack.fake.change("light", 200, "FATAL");
    let change = reader.until("light: failed").await.unwrap();
    assert!(!change.contains(WHOLE), "{change}");
    drop(reader);
    stack.fake.change("light", 20, "RUNNING");
    stack.fake.change("camera", 20, "RUNNING");
    let mut reader = looking(&stack, place, Some(id)).await;
    reader.until(WHOLE).await.unwrap();
}

#[tokio::test]
async fn pages_of_one_person_share_one_connection_for_news() {
    let stack = whole();
    camera(&stack);
    let mut first = Reader::open(&stack, "/live").await;
    let mut second = Reader::open(&stack, "/live").await;
    for reader in [&mut first, &mut second] {
        reader.until("#programs").await.unwrap();
    }
    assert_eq!(stack.fake.events.receiver_count(), 1);
    drop(first);
    stack.fake.change("camera", 200, "FATAL");
    second.until("camera: failed").await.unwrap();
    drop(second);
    timeout(Duration::from_secs(10), async {
        while stack.fake.events.receiver_count() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("nobody listens any more");
}

#[tokio::test]
async fn a_lost_supervisor_is_told_and_its_return_too() {
    let stack = stack(&[Service::Auth]);
    camera(&stack);
    let mut reader = Reader::open(&stack, "/live").await;
    let lost = reader.until("paused").await.unwrap();
    assert!(lost.contains("hx-target=\"#notice\""), "{lost}");
    stack.fake.serve(Service::Supervisor, &stack.context);
    let found = reader.until("#programs").await.unwrap();
    assert!(
        found.contains("camera")
            && found.contains("hx-target=\"#notice\" hx-swap=\"innerHTML\"></hx-partial>")
    );
}

#[tokio::test]
async fn a_session_ended_elsewhere_ends_the_stream() {
    let stack = whole();
    camera(&stack);
    let mut reader = Reader::open(&stack, "/live").await;
    reader.until("#programs").await.unwrap();
    stack.context.guard.revoke(&Revocation::Session {
        sid: "session-of-admin".to_owned(),
        until: NOW + 1000,
    });
    assert_eq!(reader.until("anything more").await, None);
    let again = stack
        .get("/live")
        .by(Level::Admin)
        .with("hx-request", "true")
        .page()
        .await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_log_is_followed_through_its_rotation() {
    let stack = whole();
    camera(&stack);
    let set = |text: &str| {
        stack
            .fake
            .logs
            .lock()
            .unwrap()
            .insert("camera:camera/stdout".to_owned(), text.to_owned());
    };
    let mut reader = Reader::open(&stack, "/programs/camera%3Acamera/events?channel=stdout&offset=6").await;
    set("first\nsecond <b>\u{1b}[31m\n");
    let more = reader.until("second").await.unwrap();
    assert!(
        more.contains("hx-swap=\"beforeend\">second &#60;b&#62;"),
        "{more}"
    );
    assert!(!more.contains("first"), "{more}");
    assert!(more.contains("id: 22\n"), "{more}");
    set("anew\n");
    let anew = reader.until("anew").await.unwrap();
    assert!(anew.contains("hx-swap=\"innerHTML\">anew"), "{anew}");
    stack.fake.change("camera", 0, "STOPPED");
    let state = reader.until("stopped").await.unwrap();
    assert!(
        state.contains("hx-target=\"#state\"") || state.contains("camera: stopped"),
        "{state}"
    );
}

#[tokio::test]
async fn a_page_that_comes_back_goes_on_where_it_was() {
    let stack = whole();
    camera(&stack);
    let path = "/programs/camera/events?channel=stdout&offset=0";
    let response = stack
        .get(path)
        .by(Level::Root)
        .with("last-event-id", "6")
        .send()
        .await;
    let mut reader = Reader {
        body: response.into_body(),
        text: String::new(),
    };
    stack
        .fake
        .logs
        .lock()
        .unwrap()
        .insert("camera:camera/stdout".to_owned(), "first\nsecond\n".to_owned());
    let more = reader.until("second").await.unwrap();
    assert!(!more.contains("first"), "{more}");
    let missing = stack.get("/programs/nobody/events").by(Level::Root).page().await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}
