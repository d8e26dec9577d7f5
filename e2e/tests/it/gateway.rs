//! The front door: redirects, documents, headers, TLS.

use pistack_e2e::Stack;
use pistack_e2e::clients::{curl, try_curl};

#[test]
fn redirects_and_routes() {
    let stack = Stack::start();
    let plain = |arguments: &[&str], path: &str| {
        let mut all: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        all.push(format!("{}{path}", stack.http()));
        curl(&all)
    };
    let moved = plain(&[], "/api/auth/health?x=1");
    assert_eq!(moved.status, 301);
    assert_eq!(
        moved.header("location"),
        Some(format!("{}/api/auth/health?x=1", stack.https()).as_str())
    );
    assert_eq!(plain(&["-X", "POST"], "/api/auth/session/login").status, 308);
    let foreign = plain(&["-H", "Host: evil.example.org"], "/");
    assert!(foreign.status == 421 || foreign.status == 400, "{foreign:?}");
    let home = stack.get("/");
    assert_eq!((home.status, home.header("location")), (302, Some("/control/")));
    assert_eq!(stack.get("/nothing/here").status, 404);
    for path in [
        "/api/auth/%2e%2e/x",
        "/api/auth/..%2fx",
        "/api//auth/health",
        "/api/auth/%00",
    ] {
        let answer = stack.request(&["--path-as-is"], path);
        assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
    }
}

#[test]
fn both_protocols_and_nobody_elses_certificate() {
    let stack = Stack::start();
    assert_eq!(stack.request(&["--http2"], "/api/auth/health").version, "2");
    assert_eq!(stack.request(&["--http1.1"], "/api/auth/health").version, "1.1");
    let refused = try_curl(&[format!("{}/api/auth/health", stack.https())]);
    assert!(
        refused.unwrap_err().contains("certificate"),
        "without the stack's root nobody trusts it"
    );
    let old = stack.arguments_for_tls11();
    assert!(try_curl(&old).is_err(), "TLS 1.1 is refused");
}

#[test]
fn every_service_documents_itself() {
    let stack = Stack::start();
    for name in ["auth", "supervisor", "email", "info", "io"] {
        let health = stack.get(&format!("/api/{name}/health")).json();
        assert_eq!(
            (health["service"].as_str(), health["status"].as_str()),
            (Some(name), Some("ok"))
        );
        let spec = stack.get(&format!("/api/{name}/apispec.json")).json();
        assert!(
            spec["openapi"]
                .as_str()
                .is_some_and(|version| version.starts_with("3.")),
            "{name}"
        );
        assert_eq!(
            spec["components"]["securitySchemes"]["BearerAuth"]["scheme"], "bearer",
            "{name}"
        );
        let page = stack.get(&format!("/api/{name}/apidocs/"));
        assert_eq!(page.status, 200);
        assert!(page.body.contains("swagger"), "{name}");
    }
}

#[test]
fn forwarded_headers_are_the_gateways_own() {
    let stack = Stack::start();
    // A spoofed prefix would turn up in the dashboard's links.
    let page = stack.request(
        &[
            "-L",
            "-H",
            "X-Forwarded-Prefix: /evil",
            "-H",
            "X-Forwarded-Host: evil.example.org",
        ],
        "/control/",
    );
    assert_eq!(page.status, 200, "{page:?}");
    assert!(!page.body.contains("evil"), "{}", page.body);
}
