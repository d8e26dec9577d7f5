//! What the pages show, to whom, and how they are sent.

use http::StatusCode;
use pistack_api::service::Service;
use pistack_api::token::Level;

use super::fake::process;
use super::{Stack, stack, whole};

const EVIL: &str = "<script>alert(1)</script>\u{1b}[31m\"'&";

fn with_programs(stack: &Stack) {
    let mut failed = process("camera", "camera", 100);
    failed.exitstatus = 3;
    let mut evil = process(EVIL, EVIL, 200);
    EVIL.clone_into(&mut evil.spawnerr);
    *stack.fake.processes.lock().unwrap() = vec![
        failed,
        evil,
        process("sensors", "temperature", 20),
        process("RaspberryPiSystem", "auth_service", 20),
        process("RaspberryPiSystem", "gateway", 20),
    ];
    let mut logs = stack.fake.logs.lock().unwrap();
    logs.insert(format!("{EVIL}:{EVIL}/stdout"), format!("{EVIL}\nsecond line\n"));
    logs.insert("camera:camera/stdout".to_owned(), "x".repeat(50_000));
}

fn evil_path() -> String {
    let name = percent_encoding::utf8_percent_encode(EVIL, percent_encoding::NON_ALPHANUMERIC).to_string();
    format!("/programs/{name}%3A{name}")
}

#[tokio::test]
async fn hostile_names_are_inert_on_every_page_in_both_languages() {
    let stack = whole();
    with_programs(&stack);
    for lang in ["en", "pl"] {
        for path in [
            "/",
            "/apis",
            "/nowhere",
            "/board",
            &evil_path(),
            &format!("{}?channel=stderr", evil_path()),
        ] {
            let page = stack
                .get(path)
                .with("accept-language", lang)
                .by(Level::Root)
                .page()
                .await;
            assert!(!page.text.contains("<script>alert"), "{path}");
            assert!(!page.text.contains('\u{1b}'), "{path}");
            assert!(!page.text.contains("alert(1)</script"), "{path}");
            if path == "/board" {
                assert!(
                    page.text.starts_with("<hx-partial hx-target=\"#board\""),
                    "{}",
                    page.text
                );
            } else {
                assert!(page.text.contains(&format!("<html lang=\"{lang}\"")), "{path}");
            }
        }
        let fields = [
            ("name", EVIL),
            ("password", "wrong"),
            ("next", EVIL),
            ("code", EVIL),
            ("again", "x"),
        ];
        for path in ["/login", "/setup"] {
            let page = stack
                .post(path, &fields)
                .with("accept-language", lang)
                .page()
                .await;
            assert!(page.status.is_client_error());
            assert!(!page.text.contains("<script>alert"), "{path}: {}", page.text);
            assert!(
                page.text.contains("&#60;script&#62;alert(1)"),
                "{path}: {}",
                page.text
            );
        }
    }
    let page = stack.get(&evil_path()).by(Level::Root).page().await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("second line\n</pre>"), "{}", page.text);
}

#[tokio::test]
async fn nothing_inline_and_nothing_from_elsewhere() {
    let stack = whole();
    with_programs(&stack);
    for path in ["/", "/apis", "/programs/camera", "/login", "/nowhere"] {
        let ask = stack.get(path).with("x-forwarded-prefix", "/control");
        let page = if path == "/login" {
            ask
        } else {
            ask.by(Level::Root)
        }
        .page()
        .await;
        let policy = page.header("content-security-policy");
        for part in [
            "default-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("cache-control"), "no-store");
        for banned in [
            " style=",
            "<style",
            " onclick",
            " onload",
            "javascript:",
            "http://",
            "https://",
        ] {
            assert!(!page.text.contains(banned), "{path} has {banned}");
        }
        for (index, _) in page.text.match_indices("<script") {
            assert!(
                page.text[index..].starts_with("<script defer src=\"/control/assets/"),
                "{path}"
            );
        }
        // every address is below the base, or below the gateway's root on the page of interfaces
        for attribute in [
            "href=\"",
            "src=\"",
            "action=\"",
            "hx-post=\"",
            "hx-get=\"",
            "hx-sse:connect=\"",
        ] {
            for (index, _) in page.text.match_indices(attribute) {
                let value = &page.text[index + attribute.len()..];
                let fine = ["/control/", "#", "?channel="]
                    .iter()
                    .any(|start| value.starts_with(start))
                    || (path == "/apis" && value.starts_with("/api/"));
                assert!(
                    fine,
                    "{path}: {attribute}{}",
                    value.split('"').next().unwrap_or_default()
                );
            }
        }
    }
}

#[tokio::test]
async fn each_level_sees_what_it_may() {
    let stack = whole();
    with_programs(&stack);
    let root = stack.get("/").by(Level::Root).page().await;
    assert!(root.text.contains("name=\"do\" value=\"restart\"") && root.text.contains("camera"));
    assert!(root.text.contains("exit code 3") && root.text.contains("3 of 5 programs are running"));
    assert!(root.text.contains("52.6 °C") && root.text.contains("1.4 GB of 4.0 GB"));

    let admin = stack.get("/").by(Level::Admin).page().await;
    assert!(admin.text.contains("camera") && admin.text.contains("hx-sse:connect"));
    assert!(!admin.text.contains("name=\"do\""), "an Admin sees buttons");

    let user = stack.get("/").by(Level::User).page().await;
    assert_eq!(user.status, StatusCode::OK);
    assert!(!user.text.contains("camera") && user.text.contains("Your level does not include"));
    assert!(user.text.contains("52.6 °C"), "the board is for everyone");
    for path in ["/programs/camera", "/live", "/programs/camera/events"] {
        assert_eq!(
            stack.get(path).by(Level::User).page().await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
}

#[tokio::test]
async fn services_that_are_down_leave_the_page_standing() {
    let stack = stack(&[Service::Auth]);
    let page = stack.get("/").by(Level::Root).page().await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("The supervisor service does not answer"));
    assert!(page.text.contains("The info service does not answer"));
    let page = stack.get("/programs/camera").by(Level::Root).page().await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.text.contains("A service does not answer"));
}

#[tokio::test]
async fn a_programs_page_shows_the_end_of_its_log() {
    let stack = whole();
    with_programs(&stack);
    let page = stack
        .get("/programs/camera%3Acamera")
        .by(Level::Admin)
        .page()
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("Only the end of the log is shown"));
    let shown = page.text.matches("xxxxxxxxxx").count() * 10;
    assert!((20_000..21_000).contains(&shown), "{shown}");
    assert!(page.text.contains("offset=50000"), "following begins elsewhere");
    let page = stack
        .get("/programs/camera?channel=stderr")
        .by(Level::Admin)
        .page()
        .await;
    assert!(page.text.contains("keeps no log for this channel"));
    let odd = stack
        .get("/programs/camera?channel=nonsense")
        .by(Level::Admin)
        .page()
        .await;
    assert_eq!(odd.status, StatusCode::OK);
    for missing in [
        "/programs/nobody",
        "/programs/%3A",
        "/programs/%ff",
        "/programs/",
        "/programs",
    ] {
        let page = stack.get(missing).by(Level::Root).page().await;
        assert!(page.status.is_client_error(), "{missing}: {}", page.status);
        assert!(page.header("content-type").starts_with("text/html"), "{missing}");
    }
}

