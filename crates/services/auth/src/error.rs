//! What can go wrong in auth, and what its clients are told.

use std::path::PathBuf;
use std::time::Duration;

use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use pistack_api::token::Level;
use pistack_kit::database::DatabaseError;
use pistack_kit::guard::Refusal;
use pistack_kit::paths::PathError;
use pistack_kit::problem::Problem;

/// An error of the auth service. The texts of those that reach clients are the contract's.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A body that is none.
    #[error("invalid payload")]
    InvalidPayload(&'static str),
    /// A level that is none.
    #[error("invalid level")]
    InvalidLevel,
    /// A PATCH without any known member.
    #[error("nothing to update")]
    NothingToUpdate,
    /// A password that the policy refuses; says why.
    #[error("{0}")]
    WeakPassword(String),
    /// Unknown user or wrong password: one answer for both.
    #[error("invalid credentials")]
    InvalidCredentials,
    /// The right password, but one that is known to the world: another has to be chosen first.
    #[error("password must be changed")]
    MustChange,
    /// The present password is needed to change it.
    #[error("current password needed")]
    CurrentPasswordNeeded,
    /// No refresh token of ours, or too old.
    #[error("invalid or expired refresh token")]
    InvalidRefresh,
    /// A refresh token in the original's format.
    #[error("invalid or expired refresh token")]
    LegacyRefresh,
    /// A refresh token that was ended, reused or never given out.
    #[error("refresh token revoked or unknown")]
    RevokedRefresh,
    /// The refresh token's user is gone.
    #[error("user not found")]
    UserNotFound,
    /// Logout without a token.
    #[error("missing refresh token")]
    MissingRefresh,
    /// The caller's access token does not do.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The dashboard session is over.
    #[error("session is over")]
    SessionOver,
    /// The caller's level does not suffice. Says what does.
    #[error("forbidden: {0}")]
    Forbidden(&'static str),
    /// No such user.
    #[error("not found")]
    NotFound,
    /// No such user, on the console.
    #[error("there is no user `{0}`; `pistack user list` shows them all")]
    NoSuchName(String),
    /// The name is taken.
    #[error("user exists")]
    UserExists,
    /// Somebody has to be able to manage the installation.
    #[error("the last Root cannot be {0}")]
    LastRoot(&'static str),
    /// The setup code is wrong.
    #[error("invalid setup code")]
    InvalidSetupCode,
    /// There is an account already.
    #[error("already set up")]
    AlreadySetUp,
    /// The first account of an installation has to be a Root.
    #[error("there is no account yet; the first one must be of level Root")]
    FirstMustBeRoot,
    /// Too many failures.
    #[error("too many attempts")]
    Throttled(Duration),
    /// Too many passwords are being checked at once.
    #[error("busy")]
    Busy,
    /// A value in `[auth]` out of its range.
    #[error("[auth] {key} = {value} is out of range: write a number from {min} to {max}")]
    Setting {
        /// The key.
        key: &'static str,
        /// What it is.
        value: i64,
        /// Smallest good one.
        min: i64,
        /// Greatest good one.
        max: i64,
    },
    /// A file of users that cannot be imported.
    #[error("{}: {what}. Nothing was imported", path.display())]
    ImportFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// `database_url` names another kind of database.
    #[error(
        "[auth] database_url (DATABASE_URL) is no PostgreSQL address: write postgres://user@host/name, or remove it \
         to use the SQLite file"
    )]
    DatabaseUrl,
    /// The signing key file cannot be used.
    #[error("{}: {what}. {cure}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
        /// What the person can do.
        cure: String,
    },
    /// The state directory cannot be used.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] DatabaseError),
    /// A statement failed.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The database holds what this program never writes.
    #[error("the auth database holds {0}")]
    Stored(String),
    /// An answer that is complete already.
    #[error("{}", .0.body().message)]
    Answer(Box<Problem>),
    /// Something that does not happen: hashing or signing failed.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// Status and stable code of the answer.
    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::InvalidPayload(_) => (StatusCode::BAD_REQUEST, "invalid_payload"),
            Self::InvalidLevel => (StatusCode::BAD_REQUEST, "invalid_level"),
            Self::NothingToUpdate => (StatusCode::BAD_REQUEST, "nothing_to_update"),
            Self::WeakPassword(_) => (StatusCode::BAD_REQUEST, "weak_password"),
            Self::MissingRefresh => (StatusCode::BAD_REQUEST, "missing_refresh_token"),
            Self::InvalidCredentials => (StatusCode::UNAUTHORIZED, "invalid_credentials"),
            Self::InvalidRefresh => (StatusCode::UNAUTHORIZED, "invalid_refresh_token"),
            Self::LegacyRefresh => (StatusCode::UNAUTHORIZED, "legacy-token"),
            Self::RevokedRefresh => (StatusCode::UNAUTHORIZED, "revoked_refresh_token"),
            Self::UserNotFound => (StatusCode::UNAUTHORIZED, "user_not_found"),
            Self::MustChange => (StatusCode::FORBIDDEN, "password_change_required"),
            Self::CurrentPasswordNeeded => (StatusCode::FORBIDDEN, "current_password_needed"),
            Self::SessionOver => (StatusCode::UNAUTHORIZED, "session_over"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Self::InvalidSetupCode => (StatusCode::FORBIDDEN, "invalid_setup_code"),
            Self::NotFound | Self::NoSuchName(_) => (StatusCode::NOT_FOUND, "not_found"),
            Self::UserExists => (StatusCode::CONFLICT, "user_exists"),
            Self::LastRoot(_) => (StatusCode::CONFLICT, "last_root"),
            Self::AlreadySetUp => (StatusCode::CONFLICT, "already_set_up"),
            Self::FirstMustBeRoot => (StatusCode::CONFLICT, "first_must_be_root"),
            Self::Throttled(_) => (StatusCode::TOO_MANY_REQUESTS, "throttled"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Self::Refused(_)
            | Self::Setting { .. }
            | Self::DatabaseUrl
            | Self::ImportFile { .. }
            | Self::KeyFile { .. }
            | Self::Path(_)
            | Self::Open(_)
            | Self::Database(_)
            | Self::Stored(_)
            | Self::Answer(_)
            | Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }

    /// True when the database says that it cannot write: SQLite's SQLITE_FULL (13) and SQLITE_IOERR_WRITE (778, a quota
    /// or a limit on the file's size), PostgreSQL's SQLSTATE 53100 (disk_full).
    pub(crate) fn is_disk_full(&self) -> bool {
        matches!(
            self,
            Self::Database(sqlx::Error::Database(cause))
                if matches!(cause.code().as_deref(), Some("13" | "778" | "53100"))
        )
    }

    /// The sentence beside the contract's text, where there is something to add.
    fn detail(&self) -> Option<&'static str> {
        match self {
            Self::InvalidPayload(what) => Some(what),
            Self::InvalidLevel => Some("Write Root, Admin or User."),
            Self::LegacyRefresh => Some("This is a token of the previous installation. Log in again."),
            Self::LastRoot(_) => Some("Make another Root first."),
            Self::MustChange => Some(
                "Send `new_password` with the same login, or set one on the console with `pistack user passwd NAME`.",
            ),
            Self::CurrentPasswordNeeded => Some("Send `current_password` as well, or log in again first."),
            Self::InvalidSetupCode => Some(
                "The code is printed at the first start and stands in secrets/setup_code of the state directory.",
            ),
            Self::AlreadySetUp => {
                Some("Log in, or set a password on the console with `pistack user passwd NAME --stdin`.")
            }
            Self::Busy => Some("Several passwords are being checked at this moment. Try again."),
            _ => None,
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Answer(Box::new(problem))
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        if let Error::Answer(problem) = error {
            return *problem;
        }
        if let Error::Refused(refusal) = error {
            return refusal.into();
        }
        if error.is_disk_full() {
            tracing::error!(%error, "the disk is full: nothing can be written");
            return Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", "the disk is full")
                .detail("Free some space on the board and try again. Programs keep running.");
        }
        let (status, code) = error.status_and_code();
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            return Self::internal(&error);
        }
        let mut problem = Self::new(status, code, error.to_string());
        if let Some(detail) = error.detail() {
            problem = problem.detail(detail);
        }
        match error {
            Error::Throttled(wait) => retry_after(problem, wait),
            Error::Busy => retry_after(problem, Duration::from_secs(2)),
            _ => problem,
        }
    }
}

