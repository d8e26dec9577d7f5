//! Any bytes as an XML-RPC call or answer; what is read is written and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pistack_api::xmlrpc::{parse_call, parse_response, write_call};

fuzz_target!(|bytes: &[u8]| {
    let _ = parse_response(bytes);
    if let Ok(call) = parse_call(bytes) {
        let first = write_call(&call);
        // characters that XML cannot hold and numbers beyond 32 bits are changed by the first writing, not by the next
        let again = parse_call(first.as_bytes()).expect("what we write we read");
        assert_eq!(first, write_call(&again));
    }
});