#[tokio::test]
async fn unknown_pages_and_methods_look_like_ours() {
    let stack = whole();
    let page = stack
        .get("/nowhere")
        .with("accept-language", "pl")
        .by(Level::User)
        .page()
        .await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.text.contains("Nie ma takiej strony") && page.text.contains("Wyloguj"));
    let page = stack.post("/apis", &[]).by(Level::User).page().await;
    assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(page.text.contains("<html"));
    let health = stack.get("/api/control/health").page().await;
    assert_eq!(health.status, StatusCode::OK);
    assert!(health.text.contains("\"status\":\"ok\""));
}

#[tokio::test]
async fn language_and_theme_are_kept_in_cookies() {
    let stack = whole();
    let page = stack
        .post("/preferences", &[("lang", "pl"), ("back", "/login?next=%2Fapis")])
        .with("x-forwarded-prefix", "/control")
        .page()
        .await;
    assert_eq!(page.location(), "/control/login?next=%2Fapis");
    assert_eq!(
        page.header("set-cookie"),
        "lang=pl; Path=/control/; HttpOnly; SameSite=Lax; Max-Age=31536000"
    );
    let page = stack
        .get("/login")
        .with("cookie", "lang=pl; theme=dark")
        .with("accept-language", "en")
        .page()
        .await;
    assert!(
        page.text.contains("<html lang=\"pl\" data-theme=\"dark\">"),
        "{}",
        page.text
    );
    assert!(page.text.contains("Zaloguj się"));
    for bad in ["<script>", "de", ""] {
        let page = stack
            .post("/preferences", &[("lang", bad), ("theme", bad)])
            .page()
            .await;
        assert_eq!((page.location(), page.header("set-cookie")), ("/", ""));
    }
    let page = stack
        .get("/login")
        .with("cookie", "lang=\"><b>; theme=x")
        .page()
        .await;
    assert!(page.text.contains("<html lang=\"en\" data-theme=\"auto\">"));
}

#[tokio::test]
async fn assets_are_kept_for_good_and_compressed() {
    let stack = whole();
    let login = stack.get("/login").page().await.text;
    let start = login.find("/assets/app.").unwrap();
    let path = login[start..].split('"').next().unwrap();
    let plain = stack.get(path).page().await;
    assert_eq!(plain.status, StatusCode::OK);
    assert_eq!(plain.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(
        plain.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(plain.header("content-encoding"), "");
    assert!(plain.text.contains("@layer reset, tokens, base, components;"));
    let packed = stack.get(path).with("accept-encoding", "br, gzip").page().await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.text.len() < plain.text.len() / 2);
    for missing in ["/assets/app.css", "/assets/..%2f..%2fetc%2fpasswd", "/assets/"] {
        assert_eq!(
            stack.get(missing).page().await.status,
            StatusCode::NOT_FOUND,
            "{missing}"
        );
    }
}

#[tokio::test]
async fn the_root_certificate_is_given_out_and_no_key() {
    let stack = whole();
    let path = stack.context.paths.tls();
    std::fs::create_dir_all(&path).unwrap();
    assert_eq!(stack.get("/ca.crt").page().await.status, StatusCode::NOT_FOUND);
    assert!(
        !stack
            .get("/apis")
            .by(Level::User)
            .page()
            .await
            .text
            .contains("ca.crt")
    );
    let pem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
    std::fs::write(path.join("ca.pem"), pem).unwrap();
    let page = stack.get("/ca.crt").page().await;
    assert_eq!((page.status, page.text.as_str()), (StatusCode::OK, pem));
    assert_eq!(page.header("content-type"), "application/x-x509-ca-cert");
    assert!(
        stack
            .get("/apis")
            .by(Level::User)
            .page()
            .await
            .text
            .contains("/ca.crt")
    );
    std::fs::write(path.join("ca.pem"), format!("{pem}-----BEGIN PRIVATE KEY-----\n")).unwrap();
    assert_eq!(stack.get("/ca.crt").page().await.status, StatusCode::NOT_FOUND);
}
