//! Any head of a request, with whatever it says of where it comes from, on its way to a route: what is let in has one
//! host and one path that nobody can read in two ways, leads where the path leads, comes from who it comes from, and
//! says nothing that only the gateway may say.
#![no_main]

use std::net::IpAddr;
use std::sync::OnceLock;

use http::{HeaderName, HeaderValue, Method, Request};
use libfuzzer_sys::fuzz_target;
use pistack_gateway::{Lookup, Route, Routes};

const PROXY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));
const STRANGER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));

fn table() -> &'static Lookup {
    static TABLE: OnceLock<Lookup> = OnceLock::new();
    TABLE.get_or_init(|| {
        let route = |path: &str, host: Option<&str>| Route {
            path: path.into(),
            hosts: host.into_iter().map(Into::into).collect(),
            to: Some("http://127.0.0.1:9".into()),
            strip: path.len() > 1,
            ..Route::default()
        };
        let routes: Routes = [
            ("site".to_owned(), route("/", None)),
            ("app".to_owned(), route("/app", None)),
            ("cam".to_owned(), route("/", Some("cam.lan"))),
        ]
        .into();
        Lookup::new(&routes)
    })
}

/// The head as the server side of the gateway reads it: `METHOD TARGET`, then a field a line.
fn request(text: &str) -> Option<Request<()>> {
    let mut lines = text.lines();
    let (method, target) = lines.next()?.split_once(' ')?;
    let mut request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).ok()?)
        .uri(target)
        .body(())
        .ok()?;
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = HeaderValue::from_str(value.trim()).ok()?;
        request.headers_mut().append(name, value);
    }
    Some(request)
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Some(asked) = request(text) else { return };
    let (path, hosts) = (
        asked.uri().path_and_query().cloned(),
        asked.headers().get_all("host").iter().count(),
    );
    let again = |peer| table().admit(request(text)?, peer, &["10.0.0.0/8".to_owned()], 512);
    let Some(seen) = again(STRANGER) else {
        assert!(
            again(PROXY).is_none(),
            "whether it is let in does not depend on who asks: {text:?}"
        );
        return;
    };
    assert_eq!(
        seen.client, STRANGER,
        "a stranger speaks for itself alone: {text:?}"
    );
    assert_eq!(hosts, 1, "{text:?}");
    let path = path.expect("what is let in has a path");
    assert!(
        path.as_str().len() <= 512 && path.path().starts_with('/'),
        "{text:?}"
    );
    for odd in [
        "//", "/./", "/../", "\\", ";", "%2f", "%2F", "%5c", "%5C", "%00", "%3b", "%3B",
    ] {
        assert!(!path.path().contains(odd), "{odd} in {text:?}");
    }
    assert_eq!(seen.route, table().find(&seen.host, &path), "{text:?}");
    for name in seen.headers.keys() {
        let name = name.as_str();
        let gateways = name.starts_with("x-forwarded")
            || name.starts_with("x-auth-")
            || name.contains('_')
            || [
                "forwarded",
                "x-real-ip",
                "connection",
                "transfer-encoding",
                "upgrade",
                "x-request-id",
            ]
            .contains(&name);
        assert!(!gateways, "{name} in {text:?}");
    }
    // Behind a trusted proxy the route is the same, and the client is one whom that proxy names, or the proxy.
    let behind = again(PROXY).expect("whether it is let in does not depend on who asks");
    assert_eq!(behind.route, seen.route, "{text:?}");
    let named = asked.headers().contains_key("x-forwarded-for");
    assert!(named || behind.client == PROXY, "{text:?}");
});
