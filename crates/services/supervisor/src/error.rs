//! What can go wrong here, and the one conversion to answers.

use http::StatusCode;
use pistack_api::process::ProcessInfo;
use pistack_api::xmlrpc::{Fault, fault};
use pistack_kit::client::ClientError;
use pistack_kit::problem::Problem;
use pistack_kit::rpc::RpcError;

/// A call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Nobody there, or no answer in time.
    #[error("supervisor unreachable: {0}")]
    Unreachable(String),
    /// An answer that makes no sense.
    #[error("supervisor answered nonsense: {0}")]
    Broken(String),
    /// The supervisor refused.
    #[error(transparent)]
    Fault(Fault),
    /// No process of that name.
    #[error("unknown process: {0}")]
    Unknown(String),
    /// A bare name that several groups have.
    #[error("ambiguous process name: {name}")]
    Ambiguous { name: String, candidates: Vec<String> },
    /// The process did not survive its start.
    #[error("ABNORMAL_TERMINATION: {name}")]
    StartFailed { name: String, process: Box<ProcessInfo> },
    /// A restart whose first half takes too long.
    #[error("{name} is still {state} after {seconds} s")]
    StillStopping {
        name: String,
        state: String,
        seconds: u64,
    },
}

impl From<RpcError> for Error {
    fn from(error: RpcError) -> Self {
        match error {
            RpcError::Fault(fault) => Self::Fault(fault),
            RpcError::Client(error) => Self::from(error),
            RpcError::Broken(reason) => Self::Broken(reason),
        }
    }
}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Broken { peer, reason } => Self::Broken(format!("{peer}: {reason}")),
            error => Self::Unreachable(error.to_string()),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Unreachable(_) => Self::unavailable(message)
                .detail("Is the supervisor running (`pistack status`)? Its address is `url` in [supervisor_service]."),
            Error::Broken(_) => Self::new(StatusCode::BAD_GATEWAY, "bad_supervisor_answer", message),
            Error::Unknown(_) => Self::not_found(message).detail("GET /api/supervisor/processes/list names them."),
            Error::Ambiguous { candidates, .. } => Self::new(StatusCode::CONFLICT, "ambiguous_name", message)
                .detail("Several groups have a process of this name; write group:process.")
                .with("candidates", candidates),
            Error::StartFailed { process, .. } => {
                let detail = if process.spawnerr.is_empty() {
                    "The process ended right after its start; its log may say why.".to_owned()
                } else {
                    process.spawnerr.clone()
                };
                Self::new(StatusCode::CONFLICT, "abnormal_termination", message)
                    .detail(detail)
                    .with("statename", process.statename.clone())
                    .with("exitstatus", process.exitstatus)
            }
            Error::StillStopping { .. } => Self::new(StatusCode::GATEWAY_TIMEOUT, "still_stopping", message)
                .detail("The process has not stopped yet and was not started again. Try once more, or raise `wait` in [supervisor_service]."),
            Error::Fault(fault) => from_fault(&fault),
        }
    }
}

/// supervisord's faults as statuses. `message` is supervisord's own text, `fault` its code.
fn from_fault(fault: &Fault) -> Problem {
    let (status, code) = match fault.code {
        fault::BAD_NAME => (StatusCode::NOT_FOUND, "not_found"),
        fault::SHUTDOWN_STATE => (StatusCode::SERVICE_UNAVAILABLE, "shutting_down"),
        fault::ALREADY_STARTED => (StatusCode::CONFLICT, "already_started"),
        fault::NOT_RUNNING => (StatusCode::CONFLICT, "not_running"),
        fault::STILL_RUNNING => (StatusCode::CONFLICT, "still_running"),
        fault::NO_FILE => (StatusCode::CONFLICT, "no_file"),
        fault::NOT_EXECUTABLE => (StatusCode::CONFLICT, "not_executable"),
        fault::ABNORMAL_TERMINATION => (StatusCode::CONFLICT, "abnormal_termination"),
        fault::SPAWN_ERROR => (StatusCode::CONFLICT, "spawn_error"),
        fault::FAILED => (StatusCode::CONFLICT, "failed"),
        _ => (StatusCode::BAD_GATEWAY, "supervisor_fault"),
    };
    Problem::new(status, code, fault.text.clone()).with("fault", fault.code)
}

/// The service cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// `url` is wrong.
    #[error("[supervisor_service] url: {0}")]
    Address(#[from] crate::config::BadAddress),
    /// The password file cannot be read.
    #[error("{}: cannot read the supervisor's password: {source}. Correct `password_file` in [supervisor_service], or remove it", path.display())]
    Password {
        path: std::path::PathBuf,
        #[source]
        source: std::io::Error,
    },
}
