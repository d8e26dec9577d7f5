//! The conversation with the mail server, and what its failures mean.
//!
//! Connecting, TLS and the first greeting are ours, the rest is lettre's: lettre's errors do not tell a refused
//! connection from a bad certificate or a broken conversation, and its TLS takes no certificate that stands for
//! itself. Each stage of ours fails with an error of its own.

mod greeting;
mod session;
mod stream;
mod tls;

use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use ring::digest::{SHA256, digest};
use tokio::io::BufReader;
use tokio::net::TcpStream;

use crate::config::{Config, Tls};
use crate::error::{Error, StartError};
pub(crate) use session::Session;
pub(crate) use stream::EndMark;
use stream::Stream;
use tls::{Connector, Trust};

/// Ways to log in, best first. XOAUTH2 takes a token in the place of the password.
const MECHANISMS: &[Mechanism] = &[Mechanism::Plain, Mechanism::Login, Mechanism::Xoauth2];

/// One mail server.
#[derive(Debug)]
pub(crate) struct Server {
    host: String,
    port: u16,
    tls: Tls,
    connector: Option<Connector>,
    login: Option<(String, PathBuf)>,
    timeout: Duration,
    /// What this board calls itself.
    name: ClientId,
}

impl Server {
    /// The server of the configuration. Reads `ca_file` and makes sure that the password can be read.
    pub(crate) fn new(config: &Config) -> Result<Self, StartError> {
        let host = config.smtp_host.trim().to_owned();
        let login = match (config.user(), &config.password_file) {
            (Some(user), Some(path)) => {
                read(path, "password_file")?;
                Some((user.to_owned(), path.clone()))
            }
            (Some(_), None) => return Err(StartError::NoPassword),
            (None, _) => None,
        };
        let tls = config.effective_tls();
        let trust = match (&config.ca_file, &config.fingerprint) {
            (Some(path), _) => Trust::File(path),
            (None, Some(_)) => Trust::Pinned(config.pinned().ok_or(StartError::Fingerprint)?),
            (None, None) if tls == Tls::Opportunistic => Trust::Any,
            (None, None) => Trust::Public,
        };
        let connector = match tls {
            Tls::Off => None,
            _ => Some(Connector::new(&host, trust)?),
        };
        let (port, timeout, name) = (config.port(), config.timeout.0, ClientId::default());
        Ok(Self {
            host,
            port,
            tls,
            connector,
            login,
            timeout,
            name,
        })
    }

