//! The first words of a conversation, up to STARTTLS (RFC 5321, RFC 3207).

use std::io::{Error, ErrorKind, Result};

use lettre::transport::smtp::extension::ClientId;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// Longest line taken: RFC 5321 says 512.
const LONGEST_LINE: u64 = 2048;
/// Most lines of one reply.
const MOST_LINES: usize = 100;

/// A reply, of one line or several.
#[derive(Debug)]
pub(super) struct Reply {
    /// Its code.
    pub(super) code: u16,
    /// As it came.
    pub(super) raw: Vec<u8>,
}

impl Reply {
    /// Its lines without the code.
    fn lines(&self) -> impl Iterator<Item = String> {
        self.raw
            .split(|byte| *byte == b'\n')
            .filter(|line| line.len() > 4)
            .map(|line| String::from_utf8_lossy(&line[4..]).trim().to_owned())
    }

    /// Its text in one line.
    pub(super) fn text(&self) -> String {
        self.lines().collect::<Vec<_>>().join(" ")
    }
}

/// Reads a reply.
pub(super) async fn read(reader: &mut BufReader<TcpStream>) -> Result<Reply> {
    let mut raw = Vec::new();
    for _ in 0..MOST_LINES {
        let start = raw.len();
        reader.take(LONGEST_LINE).read_until(b'\n', &mut raw).await?;
        let line = &raw[start..];
        if line.is_empty() {
            return Err(Error::new(ErrorKind::UnexpectedEof, "it hung up"));
        }
        let code = line
            .get(..3)
            .and_then(|code| std::str::from_utf8(code).ok()?.parse::<u16>().ok());
        let Some(code) = code.filter(|code| (200..600).contains(code) && line.ends_with(b"\n")) else {
            return Err(Error::new(ErrorKind::InvalidData, "it does not speak SMTP"));
        };
        if line.get(3) != Some(&b'-') {
            return Ok(Reply { code, raw });
        }
    }
    Err(Error::new(ErrorKind::InvalidData, "its reply does not end"))
}

/// Says who we are; true if the server offers STARTTLS.
pub(super) async fn offers_starttls(reader: &mut BufReader<TcpStream>, name: &ClientId) -> Result<bool> {
    reader.write_all(format!("EHLO {name}\r\n").as_bytes()).await?;
    let reply = read(reader).await?;
    Ok(reply.code == 250 && reply.lines().any(|line| line.eq_ignore_ascii_case("STARTTLS")))
}

/// Asks for TLS; true if the handshake may begin.
pub(super) async fn starttls(reader: &mut BufReader<TcpStream>) -> Result<bool> {
    reader.write_all(b"STARTTLS\r\n").await?;
    Ok(read(reader).await?.code == 220)
}
