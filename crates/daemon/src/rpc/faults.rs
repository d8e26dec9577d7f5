//! Faults with supervisord's texts: the name, or `NAME: extra`.

use pistack_api::xmlrpc::{Fault, fault};

/// A fault by code, with what it is about.
pub(crate) fn about(code: i32, extra: impl std::fmt::Display) -> Fault {
    Fault {
        code,
        text: format!("{}: {extra}", name(code)),
    }
}

/// A fault by code alone.
pub(crate) fn plain(code: i32) -> Fault {
    Fault {
        code,
        text: name(code).to_owned(),
    }
}

/// The supervisor takes no calls any more.
pub(crate) fn shutdown_state() -> Fault {
    plain(fault::SHUTDOWN_STATE)
}

/// Wrong number or type of arguments.
pub(crate) fn incorrect_parameters() -> Fault {
    plain(fault::INCORRECT_PARAMETERS)
}

const fn name(code: i32) -> &'static str {
    match code {
        fault::UNKNOWN_METHOD => "UNKNOWN_METHOD",
        fault::INCORRECT_PARAMETERS => "INCORRECT_PARAMETERS",
        fault::BAD_ARGUMENTS => "BAD_ARGUMENTS",
        fault::SIGNATURE_UNSUPPORTED => "SIGNATURE_UNSUPPORTED",
        fault::SHUTDOWN_STATE => "SHUTDOWN_STATE",
        fault::BAD_NAME => "BAD_NAME",
        fault::BAD_SIGNAL => "BAD_SIGNAL",
        fault::NO_FILE => "NO_FILE",
        fault::NOT_EXECUTABLE => "NOT_EXECUTABLE",
        fault::FAILED => "FAILED",
        fault::ABNORMAL_TERMINATION => "ABNORMAL_TERMINATION",
        fault::SPAWN_ERROR => "SPAWN_ERROR",
        fault::ALREADY_STARTED => "ALREADY_STARTED",
        fault::NOT_RUNNING => "NOT_RUNNING",
        fault::SUCCESS => "SUCCESS",
        fault::ALREADY_ADDED => "ALREADY_ADDED",
        fault::STILL_RUNNING => "STILL_RUNNING",
        fault::CANT_REREAD => "CANT_REREAD",
        _ => "UNKNOWN",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_supervisords() {
        assert_eq!(about(fault::BAD_NAME, "cat").text, "BAD_NAME: cat");
        assert_eq!(
            shutdown_state(),
            Fault {
                code: 6,
                text: "SHUTDOWN_STATE".into()
            }
        );
    }
}
