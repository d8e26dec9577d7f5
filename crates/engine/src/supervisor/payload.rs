//! The payload texts of events (`supervisor/events.py`).

use crate::io::Channel;
use crate::state::ProcessState;

/// What a PROCESS_STATE payload tells beyond names and the former state.
#[derive(Debug, Clone, Copy)]
pub(super) struct StateDetails {
    /// The state left.
    pub(super) from: ProcessState,
    /// The state entered.
    pub(super) to: ProcessState,
    /// The backoff counter.
    pub(super) tries: u32,
    /// Whether an exit was expected.
    pub(super) expected: bool,
    /// Pid; 0 if none.
    pub(super) pid: i32,
}

/// PROCESS_STATE_*.
pub(super) fn process_state(process: &str, group: &str, details: StateDetails) -> String {
    let StateDetails {
        from,
        to,
        tries,
        expected,
        pid,
    } = details;
    let head = format!(
        "processname:{process} groupname:{group} from_state:{}",
        from.name()
    );
    match to {
        ProcessState::Starting | ProcessState::Backoff => format!("{head} tries:{tries}"),
        ProcessState::Exited => format!("{head} expected:{} pid:{pid}", i32::from(expected)),
        ProcessState::Running | ProcessState::Stopping | ProcessState::Stopped => format!("{head} pid:{pid}"),
        ProcessState::Fatal | ProcessState::Unknown => head,
    }
}

/// PROCESS_LOG_*.
pub(super) fn process_log(process: &str, group: &str, pid: i32, channel: Channel, data: &[u8]) -> String {
    let channel = match channel {
        Channel::Stdout => "stdout",
        Channel::Stderr => "stderr",
    };
    format!(
        "processname:{process} groupname:{group} pid:{pid} channel:{channel}\n{}",
        text_or_repr(data)
    )
}

/// PROCESS_COMMUNICATION_*.
pub(super) fn process_communication(process: &str, group: &str, pid: i32, data: &[u8]) -> String {
    format!(
        "processname:{process} groupname:{group} pid:{pid}\n{}",
        text_or_repr(data)
    )
}

/// REMOTE_COMMUNICATION.
pub(super) fn remote_communication(kind: &str, data: &str) -> String {
    format!("type:{kind}\n{data}")
}

/// PROCESS_GROUP_*.
pub(super) fn process_group(group: &str) -> String {
    format!("groupname:{group}\n")
}

/// TICK_*.
pub(super) fn tick(when: u64) -> String {
    format!("when:{when}")
}

/// The text, or `Undecodable: ` and the bytes as Python prints them.
pub(super) fn text_or_repr(data: &[u8]) -> String {
    match std::str::from_utf8(data) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("Undecodable: {}", python_repr(data)),
    }
}

/// `repr()` of a Python bytes object.
fn python_repr(data: &[u8]) -> String {
    let quote = if data.contains(&b'\'') && !data.contains(&b'"') {
        '"'
    } else {
        '\''
    };
    let mut text = String::with_capacity(data.len() + 3);
    text.push('b');
    text.push(quote);
    for &byte in data {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'\t' => text.push_str("\\t"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            _ if char::from(byte) == quote => {
                text.push('\\');
                text.push(quote);
            }
            b' '..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text.push(quote);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_look_as_python_prints_them() {
        for (data, expected) in [
            (&b"\xff"[..], r"b'\xff'"),
            (b"a'b\xff", r#"b"a'b\xff""#),
            (b"a'\"b\xff", r#"b'a\'"b\xff'"#),
            (b"\t\r\n\\\x00\x7f\x80", r"b'\t\r\n\\\x00\x7f\x80'"),
        ] {
            assert_eq!(python_repr(data), expected);
        }
        assert_eq!(text_or_repr("zażółć".as_bytes()), "zażółć");
        assert_eq!(text_or_repr(&[0xc5]), r"Undecodable: b'\xc5'");
    }
}
