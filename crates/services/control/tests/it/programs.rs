//! The home page's figures, filter and actions on several; the views of one program.

use http::StatusCode;
use pistack_api::token::Level;

use super::fake::process;
use super::{Stack, whole};

const EVIL: &str = "<script>alert(1)</script>\u{1b}[31m\"'&";

fn with_programs(stack: &Stack) {
    let mut failed = process("camera", "camera", 100);
    failed.exitstatus = 127;
    *stack.fake.processes.lock().unwrap() = vec![
        failed,
        process("sensors", "temperature", 20),
        process("sensors", EVIL, 20),
        process("RaspberryPiSystem", "gateway", 20),
    ];
}

#[tokio::test]
async fn home_shows_what_programs_take_and_why_one_ended() {
    let stack = whole();
    with_programs(&stack);
    let page = stack
        .get("/")
        .with("accept-language", "pl")
        .by(Level::Root)
        .page()
        .await;
    for shown in [
        "1,2%",
        "39 MB",
        "<path class=\"line-1\" d=\"M",
        "nie znaleziono polecenia",
        "/why\">Dlaczego?",
    ] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    assert!(!page.text.contains("<script>alert"));
    // the gateway is stopped alone, after a question: it has no box
    assert!(page.text.contains("value=\"camera%3Acamera\" form=\"several\""));
    assert!(!page.text.contains("value=\"RaspberryPiSystem%3Agateway\" form"));
    let admin = stack.get("/").by(Level::Admin).page().await;
    assert!(!admin.text.contains("type=\"checkbox\"") && !admin.text.contains("id=\"several\""));
    assert!(admin.text.contains("39 MB"));
}

