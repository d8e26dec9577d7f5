//! Any bytes as access token, also with a good signature's shape around them: nothing but the one good token passes.
#![no_main]

use std::sync::{Arc, OnceLock};

use libfuzzer_sys::fuzz_target;
use pistack_api::service::Service;
use pistack_api::token::Level;
use pistack_kit::clock::Clock;
use pistack_kit::guard::Guard;
use pistack_kit::testing::TestAuth;

const NOW: i64 = 1_700_000_000;

struct Bed {
    guard: Arc<Guard>,
    good: String,
}

fn bed() -> &'static Bed {
    static BED: OnceLock<Bed> = OnceLock::new();
    BED.get_or_init(|| {
        let auth = TestAuth::new();
        let guard = Guard::new(Service::Io, Clock::manual(NOW));
        guard.set_keys(&auth.keys());
        let good = auth.token("anna", Level::Root, NOW);
        assert!(guard.verify(&good).is_ok());
        Bed { guard, good }
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Bed { guard, good } = bed();
    let mut parts = good.split('.');
    let (header, payload, signature) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    for token in [
        text.to_owned(),
        format!("{text}.{payload}.{signature}"),
        format!("{header}.{text}.{signature}"),
        format!("{header}.{payload}.{text}"),
        format!("{good}{text}"),
    ] {
        assert!(token == *good || guard.verify(&token).is_err(), "{token}");
    }
});
