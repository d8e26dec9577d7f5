//! Any text in `X-Forwarded-For`: what the client writes on the left changes nothing, and no trusted proxy is a client.
#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use pistack_auth::readers::forwarded_for;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let proxy: IpAddr = [10, 0, 0, 2].into();
    let client: IpAddr = [198, 51, 100, 1].into();
    if let Some(found) = forwarded_for(text, &[proxy]) {
        assert!(found != proxy && !found.is_loopback(), "{text:?}");
    }
    assert_eq!(forwarded_for(&format!("{text},198.51.100.1"), &[proxy]), Some(client));
    assert_eq!(forwarded_for(&format!("{text}, 198.51.100.1, 10.0.0.2"), &[proxy]), Some(client));
});
