//! What can go wrong here, and the one conversion to answers.

use http::StatusCode;
use pistack_kit::problem::Problem;

use crate::backend::BackendError;

/// A call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The text or number names no line.
    #[error("bad pin: {0}")]
    BadLine(String),
    /// The value is neither 0 nor 1.
    #[error("bad value: write 0 or 1, false or true")]
    BadValue,
    /// `open_lines = false` and no line of the configuration.
    #[error("pin not reserved: BCM {0} is no line of the configuration")]
    NotReserved(u32),
    /// An input of the configuration.
    #[error("wrong direction: {0} is reserved as an input")]
    WrongDirection(String),
    /// The backend refused.
    #[error("{line}: {source}")]
    Backend {
        line: String,
        #[source]
        source: BackendError,
    },
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::BadLine(_) => Self::new(StatusCode::BAD_REQUEST, "bad_line", message)
                .detail("Write a BCM number (17, bcm:17), a pin of the header (pin:11) or a line's name."),
            Error::BadValue => Self::new(StatusCode::BAD_REQUEST, "bad_value", message),
            Error::NotReserved(_) => Self::new(StatusCode::FORBIDDEN, "line_not_reserved", message)
                .detail("Add a [line.NAME] with this pin, or set open_lines = true in [io]."),
            Error::WrongDirection(_) => Self::new(StatusCode::CONFLICT, "wrong_direction", message)
                .detail("Write direction = \"output\" in its [line.NAME] to drive it."),
            Error::Backend { source, .. } => match source {
                BackendError::Busy { holder } => Self::new(StatusCode::CONFLICT, "line_busy", message)
                    .detail("Another program or driver holds the line; end it, or use another line.")
                    .with("holder", holder),
                BackendError::Refused(_) => {
                    Self::new(StatusCode::UNPROCESSABLE_ENTITY, "not_supported", message)
                }
                BackendError::Gone(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "chip_gone", message)
                    .detail("The GPIO chip does not answer. Restart io_service when it is back."),
            },
        }
    }
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
