//! The daemon's ends of children's pipes, and waiting for all of them at once.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::future::Future;
use std::io;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use pistack_engine::io::{Channel, ProcessId};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Sleep;

use crate::pace::{self, Next, Pace};
use crate::sys::fds;

/// Which of a child's three streams a pipe is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The child writes, the daemon reads.
    Output(Channel),
    /// The daemon writes, the child reads.
    Stdin,
}

/// The daemon's end of a pipe.
#[derive(Debug)]
pub(crate) struct Pipe {
    /// Whose.
    pub(crate) process: ProcessId,
    /// Which stream.
    pub(crate) end: End,
    fd: AsyncFd<File>,
    closed: Cell<bool>,
    pace: Cell<Pace>,
    waiter: RefCell<Option<Waker>>,
}

/// What one read gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// So many bytes.
    Bytes(usize),
    /// Nothing at present.
    Nothing,
    /// Nothing ever again.
    End,
}

impl Pipe {
    /// Takes over the daemon's end. Needs a tokio runtime.
    pub(crate) fn new(process: ProcessId, end: End, fd: OwnedFd) -> io::Result<Rc<Self>> {
        let interest = match end {
            End::Output(_) => Interest::READABLE,
            End::Stdin => Interest::WRITABLE,
        };
        Ok(Rc::new(Self {
            process,
            end,
            fd: fds::watch(fd, interest)?,
            closed: Cell::new(false),
            pace: Cell::new(Pace::default()),
            waiter: RefCell::new(None),
        }))
    }

    /// Reads what is there.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> Received {
        let mut count = None;
        let result = self.fd.try_io(Interest::READABLE, |mut file: &File| {
            let read = file.read(buffer)?;
            count = Some(read);
            // a short read emptied the pipe: say so, which saves the next read that would only tell the same
            if read > 0 && read < buffer.len() {
                Err(io::ErrorKind::WouldBlock.into())
            } else {
                Ok(())
            }
        });
        match (count, result) {
            (Some(0), _) => Received::End,
            (Some(count), _) => Received::Bytes(count),
            (None, Err(error))
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) =>
            {
                Received::Nothing
            }
            (None, _) => Received::End,
        }
    }

    /// Reads what is there, whether tokio knows of it yet or not: for the last words of a child that ended.
    pub(crate) fn read_now(&self, buffer: &mut [u8]) -> Received {
        let mut file = self.fd.get_ref();
        loop {
            return match file.read(buffer) {
                Ok(0) => Received::End,
                Ok(count) => Received::Bytes(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Received::Nothing,
                Err(_) => Received::End,
            };
        }
    }

    /// Writes as much as fits at present.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self.fd.get_ref();
        match self
            .fd
            .try_io(Interest::WRITABLE, |mut file: &File| file.write(bytes))
        {
            // tokio may not have heard yet that a fresh pipe is writable
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => file.write(bytes),
            other => other,
        }
    }

    /// Tells whether to wait for more at once after a read at `now` of a monotonic clock.
    pub(crate) fn after_read(&self, now: Duration, read: pace::Read) -> Next {
        let mut pace = self.pace.get();
        let next = pace.after_read(now, read, || {
            fds::widen_pipe(self.fd.get_ref(), pace::WIDE).is_ok()
        });
        self.pace.set(pace);
        next
    }

    /// Ends the waiting for this pipe.
    pub(crate) fn close(&self) {
        self.closed.set(true);
        if let Some(waiter) = self.waiter.take() {
            waiter.wake();
        }
    }
}

/// Waits until a pipe can be read or written; `None` once it is closed.
#[derive(Debug)]
struct Wait(Rc<Pipe>);

