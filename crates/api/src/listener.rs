//! supervisord's event listener protocol, the listener's side: the header line and the two answers.
//!
//! Source: supervisord's documentation, "Event Listeners and Event Notifications".

use std::collections::BTreeMap;

/// What a listener writes when it can take an event.
pub const READY: &str = "READY\n";
/// What a listener writes when it has dealt with an event.
pub const RESULT_OK: &str = "RESULT 2\nOK";
/// What a listener writes to get the event again later.
pub const RESULT_FAIL: &str = "RESULT 4\nFAIL";

/// The tokens of a header line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The supervisor's identifier.
    pub server: String,
    /// Global serial.
    pub serial: u64,
    /// Pool that the event was sent to.
    pub pool: String,
    /// Serial within the pool.
    pub pool_serial: u64,
    /// Type of the event.
    pub event_name: String,
    /// Length of the payload, in characters (supervisord counts characters, not bytes).
    pub len: usize,
}

/// The header line is not one of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an event header (`{key}` is missing or no number): {line:?}")]
pub struct BadHeader {
    /// The token that is wrong.
    pub key: &'static str,
    /// The line.
    pub line: String,
}

impl Header {
    /// Reads `ver:3.0 server:supervisor serial:21 pool:listener poolserial:10 eventname:X len:54`.
    pub fn parse(line: &str) -> Result<Self, BadHeader> {
        let tokens: BTreeMap<&str, &str> = line
            .split_whitespace()
            .filter_map(|token| token.split_once(':'))
            .collect();
        let bad = |key| BadHeader {
            key,
            line: line.to_owned(),
        };
        let text = |key: &'static str| tokens.get(key).map(|v| (*v).to_owned()).ok_or_else(|| bad(key));
        let number = |key: &'static str| text(key)?.parse::<u64>().map_err(|_| bad(key));
        Ok(Self {
            server: text("server")?,
            serial: number("serial")?,
            pool: text("pool")?,
            pool_serial: number("poolserial")?,
            event_name: text("eventname")?,
            len: usize::try_from(number("len")?).map_err(|_| bad("len"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_documented_header() {
        let line = "ver:3.0 server:supervisor serial:21 pool:listener poolserial:10 eventname:PROCESS_COMMUNICATION_STDOUT len:54\n";
        let header = Header::parse(line).unwrap();
        assert_eq!((header.serial, header.pool_serial, header.len), (21, 10, 54));
        assert_eq!(header.event_name, "PROCESS_COMMUNICATION_STDOUT");
    }

    #[test]
    fn names_what_is_missing() {
        assert_eq!(
            Header::parse("ver:3.0 server:s serial:x").unwrap_err().key,
            "serial"
        );
    }
}
