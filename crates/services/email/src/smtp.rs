//! The conversation with the mail server, and what its failures mean.
//!
//! Connecting, TLS and the first greeting are ours, the rest is lettre's: lettre's errors do not tell a refused
//! connection from a bad certificate or a broken conversation, and its TLS takes no certificate that stands for
//! itself. Each stage of ours fails with an error of its own.

mod greeting;
mod stream;
mod tls;

use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::Message;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use tokio::io::BufReader;
use tokio::net::TcpStream;

use crate::config::{Config, Tls};
use crate::error::{Error, StartError};
use stream::Stream;
use tls::Connector;

/// After the server has taken the mail, its farewell is not worth more.
const FAREWELL: Duration = Duration::from_secs(1);

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
        let connector = match tls {
            Tls::Off => None,
            _ => Some(Connector::new(
                &host,
                config.ca_file.as_deref(),
                tls == Tls::Opportunistic,
            )?),
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

    /// Sends the message. Returns when the server has taken it.
    pub(crate) async fn send(&self, message: &Message) -> Result<(), Error> {
        let timed_out = || Error::TimedOut {
            server: self.address(),
            after: self.timeout,
        };
        let conversation = tokio::time::timeout(self.timeout, self.converse(message));
        let mut connection = conversation.await.map_err(|_| timed_out())??;
        let _ = tokio::time::timeout(FAREWELL, connection.quit()).await;
        Ok(())
    }

    fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    async fn converse(&self, message: &Message) -> Result<AsyncSmtpConnection, Error> {
        let stream = self.connect().await?;
        let mut connection = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.name)
            .await
            .map_err(|error| self.meaning(&error))?;
        if let Some((user, path)) = &self.login {
            let credentials = Credentials::new(user.clone(), password(path)?);
            let login = connection.auth(DEFAULT_MECHANISMS, &credentials).await;
            login.map_err(|error| self.login_failed(&error))?;
        }
        let sent = connection.send(message.envelope(), &message.formatted()).await;
        sent.map_err(|error| self.meaning(&error))?;
        Ok(connection)
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
        let (server, reason) = (self.address(), innermost(error));
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
}

/// Read for every mail, so that a new password needs no restart and the old one is not kept.
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
