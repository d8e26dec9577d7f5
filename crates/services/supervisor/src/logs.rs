//! Reading a process's log in pieces.

use pistack_api::xmlrpc::fault;
use serde::Serialize;
use utoipa::ToSchema;

use crate::daemon::{Channel, Daemon};
use crate::error::Error;

/// Bytes given where no length is asked for.
pub(crate) const DEFAULT_LENGTH: u64 = 16 * 1024;
/// Most bytes given at once.
pub(crate) const MAX_LENGTH: u64 = 1024 * 1024;

/// A piece of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct LogPiece {
    /// The text. Bytes that are no UTF-8 are replaced.
    pub(crate) data: String,
    /// Where to read on: the byte after this piece.
    pub(crate) offset: u64,
    /// With `tail`: the log is longer than what was asked for. Else: there is more after this piece, or the
    /// log became shorter than the offset asked for (it was rotated or cleared; `offset` is its end).
    pub(crate) overflow: bool,
}

impl Daemon {
    /// The last `length` bytes.
    pub(crate) async fn log_tail(
        &self,
        name: &str,
        channel: Channel,
        length: u64,
    ) -> Result<LogPiece, Error> {
        let tail = self.tail(name, channel, length).await?;
        Ok(LogPiece {
            data: tail.data,
            offset: tail.size,
            overflow: tail.overflow,
        })
    }

    /// `length` bytes from `offset`. supervisord's read tells neither size nor end, so the size is asked for
    /// first and no more than that is read: the offset to read on from is exact, whatever the bytes are.
    pub(crate) async fn log_read(
        &self,
        name: &str,
        channel: Channel,
        offset: u64,
        length: u64,
    ) -> Result<LogPiece, Error> {
        let size = self.tail(name, channel, 0).await?.size;
        if offset > size {
            return Ok(LogPiece {
                data: String::new(),
                offset: size,
                overflow: true,
            });
        }
        let length = length.min(size - offset);
        // A length of 0 means "to the end" to supervisord.
        let data = if length == 0 {
            String::new()
        } else {
            match self.read(name, channel, offset, length).await {
                Err(Error::Fault(fault)) if fault.code == fault::NO_FILE => String::new(),
                other => other?,
            }
        };
        Ok(LogPiece {
            data,
            offset: offset + length,
            overflow: size > offset + length,
        })
    }
}
