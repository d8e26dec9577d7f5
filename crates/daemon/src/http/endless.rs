//! Answers without an end: log tails and the event stream. They end when the client leaves or the server stops.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use tokio_util::sync::CancellationToken;

use super::stream::Stream;
use crate::events::Subscriber;
use crate::logs::follow::Follower;

/// Body of any answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Something that gives pieces for as long as it lives.
pub(crate) trait Source: Send + 'static {
    /// Waits for the next piece.
    fn next(&mut self) -> impl Future<Output = Option<Bytes>> + Send;
}

impl Source for Follower {
    async fn next(&mut self) -> Option<Bytes> {
        Follower::next(self).await
    }
}

impl Source for Subscriber {
    async fn next(&mut self) -> Option<Bytes> {
        Subscriber::next(self).await
    }
}

/// A body of what `source` gives. hyper asks for a piece only when the one before is sent: a slow client costs one
/// piece of memory.
pub(crate) fn body(source: impl Source, client: Arc<Stream>, stop: CancellationToken) -> Body {
    let pieces = stream::unfold((source, client, stop), |(mut source, client, stop)| async move {
        let piece = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            () = client.closed() => None,
            piece = source.next() => piece,
        };
        piece.map(|bytes| (Ok::<_, Infallible>(Frame::data(bytes)), (source, client, stop)))
    });
    StreamBody::new(pieces).boxed_unsync()
}