#[tokio::test]
async fn the_filter_works_without_scripts() {
    let stack = whole();
    with_programs(&stack);
    for (query, here, gone) in [
        (
            "?show=down",
            "/programs/camera%3Acamera\"",
            "/programs/sensors%3Atemperature\"",
        ),
        (
            "?group=sensors",
            "/programs/sensors%3Atemperature\"",
            "/programs/camera%3Acamera\"",
        ),
        (
            "?q=TEMP",
            "/programs/sensors%3Atemperature\"",
            "/programs/camera%3Acamera\"",
        ),
    ] {
        let page = stack.get(&format!("/{query}")).by(Level::Root).page().await;
        assert!(page.text.contains(here) && !page.text.contains(gone), "{query}");
        assert!(
            page.text.contains("/live?"),
            "the stream knows the filter: {query}"
        );
    }
    let hostile = stack
        .get("/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
        .by(Level::Root)
        .page()
        .await;
    assert!(!hostile.text.contains("<script>alert") && hostile.text.contains("No program fits"));
}

#[tokio::test]
async fn several_are_started_and_stopped_at_once() {
    let stack = whole();
    with_programs(&stack);
    let fields = [
        ("do", "stop"),
        ("name", "sensors%3Atemperature"),
        ("name", "camera:camera"),
        ("name", "RaspberryPiSystem%3Agateway"),
        ("back", "/?show=down"),
    ];
    let answer = stack.post("/programs", &fields).by(Level::Admin).page().await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(stack.fake.acted.lock().unwrap().is_empty());
    stack.post("/programs", &fields).by(Level::Root).page().await;
    let mut acted = stack.fake.acted.lock().unwrap().clone();
    acted.sort();
    assert_eq!(acted, ["stop camera:camera", "stop sensors:temperature"]);
    let nothing = stack
        .post("/programs", &[("do", "start"), ("back", "//evil.example")])
        .by(Level::Root)
        .page()
        .await;
    assert_eq!(
        (nothing.status, nothing.header("location")),
        (StatusCode::SEE_OTHER, "/")
    );
    let nonsense = stack
        .post("/programs", &[("do", "explode")])
        .by(Level::Root)
        .page()
        .await;
    assert_eq!(nonsense.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_stopped_program_can_be_started_again() {
    let stack = whole();
    with_programs(&stack);
    let fields = [("do", "stop"), ("back", "/")];
    let path = "/programs/sensors%3Atemperature/control";
    let answer = stack.post(path, &fields).by(Level::Root).page().await;
    assert_eq!(answer.header("location"), "/?stopped=sensors%3Atemperature");
    let page = stack
        .get("/?stopped=sensors%3Atemperature")
        .by(Level::Root)
        .page()
        .await;
    assert!(
        page.text.contains("Start it again") && page.text.contains("temperature was stopped"),
        "{}",
        page.text
    );
    let evil = stack
        .get("/?stopped=%3Cscript%3Ealert(1)%3C/script%3E")
        .by(Level::Root)
        .page()
        .await;
    assert!(!evil.text.contains("<script>alert"));
}

#[tokio::test]
async fn every_view_of_a_program_by_level() {
    let stack = whole();
    with_programs(&stack);
    stack.fake.logs.lock().unwrap().insert(
        "camera:camera/stderr".to_owned(),
        format!("{EVIL}\npyhton3: not found\n"),
    );
    let views = [
        ("history", "SIGKILL"),
        ("why", "pyhton3: not found"),
        ("metrics", "The last ten minutes"),
        ("config", "autorestart"),
    ];
    for (view, shown) in views {
        let path = format!("/programs/camera%3Acamera/{view}");
        let page = stack.get(&path).by(Level::Admin).page().await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.text.contains(shown), "{path}: {}", page.text);
        assert!(
            !page.text.contains("<script>alert") && !page.text.contains("<i>anna"),
            "{path}"
        );
        assert!(!page.text.contains('\u{1b}'), "{path}");
        let user = stack.get(&path).by(Level::User).page().await;
        assert_eq!(user.status, StatusCode::FORBIDDEN, "{path}");
        let unknown = stack
            .get(&path.replace("camera", "nobody"))
            .by(Level::Admin)
            .page()
            .await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{path}");
    }
    let why = stack
        .get("/programs/camera%3Acamera/why")
        .by(Level::Root)
        .page()
        .await;
    assert!(
        why.text.contains("SIGKILL: it was killed") && why.text.contains("asked for: Restart"),
        "{}",
        why.text
    );
    let chart = stack
        .get("/programs/sensors%3Atemperature/metrics")
        .by(Level::Root)
        .page()
        .await;
    assert!(chart.text.contains("between 38 MB and 39 MB"), "{}", chart.text);
    let config = stack
        .get("/programs/camera%3Acamera/config")
        .by(Level::Admin)
        .page()
        .await;
    for shown in [
        "<code>/etc/conf.d/&#60;b&#62;a.ini:12</code>",
        "<small>default</small>",
        "<code>mqtt.&#60;i&#62;local</code>",
        "<small>hidden</small>",
        "/etc/supervisord.conf:3",
    ] {
        assert!(config.text.contains(shown), "{shown}: {}", config.text);
    }
    // without its rules' service the view says so and the page stands
    let rules = stack
        .get("/programs/camera%3Acamera/rules")
        .by(Level::Root)
        .page()
        .await;
    assert_eq!(rules.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn installable_and_readable_offline_below_any_base() {
    let stack = whole();
    for (header, base) in [
        ("x-forwarded-prefix", "/control"),
        ("x-forwarded-prefix", "/pi/control"),
        ("x-ingress-path", "/api/hassio_ingress/aZ0"),
    ] {
        let manifest = stack.get("/manifest.webmanifest").with(header, base).page().await;
        assert_eq!(manifest.header("content-type"), "application/manifest+json");
        let manifest: serde_json::Value = serde_json::from_str(&manifest.text).unwrap();
        assert_eq!(manifest["start_url"], format!("{base}/"));
        for icon in manifest["icons"].as_array().unwrap() {
            let path = icon["src"].as_str().unwrap().strip_prefix(base).unwrap();
            assert_eq!(stack.get(path).page().await.status, StatusCode::OK, "{path}");
        }
        let offline = stack.get("/offline?lang=pl").with(header, base).page().await;
        assert!(
            offline.text.contains("Brak połączenia")
                && offline.text.contains(&format!("href=\"{base}/assets/app."))
        );
        let policy = offline.header("content-security-policy");
        let framed = header == "x-ingress-path";
        assert_eq!(policy.contains("frame-ancestors 'self'"), framed, "{policy}");
        let home = stack.get("/").with(header, base).by(Level::Root).page().await;
        for word in home
            .text
            .split(['"', ' '])
            .filter(|word| word.starts_with('/') && word.len() > 2)
        {
            assert!(
                word.starts_with(base)
                    || !home.text.contains(&format!("=\"{word}\""))
                    || word.starts_with("/?"),
                "{word}"
            );
        }
        let worker = home
            .text
            .split("data-worker=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap();
        let answer = stack
            .get(worker.strip_prefix(base).unwrap())
            .with(header, base)
            .page()
            .await;
        assert_eq!(answer.header("service-worker-allowed"), format!("{base}/"));
    }
}
