//! Any bytes as `Cookie` and as the address that was asked for: the cookie is a part of what was sent, the way back stays
//! on this host.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let headers = HeaderMap::from_iter([
        (http::header::COOKIE, value.clone()),
        (HeaderName::from_static("x-original-uri"), value),
    ]);
    let (cookie, way) = pistack_auth::readers::cookie_and_way_back(&headers);
    let sent = String::from_utf8_lossy(bytes);
    if let Some(cookie) = cookie {
        assert!(cookie.len() <= 256 && sent.contains(&format!("__Host-pistack={cookie}")), "{sent:?}");
    }
    let next = way.strip_prefix("/control/login").expect("the login page");
    assert!(next.is_empty() || next.starts_with("?next=/"), "{way}");
    assert!(!next.starts_with("?next=//") && !next.contains('\\') && !next[next.len().min(1)..].contains('?'), "{way}");
});
