//! A connection that stands: one mail after another, each command with a deadline of its own.

use std::future::Future;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{Extension, MailParameter};
use lettre::transport::smtp::response::Response;

use super::{EndMark, meaning};
use crate::error::Error;

/// A farewell is not worth more.
const FAREWELL: Duration = Duration::from_secs(1);
/// Slowest line that a mail is sent over, bytes a second: 64 kbit/s.
const SLOWEST: u64 = 8 * 1024;
/// Longest text of a server that is kept.
const LONGEST_TEXT: usize = 500;

/// A connection after the login.
pub(crate) struct Session {
    connection: AsyncSmtpConnection,
    end: EndMark,
    server: String,
    timeout: Duration,
    /// Whether a mail went over it before.
    used: bool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("server", &self.server)
            .field("used", &self.used)
            .finish_non_exhaustive()
    }
}

impl Session {
    pub(super) fn new(
        connection: AsyncSmtpConnection,
        end: EndMark,
        server: String,
        timeout: Duration,
    ) -> Self {
        Self {
            connection,
            end,
            server,
            timeout,
            used: false,
        }
    }

    /// Whether a mail went over it before: then the server may have hung up meanwhile.
    pub(crate) fn is_used(&self) -> bool {
        self.used
    }

    /// Whether the end of the present mail has begun to leave.
    pub(crate) fn end_has_left(&self) -> bool {
        self.end.has_left()
    }

    /// Whether addresses beyond ASCII may be sent (RFC 6531).
    pub(crate) fn takes_utf8(&self) -> bool {
        self.connection
            .server_info()
            .supports_feature(Extension::SmtpUtfEight)
    }

    /// `MAIL`.
    pub(crate) async fn mail(&mut self, from: &Address, utf8: bool) -> Result<(), Error> {
        self.end.reset();
        let parameters = if utf8 {
            vec![MailParameter::SmtpUtfEight]
        } else {
            Vec::new()
        };
        let command = Mail::new(Some(from.clone()), parameters);
        let (server, timeout) = (&self.server, self.timeout);
        answered(server, timeout, self.connection.command(command))
            .await
            .map(drop)
    }

    /// `RCPT`.
    pub(crate) async fn rcpt(&mut self, to: &Address) -> Result<(), Error> {
        let command = Rcpt::new(to.clone(), Vec::new());
        let (server, timeout) = (&self.server, self.timeout);
        answered(server, timeout, self.connection.command(command))
            .await
            .map(drop)
    }

    /// `DATA`, up to the leave to go on.
    pub(crate) async fn data(&mut self) -> Result<(), Error> {
        let (server, timeout) = (&self.server, self.timeout);
        let answer = answered(server, timeout, self.connection.command(Data)).await?;
        // A server that says 250 here speaks another protocol.
        if answer.has_code(354) {
            Ok(())
        } else {
            Err(Error::Broken {
                server: self.server.clone(),
                reason: "it did not ask for the mail after DATA".to_owned(),
            })
        }
    }

    /// The mail itself; the server's answer. `patience` is for the answer alone.
    pub(crate) async fn content(
        &mut self,
        head: &str,
        body: &[u8],
        patience: Duration,
    ) -> Result<String, Error> {
        self.used = true;
        let limit = patience + Duration::from_secs(body.len() as u64 / SLOWEST);
        let parts = [head.as_bytes(), body];
        let answer = answered(
            &self.server,
            limit,
            self.connection.message_iter(parts.into_iter()),
        )
        .await?;
        let text: String = answer.message().collect::<Vec<_>>().join(" ");
        Ok(text.chars().take(LONGEST_TEXT).collect())
    }

    /// `RSET`, after a mail that nobody took. False if the connection is of no more use.
    pub(crate) async fn reset(&mut self) -> bool {
        self.used = true;
        let (server, timeout) = (&self.server, self.timeout);
        answered(server, timeout, self.connection.command("RSET\r\n"))
            .await
            .is_ok()
    }

    /// `QUIT`.
    pub(crate) async fn quit(mut self) {
        let _ = tokio::time::timeout(FAREWELL, self.connection.quit()).await;
    }
}

async fn answered(
    server: &str,
    limit: Duration,
    step: impl Future<Output = Result<Response, SmtpError>>,
) -> Result<Response, Error> {
    match tokio::time::timeout(limit, step).await {
        Ok(answer) => answer.map_err(|error| shortened(meaning(&error, server.to_owned()))),
        Err(_) => Err(Error::TimedOut {
            server: server.to_owned(),
            after: limit,
        }),
    }
}

/// A server's text is kept in the outbox: not more of it than is of use.
fn shortened(error: Error) -> Error {
    match error {
        Error::Refused { server, code, text } => Error::Refused {
            server,
            code,
            text: text.chars().take(LONGEST_TEXT).collect(),
        },
        other => other,
    }
}
