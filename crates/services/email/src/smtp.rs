//! The conversation with the mail server, and what its failures mean.

use std::error::Error as StdError;
use std::io;
use std::path::Path;
use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls as LettreTls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::config::{Config, Tls};
use crate::error::{Error, StartError};

/// One mail server.
#[derive(Debug)]
pub(crate) struct Server {
    host: String,
    port: u16,
    tls: LettreTls,
    credentials: Option<(String, std::path::PathBuf)>,
    timeout: Duration,
}

impl Server {
    /// The server of the configuration. Reads `ca_file` and makes sure that the password can be read.
    pub(crate) fn new(config: &Config) -> Result<Self, StartError> {
        let host = config.smtp_host.trim().to_owned();
        let credentials = match (config.user(), &config.password_file) {
            (Some(user), Some(path)) => {
                read(path, "password_file")?;
                Some((user.to_owned(), path.clone()))
            }
            (Some(_), None) => return Err(StartError::NoPassword),
            (None, _) => None,
        };
        let port = config.port();
        Ok(Self {
            tls: tls(config, &host)?,
            host,
            port,
            credentials,
            timeout: config.timeout.0,
        })
    }

    /// Sends the message. Returns when the server has taken it.
    pub(crate) async fn send(&self, message: Message) -> Result<(), Error> {
        let transport = self.transport()?;
        match tokio::time::timeout(self.timeout, transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.meaning(&error)),
            Err(_) => Err(Error::TimedOut {
                server: self.name(),
                after: self.timeout,
            }),
        }
    }

    fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, Error> {
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host)
            .port(self.port)
            .tls(self.tls.clone())
            .timeout(Some(self.timeout));
        if let Some((user, path)) = &self.credentials {
            // Read for every mail, so that a new password needs no restart and the old one is not kept.
            let password = std::fs::read_to_string(path).map_err(|error| {
                tracing::error!(path = %path.display(), %error, "the smtp password cannot be read");
                Error::Password
            })?;
            let password = password.trim_end_matches(['\r', '\n']).to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        Ok(builder.build())
    }

    /// lettre tells "transient" and "permanent" answers apart; the rest shows in the chain of causes only.
    fn meaning(&self, error: &lettre::transport::smtp::Error) -> Error {
        let server = self.name();
        let reason = innermost(error);
        if let Some(status) = error.status() {
            let code = u16::from(status);
            let text = reason;
            // RFC 4954: 530, 534, 535 and 538 are about authentication, and so is 454 as an answer to AUTH.
            return match code {
                530 | 534 | 535 | 538 => Error::Login { server, code, text },
                _ => Error::Refused { server, code, text },
            };
        }
        if error.is_tls() || is_about_tls(error) {
            return Error::Tls { server, reason };
        }
        if error.is_client() {
            return if reason.contains("STARTTLS") {
                Error::Tls { server, reason }
            } else {
                Error::Unsupported { server, reason }
            };
        }
        if error.is_timeout() {
            return Error::TimedOut {
                server,
                after: self.timeout,
            };
        }
        match io_kind(error) {
            Some(kind) if never_connected(kind) => Error::Unreachable { server, reason },
            // A name that does not resolve has no kind of its own.
            _ if error.to_string().starts_with("Connection error") => Error::Unreachable { server, reason },
            _ => Error::Broken { server, reason },
        }
    }
}

fn tls(config: &Config, host: &str) -> Result<LettreTls, StartError> {
    let effective = config.effective_tls();
    if effective == Tls::Off {
        return Ok(LettreTls::None);
    }
    let mut builder = TlsParameters::builder(host.to_owned());
    match &config.ca_file {
        Some(path) => {
            let pem = read(path, "ca_file")?;
            let bad = |reason: String| StartError::Certificate {
                path: path.clone(),
                reason,
            };
            let certificate = Certificate::from_pem(&pem).map_err(|error| bad(innermost(&error)))?;
            if !pem
                .windows(27)
                .any(|window| window == b"-----BEGIN CERTIFICATE-----")
            {
                return Err(bad("nothing in it begins with -----BEGIN CERTIFICATE-----".into()));
            }
            builder = builder
                .certificate_store(CertificateStore::None)
                .add_root_certificate(certificate);
        }
        // Unverified encryption is better than none, and none is what an attacker could have here anyway.
        None if effective == Tls::Opportunistic => builder = builder.dangerous_accept_invalid_certs(true),
        None => {}
    }
    let parameters = builder
        .build()
        .map_err(|error| StartError::Tls(innermost(&error)))?;
    Ok(match effective {
        Tls::Implicit => LettreTls::Wrapper(parameters),
        Tls::Required => LettreTls::Required(parameters),
        _ => LettreTls::Opportunistic(parameters),
    })
}

fn read(path: &Path, key: &'static str) -> Result<Vec<u8>, StartError> {
    std::fs::read(path).map_err(|source| StartError::File {
        path: path.to_owned(),
        key,
        source,
    })
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let current = next?;
        next = current.source();
        Some(current)
    })
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

fn io_kind(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    chain(error)
        .find_map(|cause| cause.downcast_ref::<io::Error>())
        .map(io::Error::kind)
}

fn never_connected(kind: io::ErrorKind) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        kind,
        Kind::ConnectionRefused | Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::AddrNotAvailable
    )
}

/// A failed handshake comes as an I/O error of kind "invalid data" around rustls's own.
fn is_about_tls(error: &(dyn StdError + 'static)) -> bool {
    chain(error).any(|cause| {
        let text = cause.to_string();
        text.contains("certificate") || text.contains("TLS") || text.contains("received corrupt message")
    })
}
