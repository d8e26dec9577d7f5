//! Lines from standard input that is not edited, waited for without blocking what goes on beside (a log that is
//! followed, Ctrl-C).

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// Longest line that is kept together.
const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Standard input.
#[derive(Debug, Default)]
pub(super) struct Input {
    buffer: Vec<u8>,
    ended: bool,
}

impl Input {
    /// Asks for a line; `None` at the end of the input.
    pub(super) async fn ask(&mut self, prompt: &str) -> io::Result<Option<String>> {
        print!("{prompt}");
        io::stdout().flush()?;
        self.line().await
    }

    /// The next line, without its end; `None` at the end of the input.
    pub(super) async fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            let end = self.buffer.iter().position(|byte| *byte == b'\n');
            if let Some(end) = end {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Ok(Some(text(&line[..end])));
            }
            if self.ended || self.buffer.len() > MAX_LINE_BYTES {
                if self.buffer.is_empty() {
                    // A terminal may go on after Ctrl-D.
                    self.ended = false;
                    return Ok(None);
                }
                let line = std::mem::take(&mut self.buffer);
                return Ok(Some(text(&line)));
            }
            let chunk = next_chunk().await?;
            self.ended = chunk.is_empty();
            self.buffer.extend(chunk);
        }
    }
}

fn text(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    String::from_utf8_lossy(line).into_owned()
}

/// What can be read now; empty at the end. Waits on a thread, which ends when the caller no longer waits: a line that
/// is typed later belongs to whoever reads next.
async fn next_chunk() -> io::Result<Vec<u8>> {
    let (waiting, asked) = UnixStream::pair()?;
    let read = tokio::task::spawn_blocking(move || read_unless_dropped(&asked)).await;
    drop(waiting);
    read.map_err(io::Error::other)?
}

fn read_unless_dropped(asked: &UnixStream) -> io::Result<Vec<u8>> {
    let input = io::stdin();
    let mut watched = [
        PollFd::new(&input, PollFlags::IN),
        PollFd::new(asked, PollFlags::IN),
    ];
    while let Err(error) = poll(&mut watched, None) {
        if error != Errno::INTR {
            return Err(error.into());
        }
    }
    if watched[0].revents().is_empty() {
        return Ok(Vec::new());
    }
    // Past the standard library's own buffer, which would hide from `poll` what it holds.
    let mut file = File::from(input.as_fd().try_clone_to_owned()?);
    let mut chunk = vec![0; 64 * 1024];
    let length = file.read(&mut chunk)?;
    chunk.truncate(length);
    Ok(chunk)
}
