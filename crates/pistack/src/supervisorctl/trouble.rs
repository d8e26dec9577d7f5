//! What can go wrong in a command, told in the words that Python's client uses: scripts look for them.

use std::io;

use pistack_api::xmlrpc::Fault;

use super::url::python_repr;

/// A command was not carried out.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server refused.
    Fault(Fault),
    /// Another HTTP status than 200: number and reason.
    Status(u16, String),
    /// The server could not be reached or went away.
    Io(io::Error),
    /// The host is unknown.
    Lookup(String),
    /// The connection ended before an answer.
    Disconnected,
    /// A value that has no meaning here, in Python's words.
    Value(String),
    /// A number that XML-RPC cannot carry.
    Overflow,
    /// The answer is no XML-RPC.
    Unreadable(String),
    /// The person at the keyboard went away.
    EndOfInput,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        const LOOKUP: &str = "failed to lookup address information: ";
        let text = error.to_string();
        match text.split_once(LOOKUP) {
            Some((_, reason)) => Self::Lookup(reason.to_owned()),
            None => Self::Io(error),
        }
    }
}

impl Trouble {
    /// The fault's code.
    pub(super) fn fault(&self) -> Option<i32> {
        match self {
            Self::Fault(fault) => Some(fault.code),
            _ => None,
        }
    }

    /// The kind of a connection's failure.
    pub(super) fn io(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Io(error) => Some(error.kind()),
            _ => None,
        }
    }

    /// `str(e)`.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Fault(fault) => format!("<Fault {}: {}>", fault.code, python_repr(&fault.text)),
            Self::Status(code, reason) => {
                format!("<ProtocolError for 127.0.0.1/RPC2: {code} {reason}>")
            }
            Self::Io(error) => {
                let text = error.to_string();
                let plain = text.split(" (os error ").next().unwrap_or(&text);
                match error.raw_os_error() {
                    Some(number) => format!("[Errno {number}] {plain}"),
                    None => plain.to_owned(),
                }
            }
            Self::Lookup(reason) => format!("[Errno -2] {reason}"),
            Self::Disconnected => "Remote end closed connection without response".to_owned(),
            Self::Value(text) | Self::Unreadable(text) => text.clone(),
            Self::Overflow => "int exceeds XML-RPC limits".to_owned(),
            Self::EndOfInput => "EOF when reading a line".to_owned(),
        }
    }

    /// The exception's class.
    fn class(&self) -> &'static str {
        use io::ErrorKind as Kind;
        match self {
            Self::Fault(_) => "xmlrpc.client.Fault",
            Self::Status(..) => "xmlrpc.client.ProtocolError",
            Self::Io(error) => match error.kind() {
                Kind::NotFound => "FileNotFoundError",
                Kind::ConnectionRefused => "ConnectionRefusedError",
                Kind::ConnectionReset => "ConnectionResetError",
                Kind::PermissionDenied => "PermissionError",
                Kind::BrokenPipe => "BrokenPipeError",
                Kind::TimedOut => "TimeoutError",
                _ => "OSError",
            },
            Self::Lookup(_) => "socket.gaierror",
            Self::Disconnected => "http.client.RemoteDisconnected",
            Self::Value(_) => "ValueError",
            Self::Overflow => "OverflowError",
            Self::Unreadable(_) => "xml.parsers.expat.ExpatError",
            Self::EndOfInput => "EOFError",
        }
    }

    /// The line that is printed for what no command expected. Python names its source here; ours has no meaning for
    /// the reader, but the line keeps its shape.
    pub(super) fn line(&self) -> String {
        format!(
            "error: <class '{}'>, {}: file: supervisorctl line: 0",
            self.class(),
            self.text()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_pythons_words() {
        let fault = Trouble::Fault(Fault {
            code: 6,
            text: "SHUTDOWN_STATE".into(),
        });
        assert_eq!(
            fault.line(),
            "error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>: file: supervisorctl line: 0"
        );
        let missing = Trouble::from(io::Error::from_raw_os_error(2));
        assert!(
            missing.line().starts_with(
                "error: <class 'FileNotFoundError'>, [Errno 2] No such file or directory: file: "
            )
        );
        let unknown = io::Error::other("failed to lookup address information: Name or service not known");
        assert_eq!(
            Trouble::from(unknown).text(),
            "[Errno -2] Name or service not known"
        );
    }
}
