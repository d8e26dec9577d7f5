//! What can go wrong here, and the one conversion to answers.

use std::path::PathBuf;
use std::time::Duration;

use http::StatusCode;
use pistack_kit::problem::Problem;

/// A mail was not sent. `server` is `host:port`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// The request is no mail.
    #[error("invalid payload: {0}")]
    Invalid(String),
    /// Nobody listens there, or the name is unknown.
    #[error("smtp server unreachable: {server}: {reason}")]
    Unreachable { server: String, reason: String },
    /// It took too long.
    #[error("smtp server {server} did not finish within {} s", after.as_secs_f64())]
    TimedOut { server: String, after: Duration },
    /// The server said no.
    #[error("smtp server {server} refused the mail: {code} {text}")]
    Refused { server: String, code: u16, text: String },
    /// The server said no to the user name and password.
    #[error("smtp server {server} refused the user name or password: {code} {text}")]
    Login { server: String, code: u16, text: String },
    /// TLS failed: certificate, handshake, or not offered.
    #[error("no trusted TLS with smtp server {server}: {reason}")]
    Tls { server: String, reason: String },
    /// The server does not do what the mail or the configuration needs.
    #[error("smtp server {server} cannot take this: {reason}")]
    Unsupported { server: String, reason: String },
    /// The server hung up or spoke nonsense.
    #[error("smtp server {server} broke off the conversation: {reason}")]
    Broken { server: String, reason: String },
    /// The server hung up before its answer to the whole mail.
    #[error("smtp server {server} was lost before its answer: {reason}; the mail may have been delivered")]
    Undecided { server: String, reason: String },
    /// The password file cannot be read any more.
    #[error("the smtp password cannot be read")]
    Password,
    /// The attachments are too large; names the one that is too much.
    #[error("payload too large: attachments are larger than {limit} bytes at `attachments[{index}]`")]
    TooLarge { limit: u64, index: usize },
    /// The caller may not do that.
    #[error("forbidden: {0}")]
    Forbidden(&'static str),
    /// No such mail, bounce or function.
    #[error("not found")]
    NotFound,
    /// Not in this state.
    #[error("{0}")]
    Conflict(&'static str),
    /// An `Idempotency-Key` that came with another mail before.
    #[error("idempotency key reused")]
    KeyReused,
    /// The outbox holds as much as it may.
    #[error("outbox full: {0}")]
    QueueFull(String),
    /// The disk is full.
    #[error("disk full")]
    DiskFull,
    /// Too many mails are being sent directly.
    #[error("busy")]
    Busy,
    /// The outbox cannot be read or written.
    #[error("the outbox cannot be used: {0}")]
    Store(String),
}

impl Error {
    /// Whether the outbox, and not the mail server, is at fault.
    pub(crate) fn is_of_store(&self) -> bool {
        matches!(self, Self::Store(_) | Self::DiskFull)
    }
}

/// `SQLITE_FULL` (sqlite.org/rescode.html; the low byte is the code).
const SQLITE_FULL: i32 = 13;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .and_then(|code| code.parse::<i32>().ok());
        match code {
            Some(code) if code & 0xff == SQLITE_FULL => Self::DiskFull,
            _ => Self::Store(error.to_string()),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let gateway = |code: &str| Self::new(StatusCode::BAD_GATEWAY, code, message.clone());
        match error {
            Error::Invalid(reason) => {
                Self::new(StatusCode::BAD_REQUEST, "invalid_payload", "invalid payload").detail(reason)
            }
            Error::Unreachable { server, .. } => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "smtp_unreachable",
                message,
            )
            .detail("Is it running, and is `smtp_host`/`smtp_port` in [email] (SMTP_HOST, SMTP_PORT) right?")
            .with("server", server),
            Error::TimedOut { server, .. } => Self::new(StatusCode::GATEWAY_TIMEOUT, "smtp_timeout", message)
                .detail("The server may still deliver the mail. `timeout` in [email] sets the limit.")
                .with("server", server),
            Error::Refused { server, code, text } => gateway("smtp_refused")
                .with("server", server)
                .with("smtp_code", code)
                .with("smtp_text", text)
                .with("temporary", (400..500).contains(&code)),
            Error::Login { server, code, text } => gateway("smtp_login")
                .detail("Correct `username` and `password_file` in [email].")
                .with("server", server)
                .with("smtp_code", code)
                .with("smtp_text", text),
            Error::Tls { server, .. } => gateway("smtp_tls")
                .detail("Give the server's own root with `ca_file` in [email], or choose another `tls`.")
                .with("server", server),
            Error::Unsupported { server, .. } => gateway("smtp_unsupported").with("server", server),
            Error::Broken { server, .. } => gateway("smtp_broken").with("server", server),
            Error::Undecided { server, .. } => gateway("smtp_undecided")
                .detail("The server may have delivered the mail. Ask its reader before you send it again.")
                .with("server", server),
            Error::Password => Self::new(StatusCode::SERVICE_UNAVAILABLE, "smtp_password", message)
                .detail("`password_file` in [email] must be readable by the email service."),
            other => of_outbox(other, message),
        }
    }
}

