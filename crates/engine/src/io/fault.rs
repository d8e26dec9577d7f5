//! Faults: supervisord's codes, names and texts (`supervisor/xmlrpc.py`, class `Faults`).

/// A fault for a client: supervisord's code and text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Code.
    pub code: i32,
    /// `BAD_NAME: camera`.
    pub text: String,
}

/// supervisord's fault codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are supervisord's own")]
pub enum FaultCode {
    UnknownMethod = 1,
    IncorrectParameters = 2,
    BadArguments = 3,
    SignatureUnsupported = 4,
    ShutdownState = 6,
    BadName = 10,
    BadSignal = 11,
    NoFile = 20,
    NotExecutable = 21,
    Failed = 30,
    AbnormalTermination = 40,
    SpawnError = 50,
    AlreadyStarted = 60,
    NotRunning = 70,
    Success = 80,
    AlreadyAdded = 90,
    StillRunning = 91,
    CantReread = 92,
}

impl FaultCode {
    /// The number on the wire.
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// supervisord's name, such as `BAD_NAME`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownMethod => "UNKNOWN_METHOD",
            Self::IncorrectParameters => "INCORRECT_PARAMETERS",
            Self::BadArguments => "BAD_ARGUMENTS",
            Self::SignatureUnsupported => "SIGNATURE_UNSUPPORTED",
            Self::ShutdownState => "SHUTDOWN_STATE",
            Self::BadName => "BAD_NAME",
            Self::BadSignal => "BAD_SIGNAL",
            Self::NoFile => "NO_FILE",
            Self::NotExecutable => "NOT_EXECUTABLE",
            Self::Failed => "FAILED",
            Self::AbnormalTermination => "ABNORMAL_TERMINATION",
            Self::SpawnError => "SPAWN_ERROR",
            Self::AlreadyStarted => "ALREADY_STARTED",
            Self::NotRunning => "NOT_RUNNING",
            Self::Success => "SUCCESS",
            Self::AlreadyAdded => "ALREADY_ADDED",
            Self::StillRunning => "STILL_RUNNING",
            Self::CantReread => "CANT_REREAD",
        }
    }

    /// The fault with its bare name as text.
    pub fn bare(self) -> Fault {
        Fault {
            code: self.code(),
            text: self.name().to_owned(),
        }
    }

    /// The fault with the text `NAME: extra`.
    pub fn with(self, extra: impl std::fmt::Display) -> Fault {
        Fault {
            code: self.code(),
            text: format!("{}: {extra}", self.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_the_name_or_the_name_and_more() {
        assert_eq!(
            FaultCode::ShutdownState.bare(),
            Fault {
                code: 6,
                text: "SHUTDOWN_STATE".into()
            }
        );
        assert_eq!(
            FaultCode::BadName.with("a:b"),
            Fault {
                code: 10,
                text: "BAD_NAME: a:b".into()
            }
        );
    }
}
