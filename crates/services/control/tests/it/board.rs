//! GPIO, System, weather, Access, Settings and API: what each level sees and may do, hostile texts, services that are
//! down.

use std::sync::Arc;

use http::StatusCode;
use http_body_util::BodyExt as _;
use pistack_api::service::Service;
use pistack_api::token::Level;
use pistack_control::Config;
use pistack_control::config::Place;

use super::fake::{Fake, PASSWORD};
use super::fake_board::{Board, EVIL};
use super::{Page, Stack};

const LEVELS: [Level; 3] = [Level::User, Level::Admin, Level::Root];

/// A dashboard with stand-ins of these services, beside auth.
fn stack(services: &[Service], gateway: bool, config: Config) -> (Stack, Arc<Board>) {
    let directory = tempfile::tempdir().unwrap();
    let fake = Fake::new();
    let context = fake.context(directory.path());
    fake.serve(Service::Auth, &context);
    let board = Board::new();
    for service in services {
        board.serve(&fake, *service, &context);
    }
    if gateway {
        Board::serve_gateway(&context);
    }
    let router = pistack_kit::service::router(&context, pistack_control::app(&context, config));
    let stack = Stack {
        fake,
        context,
        router,
        _directory: directory,
    };
    (stack, board)
}

pub(crate) fn whole() -> (Stack, Arc<Board>) {
    let config = Config {
        weather: Some(Place {
            name: EVIL.to_owned(),
            lat: 50.06,
            lon: 19.94,
        }),
        ..Config::default()
    };
    stack(&[Service::Io, Service::Info, Service::Rules], true, config)
}

fn nothing() -> (Stack, Arc<Board>) {
    stack(&[], false, Config::default())
}

async fn page(stack: &Stack, path: &str, level: Level) -> Page {
    stack.get(path).by(level).page().await
}

/// Nothing of a hostile text came through: no element of it, no escape, no turned direction.
fn inert(page: &Page) {
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for bad in ["<script>alert", "\u{1b}", "\u{202e}", "javascript:alert"] {
        assert!(!page.text.contains(bad), "{bad:?} in {}", page.text);
    }
}

#[tokio::test]
async fn hostile_texts_are_inert_on_every_page() {
    let (stack, _) = whole();
    for path in [
        "/gpio",
        "/gpio/sensors",
        "/system",
        "/system/now",
        "/weather",
        "/weather/card",
        "/access",
        "/access/u1",
        "/settings",
        "/apis",
        "/apis/try?service=io",
    ] {
        let page = page(&stack, path, Level::Root).await;
        inert(&page);
        let policy = page.header("content-security-policy").to_owned();
        assert!(policy.contains("default-src 'self'"), "{path}: {policy}");
        assert!(
            !policy.contains("script-src") && (path.starts_with("/apis/try") || !policy.contains("unsafe")),
            "{path}: {policy}"
        );
    }
}

