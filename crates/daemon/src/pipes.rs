//! The daemon's ends of children's pipes, and waiting for all of them at once.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
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
    fd: RefCell<Descriptor>,
    closed: Cell<bool>,
    pace: Cell<Pace>,
    waiter: RefCell<Option<Waker>>,
}

/// A pipe's descriptor.
#[derive(Debug)]
enum Descriptor {
    /// The runtime tells when it can be read or written.
    Watched(AsyncFd<File>),
    /// It rests, and nobody is told of anything.
    Resting(File),
    /// On the way from one to the other; never seen from outside.
    Moving,
}

impl Descriptor {
    fn file(&self) -> Option<&File> {
        match self {
            Self::Watched(fd) => Some(fd.get_ref()),
            Self::Resting(file) => Some(file),
            Self::Moving => None,
        }
    }
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
            fd: RefCell::new(Descriptor::Watched(fds::watch(fd, interest)?)),
            closed: Cell::new(false),
            pace: Cell::new(Pace::default()),
            waiter: RefCell::new(None),
        }))
    }

    /// Reads what is there.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> Received {
        let descriptor = self.fd.borrow();
        let Descriptor::Watched(fd) = &*descriptor else {
            return self.read_now(buffer);
        };
        let mut count = None;
        let result = fd.try_io(Interest::READABLE, |mut file: &File| {
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

    /// Reads what is there, whether tokio knows of it yet or not: for the last words of a child that ended, and for
    /// pipes that rest.
    pub(crate) fn read_now(&self, buffer: &mut [u8]) -> Received {
        let descriptor = self.fd.borrow();
        let Some(mut file) = descriptor.file() else {
            return Received::End;
        };
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
        let descriptor = self.fd.borrow();
        let Descriptor::Watched(fd) = &*descriptor else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let mut file = fd.get_ref();
        match fd.try_io(Interest::WRITABLE, |mut file: &File| file.write(bytes)) {
            // tokio may not have heard yet that a fresh pipe is writable
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => file.write(bytes),
            other => other,
        }
    }

    /// Tells whether to wait for more at once after a read at `now` of a monotonic clock.
    pub(crate) fn after_read(&self, now: Duration, read: pace::Read) -> Next {
        let mut pace = self.pace.get();
        let next = pace.after_read(now, read, || {
            let descriptor = self.fd.borrow();
            descriptor
                .file()
                .is_some_and(|pipe| fds::widen_pipe(pipe, pace::WIDE).is_ok())
        });
        self.pace.set(pace);
        next
    }

    /// Its rest is over.
    fn after_rest(&self) {
        let held = self.fd.borrow().file().map_or(0, fds::waiting_bytes);
        let mut pace = self.pace.get();
        pace.after_rest(held);
        self.pace.set(pace);
    }

    /// Lets the runtime tell of it no more.
    fn rest(&self) {
        let mut descriptor = self.fd.borrow_mut();
        *descriptor = match std::mem::replace(&mut *descriptor, Descriptor::Moving) {
            Descriptor::Watched(fd) => Descriptor::Resting(fd.into_inner()),
            other => other,
        };
    }

    /// Lets the runtime tell of it again. False where it cannot: then it rests on.
    fn wake(&self) -> bool {
        let mut descriptor = self.fd.borrow_mut();
        let (watched, now) = match std::mem::replace(&mut *descriptor, Descriptor::Moving) {
            Descriptor::Resting(file) => match fds::watch_again(file, Interest::READABLE) {
                Ok(fd) => (true, Descriptor::Watched(fd)),
                Err(file) => (false, Descriptor::Resting(file)),
            },
            other => (true, other),
        };
        *descriptor = now;
        watched
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
        let descriptor = pipe.fd.borrow();
        let Descriptor::Watched(fd) = &*descriptor else {
            return Poll::Ready(None);
        };
        let ready = match pipe.end {
            End::Output(_) => fd.poll_read_ready(cx).map_ok(|mut guard| guard.retain_ready()),
            End::Stdin => fd.poll_write_ready(cx).map_ok(|mut guard| guard.retain_ready()),
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
    /// Pipes that rest until the timer.
    resting: Vec<Rc<Pipe>>,
    timer: Option<Pin<Box<Sleep>>>,
    /// Pipes whose rest is over.
    rested: VecDeque<Rc<Pipe>>,
    /// Who goes first, so that neither keeps the other waiting.
    rested_first: bool,
}

impl Waiting {
    /// Waits for this pipe, once.
    pub(crate) fn add(&mut self, pipe: Rc<Pipe>) {
        if pipe.wake() {
            self.pipes.push(Wait(pipe));
        } else {
            self.add_after_rest(pipe);
        }
    }

    /// Takes this pipe up again after a rest, together with all that rest by then.
    pub(crate) fn add_after_rest(&mut self, pipe: Rc<Pipe>) {
        pipe.rest();
        self.resting.push(pipe);
        self.timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(pace::REST)));
    }

    /// Takes this pipe up again when it is its turn: its rest is over, and it is not empty.
    pub(crate) fn add_for_more(&mut self, pipe: Rc<Pipe>) {
        self.rested.push_back(pipe);
    }

    /// The next pipe that can be read or written. Pending for ever when there is none.
    pub(crate) async fn next(&mut self) -> Rc<Pipe> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Rc<Pipe>> {
        if let Some(timer) = &mut self.timer
            && timer.as_mut().poll(cx).is_ready()
        {
            self.timer = None;
            for pipe in self.resting.drain(..) {
                pipe.after_rest();
                self.rested.push_back(pipe);
            }
        }
        self.rested.retain(|pipe| !pipe.closed.get());
        if self.rested_first
            && let Some(pipe) = self.rested.pop_front()
        {
            self.rested_first = false;
            return Poll::Ready(pipe);
        }
        while let Poll::Ready(Some(ready)) = self.pipes.poll_next_unpin(cx) {
            if let Some(pipe) = ready {
                self.rested_first = true;
                return Poll::Ready(pipe);
            }
            // that one was closed
        }
        match self.rested.pop_front() {
            Some(pipe) => Poll::Ready(pipe),
            None => Poll::Pending,
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
    fn a_pipe_that_rests_and_one_that_is_watched_take_turns() {
        runtime().block_on(async {
            let (read, mut write) = io::pipe().unwrap();
            let busy = Pipe::new(ProcessId(1), End::Output(Channel::Stdout), read.into()).unwrap();
            let (read, mut other_write) = io::pipe().unwrap();
            let other = Pipe::new(ProcessId(2), End::Output(Channel::Stdout), read.into()).unwrap();
            let mut waiting = Waiting::default();
            let mut buffer = [0; 16];
            write.write_all(&[b'x'; 400]).unwrap();
            waiting.add_after_rest(busy);
            waiting.add(other);
            let mut order = Vec::new();
            while order.len() < 8 {
                let pipe = waiting.next().await;
                order.push(pipe.process);
                assert_eq!(pipe.read(&mut buffer), Received::Bytes(16));
                if pipe.process == ProcessId(1) {
                    // there is always more of both
                    other_write.write_all(&[b'y'; 16]).unwrap();
                    waiting.add_for_more(pipe);
                    tokio::task::yield_now().await;
                } else {
                    waiting.add(pipe);
                }
            }
            let busy_ones = order.iter().filter(|process| **process == ProcessId(1)).count();
            assert!((3..=5).contains(&busy_ones), "{order:?}");
            // back to being watched: nothing that was written meanwhile is lost
            let pipe = loop {
                let pipe = waiting.next().await;
                if pipe.process == ProcessId(1) {
                    break pipe;
                }
            };
            waiting.add(pipe);
            while waiting.next().await.process != ProcessId(1) {}
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
