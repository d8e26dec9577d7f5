//! Writing to a child's standard input without ever waiting for the child.

use std::collections::VecDeque;
use std::io;
use std::rc::Rc;

use crate::pipes::Pipe;

/// Bytes kept for a child that does not read; more are refused.
pub(crate) const PENDING_LIMIT: usize = 1 << 20;

/// The daemon's end of a child's standard input.
#[derive(Debug)]
pub(crate) struct Stdin {
    pipe: Option<Rc<Pipe>>,
    pending: VecDeque<u8>,
}

/// Bytes could not be taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StdinError {
    /// The child closed its end.
    Closed,
    /// The child does not read, and [`PENDING_LIMIT`] is reached.
    Full,
}

/// What is left to do after a write.
#[derive(Debug)]
pub(crate) enum Progress {
    /// All is written.
    Done,
    /// Wait until this pipe takes more, then call [`Stdin::flush`].
    Wait(Rc<Pipe>),
}

impl Stdin {
    /// An input over `pipe`; `None` for children whose input is none of ours (FastCGI).
    pub(crate) fn new(pipe: Option<Rc<Pipe>>) -> Self {
        Self {
            pipe,
            pending: VecDeque::new(),
        }
    }

    /// Takes `bytes` and writes what fits.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<Progress, StdinError> {
        if self.pipe.is_none() {
            return Err(StdinError::Closed);
        }
        let waited = !self.pending.is_empty();
        if waited && self.pending.len() + bytes.len() > PENDING_LIMIT {
            return Err(StdinError::Full);
        }
        self.pending.extend(bytes);
        // somebody already waits for the pipe: the bytes go after those before them
        if waited { Ok(Progress::Done) } else { self.flush() }
    }

    /// Writes what fits of what is pending.
    pub(crate) fn flush(&mut self) -> Result<Progress, StdinError> {
        let Some(pipe) = self.pipe.clone() else {
            return Err(StdinError::Closed);
        };
        while !self.pending.is_empty() {
            let (front, _) = self.pending.as_slices();
            match pipe.write(front) {
                Ok(count) => drop(self.pending.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Progress::Wait(pipe)),
                Err(_) => {
                    self.close();
                    return Err(StdinError::Closed);
                }
            }
        }
        self.pending.shrink_to(4096);
        Ok(Progress::Done)
    }

    /// Closes the pipe; what is pending is lost.
    pub(crate) fn close(&mut self) {
        self.pending = VecDeque::new();
        if let Some(pipe) = self.pipe.take() {
            pipe.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use pistack_engine::io::ProcessId;

    use super::*;
    use crate::pipes::{End, Waiting};

    #[test]
    fn more_than_a_pipe_holds_arrives_whole_and_in_order() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (mut read, write) = io::pipe().unwrap();
            let pipe = Pipe::new(ProcessId(1), End::Stdin, write.into()).unwrap();
            let mut stdin = Stdin::new(Some(pipe));
            let first: Vec<u8> = (0..200_000_u32).map(|number| (number % 251) as u8).collect();
            let mut waiting = Waiting::default();
            let Progress::Wait(pipe) = stdin.send(&first).unwrap() else {
                panic!("a pipe holds 64 KiB")
            };
            waiting.add(pipe);
            assert!(matches!(stdin.send(b"end").unwrap(), Progress::Done));
            assert_eq!(stdin.send(&vec![0; PENDING_LIMIT]).unwrap_err(), StdinError::Full);
            let reader = std::thread::spawn(move || {
                let mut all = Vec::new();
                read.read_to_end(&mut all).unwrap();
                all
            });
            loop {
                waiting.next().await;
                match stdin.flush().unwrap() {
                    Progress::Done => break,
                    Progress::Wait(pipe) => waiting.add(pipe),
                }
            }
            stdin.close();
            drop((stdin, waiting));
            let mut expected = first;
            expected.extend_from_slice(b"end");
            assert!(reader.join().unwrap() == expected);
        });
    }

    #[test]
    fn a_closed_input_says_so() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (read, write) = io::pipe().unwrap();
            let pipe = Pipe::new(ProcessId(1), End::Stdin, write.into()).unwrap();
            let mut stdin = Stdin::new(Some(pipe));
            drop(read);
            assert_eq!(stdin.send(b"x").unwrap_err(), StdinError::Closed);
            assert_eq!(stdin.send(b"x").unwrap_err(), StdinError::Closed);
            assert_eq!(Stdin::new(None).send(b"x").unwrap_err(), StdinError::Closed);
        });
    }
}
