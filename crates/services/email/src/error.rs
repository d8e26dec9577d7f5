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
    /// The password file cannot be read any more.
    #[error("the smtp password cannot be read")]
    Password,
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
            Error::Password => Self::new(StatusCode::SERVICE_UNAVAILABLE, "smtp_password", message)
                .detail("`password_file` in [email] must be readable by the email service."),
        }
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
}