/// Says when to come back, in whole seconds, rounded up (RFC 9110, section 10.2.3).
fn retry_after(problem: Problem, wait: Duration) -> Problem {
    let seconds = wait.as_millis().div_ceil(1000).max(1) as u64;
    problem
        .header(RETRY_AFTER, HeaderValue::from(seconds))
        .with("retry_after", seconds)
}

/// What a caller must be for the calls that only some levels may make.
pub(crate) fn requires(level: Level) -> Error {
    Error::Refused(Refusal::Forbidden(level))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_get_the_contracts_words() {
        for (error, status, message) in [
            (Error::InvalidPayload("x"), 400, "invalid payload"),
            (Error::InvalidCredentials, 401, "invalid credentials"),
            (Error::RevokedRefresh, 401, "refresh token revoked or unknown"),
            (Error::UserExists, 409, "user exists"),
            (Error::LastRoot("removed"), 409, "the last Root cannot be removed"),
        ] {
            let problem = Problem::from(error);
            assert_eq!(
                (problem.status().as_u16(), problem.body().message.as_str()),
                (status, message)
            );
        }
    }

    #[test]
    fn waiting_is_rounded_up() {
        let problem = Problem::from(Error::Throttled(Duration::from_millis(1_001)));
        assert_eq!(problem.status(), 429);
        assert_eq!(problem.body().extra["retry_after"], 2);
    }

    #[test]
    fn causes_stay_inside() {
        let problem = Problem::from(Error::Stored("a level `Boss`".to_owned()));
        assert_eq!(
            (problem.status().as_u16(), problem.body().message.as_str()),
            (500, "internal error")
        );
    }
}
