//! What can go wrong here, and the one conversion to answers.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use pistack_kit::problem::Problem;

use crate::backend::BackendError;

/// A call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The text or number names no line.
    #[error("bad pin: {0}")]
    BadLine(String),
    /// No line of the configuration has this name.
    #[error("there is no line `{0}`")]
    Unknown(String),
    /// The value is neither 0 nor 1.
    #[error("bad value: write 0 or 1, false or true")]
    BadLevel,
    /// A value out of its range; says which.
    #[error("bad value: {0}")]
    BadValue(&'static str),
    /// `open_lines = false` and no line of the configuration.
    #[error("pin not reserved: {0} is no line of the configuration")]
    NotReserved(String),
    /// An input of the configuration.
    #[error("wrong direction: {0} is an input")]
    WrongDirection(String),
    /// The line was not off for long enough.
    #[error("{line} was switched off a moment ago")]
    MinOff { line: String, retry: Duration },
    /// Another line of its group is on, or was a moment ago.
    #[error("{line} may not be on together with {blocked_by}")]
    Interlock {
        line: String,
        blocked_by: String,
        retry: Option<Duration>,
    },
    /// Emergency stop, or a line held since the link is down.
    #[error("lines are kept at safe levels: {0}")]
    SafeMode(String),
    /// `reconfigurable = false`.
    #[error("{0} may not be reconfigured")]
    NotReconfigurable(String),
    /// What this chip or line does not do.
    #[error("not supported: {0}")]
    NotSupported(String),
    /// `If-Match` named another state.
    #[error("the line has changed: its seq is {0}")]
    SeqChanged(u64),
    /// More writes than `writes_per_second`.
    #[error("too many writes")]
    Rate(Duration),
    /// An `Idempotency-Key` that was used for something else.
    #[error("this Idempotency-Key was used for another call")]
    KeyReused,
    /// The backend refused.
    #[error("{line}: {source}")]
    Backend {
        line: String,
        #[source]
        source: BackendError,
    },
}

impl Error {
    /// An unknown name as the original's calls answer it: a bad pin.
    pub(crate) fn into_bad_line(self) -> Self {
        match self {
            Self::Unknown(name) => Self::BadLine(format!("`{name}` names no line")),
            error => error,
        }
    }

    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::BadLine(_) => (StatusCode::BAD_REQUEST, "bad_line"),
            Self::BadLevel | Self::BadValue(_) => (StatusCode::BAD_REQUEST, "bad_value"),
            Self::Unknown(_) => (StatusCode::NOT_FOUND, "line_unknown"),
            Self::NotReserved(_) => (StatusCode::FORBIDDEN, "line_not_reserved"),
            Self::NotReconfigurable(_) => (StatusCode::CONFLICT, "line_not_reconfigurable"),
            Self::WrongDirection(_) => (StatusCode::CONFLICT, "wrong_direction"),
            Self::MinOff { .. } => (StatusCode::CONFLICT, "min_off"),
            Self::Interlock { .. } => (StatusCode::CONFLICT, "interlock"),
            Self::SafeMode(_) => (StatusCode::LOCKED, "safe_mode"),
            Self::NotSupported(_) => (StatusCode::UNPROCESSABLE_ENTITY, "not_supported"),
            Self::SeqChanged(_) => (StatusCode::PRECONDITION_FAILED, "seq_changed"),
            Self::Rate(_) => (StatusCode::TOO_MANY_REQUESTS, "rate"),
            Self::KeyReused => (StatusCode::CONFLICT, "idempotency_key_reused"),
            Self::Backend { source, .. } => match source {
                BackendError::Busy { .. } => (StatusCode::CONFLICT, "line_busy"),
                BackendError::Refused(_) => (StatusCode::UNPROCESSABLE_ENTITY, "not_supported"),
                BackendError::Gone(_) => (StatusCode::SERVICE_UNAVAILABLE, "chip_gone"),
            },
        }
    }

    /// What cures it.
    fn cure(&self) -> Option<&'static str> {
        Some(match self {
            Self::BadLine(_) => {
                "Write a BCM number (17, bcm:17), a pin of the header (pin:11), a line of a chip (chip:LABEL/17) or a line's name."
            }
            Self::NotReserved(_) => "Add a [line.NAME] with this pin, or set open_lines = true in [io].",
            Self::NotReconfigurable(_) => "Write reconfigurable = true in its [line.NAME].",
            Self::WrongDirection(_) => "Write direction = \"output\" in its [line.NAME] to drive it.",
            Self::SafeMode(_) => "POST /api/io/release ends the emergency stop.",
            Self::Backend { source, .. } => match source {
                BackendError::Busy { .. } => {
                    "Another program or driver holds the line; end it, or use another line."
                }
                BackendError::Gone(_) => "The GPIO chip does not answer; it is looked for at the next use.",
                BackendError::Refused(_) => return None,
            },
            _ => return None,
        })
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = error.status_and_code();
        let mut problem = Self::new(status, code, error.to_string());
        if let Some(cure) = error.cure() {
            problem = problem.detail(cure);
        }
        match error {
            Error::MinOff { retry, .. } | Error::Rate(retry) => retrying(problem, retry),
            Error::Interlock {
                blocked_by, retry, ..
            } => {
                let problem = problem.with("blocked_by", blocked_by);
                match retry {
                    Some(retry) => retrying(problem, retry),
                    None => problem.with("retry_ms", serde_json::Value::Null),
                }
            }
            Error::SeqChanged(seq) => problem.with("seq", seq),
            Error::Backend {
                source: BackendError::Busy { holder },
                ..
            } => problem.with("holder", holder),
            _ => problem,
        }
    }
}

/// When to come back, exactly and as the header says it.
fn retrying(problem: Problem, retry: Duration) -> Problem {
    let millis = u64::try_from(retry.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
    problem
        .with("retry_ms", millis)
        .header(RETRY_AFTER, HeaderValue::from(millis.div_ceil(1000)))
}

/// The service cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// `backend = "chardev"` without its chip.
    #[error(
        "no GPIO chip labelled {wanted} (found: {found}). Set `chip` in [io] to one of those, or write backend = \"auto\""
    )]
    NoChip { wanted: String, found: String },
    /// A chip that may not be opened.
    #[error("{path}: {reason}. Add the user of io_service to the group `gpio`, or correct the file's rights")]
    Forbidden { path: String, reason: String },
    /// The configuration names a line that is none.
    #[error("[{path}] {message}{}", help.as_deref().map(|help| format!(". {help}")).unwrap_or_default())]
    Line {
        path: String,
        message: String,
        help: Option<String>,
    },
}
