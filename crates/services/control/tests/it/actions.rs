//! Starting and stopping programs, with JavaScript and without.

use http::StatusCode;
use pistack_api::token::Level;

use super::fake::process;
use super::{Stack, whole};

const CAMERA: &str = "/programs/camera%3Acamera/control";

fn programs() -> Stack {
    let stack = whole();
    *stack.fake.processes.lock().unwrap() = vec![
        process("camera", "camera", 20),
        process("broken", "broken", 200),
        process("RaspberryPiSystem", "control_service", 20),
        process("RaspberryPiSystem", "io_service", 20),
    ];
    stack
}

fn acted(stack: &Stack) -> Vec<String> {
    std::mem::take(&mut *stack.fake.acted.lock().unwrap())
}

#[tokio::test]
async fn a_plain_form_acts_and_returns_to_its_page() {
    let stack = programs();
    for (action, back, lands) in [
        ("restart", "/", "/control/"),
        (
            "stop",
            "/programs/camera%3Acamera",
            "/control/programs/camera%3Acamera",
        ),
        ("start", "https://evil.example", "/control/"),
    ] {
        let page = stack
            .post(CAMERA, &[("do", action), ("back", back)])
            .with("x-forwarded-prefix", "/control")
            .by(Level::Root)
            .page()
            .await;
        assert_eq!(page.location(), lands);
        assert_eq!(acted(&stack), [format!("{action} camera:camera")]);
    }
}

#[tokio::test]
async fn htmx_gets_the_row_and_a_message() {
    let stack = programs();
    let page = stack
        .post(CAMERA, &[("do", "stop")])
        .with("hx-request", "true")
        .by(Level::Root)
        .page()
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("hx-target=\"#notice\"") && page.text.contains("camera was stopped."));
    assert!(page.text.contains("hx-target=\"#state\"") && page.text.contains("value=\"start\""));
    assert!(!page.text.contains("<html"));
    let row = page
        .text
        .split("hx-target=\"#p-")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    assert!(
        page.text.contains(&format!("<tr id=\"p-{row}\"")),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let stack = programs();
    for (path, action, status, told) in [
        (CAMERA, "start", 409, "camera: it runs already"),
        (
            "/programs/broken%3Abroken/control",
            "start",
            409,
            "could not be started: no such &#60;file&#62;",
        ),
        (
            "/programs/nobody%3Anobody/control",
            "stop",
            404,
            "no program of this name",
        ),
    ] {
        for pieces in [true, false] {
            let mut ask = stack.post(path, &[("do", action)]).by(Level::Root);
            if pieces {
                ask = ask.with("hx-request", "true");
            }
            let page = ask.page().await;
            assert_eq!(page.status.as_u16(), status, "{path}");
            assert!(page.text.contains(told), "{path}: {}", page.text);
            assert_eq!(page.text.contains("<html"), !pieces);
        }
    }
    for fields in [&[("do", "explode")][..], &[], &[("back", "/")]] {
        let page = stack.post(CAMERA, fields).by(Level::Root).page().await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn only_root_acts() {
    let stack = programs();
    for level in [Level::User, Level::Admin] {
        let page = stack.post(CAMERA, &[("do", "stop")]).by(level).page().await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
    }
    let page = stack.post(CAMERA, &[("do", "stop")]).page().await;
    assert_eq!(page.location(), "/login");
    let page = stack
        .post(CAMERA, &[("do", "stop")])
        .with("hx-request", "true")
        .with(
            "hx-current-url",
            "https://pi.local/programs/camera%3Acamera?channel=stderr#x",
        )
        .page()
        .await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        page.header("hx-redirect"),
        "/login?next=%2Fprograms%2Fcamera%253Acamera%3Fchannel%3Dstderr"
    );
    assert!(acted(&stack).is_empty());
}

#[tokio::test]
async fn what_the_dashboard_hangs_on_is_asked_for_twice() {
    let stack = programs();
    let path = "/programs/RaspberryPiSystem%3Acontrol_service/control";
    let home = stack.get("/").by(Level::Root).page().await;
    assert!(
        !home.text.contains(&format!("hx-post=\"{path}\"")),
        "htmx would skip the question"
    );
    let page = stack
        .post(path, &[("do", "stop"), ("back", "/")])
        .by(Level::Root)
        .page()
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("Are you sure?") && page.text.contains("name=\"sure\" value=\"yes\""));
    assert!(acted(&stack).is_empty());
    let page = stack
        .post(path, &[("do", "stop"), ("sure", "yes")])
        .by(Level::Root)
        .page()
        .await;
    assert_eq!(page.location(), "/");
    assert_eq!(acted(&stack), ["stop RaspberryPiSystem:control_service"]);
    // a service that the dashboard can do without is stopped at once
    let path = "/programs/RaspberryPiSystem%3Aio_service/control";
    stack.post(path, &[("do", "stop")]).by(Level::Root).page().await;
    assert_eq!(acted(&stack), ["stop RaspberryPiSystem:io_service"]);
}
