//! Which address leads where.

use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use pistack_api::service::Service;
use pistack_kit::clock::Clock;
use pistack_kit::paths::StatePaths;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::config::{Config, Route, Routes};
use crate::plan::plan;

fn table(routes: &[(&str, &str)]) -> Table {
    let routes: Routes = routes
        .iter()
        .map(|(name, text)| {
            let mut route = Route {
                to: Some("http://127.0.0.1:3000".into()),
                ..Route::default()
            };
            for pair in text.split(' ') {
                match pair.split_once('=').unwrap() {
                    ("path", path) => route.path = path.into(),
                    ("host", host) => route.hosts.push(host.into()),
                    ("listen", listen) => route.listen = Some(listen.into()),
                    ("strip", strip) => route.strip = strip == "true",
                    other => panic!("{other:?}"),
                }
            }
            ((*name).to_owned(), route)
        })
        .collect();
    let paths = StatePaths::new("/nowhere");
    let upstreams = Upstreams::new(&paths, Duration::ZERO, Clock::system(), CancellationToken::new());
    Table::new(
        plan(&Config::default(), &routes).unwrap(),
        &upstreams,
        &Metrics::default(),
    )
}

fn seen(table: &Table, host: &str, address: &str) -> (String, String) {
    let original: PathAndQuery = address.parse().unwrap();
    match table.find(None, host, original.path()) {
        Found::Target(target) => {
            let path = target.path(&original).unwrap().to_string();
            (target.name.to_string(), path)
        }
        other => (format!("{other:?}"), String::new()),
    }
}

#[test]
fn the_contracts_table() {
    let table = table(&[]);
    for (path, service, inner, prefix) in [
        ("/control/", Service::Control, "/", "/control"),
        (
            "/control/login?next=%2F",
            Service::Control,
            "/login?next=%2F",
            "/control",
        ),
        ("/control/internals", Service::Control, "/internals", "/control"),
        (
            "/api/auth/session/login",
            Service::Auth,
            "/api/auth/session/login",
            "/api/auth",
        ),
        (
            "/api/supervisor/list",
            Service::Supervisor,
            "/api/supervisor/list",
            "/api/supervisor",
        ),
        ("/api/email/send", Service::Email, "/api/email/send", "/api/email"),
        (
            "/api/info/w?lat=1&lon=2",
            Service::Info,
            "/api/info/w?lat=1&lon=2",
            "/api/info",
        ),
        ("/api/io/read?pin=1", Service::Io, "/api/io/read?pin=1", "/api/io"),
        (
            "/api/control/health",
            Service::Control,
            "/api/control/health",
            "/api/control",
        ),
        ("/api/rules/x", Service::Rules, "/api/rules/x", "/api/rules"),
        ("/api/notify/x", Service::Rules, "/api/notify/x", "/api/notify"),
    ] {
        let original: PathAndQuery = path.parse().unwrap();
        let Found::Target(target) = table.find(None, "pi", original.path()) else {
            panic!("{path}")
        };
        assert!(
            matches!(target.to, To::Service(known, _) if known == service),
            "{path}"
        );
        assert_eq!(target.path(&original).unwrap(), inner, "{path}");
        assert_eq!(target.prefix, prefix);
    }
}

#[test]
fn the_front_door_and_the_certificate() {
    let table = table(&[]);
    let find = |path| table.find(None, "pi", path);
    assert!(matches!(find("/"), Found::Elsewhere("/control/", false)));
    assert!(matches!(find("/control"), Found::Elsewhere("/control/", true)));
    assert!(matches!(find("/ca.pem"), Found::Root));
    assert!(matches!(find("/pistack-ca.pem"), Found::Root));
    assert!(matches!(find("/api/gateway/routes"), Found::Own));
    let Found::Target(metrics) = find("/metrics") else {
        panic!("no target");
    };
    let seen = metrics.path(&"/metrics?x=1".parse().unwrap()).unwrap();
    assert_eq!((&*metrics.name, seen.as_str()), ("info", "/api/info/metrics"));
    assert!(matches!(find("/metrics/"), Found::Nowhere));
    assert!(matches!(find("/.pistack/login"), Found::Gate(false)));
    assert!(matches!(find("/.pistack/back/app"), Found::Gate(true)));
}

