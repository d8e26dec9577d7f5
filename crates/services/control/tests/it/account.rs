//! The second step of signing in, and the own account.

use http::StatusCode;
use pistack_api::token::Level;

use super::fake::{OTP, PASSWORD};
use super::{Page, whole};

/// The value of a hidden field.
fn hidden<'a>(page: &'a Page, name: &str) -> &'a str {
    let start = format!("name=\"{name}\" value=\"");
    let rest = page.text.split_once(start.as_str()).unwrap().1;
    rest.split('"').next().unwrap()
}

#[tokio::test]
async fn a_second_factor_is_asked_for_in_a_second_step() {
    let stack = whole();
    let first = [("name", "careful"), ("password", PASSWORD), ("next", "/apis")];
    let step = stack.post("/login", &first).page().await;
    assert_eq!(step.status, StatusCode::OK);
    assert!(step.text.contains("name=\"otp\""), "{}", step.text);
    assert!(!step.text.contains(PASSWORD), "the password is in the page");
    assert_eq!(step.header("set-cookie"), "");
    let pending = hidden(&step, "pending").to_owned();

    let fields = |otp| [("pending", pending.as_str()), ("otp", otp), ("next", "/apis")];
    let wrong = stack.post("/login", &fields("000000")).page().await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.text.contains("This code is not right"), "{}", wrong.text);
    assert_eq!(hidden(&wrong, "pending"), pending);

    let done = stack.post("/login", &fields(OTP)).page().await;
    assert_eq!(done.location(), "/apis");
    let cookies: Vec<_> = done.headers.get_all("set-cookie").iter().collect();
    assert!(
        cookies[0]
            .to_str()
            .unwrap()
            .starts_with("__Host-pistack=cookie-of-careful; ")
    );
    assert!(
        cookies[1]
            .to_str()
            .unwrap()
            .starts_with("__Host-pistack-device=device-1; ")
    );

    let late = stack.post("/login", &fields(OTP)).page().await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
    assert!(late.text.contains("took too long"), "{}", late.text);
}

#[tokio::test]
async fn a_password_known_to_the_world_is_replaced_at_sign_in() {
    let stack = whole();
    let first = [("name", "imported"), ("password", PASSWORD)];
    let step = stack.post("/login", &first).page().await;
    assert!(step.text.contains("known to the world"), "{}", step.text);
    let pending = hidden(&step, "pending").to_owned();
    for (new, again, told) in [
        ("one thing", "another", "The two passwords differ."),
        ("short", "short", "at least 8 characters"),
    ] {
        let fields = [
            ("pending", pending.as_str()),
            ("new_password", new),
            ("again", again),
        ];
        let page = stack.post("/login", &fields).page().await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert!(
            page.text.contains(told) && page.text.contains("name=\"again\""),
            "{}",
            page.text
        );
    }
    let good = "four words are fine";
    let fields = [
        ("pending", pending.as_str()),
        ("new_password", good),
        ("again", good),
    ];
    assert_eq!(stack.post("/login", &fields).page().await.location(), "/");
    assert_eq!(
        stack.fake.logins.lock().unwrap().last().unwrap().new_password,
        good
    );
}

#[tokio::test]
async fn a_login_shows_the_device_and_ends_the_session_before() {
    let stack = whole();
    let token = stack.fake.token(Level::Root);
    let sid = stack.context.guard.verify(&token).unwrap().sid;
    stack
        .post("/login", &[("name", "root"), ("password", PASSWORD)])
        .by(Level::Root)
        .with("cookie", "__Host-pistack-device=device-1")
        .page()
        .await;
    let login = stack.fake.logins.lock().unwrap()[0].clone();
    assert_eq!((login.device_token.as_str(), login.replaces), ("device-1", sid));
    assert!(login.remember_device);
}

#[tokio::test]
async fn the_account_shows_sessions_and_tokens_as_inert_text() {
    let stack = whole();
    let page = stack.get("/account").by(Level::User).page().await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for shown in [
        "Firefox, Linux",
        "this one",
        "192.168.1.9",
        "gpio:relay1:write info:*",
        "never",
    ] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    for never in ["<b>curl", "garden <script>", "value=\"s1\""] {
        assert!(!page.text.contains(never), "{never}");
    }
    assert!(!page.text.contains("/audit"), "only Root reads the audit record");
    assert_eq!(
        stack.get("/account").page().await.location(),
        "/login?next=%2Faccount"
    );
}

