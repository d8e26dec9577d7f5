//! XML-RPC over a unix socket, as raw as can be: what is measured is the server.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};

/// Longer than any call that is measured.
const PATIENCE: Duration = Duration::from_mins(1);

/// A connection that is kept over many calls.
#[derive(Debug)]
pub(super) struct Client {
    stream: UnixStream,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects.
    pub(super) fn connect(socket: &Path) -> anyhow::Result<Self> {
        let stream =
            UnixStream::connect(socket).with_context(|| format!("cannot connect to {}", socket.display()))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(1 << 20),
        })
    }

    /// Calls `supervisor.METHOD` and gives the answer's text. `params`: XML of the parameters' values. A fault is an
    /// error.
    pub(super) fn call(&mut self, method: &str, params: &[&str]) -> anyhow::Result<&str> {
        let params = params
            .iter()
            .map(|value| format!("<param><value>{value}</value></param>"));
        let params = params.collect::<Vec<_>>().concat();
        let body = format!(
            "<?xml version='1.0'?><methodCall><methodName>supervisor.{method}</methodName><params>{params}</params></methodCall>"
        );
        let request = format!(
            "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes())?;
        let start = self.answer()?;
        let text = std::str::from_utf8(self.buffer.get(start..).unwrap_or_default())?;
        if text.contains("<fault>") {
            bail!("{method}: {text}");
        }
        Ok(text)
    }

    /// `call` with one text as its parameter.
    pub(super) fn call_named(&mut self, method: &str, name: &str) -> anyhow::Result<&str> {
        self.call(method, &[&format!("<string>{name}</string>")])
    }

    /// Reads one answer into the buffer and gives where its body begins.
    fn answer(&mut self) -> anyhow::Result<usize> {
        self.buffer.clear();
        let mut wanted = None;
        let mut piece = [0; 16384];
        loop {
            if wanted.is_none() {
                wanted = extent(&self.buffer)?;
            }
            if let Some((start, end)) = wanted
                && self.buffer.len() >= end
            {
                return Ok(start);
            }
            let count = self.stream.read(&mut piece)?;
            if count == 0 {
                bail!("the server closed the connection in the middle of an answer");
            }
            self.buffer
                .extend_from_slice(piece.get(..count).unwrap_or_default());
        }
    }
}

/// Start and end of the body, once the head is complete.
fn extent(answer: &[u8]) -> anyhow::Result<Option<(usize, usize)>> {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(answer.get(..end).unwrap_or_default())?;
    if !head.contains(" 200 ") {
        bail!("the server refused: {head}");
    }
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .context("an answer without Content-Length")?;
    Ok(Some((end + 4, end + 4 + length.1.trim().parse::<usize>()?)))
}

#[cfg(test)]
mod tests {
    use super::extent;

    #[test]
    fn an_answers_end_is_known_from_its_head() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc";
        assert_eq!(extent(answer).unwrap(), Some((38, 41)));
        assert_eq!(extent(&answer[..20]).unwrap(), None);
        assert!(extent(b"HTTP/1.1 500 Internal Server Error\r\n\r\n").is_err());
        assert!(extent(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