impl Future for Wait {
    type Output = Option<Rc<Pipe>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let pipe = &self.0;
        if pipe.closed.get() {
            return Poll::Ready(None);
        }
        let ready = match pipe.end {
            End::Output(_) => pipe
                .fd
                .poll_read_ready(cx)
                .map_ok(|mut guard| guard.retain_ready()),
            End::Stdin => pipe
                .fd
                .poll_write_ready(cx)
                .map_ok(|mut guard| guard.retain_ready()),
        };
        match ready {
            // an error means that the runtime shuts down: there is nothing to wait for any more
            Poll::Ready(Err(_)) => Poll::Ready(None),
            Poll::Ready(Ok(())) => Poll::Ready(Some(Rc::clone(pipe))),
            Poll::Pending => {
                let mut waiter = pipe.waiter.borrow_mut();
                if waiter.as_ref().is_none_or(|known| !known.will_wake(cx.waker())) {
                    *waiter = Some(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }
}

/// All pipes that are waited for.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pipes: FuturesUnordered<Wait>,
    /// Pipes that are waited for from the timer on.
    resting: Vec<Rc<Pipe>>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Waiting {
    /// Waits for this pipe, once.
    pub(crate) fn add(&self, pipe: Rc<Pipe>) {
        self.pipes.push(Wait(pipe));
    }

    /// Waits for this pipe after a rest. All pipes that rest are taken up again together.
    pub(crate) fn add_after_rest(&mut self, pipe: Rc<Pipe>) {
        self.resting.push(pipe);
        self.timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(pace::REST)));
    }

    /// The next pipe that can be read or written. Pending for ever when there is none.
    pub(crate) async fn next(&mut self) -> Rc<Pipe> {
        loop {
            let Self { pipes, timer, .. } = self;
            let rest_is_over = async {
                match timer {
                    Some(timer) => timer.await,
                    None => std::future::pending().await,
                }
            };
            let ready = async {
                match pipes.next().await {
                    Some(ready) => ready,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = rest_is_over => {
                    self.timer = None;
                    self.pipes.extend(self.resting.drain(..).map(Wait));
                }
                ready = ready => {
                    if let Some(pipe) = ready {
                        return pipe;
                    }
                    // closed
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    }

    #[test]
    fn reads_until_the_other_end_closes() {
        runtime().block_on(async {
            let (read, mut write) = io::pipe().unwrap();
            let pipe = Pipe::new(ProcessId(1), End::Output(Channel::Stdout), read.into()).unwrap();
            let mut waiting = Waiting::default();
            waiting.add(pipe);
            let mut buffer = [0; 16];
            write.write_all(b"hello").unwrap();
            let pipe = waiting.next().await;
            assert_eq!(pipe.read(&mut buffer), Received::Bytes(5));
            assert_eq!(pipe.read(&mut buffer), Received::Nothing);
            write.write_all(b"more").unwrap();
            drop(write);
            waiting.add(pipe);
            let pipe = waiting.next().await;
            assert_eq!(pipe.read(&mut buffer), Received::Bytes(4));
            waiting.add(pipe);
            assert_eq!(waiting.next().await.read(&mut buffer), Received::End);
        });
    }

    #[test]
    fn a_closed_pipe_is_let_go() {
        runtime().block_on(async {
            let (read, mut write) = io::pipe().unwrap();
            let pipe = Pipe::new(ProcessId(1), End::Output(Channel::Stderr), read.into()).unwrap();
            let mut waiting = Waiting::default();
            waiting.add(Rc::clone(&pipe));
            assert!(futures_util::poll!(std::pin::pin!(waiting.next())).is_pending());
            pipe.close();
            assert!(futures_util::poll!(std::pin::pin!(waiting.next())).is_pending());
            drop(pipe);
            // nobody holds the reading end any more
            assert_eq!(
                write.write_all(b"x").unwrap_err().kind(),
                io::ErrorKind::BrokenPipe
            );
        });
    }

    #[test]
    fn a_full_pipe_takes_no_more() {
        runtime().block_on(async {
            let (read, write) = io::pipe().unwrap();
            let pipe = Pipe::new(ProcessId(1), End::Stdin, write.into()).unwrap();
            let block = vec![b'x'; 65536];
            let mut total = 0;
            while let Ok(count) = pipe.write(&block) {
                total += count;
            }
            assert!(total >= 4096);
            drop(read);
            assert_eq!(pipe.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        });
    }
}