#[test]
fn the_stacks_own_calls_are_out_of_reach() {
    let table = table(&[]);
    for path in [
        "/control/internal",
        "/control/internal/x",
        "/control/internal;x",
        "/control/%69nternal/x",
        "/internal/exchange",
        "/internal",
        "/controls",
        "/api",
        "/api/",
        "/api/gateway",
        "/api/gatewayx",
        "/api/auth_service/x",
        "/api/internal/x",
        "/api/Auth/x",
        "/x",
    ] {
        assert!(matches!(table.find(None, "pi", path), Found::Nowhere), "{path}");
    }
}

#[test]
fn the_longest_path_decides_and_segments_are_whole() {
    let table = table(&[
        ("app", "path=/app strip=true"),
        ("deep", "path=/app/deep"),
        ("cam", "host=cam.lan path=/"),
        ("admin", "host=cam.lan path=/admin"),
    ]);
    let is = |host: &str, path: &str, name: &str, inner: &str| {
        assert_eq!(
            seen(&table, host, path),
            (name.to_owned(), inner.to_owned()),
            "{host}{path}"
        );
    };
    is("pi", "/app/x?y=1", "app", "/x?y=1");
    is("pi", "/app/", "app", "/");
    is("pi", "/app", "Slash", "");
    is("pi", "/%61pp/x", "app", "/x");
    is("pi", "/app;v=1/x", "app", "/x");
    is("pi", "/apple", "Nowhere", "");
    is("pi", "/app/deep/x", "deep", "/app/deep/x");
    is("pi", "/app/%64eep/x", "deep", "/app/%64eep/x");
    is("pi", "/app/deep;v=1/x", "deep", "/app/deep;v=1/x");
    is("cam.lan", "/", "cam", "/");
    is("CAM.lan.", "/x", "cam", "/x");
    is("cam.lan", "/admin;x", "admin", "/admin;x");
    is("cam.lan", "/%61dmin/x", "admin", "/%61dmin/x");
    // A host of its own has nothing of the stack but the sign-in pages.
    is("cam.lan", "/control/", "cam", "/control/");
    is("cam.lan", "/.pistack/login", "Gate(false)", "");
    is("pi", "/control/", "control", "/");
    is("pi", "/", "Elsewhere(\"/control/\", false)", "");
}

#[test]
fn a_route_may_take_the_front_door_but_not_the_stacks_addresses() {
    let table = table(&[("site", "path=/")]);
    for (path, name) in [
        ("/", "site"),
        ("/x", "site"),
        ("/controls", "site"),
        ("/control/x", "control"),
        ("/api/auth/x", "auth"),
    ] {
        assert_eq!(seen(&table, "pi", path).0, name, "{path}");
    }
    assert!(matches!(table.find(None, "pi", "/ca.pem"), Found::Root));
}

#[test]
fn a_port_of_its_own_has_its_own_routes_alone() {
    let table = table(&[("a", "path=/ listen=:8444"), ("b", "path=/b listen=:8444")]);
    let door = table.doors()[0];
    let find = |door, path| match table.find(door, "pi", path) {
        Found::Target(target) => target.name.to_string(),
        other => format!("{other:?}"),
    };
    assert_eq!(find(Some(door), "/control/"), "a");
    assert_eq!(find(Some(door), "/b/x"), "b");
    assert_eq!(find(None, "/b/x"), "Nowhere");
    assert_eq!(find(Door::parse(":9", true), "/b/x"), "Nowhere");
}

#[test]
fn an_upstream_is_shared_by_routes_that_lead_to_the_same_address() {
    let table = table(&[("a", "path=/a"), ("b", "path=/b")]);
    let upstream = |index: usize| match &table.listed[index].1.to {
        To::Application(upstream, _) => upstream.clone(),
        other => panic!("{other:?}"),
    };
    assert!(Arc::ptr_eq(&upstream(0), &upstream(1)));
}
