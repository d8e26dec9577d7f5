//! A file's bytes on their way to the client, a piece at a time.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::task::JoinHandle;

use super::open::Opened;
use crate::body::{BoxError, ResponseBody};

/// What is read at once, and held for one client.
const PIECE: u64 = 64 * 1024;

/// The `length` bytes from `start` on.
pub(super) fn body(opened: Opened, start: u64, length: u64) -> ResponseBody {
    if let Some(bytes) = opened.bytes {
        return ResponseBody::full(bytes.slice(start as usize..(start + length) as usize));
    }
    ResponseBody::boxed(Reading {
        file: Arc::new(opened.file),
        at: start,
        left: length,
        piece: None,
    })
}

struct Reading {
    file: Arc<File>,
    at: u64,
    left: u64,
    /// Being read, on a thread that may wait for the card.
    piece: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Body for Reading {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let (file, at, length) = (self.file.clone(), self.at, self.left.min(PIECE));
        let piece = self.piece.get_or_insert_with(|| {
            tokio::task::spawn_blocking(move || {
                let mut bytes = vec![0; length as usize];
                // A file that got shorter meanwhile ends the answer with an error: its length was promised.
                file.read_exact_at(&mut bytes, at)?;
                Ok(Bytes::from(bytes))
            })
        });
        let read = std::task::ready!(Pin::new(piece).poll(cx));
        self.piece = None;
        let bytes = match read {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            Err(error) => return Poll::Ready(Some(Err(error.into()))),
        };
        self.at += length;
        self.left -= length;
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
