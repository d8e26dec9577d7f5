//! Rules made, switched and tried; mails listed, read and written.

use http::StatusCode;
use pistack_api::token::Level;

use super::fake::{OTP, PASSWORD};
use super::operations::{bench, is_inert, last};

const FILLED: &[(&str, &str)] = &[
    ("mode", "form"),
    ("do", "save"),
    ("name", "new-one"),
    ("kind", "event"),
    ("event", "crashed"),
    ("severity", "warning"),
    ("a0_do", "notify"),
    ("a0_to", "me"),
];

fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let given = |name: &str| more.iter().any(|(known, _)| *known == name);
    let kept = FILLED.iter().filter(|(name, _)| !given(name)).copied();
    kept.chain(more.iter().copied()).collect()
}

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "the steps of one person, one after the other"
)]
async fn a_rule_is_made_in_the_form_and_faults_stand_at_their_fields() {
    let (stack, seen) = bench();
    let wrong = stack
        .post("/rules/save", &with(&[("program", "camra")]))
        .by(Level::Root)
        .page()
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.text);
    assert!(
        wrong.text.contains("aria-describedby=\"program-fault\"")
            && wrong.text.contains("id=\"program-fault\""),
        "{}",
        wrong.text
    );
    assert!(wrong.text.contains("did you mean"), "{}", wrong.text);
    assert!(
        wrong.text.contains("value=\"new-one\""),
        "what was filled in is kept"
    );
    is_inert(&wrong);
    assert!(last(&seen).starts_with("check"), "nothing was written");
    let fine = stack
        .post("/rules/save", &with(&[("do", "check")]))
        .by(Level::Root)
        .page()
        .await;
    assert!(
        fine.status == StatusCode::OK && fine.text.contains("It is not saved yet"),
        "{}",
        fine.text
    );
    assert!(last(&seen).starts_with("check"));
    let saved = stack.post("/rules/save", FILLED).by(Level::Root).page().await;
    assert_eq!(saved.location(), "/rules/rule/new%2Done?done=saved");
    assert_eq!(
        last(&seen),
        r#"put new-one {"rule":{"when":{"event":"crashed"},"then":[{"notify":["me"]}]}}"#
    );
    let text = [
        ("mode", "text"),
        ("do", "save"),
        ("name", "t"),
        ("toml", "when = {\r\n"),
    ];
    let torn = stack.post("/rules/save", &text).by(Level::Root).page().await;
    assert!(
        torn.status == StatusCode::OK
            || torn.status == StatusCode::SEE_OTHER
            || torn.status == StatusCode::UNPROCESSABLE_ENTITY
    );
    let text = [
        ("mode", "text"),
        ("do", "save"),
        ("name", "t"),
        ("toml", "when = {\n"),
    ];
    let torn = stack.post("/rules/save", &text).by(Level::Root).page().await;
    assert!(
        torn.status == StatusCode::UNPROCESSABLE_ENTITY && torn.text.contains("line 2: unclosed table"),
        "{}",
        torn.text
    );
    assert!(torn.text.contains("id=\"toml-fault\""));
    let elsewhere = stack
        .post("/rules/save", &with(&[("name", "camera-down")]))
        .by(Level::Root)
        .page()
        .await;
    assert!(
        elsewhere.status == StatusCode::CONFLICT && elsewhere.text.contains("pistack.toml:12"),
        "{}",
        elsewhere.text
    );
    let admin = stack.post("/rules/save", FILLED).by(Level::Admin).page().await;
    assert_eq!(admin.status, StatusCode::FORBIDDEN);
    let foreign = stack
        .foreign_post("/rules/save", FILLED)
        .by(Level::Root)
        .page()
        .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn saving_asks_for_the_password_when_the_login_is_old_and_keeps_what_was_filled_in() {
    let (stack, seen) = bench();
    *stack.fake.stale.lock().unwrap() = true;
    let asked = stack.post("/rules/save", FILLED).by(Level::Root).page().await;
    assert!(
        asked.status == StatusCode::OK && asked.text.contains("name=\"password\""),
        "{}",
        asked.text
    );
    assert!(asked.text.contains("value=\"new-one\"") && !last(&seen).starts_with("put"));
    let wrong = stack
        .post("/rules/save", &with(&[("password", "no")]))
        .by(Level::Root)
        .page()
        .await;
    assert!(
        wrong.status == StatusCode::UNAUTHORIZED && wrong.text.contains("name=\"password\""),
        "{}",
        wrong.text
    );
    assert!(
        !wrong.text.contains("value=\"no\""),
        "a password never comes back"
    );
    let right = stack
        .post("/rules/save", &with(&[("password", PASSWORD), ("otp", OTP)]))
        .by(Level::Root)
        .page()
        .await;
    assert_eq!(right.location(), "/rules/rule/new%2Done?done=saved");
    assert!(last(&seen).starts_with("put new-one"));

    *stack.fake.stale.lock().unwrap() = true;
    let ask = stack
        .post("/rules/rule/made/remove", &[])
        .by(Level::Root)
        .page()
        .await;
    assert!(ask.text.contains("cannot be taken back") && last(&seen).starts_with("put"));
    let proof = stack
        .post("/rules/rule/made/remove", &[("sure", "yes")])
        .by(Level::Root)
        .page()
        .await;
    assert!(
        proof.text.contains("name=\"password\"") && last(&seen).starts_with("put"),
        "{}",
        proof.text
    );
    let done = stack
        .post(
            "/rules/rule/made/remove",
            &[("sure", "yes"), ("password", PASSWORD)],
        )
        .by(Level::Root)
        .page()
        .await;
    assert_eq!(
        (done.location(), last(&seen).as_str()),
        ("/rules?done=removed", "remove made")
    );
}

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "the steps of one person, one after the other"
)]
async fn rules_are_switched_tried_and_channels_tested() {
    let (stack, seen) = bench();
    let on = stack
        .post("/rules/rule/made/set", &[("do", "on"), ("back", "list")])
        .by(Level::Root)
        .page()
        .await;
    assert_eq!(
        (on.location(), last(&seen).as_str()),
        ("/rules?done=on", "enable made")
    );
    let fired = stack
        .post("/rules/rule/made/set", &[("do", "fire")])
        .by(Level::Root)
        .page()
        .await;
    assert_eq!(
        (fired.location(), last(&seen).as_str()),
        ("/rules/rule/made?done=fire", "fire made")
    );
    let odd = stack
        .post("/rules/rule/made/set", &[("do", "explode")])
        .by(Level::Root)
        .page()
        .await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST);
    let page = stack.get("/rules/rule/made").by(Level::Admin).page().await;
    assert!(
        page.text.contains("value=\"f7\"") && page.text.contains("value=\"e9\""),
        "{}",
        page.text
    );
    for (event, wanted) in [("f7", "\"firing\":7"), ("e8", "\"name\":\"STACK\"")] {
        let tried = stack
            .post("/rules/rule/made/test", &[("event", event)])
            .by(Level::Admin)
            .page()
            .await;
        assert!(
            tried.text.contains("It would fire") && last(&seen).contains(wanted),
            "{}",
            last(&seen)
        );
        is_inert(&tried);
    }
    let made = stack
        .post(
            "/rules/rule/made/test",
            &[("event", "made"), ("program", "g:camera")],
        )
        .by(Level::Admin)
        .page()
        .await;
    assert!(
        made.text.contains("It would fire") && last(&seen).contains("\"groupname\":\"g\""),
        "{}",
        last(&seen)
    );
    let nothing = stack
        .post("/rules/rule/made/test", &[("event", "made")])
        .by(Level::Admin)
        .page()
        .await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST);
    let good = stack
        .post("/rules/channel/me/test", &[])
        .by(Level::Admin)
        .page()
        .await;
    assert!(
        good.text.contains("The test message went out on me"),
        "{}",
        good.text
    );
    let bad = stack
        .post("/rules/channel/other/test", &[])
        .by(Level::Admin)
        .page()
        .await;
    assert!(bad.text.contains("did not go out"), "{}", bad.text);
    is_inert(&bad);
}

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "the steps of one person, one after the other"
)]
async fn mails_are_listed_read_written_tried_again_and_removed() {
    let (stack, seen) = bench();
    let page = stack
        .get("/mail?group=waiting&q=anna")
        .by(Level::Admin)
        .page()
        .await;
    assert!(
        page.text.contains("put off") && page.text.contains("451 ") && page.text.contains("before=4"),
        "{}",
        page.text
    );
    assert!(page.text.contains("paused: the login was refused"));
    let mail = stack.get("/mail/message/m1").by(Level::User).page().await;
    assert!(
        mail.text.contains("Only its text is shown") && mail.text.contains("text/html, 10 B"),
        "{}",
        mail.text
    );
    let hidden = stack.get("/mail/message/secret").by(Level::User).page().await;
    assert!(hidden.text.contains("kept from everyone"), "{}", hidden.text);
    assert_eq!(
        stack
            .get("/mail/message/gone")
            .by(Level::User)
            .page()
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    let retried = stack
        .post("/mail/message/m1", &[("do", "retry")])
        .by(Level::User)
        .page()
        .await;
    assert_eq!(
        (retried.location(), last(&seen).as_str()),
        ("/mail?done=retry", "retry m1")
    );
    let sent = stack
        .post("/mail/message/m2", &[("do", "retry")])
        .by(Level::User)
        .page()
        .await;
    assert!(
        sent.status == StatusCode::CONFLICT && sent.text.contains("the mail has been sent"),
        "{}",
        sent.text
    );
    stack
        .post("/mail/message/m2", &[("do", "remove")])
        .by(Level::User)
        .page()
        .await;
    assert_eq!(last(&seen), "forget m2");
    let form = [
        ("to", "a@example.org, b@example.org"),
        ("subject", "s"),
        ("text", "one\r\ntwo"),
        ("key", "k1"),
    ];
    let queued = stack.post("/mail/send", &form).by(Level::User).page().await;
    assert_eq!(queued.location(), "/mail?done=queued");
    assert_eq!(
        last(&seen),
        r#"send {"to":["a@example.org","b@example.org"],"subject":"s","text":"one\ntwo","idempotency_key":"k1"}"#
    );
    let refused = stack
        .post(
            "/mail/send",
            &[
                ("to", "nonsense"),
                ("subject", "kept"),
                ("text", "x"),
                ("key", "k"),
            ],
        )
        .by(Level::User)
        .page()
        .await;
    assert!(
        refused.status == StatusCode::BAD_REQUEST
            && refused.text.contains("no address")
            && refused.text.contains("value=\"kept\""),
        "{}",
        refused.text
    );
    let test = stack
        .post("/mail/test", &[("to", "a@example.org")])
        .by(Level::Admin)
        .page()
        .await;
    assert!(
        test.text.contains("role=\"alert\"") && last(&seen).contains("a@example.org"),
        "{}",
        test.text
    );
    assert_eq!(
        stack
            .post("/mail/test", &[("to", "a@b.c")])
            .by(Level::User)
            .page()
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    let polish = stack
        .get("/mail")
        .by(Level::Admin)
        .with("accept-language", "pl")
        .page()
        .await;
    assert!(
        polish.text.contains("Napisz wiadomość") && polish.text.contains("odłożona"),
        "{}",
        polish.text
    );
}

#[tokio::test]
async fn reasons_are_told_in_the_language_of_the_page() {
    let (stack, _) = bench();
    for (language, told) in [
        ("en", "cooling down for 42 s more"),
        ("pl", "odczekuje jeszcze 42 s; bez wiadomości: "),
    ] {
        let page = stack
            .post("/rules/rule/made/test", &[("event", "f7")])
            .with("accept-language", language)
            .by(Level::Root)
            .page()
            .await;
        assert!(page.text.contains(told), "{language}: {}", page.text);
        is_inert(&page);
    }
}
