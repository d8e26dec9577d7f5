//! Any bytes as `Authorization` header: what is read as a token is a part of what was sent, and no scheme is left on it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use http::{HeaderMap, HeaderValue};

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let headers = HeaderMap::from_iter([(http::header::AUTHORIZATION, value)]);
    let Some(token) = pistack_kit::guard::read_bearer(&headers) else { return };
    let sent = String::from_utf8_lossy(bytes);
    assert!(!token.is_empty() && sent.contains(&token), "{sent:?} -> {token:?}");
    let _ = pistack_auth::readers::is_api_token(&token);
    if let Some(grant) = pistack_auth::readers::grant(&token) {
        assert_eq!(pistack_auth::readers::grant(&grant).as_ref(), Some(&grant), "{token:?}");
    }
});
