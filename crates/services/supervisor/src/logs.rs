//! Reading a process's log in pieces.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

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

/// Which bytes of a log.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    /// The last so many.
    Tail(u64),
    /// So many from an offset.
    From(u64, u64),
}

/// A piece straight from the log's file, with the terminal's colours and every byte counted, which XML cannot carry.
/// `None` where the file cannot be read here: then the supervisor is asked.
pub(crate) async fn from_file(path: &str, part: Part) -> Option<LogPiece> {
    let path = PathBuf::from(path);
    if !path.is_absolute() {
        return None;
    }
    // A card may be slow: nobody else waits for it.
    tokio::task::spawn_blocking(move || read_file(&path, part))
        .await
        .ok()?
}

fn read_file(path: &Path, part: Part) -> Option<LogPiece> {
    let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let size = metadata.len();
    let (start, length) = match part {
        Part::Tail(length) => (size.saturating_sub(length), length.min(size)),
        Part::From(offset, _) if offset > size => {
            return Some(LogPiece {
                data: String::new(),
                offset: size,
                overflow: true,
            });
        }
        Part::From(offset, length) => (offset, length.min(size - offset)),
    };
    let mut file = std::fs::File::open(path).ok()?;
    file.seek(SeekFrom::Start(start)).ok()?;
    let mut bytes = Vec::with_capacity(usize::try_from(length).ok()?);
    file.take(length).read_to_end(&mut bytes).ok()?;
    let end = start + bytes.len() as u64;
    Some(LogPiece {
        data: String::from_utf8_lossy(&bytes).into_owned(),
        offset: end,
        overflow: match part {
            Part::Tail(_) => start > 0,
            Part::From(..) => size > end,
        },
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_gives_every_byte_and_its_true_places() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        std::fs::write(&path, b"\x1b[31mred\x1b[0m\n\xff\xfe\nend\n").unwrap();
        let path = path.display().to_string();
        let read = async |part| from_file(&path, part).await.unwrap();
        let first = read(Part::From(0, 13)).await;
        assert_eq!(
            (first.data.as_str(), first.offset, first.overflow),
            ("\u{1b}[31mred\u{1b}[0m\n", 13, true)
        );
        let rest = read(Part::From(13, 100)).await;
        assert_eq!(
            (rest.data.as_str(), rest.offset, rest.overflow),
            ("\u{FFFD}\u{FFFD}\nend\n", 20, false)
        );
        let tail = read(Part::Tail(4)).await;
        assert_eq!(
            (tail.data.as_str(), tail.offset, tail.overflow),
            ("end\n", 20, true)
        );
        let beyond = read(Part::From(99, 1)).await;
        assert_eq!((beyond.offset, beyond.overflow), (20, true));
        assert!(from_file("", Part::Tail(1)).await.is_none());
        assert!(from_file("/dev/null", Part::Tail(1)).await.is_none());
        assert!(from_file("/does/not/exist", Part::Tail(1)).await.is_none());
    }
}
