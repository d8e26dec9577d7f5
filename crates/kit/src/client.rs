//! The HTTP/1.1 client between our processes: over unix sockets or loopback TCP, pooled, with deadlines.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;

/// A client of one peer. Cheap to clone; clones share the pool.
#[derive(Debug, Clone)]
pub struct Client {
    // hyper-util legacy client over `Connector`
}

/// The peer could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("{peer} cannot be reached: {source}")]
    Unreachable {
        /// Socket path or address.
        peer: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No answer in time.
    #[error("{peer} did not answer within {} ms", after.as_millis())]
    TimedOut {
        /// Socket path or address.
        peer: String,
        /// The deadline.
        after: Duration,
    },
    /// An answer that is none.
    #[error("{peer} gave a broken answer: {reason}")]
    Broken {
        /// Socket path or address.
        peer: String,
        /// What is wrong.
        reason: String,
    },
}

impl Client {
    /// A peer on a unix socket. `Host` is `localhost`.
    pub fn unix(_path: impl Into<PathBuf>) -> Self {
        todo!()
    }

    /// A peer on plain HTTP at `host:port`.
    pub fn tcp(_authority: impl Into<String>) -> Self {
        todo!()
    }

    /// Sends a request (its URI is a path) and reads the whole answer, 16 MiB at most, all within `deadline`.
    pub async fn send(&self, _request: Request<Bytes>, _deadline: Duration) -> Result<Response<Bytes>, ClientError> {
        todo!()
    }

    /// Sends a request and hands the answer's body over unread; `deadline` covers only the head.
    pub async fn stream(
        &self,
        _request: Request<Bytes>,
        _deadline: Duration,
    ) -> Result<Response<Incoming>, ClientError> {
        todo!()
    }
}
