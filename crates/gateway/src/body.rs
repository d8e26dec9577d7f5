//! Bodies on their way through: never collected, only watched.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::access_log::Record;
use crate::deadline::{Busy, Unread};
use crate::headers;
use crate::upload::{Upload, UploadState};
use crate::upstream::Answer;

/// How much of an upload that nobody wants is read, and for how long.
const DISCARD_BYTES: usize = 16 * 1024 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(5);

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What goes to a service.
pub(crate) enum RequestBody {
    /// Our own words.
    Full(Option<Bytes>),
    /// The client's, as it comes in.
    Upload(Uploading),
}

impl RequestBody {
    pub(crate) fn upload(body: Incoming, upload: Arc<Upload>) -> Self {
        Self::Upload(Uploading {
            body: Some(body),
            upload,
        })
    }
}

/// A client's body. Where the service answers without reading all of it, the rest is read and thrown away:
/// closing on a client that is still writing would cost it the answer.
pub(crate) struct Uploading {
    body: Option<Incoming>,
    upload: Arc<Upload>,
}

impl Drop for Uploading {
    fn drop(&mut self) {
        if let Some(body) = self.body.take()
            && self.upload.state() == UploadState::Open
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(tokio::time::timeout(DISCARD_TIME, discard(body)));
        }
    }
}

async fn discard(mut body: Incoming) {
    let mut left = DISCARD_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        if left == 0 {
            return;
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Upload(Uploading { body: None, .. }) => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Upload(Uploading {
                body: Some(body),
                upload,
            }) => {
                let Poll::Ready(mut frame) = Pin::new(&mut *body).poll_frame(cx) else {
                    upload.asked();
                    return Poll::Pending;
                };
                let mut bytes = 0;
                if let Some(Ok(frame)) = &mut frame {
                    bytes = frame.data_ref().map_or(0, Bytes::len);
                    if let Some(trailers) = frame.trailers_mut() {
                        headers::strip_trailers(trailers);
                    }
                }
                let state = match &frame {
                    Some(Err(_)) => UploadState::Failed,
                    Some(Ok(_)) if !body.is_end_stream() => UploadState::Open,
                    Some(Ok(_)) | None => UploadState::Complete,
                };
                upload.note(state, bytes);
                if upload.is_too_large() {
                    return Poll::Ready(Some(Err("longer than the route takes".into())));
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_none(),
            Self::Upload(uploading) => uploading.body.as_ref().is_none_or(Body::is_end_stream),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Upload(uploading) => uploading.body.as_ref().map(Body::size_hint).unwrap_or_default(),
        }
    }
}

/// What goes to the client. Holds the connection busy until it is through.
pub(crate) struct ResponseBody {
    from: From,
    /// Counts and logs the request when the body is through.
    record: Option<Box<Record>>,
    /// Never read: its end is what counts.
    busy: Option<Busy>,
    /// What has been handed out and not asked beyond.
    unread: Option<Unread>,
}

enum From {
    Full(Option<Bytes>),
    Service(Answer),
    /// An endless stream: ends when the gateway stops, so that nobody has to wait for it.
    Events(Answer, Pin<Box<WaitForCancellationFutureOwned>>),
    /// A file, or anything that is being compressed.
    Made(Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>),
}

impl ResponseBody {
    /// Our own words.
    pub(crate) fn full(bytes: Bytes) -> Self {
        Self {
            from: From::Full(Some(bytes)),
            record: None,
            busy: None,
            unread: None,
        }
    }

    /// Nothing.
    pub(crate) fn empty() -> Self {
        Self {
            from: From::Full(None),
            record: None,
            busy: None,
            unread: None,
        }
    }

    /// A service's words.
    pub(crate) fn service(body: Answer) -> Self {
        Self {
            from: From::Service(body),
            record: None,
            busy: None,
            unread: None,
        }
    }

    /// A service's event stream.
    pub(crate) fn events(body: Answer, stop: CancellationToken) -> Self {
        Self {
            from: From::Events(body, Box::pin(stop.cancelled_owned())),
            record: None,
            busy: None,
            unread: None,
        }
    }

    /// What the gateway makes itself while it passes.
    pub(crate) fn boxed(body: impl Body<Data = Bytes, Error = BoxError> + Send + 'static) -> Self {
        Self {
            from: From::Made(Box::pin(body)),
            record: None,
            busy: None,
            unread: None,
        }
    }

    /// Notes the request as done when the body is through.
    pub(crate) fn recorded(mut self, record: Box<Record>) -> Self {
        self.record = Some(record);
        self
    }

    /// Ties the body to its connection's watch.
    pub(crate) fn while_busy(mut self, busy: Busy) -> Self {
        self.unread = Some(busy.unread());
        self.busy = Some(busy);
        self
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let frame = match &mut this.from {
            From::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            From::Service(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            From::Events(body, stopped) => match Pin::new(body).poll_frame(cx) {
                Poll::Pending if stopped.as_mut().poll(cx).is_ready() => Poll::Ready(None),
                other => other.map_err(Into::into),
            },
            From::Made(body) => body.as_mut().poll_frame(cx),
        };
        if let (Some(record), Poll::Ready(Some(Ok(frame)))) = (&mut this.record, &frame) {
            record.bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
        }
        if let Some(unread) = &mut this.unread {
            unread.set(frame.is_ready());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        match &self.from {
            From::Full(bytes) => bytes.is_none(),
            From::Service(body) | From::Events(body, _) => body.is_end_stream(),
            From::Made(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.from {
            From::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            From::Service(body) | From::Events(body, _) => body.size_hint(),
            From::Made(body) => body.size_hint(),
        }
    }
}
