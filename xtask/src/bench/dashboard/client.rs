//! One connection that asks for pages, one after the other: what is measured is the server.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::bench::supervisor::kernel::now;

/// A connection with a token.
#[derive(Debug)]
pub(super) struct Client {
    address: String,
    token: String,
    stream: Option<BufReader<TcpStream>>,
}

impl Client {
    /// For plain HTTP at `address`; it connects with the first page.
    pub(super) fn new(address: &str, token: &str) -> Self {
        Self {
            address: address.to_owned(),
            token: token.to_owned(),
            stream: None,
        }
    }

    /// The time until the last byte, and the page. Where the server closed the connection, opening one anew is part of
    /// the time, as it is for a browser.
    pub(super) fn page(&mut self, path: &str) -> anyhow::Result<(Duration, String)> {
        let kept = self.stream.is_some();
        match self.ask(path) {
            // Kept too long: the server has closed it meanwhile.
            Err(_) if kept && self.stream.is_none() => self.ask(path),
            answer => answer,
        }
    }

    fn ask(&mut self, path: &str) -> anyhow::Result<(Duration, String)> {
        let begun = now();
        let stream = if let Some(stream) = &mut self.stream {
            stream
        } else {
            let stream = TcpStream::connect(&self.address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            self.stream.insert(BufReader::with_capacity(64 * 1024, stream))
        };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n",
            self.token
        );
        let sent = stream.get_mut().write_all(request.as_bytes());
        let answer = sent.map_err(anyhow::Error::from).and_then(|()| read(stream));
        let closes = answer.as_ref().map_or(true, |answer| answer.closes);
        if closes {
            self.stream = None;
        }
        let answer = answer?;
        ensure!(
            answer.status == 200,
            "{path} answered {}:\n{}",
            answer.status,
            answer.text
        );
        Ok((begun.elapsed(), answer.text))
    }
}

struct Answer {
    status: u16,
    text: String,
    closes: bool,
}

fn read(stream: &mut BufReader<TcpStream>) -> anyhow::Result<Answer> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).context("no status line")?.parse()?;
    let (mut length, mut chunked) = (None, false);
    let mut closes = line.starts_with("HTTP/1.0");
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let header = line.trim_end().to_ascii_lowercase();
        match header.split_once(':').map(|(name, value)| (name, value.trim())) {
            None => break,
            Some(("content-length", value)) => length = Some(value.parse::<usize>()?),
            Some(("transfer-encoding", "chunked")) => chunked = true,
            Some(("connection", "close")) => closes = true,
            Some(_) => {}
        }
    }
    let mut body = Vec::new();
    if chunked {
        loop {
            line.clear();
            stream.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim(), 16)?;
            let start = body.len();
            body.resize(start + size + 2, 0);
            stream.read_exact(&mut body[start..])?;
            body.truncate(start + size);
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = length {
        body.resize(length, 0);
        stream.read_exact(&mut body)?;
    } else {
        stream.read_to_end(&mut body)?;
    }
    Ok(Answer {
        status,
        text: String::from_utf8_lossy(&body).into_owned(),
        closes,
    })
}
