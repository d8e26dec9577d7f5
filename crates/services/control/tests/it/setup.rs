//! The steps of the first start after the account.

use http::StatusCode;
use pistack_api::token::Level;

use super::fake::{OTP, PASSWORD};
use super::{Page, Stack, whole};

const STEPS: [(&str, &str, &str); 5] = [
    ("look", "Language and look", "Język i wygląd"),
    ("factor", "Second factor", "Drugi składnik"),
    ("trust", "Trust this board", "Zaufanie do urządzenia"),
    ("channel", "Notifications", "Powiadomienia"),
    ("done", "Ready", "Gotowe"),
];

/// Every `Set-Cookie` in one text.
fn cookies(page: &Page) -> String {
    let all = page.headers.get_all("set-cookie").iter();
    all.map(|value| value.to_str().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

async fn post(stack: &Stack, path: &str, fields: &[(&str, &str)]) -> Page {
    stack.post(path, fields).by(Level::Root).page().await
}

#[tokio::test]
async fn every_step_leads_to_the_next_in_both_languages() {
    let stack = whole();
    for (at, (step, english, polish)) in STEPS.iter().enumerate() {
        let path = format!("/setup/{step}");
        for (language, title) in [("en", english), ("pl", polish)] {
            let page = stack
                .get(&path)
                .with("accept-language", language)
                .by(Level::Root)
                .page()
                .await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert!(
                page.text.contains(&format!("<h1>{title}</h1>")),
                "{path}: {}",
                page.text
            );
            assert!(cookies(&page).contains(&format!("setup-step={step};")));
        }
        let next = STEPS.get(at + 1);
        let gone = post(&stack, &path, &[]).await;
        assert_eq!(
            gone.location(),
            next.map_or("/".to_owned(), |(next, ..)| format!("/setup/{next}"))
        );
        let kept = next.map_or("setup-step=;".to_owned(), |(next, ..)| {
            format!("setup-step={next};")
        });
        assert!(cookies(&gone).contains(&kept), "{}", cookies(&gone));
        for (level, status) in [
            (Level::User, StatusCode::FORBIDDEN),
            (Level::Admin, StatusCode::FORBIDDEN),
        ] {
            assert_eq!(stack.get(&path).by(level).page().await.status, status);
            assert_eq!(stack.post(&path, &[]).by(level).page().await.status, status);
        }
    }
    let unknown = stack.get("/setup/nonsense").by(Level::Root).page().await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let foreign = stack
        .foreign_post("/setup/look", &[])
        .by(Level::Root)
        .page()
        .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_start_that_was_left_is_gone_on_with() {
    let stack = whole();
    let kept = "setup-step=trust";
    let back = stack
        .get("/setup")
        .with("cookie", kept)
        .by(Level::Root)
        .page()
        .await;
    assert_eq!(back.location(), "/setup/trust");
    assert_eq!(
        stack.get("/setup").by(Level::Root).page().await.location(),
        "/setup/look"
    );
    assert_eq!(
        stack.get("/setup").by(Level::User).page().await.location(),
        "/login"
    );
    let good = [("name", "root"), ("password", PASSWORD)];
    let again = stack.post("/login", &good).with("cookie", kept).page().await;
    assert_eq!(again.location(), "/setup/trust");
    let wanted = [good[0], good[1], ("next", "/logs")];
    let elsewhere = stack.post("/login", &wanted).with("cookie", kept).page().await;
    assert_eq!(elsewhere.location(), "/logs");
    let odd = stack
        .post("/login", &good)
        .with("cookie", "setup-step=//evil")
        .page()
        .await;
    assert_eq!(odd.location(), "/");
}

#[tokio::test]
async fn the_second_factor_is_turned_on_on_the_way() {
    let stack = whole();
    let offer = stack.get("/setup/factor").by(Level::Root).page().await;
    assert!(offer.text.contains("Go on without"), "{}", offer.text);
    let scan = post(&stack, "/setup/factor/begin", &[]).await;
    assert_eq!(scan.status, StatusCode::OK);
    assert!(
        scan.text.contains("<svg") && scan.text.contains("/setup/factor/confirm"),
        "{}",
        scan.text
    );
    let wrong = post(&stack, "/setup/factor/confirm", &[("code", "000000")]).await;
    assert!(
        wrong.status.is_client_error() && wrong.text.contains("role=\"alert\""),
        "{}",
        wrong.text
    );
    let on = post(&stack, "/setup/factor/confirm", &[("code", OTP)]).await;
    assert_eq!(on.status, StatusCode::OK, "{}", on.text);
    assert!(
        on.text.contains("class=\"once\"") && !on.text.contains("Go on without"),
        "{}",
        on.text
    );
    for path in [
        "/setup/factor/begin",
        "/setup/factor/confirm",
        "/setup/channel/test",
    ] {
        let page = stack.post(path, &[]).by(Level::User).page().await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn a_channel_is_tested_or_its_service_is_missed() {
    let (stack, _board) = super::board::whole();
    let page = stack.get("/setup/channel").by(Level::Root).page().await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("/setup/channel/test"), "{}", page.text);
    let tested = post(&stack, "/setup/channel/test", &[("name", "phone")]).await;
    assert!(
        tested.text.contains("The test message went through"),
        "{}",
        tested.text
    );
    let trust = stack.get("/setup/trust").by(Level::Root).page().await;
    assert!(
        trust.text.contains("class=\"qr\"") && !trust.text.contains("<script>alert"),
        "{}",
        trust.text
    );
    let alone = whole();
    for (path, said) in [
        ("/setup/channel", "does not answer"),
        ("/setup/trust", "does not tell"),
    ] {
        let page = alone.get(path).by(Level::Root).page().await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.text.contains(said), "{path}: {}", page.text);
    }
    let down = post(&alone, "/setup/channel/test", &[("name", "phone")]).await;
    assert_eq!(down.status, StatusCode::SERVICE_UNAVAILABLE);
}