#[tokio::test]
async fn sessions_and_tokens_end_by_a_form() {
    let stack = whole();
    for (path, id, back) in [
        ("/account/sessions/end", "s2", "/account?done=session"),
        ("/account/sessions/end-others", "", "/account?done=sessions"),
        ("/account/tokens/revoke", "t1", "/account?done=token"),
    ] {
        let page = stack.post(path, &[("id", id)]).by(Level::User).page().await;
        assert_eq!(page.location(), back);
    }
    assert_eq!(
        *stack.fake.account.lock().unwrap(),
        ["end s2", "end others", "end t1"]
    );
    let foreign = stack.foreign_post("/account/sessions/end", &[("id", "s2")]);
    assert_eq!(foreign.by(Level::User).page().await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_second_factor_is_turned_on_by_its_first_code() {
    let stack = whole();
    let begun = stack
        .post("/account/factor/begin", &[])
        .by(Level::User)
        .page()
        .await;
    assert!(begun.text.contains("<svg viewBox=\"0 0 9 9\">"), "{}", begun.text);
    assert!(
        begun
            .text
            .contains("otpauth://totp/pi:root?secret=JBSWY3DPEHPK3PXP"),
        "{}",
        begun.text
    );
    let wrong = stack
        .post("/account/factor/confirm", &[("code", "1")])
        .by(Level::User)
        .page()
        .await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.text.contains("This code is not right") && wrong.text.contains("name=\"code\""));
    let on = stack
        .post("/account/factor/confirm", &[("code", OTP)])
        .by(Level::User)
        .page()
        .await;
    assert!(
        on.text.contains("AAAA-BBBB") && on.text.contains("CCCC-DDDD"),
        "{}",
        on.text
    );
    let off = stack
        .post("/account/factor/off", &[])
        .by(Level::User)
        .page()
        .await;
    assert_eq!(off.status, StatusCode::CONFLICT);
    assert!(off.text.contains("The second factor is off"), "{}", off.text);
}

#[tokio::test]
async fn what_is_dangerous_asks_who_it_is() {
    let stack = whole();
    *stack.fake.stale.lock().unwrap() = true;
    let wanted = [
        ("name", "garden"),
        ("scope", "info:*, gpio:relay1:write"),
        ("days", "30"),
    ];
    let asked = stack
        .post("/account/tokens/add", &wanted)
        .by(Level::User)
        .page()
        .await;
    assert!(asked.text.contains("Is it you?"), "{}", asked.text);
    let wrong = stack
        .post("/account/reauth", &[("password", "no")])
        .by(Level::User)
        .page()
        .await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.text.contains("The password is wrong."), "{}", wrong.text);
    let proved = stack
        .post("/account/reauth", &[("password", PASSWORD)])
        .by(Level::User)
        .page()
        .await;
    assert_eq!(proved.location(), "/account?done=reauth");
    let made = stack
        .post("/account/tokens/add", &wanted)
        .by(Level::User)
        .page()
        .await;
    assert!(made.text.contains("pst_abc"), "{}", made.text);
    let sent = stack.fake.account.lock().unwrap()[0].clone();
    assert_eq!(
        sent,
        r#"{"name":"garden","scope":["info:*","gpio:relay1:write"],"expires_in_days":30}"#
    );
}

#[tokio::test]
async fn root_reads_the_audit_record_page_by_page() {
    let stack = whole();
    let page = stack.get("/audit?kind=login*").by(Level::Root).page().await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("3 times") && page.text.contains("the clock was not set"));
    assert!(
        page.text.contains("&lt;i&gt;wrong") || page.text.contains("&#60;i&#62;wrong"),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("/audit?kind=login%2A&amp;before=2")
            || page.text.contains("/audit?kind=login*&amp;before=2"),
        "{}",
        page.text
    );
    let older = stack.get("/audit?before=2").by(Level::Root).page().await;
    assert!(!older.text.contains("Older"), "{}", older.text);
    assert_eq!(
        stack.get("/audit").by(Level::Admin).page().await.status,
        StatusCode::FORBIDDEN
    );
}
