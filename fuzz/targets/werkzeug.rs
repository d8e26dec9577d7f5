//! Any text as a password hash of the original, and as a one-time code: judged at once, without hashing anything.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pistack_auth::readers::{is_werkzeug_hash, one_time_step};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if is_werkzeug_hash(text) {
        let parts: Vec<_> = text.splitn(3, '$').collect();
        assert!(parts.len() == 3 && parts[2].bytes().all(|byte| byte.is_ascii_hexdigit()), "{text:?}");
    }
    let now = i64::from(bytes.first().copied().unwrap_or_default()) * 1_000_003;
    if let Some(step) = one_time_step(bytes, text, now) {
        assert!((step - now / 30).abs() <= 1);
    }
});