    /// Connects and logs in. `end` learns when the end of a mail leaves over this connection.
    pub(crate) async fn open(&self, end: &EndMark) -> Result<Session, Error> {
        let stream = self.step(self.connect()).await?.watched_by(end);
        let greeting = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.name);
        let mut connection = self
            .step(async { greeting.await.map_err(|error| self.meaning(&error)) })
            .await?;
        if let Some((user, path)) = &self.login {
            let credentials = Credentials::new(user.clone(), password(path)?);
            let login = connection.auth(MECHANISMS, &credentials);
            self.step(async { login.await.map_err(|error| self.login_failed(&error)) })
                .await?;
        }
        Ok(Session::new(
            connection,
            end.clone(),
            self.address(),
            self.timeout,
        ))
    }

    /// One step of the conversation, bounded: lettre's own timeout covers the TCP connection alone.
    async fn step<T>(&self, step: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::time::timeout(self.timeout, step)
            .await
            .unwrap_or_else(|_| Err(self.timed_out()))
    }

    /// The error of a conversation that took too long.
    pub(crate) fn timed_out(&self) -> Error {
        Error::TimedOut {
            server: self.address(),
            after: self.timeout,
        }
    }

    /// Longest wait for one step.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Changes with user name and password; nothing can be read from it.
    pub(crate) fn login_mark(&self) -> Option<Vec<u8>> {
        let (user, path) = self.login.as_ref()?;
        let password = password(path).unwrap_or_default();
        Some(
            digest(&SHA256, format!("{user}\0{password}").as_bytes())
                .as_ref()
                .to_vec(),
        )
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The connection, encrypted as far as the configuration and the server want it, with the server's greeting
    /// still to be read.
    async fn connect(&self) -> Result<Stream, Error> {
        let tcp = TcpStream::connect((&*self.host, self.port))
            .await
            .map_err(|error| Error::Unreachable {
                server: self.address(),
                reason: error.to_string(),
            })?;
        // A mail and its end are two writes; the second must not wait for the first's acknowledgement.
        let _ = tcp.set_nodelay(true);
        match (&self.connector, self.tls) {
            (None, _) => Ok(Stream::plain(tcp, Vec::new())),
            (Some(connector), Tls::Implicit) => self.encrypt(connector, tcp, Vec::new()).await,
            (Some(connector), _) => self.start_tls(connector, tcp).await,
        }
    }

    async fn start_tls(&self, connector: &Connector, tcp: TcpStream) -> Result<Stream, Error> {
        let broken = |error: std::io::Error| Error::Broken {
            server: self.address(),
            reason: error.to_string(),
        };
        let mut reader = BufReader::new(tcp);
        let banner = greeting::read(&mut reader).await.map_err(broken)?;
        if banner.code != 220 {
            return Err(Error::Refused {
                server: self.address(),
                code: banner.code,
                text: banner.text(),
            });
        }
        let offered = greeting::offers_starttls(&mut reader, &self.name)
            .await
            .map_err(broken)?;
        if offered && greeting::starttls(&mut reader).await.map_err(broken)? {
            // Anything sent before the handshake would count as encrypted (CVE-2011-0411).
            if !reader.buffer().is_empty() {
                return Err(self.no_tls("the server went on talking before the handshake"));
            }
            return self
                .encrypt(connector, reader.into_inner(), b"220 encrypted\r\n".to_vec())
                .await;
        }
        if self.tls == Tls::Required {
            return Err(self.no_tls("STARTTLS is not supported on this server"));
        }
        // lettre wants to see the banner, which has been read already.
        let mut seen = banner.raw;
        seen.extend_from_slice(reader.buffer());
        Ok(Stream::plain(reader.into_inner(), seen))
    }

    async fn encrypt(&self, connector: &Connector, tcp: TcpStream, seen: Vec<u8>) -> Result<Stream, Error> {
        let encrypted = connector
            .connect(tcp)
            .await
            .map_err(|error| self.no_tls(&error.to_string()))?;
        Ok(Stream::encrypted(encrypted, seen))
    }

    fn no_tls(&self, reason: &str) -> Error {
        Error::Tls {
            server: self.address(),
            reason: reason.to_owned(),
        }
    }

    fn login_failed(&self, error: &SmtpError) -> Error {
        match error.status() {
            Some(code) => Error::Login {
                server: self.address(),
                code: code.into(),
                text: innermost(error),
            },
            None => self.meaning(error),
        }
    }

    /// What went wrong once the connection stood.
    fn meaning(&self, error: &SmtpError) -> Error {
        meaning(error, self.address())
    }
}

/// What went wrong once the connection stood.
fn meaning(error: &SmtpError, server: String) -> Error {
    let reason = innermost(error);
    match error.status() {
        // RFC 4954: the server wants a login first.
        Some(code) if u16::from(code) == 530 => Error::Login {
            server,
            code: 530,
            text: reason,
        },
        Some(code) => Error::Refused {
            server,
            code: code.into(),
            text: reason,
        },
        None if error.is_client() => Error::Unsupported { server, reason },
        None => Error::Broken { server, reason },
    }
}

/// Read for every connection, so that a new password needs no restart and the old one is not kept.
fn password(path: &Path) -> Result<String, Error> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        tracing::error!(path = %path.display(), %error, "the smtp password cannot be read");
        Error::Password
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn read(path: &Path, key: &'static str) -> Result<Vec<u8>, StartError> {
    std::fs::read(path).map_err(|source| StartError::File {
        path: path.to_owned(),
        key,
        source,
    })
}

/// The innermost cause is the server's or the system's own text.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