#[tokio::test]
async fn a_service_that_is_down_leaves_its_card_saying_so() {
    let (stack, _) = nothing();
    for (path, said) in [
        ("/gpio", "The io service does not answer"),
        ("/system", "The info service does not answer"),
        ("/settings", "The rules service does not answer"),
        ("/settings", "The gateway does not tell"),
        ("/weather", "No place is configured"),
        ("/access/u1", "process:camera:restart"),
    ] {
        let page = page(&stack, path, Level::Root).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
        assert!(page.text.contains(said), "{path}: {}", page.text);
    }
    let history = page(&stack, "/system/history.json?range=1h", Level::User).await;
    assert_eq!(history.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn every_page_needs_a_login() {
    let (stack, _) = whole();
    for path in [
        "/gpio",
        "/system",
        "/weather",
        "/access",
        "/access/u1",
        "/settings",
        "/apis",
        "/apis/try",
    ] {
        let page = stack.get(path).page().await;
        assert!(page.location().contains("/login"), "{path}");
    }
}

#[tokio::test]
async fn gpio_shows_controls_where_the_service_allows_them() {
    let (stack, board) = whole();
    for level in LEVELS {
        let page = page(&stack, "/gpio", level).await;
        assert!(page.text.contains("/gpio/lines/relay1\""), "{level}");
        assert!(!page.text.contains("/gpio/lines/door"), "an input has no buttons");
        assert!(page.text.contains("simulated"), "{}", page.text);
        assert_eq!(page.text.matches("class=\"pin ").count(), 40);
        assert_eq!(
            page.text.matches("id=\"pin-row-").count(),
            40,
            "the table has every pin"
        );
    }
    let done = stack
        .post("/gpio/lines/relay1", &[("do", "on")])
        .by(Level::User)
        .page()
        .await;
    assert_eq!(done.location(), "/gpio");
    let done = stack
        .post("/gpio/lines/relay1", &[("do", "toggle")])
        .by(Level::User)
        .with("hx-request", "true")
        .page()
        .await;
    assert_eq!(done.status, StatusCode::OK);
    let pulse = [("line", "relay1"), ("do", "pulse"), ("ms", "250")];
    stack.post("/gpio/drive", &pulse).by(Level::User).page().await;
    let pwm = [
        ("line", "relay1"),
        ("do", "pwm"),
        ("duty", "12,5"),
        ("freq", "50"),
    ];
    stack.post("/gpio/drive", &pwm).by(Level::User).page().await;
    assert_eq!(
        *board.acted.lock().unwrap(),
        [
            r#"set relay1 {"value":true}"#,
            "toggle relay1 false",
            r#"set relay1 {"value":true,"for_ms":250}"#,
            r#"pwm relay1 {"duty":0.125,"freq_hz":50.0}"#,
        ]
    );
}

#[tokio::test]
async fn what_the_io_service_refuses_is_told_in_words() {
    let (stack, board) = whole();
    let refused = stack
        .post("/gpio/lines/door", &[("do", "on")])
        .by(Level::Root)
        .page()
        .await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text.contains("This line is an input"), "{}", refused.text);
    for fields in [
        [("line", "relay1"), ("do", "pulse"), ("ms", "0")],
        [("line", "relay1"), ("do", "pulse"), ("ms", "soon")],
    ] {
        let wrong = stack.post("/gpio/drive", &fields).by(Level::Root).page().await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    }
    *board.stopped.lock().unwrap() = true;
    let refused = stack
        .post("/gpio/lines/relay1", &[("do", "on")])
        .by(Level::Root)
        .page()
        .await;
    assert_eq!(refused.status, StatusCode::LOCKED);
    assert!(refused.text.contains("Emergency stop"), "{}", refused.text);
    let foreign = stack
        .foreign_post("/gpio/lines/relay1", &[("do", "on")])
        .by(Level::Root);
    assert_eq!(foreign.page().await.status, StatusCode::FORBIDDEN);
    assert!(board.acted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_emergency_stop_asks_first() {
    let (stack, board) = whole();
    let question = stack.post("/gpio/stop", &[]).by(Level::Admin).page().await;
    assert!(question.text.contains("name=\"sure\""), "{}", question.text);
    assert!(board.acted.lock().unwrap().is_empty(), "nothing is done yet");
    let done = stack
        .post("/gpio/stop", &[("sure", "yes")])
        .by(Level::Admin)
        .page()
        .await;
    assert_eq!(done.location(), "/gpio?done=stop");
    let page = page(&stack, "/gpio", Level::Admin).await;
    assert!(page.text.contains("/gpio/release") && !page.text.contains("action=\"/gpio/stop\""));
    stack
        .post("/gpio/release", &[("sure", "yes")])
        .by(Level::Admin)
        .page()
        .await;
    assert_eq!(*board.acted.lock().unwrap(), ["stop", "release"]);
}

#[tokio::test]
async fn a_change_reaches_every_open_page() {
    let (stack, board) = whole();
    let answer = stack.get("/gpio/events").by(Level::User).send().await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut body = answer.into_body();
    let mut seen = String::new();
    let mut acted = false;
    let deadline = std::time::Duration::from_secs(10);
    let text = tokio::time::timeout(deadline, async {
        while let Some(Ok(frame)) = body.frame().await {
            seen += std::str::from_utf8(frame.data_ref().unwrap()).unwrap();
            if !acted && seen.contains("GND") {
                acted = true;
                seen.clear();
                let on = [("do", "on")];
                stack.post("/gpio/lines/relay1", &on).by(Level::Root).page().await;
            } else if acted && seen.contains("hx-partial") {
                break;
            }
        }
        seen
    });
    let text = text.await.unwrap();
    assert!(
        text.contains("hx-target=\"#pin-11\"") && text.contains("state on"),
        "{text}"
    );
    assert!(
        !text.contains("hx-target=\"#pin-13\""),
        "only what changed: {text}"
    );
    assert_eq!(board.acted.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn system_says_everything_in_words_and_tables() {
    let (stack, _) = whole();
    let page = page(&stack, "/system?range=7d&sort=memory", Level::User).await;
    for said in [
        "The supply voltage is too low",
        "Since the start",
        "The root file system can only be read",
        "61.2 °C",
        "192.168.1.7/24",
        "900 rpm",
        "12 MB",
        "does not answer",
        "data-metrics=\"net_rx net_tx\"",
        "range=7d#history-title\" aria-current=\"page\"",
        "<path class=\"line\" d=\"M",
    ] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert_eq!(page.text.matches("<figure").count(), 6);
    assert_eq!(
        page.text.matches("class=\"plain\"").count(),
        6,
        "every chart has its table"
    );
    let numbers = super::board::page(&stack, "/system/history.json?range=7d", Level::User).await;
    assert_eq!(numbers.header("content-type"), "application/json");
    let numbers: serde_json::Value = serde_json::from_str(&numbers.text).unwrap();
    assert_eq!(numbers["step_s"], 30);
}

#[tokio::test]
async fn the_weather_says_whose_it_is_and_how_old() {
    let (stack, _) = whole();
    let card = page(&stack, "/weather", Level::User).await;
    for said in [
        "3.4 °C",
        "Rain",
        "1 min 0 s old",
        "the provider does not answer",
        "https://open-meteo.com/",
    ] {
        assert!(
            card.text.to_lowercase().contains(&said.to_lowercase()),
            "{said}: {}",
            card.text
        );
    }
}

#[tokio::test]
async fn access_is_for_those_who_manage_accounts() {
    let (stack, _) = whole();
    for path in ["/access", "/access/u1"] {
        assert_eq!(
            page(&stack, path, Level::User).await.status,
            StatusCode::FORBIDDEN
        );
    }
    let admin = page(&stack, "/access/u1", Level::Admin).await;
    assert!(
        !admin.text.contains("192.168.1.50"),
        "sessions of others are for Root"
    );
    assert!(!admin.text.contains(">Root</option>"), "an Admin makes no Root");
    assert!(
        !admin.text.contains("process:*:start"),
        "nor hands out what is above the level"
    );
    let root = page(&stack, "/access/u1", Level::Root).await;
    assert!(root.text.contains("192.168.1.50") && root.text.contains(">Root</option>"));
    assert!(root.text.contains("value=\"process:*:start\""));
    assert!(
        root.text.contains("value=\"gpio:relay1:write\" checked"),
        "{}",
        root.text
    );
    assert!(
        root.text.contains("process:camera:restart</textarea>"),
        "{}",
        root.text
    );
    let other = page(&stack, "/access/r1", Level::Admin).await;
    assert!(
        other.text.contains("Only a Root manages this account") && !other.text.contains("name=\"password\"")
    );
    assert_eq!(
        page(&stack, "/access/nobody", Level::Root).await.status,
        StatusCode::NOT_FOUND
    );
    assert!(
        !page(&stack, "/access", Level::Admin)
            .await
            .text
            .contains("/audit\"")
    );
    assert!(
        page(&stack, "/access", Level::Root)
            .await
            .text
            .contains("/audit\"")
    );
}

#[tokio::test]
async fn every_action_on_an_account_reaches_auth() {
    let (stack, _) = whole();
    let new = [("name", "anna"), ("password", "p"), ("level", "User")];
    let added = stack.post("/access/add", &new).by(Level::Root).page().await;
    assert_eq!(added.location(), "/access?done=add");
    let taken = [("name", "taken"), ("password", "p"), ("level", "User")];
    let taken = stack.post("/access/add", &taken).by(Level::Root).page().await;
    assert!(taken.status == StatusCode::CONFLICT && taken.text.contains("value=\"taken\""));
    for fields in [
        vec![("do", "level"), ("level", "Admin")],
        vec![("do", "password"), ("password", "new one")],
        vec![("do", "email"), ("email", " a@b.c ")],
        vec![("do", "disable")],
        vec![("do", "enable")],
        vec![("do", "unlock")],
        vec![("do", "factor-off")],
        vec![("do", "end-sessions")],
        vec![
            ("do", "grants"),
            ("grant", "gpio:*:read"),
            ("grant", "info:*:read"),
            ("others", "app:x:use"),
            ("limited", "yes"),
        ],
    ] {
        let done = stack.post("/access/u1", &fields).by(Level::Root).page().await;
        assert!(done.location().starts_with("/access/u1?done="), "{fields:?}");
    }
    let question = stack
        .post("/access/u1", &[("do", "remove")])
        .by(Level::Root)
        .page()
        .await;
    assert!(question.text.contains("cannot be undone"), "{}", question.text);
    let gone = stack
        .post("/access/u1", &[("do", "remove"), ("sure", "yes")])
        .by(Level::Root)
        .page()
        .await;
    assert_eq!(gone.location(), "/access?done=remove");
    assert_eq!(
        *stack.fake.account.lock().unwrap(),
        [
            r#"add {"name":"anna","password":"p","level":"User"}"#,
            r#"change u1 {"level":"Admin"}"#,
            r#"change u1 {"password":"new one"}"#,
            r#"change u1 {"email":"a@b.c"}"#,
            r#"change u1 {"disabled":true}"#,
            r#"change u1 {"disabled":false}"#,
            "unlock u1",
            "remove u1",
            "remove u1",
            r#"change u1 {"grants":["app:x:use","gpio:*:read","info:*:read"],"limited":true}"#,
            "remove u1",
        ]
    );
    let unknown = stack
        .post("/access/u1", &[("do", "explode")])
        .by(Level::Root)
        .page()
        .await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_dangerous_asks_who_it_is_and_comes_back() {
    let (stack, _) = whole();
    *stack.fake.stale.lock().unwrap() = true;
    for (path, fields, back) in [
        ("/access/u1", vec![("do", "disable")], "/access/u1"),
        (
            "/access/add",
            vec![("name", "a"), ("password", "b"), ("level", "User")],
            "/access",
        ),
        ("/settings/copies", vec![], "/settings"),
    ] {
        let asked = stack.post(path, &fields).by(Level::Root).page().await;
        let field = format!("name=\"back\" value=\"{back}\"");
        assert!(asked.text.contains(&field), "{path}: {}", asked.text);
    }
    assert!(stack.fake.account.lock().unwrap().is_empty());
    let proof = [("password", PASSWORD), ("otp", ""), ("back", "/access/u1")];
    let back = stack.post("/account/reauth", &proof).by(Level::Root).page().await;
    assert_eq!(back.location(), "/access/u1?done=reauth");
    for elsewhere in ["https://evil.example/", "//evil.example", "/access?x=1", ""] {
        let proof = [("password", PASSWORD), ("back", elsewhere)];
        let back = stack.post("/account/reauth", &proof).by(Level::Root).page().await;
        assert_eq!(back.location(), "/account?done=reauth", "{elsewhere}");
    }
}

#[tokio::test]
async fn settings_show_each_level_its_own() {
    let (stack, board) = whole();
    let user = page(&stack, "/settings", Level::User).await;
    for hidden in [
        "/settings/channels",
        "AB:CD",
        "auth.000003",
        "/grafana",
        "<h2 id=\"channels-title\"",
    ] {
        assert!(!user.text.contains(hidden), "{hidden} is not for a User");
    }
    assert!(user.text.contains("name=\"lang\" value=\"pl\"") && user.text.contains("name=\"theme\""));
    let admin = page(&stack, "/settings", Level::Admin).await;
    assert!(admin.text.contains("/settings/channels/phone/test") && admin.text.contains("AB:CD"));
    assert!(admin.text.contains("/grafana") && !admin.text.contains("auth.000003"));
    assert!(admin.text.contains("class=\"qr\"") && admin.text.contains("http://192.168.1.7/ca/"));
    let root = page(&stack, "/settings", Level::Root).await;
    assert!(root.text.contains("auth.000003") && root.text.contains("action=\"/settings/copies\""));
    let sent = stack
        .post("/settings/channels/phone/test", &[])
        .by(Level::Admin)
        .page()
        .await;
    assert!(
        sent.text.contains("The test message went through phone"),
        "{}",
        sent.text
    );
    let failed = stack
        .post("/settings/channels/other/test", &[])
        .by(Level::Admin)
        .page()
        .await;
    assert!(
        failed.text.contains("did not go through other: 200 OK"),
        "{}",
        failed.text
    );
    let refused = stack
        .post("/settings/channels/phone/test", &[])
        .by(Level::User)
        .page()
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(*board.acted.lock().unwrap(), ["test phone", "test other"]);
    let copied = stack
        .post("/settings/copies", &[("x", "")])
        .by(Level::Root)
        .page()
        .await;
    assert_eq!(copied.location(), "/settings?done=copy");
}

#[tokio::test]
async fn swagger_ui_stands_in_our_frame_below_any_prefix() {
    let (stack, _) = whole();
    let page = stack
        .get("/apis/try?service=io")
        .by(Level::User)
        .with("x-forwarded-prefix", "/pi/control")
        .page()
        .await;
    assert!(
        page.text.contains("data-spec=\"/pi/api/io/apispec.json\""),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("data-root=\"/pi\"") && page.text.contains("/pi/control/apis/ui/swagger-ui.css")
    );
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("style-src 'self' 'unsafe-inline'") && !policy.contains("script-src"),
        "{policy}"
    );
    let unknown = super::board::page(&stack, "/apis/try?service=%3Cb%3E", Level::User).await;
    assert!(
        unknown.text.contains("data-spec=\"/api/auth/apispec.json\""),
        "{}",
        unknown.text
    );
    let bundle = super::board::page(&stack, "/apis/ui/swagger-ui-bundle.js", Level::User).await;
    assert_eq!(
        (bundle.status, bundle.header("content-encoding")),
        (StatusCode::OK, "gzip")
    );
    assert_eq!(
        super::board::page(&stack, "/apis/ui/init.js", Level::User)
            .await
            .status,
        StatusCode::NOT_FOUND
    );
}
