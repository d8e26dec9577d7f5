//! The streams that keep open pages up to date.

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