fn of_outbox(error: Error, message: String) -> Problem {
    let plain = |status, code| Problem::new(status, code, message.clone());
    match error {
        Error::TooLarge { limit, .. } => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            "payload too large",
        )
        .detail(message)
        .with("limit", limit),
        Error::Forbidden(reason) => {
            Problem::new(StatusCode::FORBIDDEN, "forbidden", message.clone()).detail(reason)
        }
        Error::NotFound => plain(StatusCode::NOT_FOUND, "not_found"),
        Error::Conflict(_) => plain(StatusCode::CONFLICT, "conflict"),
        Error::KeyReused => plain(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused")
            .detail("This `Idempotency-Key` came with another mail within the last 7 days. Use a new one."),
        Error::QueueFull(_) => plain(StatusCode::INSUFFICIENT_STORAGE, "outbox_full").detail(
            "Nothing was taken. Mails that wait are kept; see GET /api/email/messages?state=waiting.",
        ),
        Error::DiskFull => plain(StatusCode::INSUFFICIENT_STORAGE, "disk_full")
            .detail("Nothing was taken. Mails that were accepted before are kept."),
        Error::Busy => plain(StatusCode::SERVICE_UNAVAILABLE, "busy")
            .header(http::header::RETRY_AFTER, http::HeaderValue::from_static("5"))
            .detail(
                "Too many mails are being sent at once; POST /api/email/messages takes them without waiting.",
            ),
        other => Problem::internal(&other),
    }
}

/// The service cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// `smtp_from` is wrong.
    #[error("[email] smtp_from: {0}. Write smtp_from = \"pi@example.org\", or set SMTP_FROM")]
    Sender(#[from] crate::config::BadSender),
    /// A file of the configuration cannot be read.
    #[error("{}: cannot read it: {source}. Correct `{key}` in [email]", path.display())]
    File {
        path: PathBuf,
        key: &'static str,
        #[source]
        source: std::io::Error,
    },
    /// A user name without a password.
    #[error("[email] `username` without `password_file`: write both, or neither")]
    NoPassword,
    /// `ca_file` holds no certificate.
    #[error("{}: no PEM certificate: {reason}. Correct `ca_file` in [email]", path.display())]
    Certificate { path: PathBuf, reason: String },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// `fingerprint` is none.
    #[error("[email] `fingerprint` is no SHA-256 fingerprint: write 64 hexadecimal digits")]
    Fingerprint,
    /// The outbox cannot be opened.
    #[error("the outbox: {0}")]
    Outbox(#[from] pistack_kit::database::DatabaseError),
    /// A directory of the state cannot be made.
    #[error("{0}")]
    Place(#[from] pistack_kit::paths::PathError),
}
