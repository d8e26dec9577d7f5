//! Any bytes as a request for a mail, and as a list of addresses: what is accepted holds no header, recipient or line
//! that the fields could smuggle in.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// The headers of a mail that the service makes.
const HEADERS: [&str; 11] = [
    "Auto-Submitted", "Cc", "Content-Transfer-Encoding", "Content-Type", "From", "MIME-Version", "Message-ID", "Reply-To",
    "Subject", "To", "Content-Disposition",
];

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        for mailbox in pistack_email::address::list(text).unwrap_or_default() {
            let email: &str = mailbox.email.as_ref();
            assert!(!email.chars().any(|one| one.is_control() || " <>".contains(one)), "{email:?}");
        }
    }
    let Some(raw) = pistack_email::compose(bytes) else { return };
    let mut before = 0;
    for &byte in &raw {
        assert_eq!(byte == b'\n', before == b'\r');
        before = byte;
    }
    let raw = String::from_utf8_lossy(&raw);
    let head = raw.split("\r\n\r\n").next().unwrap_or_default();
    for line in head.split("\r\n").filter(|line| !line.starts_with([' ', '\t'])) {
        let name = line.split_once(": ").map_or("", |(name, _)| name);
        assert!(HEADERS.contains(&name), "{line:?}");
    }
});
