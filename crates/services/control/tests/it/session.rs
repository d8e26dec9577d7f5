//! Setup, signing in and out, and what keeps others out.

use http::StatusCode;
use pistack_api::service::Service;
use pistack_api::token::Level;

use super::fake::{CODE, PASSWORD};
use super::{stack, whole};

const GOOD: &[(&str, &str)] = &[("name", "root"), ("password", PASSWORD)];

#[tokio::test]
async fn without_an_account_every_page_leads_to_the_setup() {
    let stack = whole();
    *stack.fake.setup_required.lock().unwrap() = true;
    for path in ["/", "/apis", "/programs/a%3Ab", "/login"] {
        let page = stack
            .get(path)
            .with("x-forwarded-prefix", "/control")
            .page()
            .await;
        assert_eq!(page.location(), "/control/setup", "{path}");
    }
    let form = stack.get("/setup").page().await;
    assert_eq!(form.status, StatusCode::OK);
    assert!(
        form.text.contains("name=\"code\"") && form.text.contains("value=\"root\""),
        "{}",
        form.text
    );

    let fields = |code, password, again| {
        [
            ("code", code),
            ("name", "root"),
            ("password", password),
            ("again", again),
        ]
    };
    for (fields, status, told) in [
        (fields("", PASSWORD, PASSWORD), 400, "Enter the code"),
        (fields(CODE, PASSWORD, "other"), 400, "passwords differ"),
        (fields("WRONG", PASSWORD, PASSWORD), 403, "setup code is wrong"),
        (fields(CODE, "short", "short"), 400, "at least 8 characters"),
    ] {
        let page = stack.post("/setup", &fields).page().await;
        assert_eq!(page.status.as_u16(), status, "{told}");
        assert!(page.text.contains(told), "{told}: {}", page.text);
        assert!(
            !page.text.contains(PASSWORD) && !page.text.contains("short"),
            "a password came back"
        );
        assert_eq!(page.header("set-cookie"), "");
    }

    let done = stack
        .post("/setup", &fields(CODE, PASSWORD, PASSWORD))
        .page()
        .await;
    assert_eq!(done.location(), "/setup/look");
    assert!(
        done.header("set-cookie")
            .starts_with("__Host-pistack=cookie-of-root; ")
    );
    assert_eq!(stack.get("/setup").page().await.location(), "/login");
    let late = stack
        .post("/setup", &fields(CODE, PASSWORD, PASSWORD))
        .page()
        .await;
    assert_eq!(late.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn signing_in_sets_a_cookie_that_nobody_else_gets() {
    let stack = whole();
    let page = stack
        .post("/login", GOOD)
        .with("user-agent", "Phone")
        .page()
        .await;
    assert_eq!(page.location(), "/");
    assert_eq!(
        page.header("set-cookie"),
        "__Host-pistack=cookie-of-root; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=86400"
    );
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(stack.fake.logins.lock().unwrap()[0].device, "Phone");
    // no gateway in front: the cookie itself is exchanged
    let home = stack
        .get("/")
        .with("cookie", "a=b; __Host-pistack=cookie-of-root")
        .page()
        .await;
    assert_eq!(home.status, StatusCode::OK, "{}", home.text);
    let over = stack
        .get("/")
        .with("cookie", "__Host-pistack=forged")
        .page()
        .await;
    assert_eq!(over.location(), "/login");
}

#[tokio::test]
async fn refusals_are_told_in_plain_words_and_both_languages() {
    let stack = whole();
    for (name, password, status, english, polish) in [
        ("root", "wrong", 401, "password is wrong", "Nieprawidłowa nazwa"),
        ("root", "", 400, "Enter both", "Podaj nazwę"),
        (
            "busy",
            "x",
            429,
            "Try again in 1 min 30 s",
            "Spróbuj ponownie za 1 min 30 s",
        ),
    ] {
        let fields = [("name", name), ("password", password), ("next", "/apis")];
        for (lang, told) in [("en", english), ("pl", polish)] {
            let page = stack
                .post("/login", &fields)
                .with("accept-language", lang)
                .page()
                .await;
            assert_eq!(page.status.as_u16(), status);
            assert!(page.text.contains(told), "{told}: {}", page.text);
            assert!(
                page.text.contains("name=\"next\" value=\"/apis\""),
                "the way back is lost"
            );
            assert_eq!(page.header("set-cookie"), "");
        }
    }
}

#[tokio::test]
async fn a_missing_auth_service_is_told_and_nothing_hangs() {
    let stack = stack(&[Service::Supervisor]);
    let form = stack.get("/login").page().await;
    assert_eq!(form.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(form.text.contains("does not answer just now") && form.text.contains("name=\"password\""));
    let post = stack.post("/login", GOOD).page().await;
    assert_eq!(post.status, StatusCode::SERVICE_UNAVAILABLE);
    let home = stack.get("/").page().await;
    assert_eq!(home.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(home.header("content-type").starts_with("text/html"));
    // whoever has a token still sees the programs
    assert_eq!(stack.get("/").by(Level::Root).page().await.status, StatusCode::OK);
}

#[tokio::test]
async fn signing_in_returns_to_own_pages_only() {
    let stack = whole();
    let asked = stack
        .get("/programs/a%3Ab?channel=stderr")
        .with("x-forwarded-prefix", "/control")
        .page()
        .await;
    assert_eq!(
        asked.location(),
        "/control/login?next=%2Fprograms%2Fa%253Ab%3Fchannel%3Dstderr"
    );
    for (next, lands) in [
        (
            "/programs/a%3Ab?channel=stderr",
            "/control/programs/a%3Ab?channel=stderr",
        ),
        ("https://evil.example/", "/control/"),
        ("//evil.example", "/control/"),
        ("/\\evil.example", "/control/"),
        ("/\t/evil.example", "/control/"),
        ("javascript:alert(1)", "/control/"),
        ("/login?next=/login", "/control/"),
        ("/logout", "/control/"),
    ] {
        let fields = [("name", "root"), ("password", PASSWORD), ("next", next)];
        let page = stack
            .post("/login", &fields)
            .with("x-forwarded-prefix", "/control")
            .page()
            .await;
        assert_eq!(page.location(), lands, "{next}");
        let evil = stack
            .post("/preferences", &[("theme", "dark"), ("back", next)])
            .page()
            .await;
        assert!(
            evil.location().starts_with('/') && !evil.location().starts_with("//"),
            "{next}"
        );
    }
    // somebody signed in does not see the form
    let page = stack.get("/login?next=%2Fapis").by(Level::User).page().await;
    assert_eq!(page.location(), "/apis");
}

#[tokio::test]
async fn signing_out_ends_the_session_and_takes_the_cookie() {
    let stack = whole();
    let page = stack.post("/logout", &[]).by(Level::Admin).page().await;
    assert_eq!(page.location(), "/login");
    assert_eq!(
        page.header("set-cookie"),
        "__Host-pistack=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"
    );
    {
        let ended = stack.fake.ended.lock().unwrap();
        assert_eq!(ended[0]["sid"], "session-of-admin");
    }
    // signed out already, or auth away: the cookie goes all the same
    let page = stack.post("/logout", &[]).page().await;
    assert_eq!(page.location(), "/login");
    assert!(page.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(
        stack.get("/logout").page().await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn forms_from_elsewhere_are_refused() {
    let stack = whole();
    let paths = [
        "/login",
        "/setup",
        "/logout",
        "/preferences",
        "/programs/a%3Ab/control",
        "/nowhere",
    ];
    for path in paths {
        for headers in [
            &[][..],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://pi.local")],
        ] {
            let mut ask = stack.foreign_post(path, GOOD).by(Level::Root);
            for (name, value) in headers {
                ask = ask.with(name, value);
            }
            let page = ask.page().await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path} {headers:?}");
            assert_eq!(page.header("set-cookie"), "", "{path} {headers:?}");
        }
    }
    assert!(stack.fake.logins.lock().unwrap().is_empty());
    assert!(stack.fake.acted.lock().unwrap().is_empty());
    // an old browser, through the gateway
    let page = stack
        .foreign_post("/login", GOOD)
        .with("origin", "https://pi.local")
        .with("x-forwarded-proto", "https")
        .page()
        .await;
    assert_eq!(page.location(), "/");
}

#[tokio::test]
async fn odd_tokens_and_forms_lead_to_the_form_not_to_an_error() {
    let stack = whole();
    for value in ["Bearer", "Bearer x.y.z", "Basic cm9vdA==", "Bearer \u{1}"] {
        let Ok(_) = http::HeaderValue::from_str(value) else {
            continue;
        };
        let page = stack.get("/").with("authorization", value).page().await;
        assert_eq!(page.location(), "/login", "{value}");
    }
    let mut ask = stack.post("/login", &[]);
    ask.body = "%ff%fe=&&&".to_owned();
    assert_eq!(ask.page().await.status, StatusCode::BAD_REQUEST);
    let mut ask = stack.post("/login", GOOD);
    ask.body = format!("name={}", "x".repeat(100_000));
    let page = ask.page().await;
    assert!(page.status.is_client_error(), "{}", page.status);
    assert!(page.header("content-type").starts_with("text/html"));
}
