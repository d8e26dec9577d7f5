//! Any host and path against a table of routes: two spellings of one path lead to the same route, nothing leads to the
//! stack's own calls, and what is seen behind a route is always a path.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use pistack_gateway::{Lookup, Route, Routes};

fn table() -> &'static Lookup {
    static TABLE: OnceLock<Lookup> = OnceLock::new();
    TABLE.get_or_init(|| {
        let route = |path: &str, host: &str, strip: bool| Route {
            path: path.into(),
            hosts: [host]
                .into_iter()
                .filter(|host| !host.is_empty())
                .map(Into::into)
                .collect(),
            to: Some("http://127.0.0.1:9".into()),
            strip,
            ..Route::default()
        };
        let routes: Routes = [
            ("site".to_owned(), route("/", "", false)),
            ("app".to_owned(), route("/app", "", true)),
            ("admin".to_owned(), route("/app/admin", "", false)),
            ("host".to_owned(), route("/", "cam.lan", false)),
            ("deep".to_owned(), route("/a/b", "cam.lan", true)),
        ]
        .into();
        Lookup::new(&routes)
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (host, path) = text.split_once('/').unwrap_or(("", text));
    let Ok(path) = format!("/{path}").parse::<http::uri::PathAndQuery>() else {
        return;
    };
    let found = table().find(host, &path);
    if let Some((name, seen)) = &found {
        assert!(seen.starts_with('/'), "{text:?}: {seen}");
        assert!(!(name == "control" && seen.starts_with("/internal/")), "{text:?}");
    }
    // Every plain character written as an escape: a server behind reads the same path.
    let plain = path.path();
    // Paths of the stack's own are compared as they are written, and an escaped slash is refused before.
    let stacks = [
        "/api",
        "/control",
        "/internal",
        "/metrics",
        "/ca",
        "/pistack-ca.pem",
        "/.well-known/acme-challenge",
        "/.pistack",
    ];
    if plain.contains('%') || stacks.iter().any(|own| plain.starts_with(own)) || plain == "/" {
        return;
    }
    let escaped: String = plain
        .bytes()
        .map(|byte| {
            if byte == b'/' {
                "/".to_owned()
            } else {
                format!("%{byte:02x}")
            }
        })
        .collect();
    let Ok(escaped) = escaped.parse() else { return };
    let other = table().find(host, &escaped).map(|(name, _)| name);
    // A slash at the end is put where a path is taken off: not asked either way.
    assert_eq!(found.map(|(name, _)| name), other, "{text:?}");
});
