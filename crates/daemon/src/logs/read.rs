//! Reading a part of a log for `readX` and `tailX`, by supervisord's rules (supervision.md 1.11).

use std::fs::File;
use std::io;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// Bytes that one call gives at most: more would have to be held in memory several times over.
pub(crate) const LIMIT: u64 = 16 << 20;

/// A log could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ReadError {
    /// Offset and length contradict each other: fault 3.
    BadArguments,
    /// The system refused: fault 30.
    Failed,
}

impl From<io::Error> for ReadError {
    fn from(_: io::Error) -> Self {
        Self::Failed
    }
}

/// `readX`: `length` bytes from `offset`; to the end where `length` is 0; the last bytes where `offset` is negative
/// (`length` must be 0 then).
pub(crate) fn read(path: &Path, offset: i64, length: i64) -> Result<Vec<u8>, ReadError> {
    if length < 0 || (offset < 0 && length != 0) {
        return Err(ReadError::BadArguments);
    }
    let mut file = File::open(path)?;
    let (start, count) = if offset < 0 {
        let size = file.metadata()?.len();
        let count = offset.unsigned_abs().min(size).min(LIMIT);
        (size - count, count)
    } else {
        (
            offset.unsigned_abs(),
            if length == 0 {
                LIMIT
            } else {
                length.unsigned_abs().min(LIMIT)
            },
        )
    };
    part(&mut file, start, count).map_err(ReadError::from)
}

/// What `tailX` answers.
#[derive(Debug, PartialEq, Eq, Default)]
pub(crate) struct Tail {
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
    /// Where the log ends.
    pub(crate) offset: i64,
    /// True when there was more than was asked for.
    pub(crate) overflow: bool,
}

/// `tailX`: the last `length` bytes, unless `offset` is at the end already. A file that cannot be read is an empty one.
pub(crate) fn tail(path: &Path, offset: i64, length: i64) -> Tail {
    try_tail(path, offset, length).unwrap_or(Tail {
        bytes: Vec::new(),
        offset,
        overflow: false,
    })
}

fn try_tail(path: &Path, offset: i64, length: i64) -> io::Result<Tail> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len() as i64;
    let (mut start, mut count) = (offset, length);
    let overflow = size > start.saturating_add(count);
    if overflow {
        start = size - 1;
    }
    if start.saturating_add(count) > size {
        if start > size - 1 {
            count = 0;
        }
        start = size.saturating_sub(count);
    }
    let count = count.max(0).unsigned_abs().min(LIMIT);
    let bytes = part(&mut file, start.max(0).unsigned_abs(), count)?;
    Ok(Tail {
        bytes,
        offset: size,
        overflow,
    })
}

fn part(file: &mut File, start: u64, count: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if count > 0 {
        file.seek(SeekFrom::Start(start))?;
        file.take(count).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "0123456789").unwrap();
        file
    }

    #[test]
    fn reads_by_offset_and_length() {
        let file = file();
        let text = |offset, length| read(file.path(), offset, length).map(|b| String::from_utf8(b).unwrap());
        assert_eq!(text(0, 0).unwrap(), "0123456789");
        assert_eq!(text(3, 4).unwrap(), "3456");
        assert_eq!(text(8, 100).unwrap(), "89");
        assert_eq!(text(10, 0).unwrap(), "");
        assert_eq!(text(500, 5).unwrap(), "");
        assert_eq!(text(-3, 0).unwrap(), "789");
        assert_eq!(text(-300, 0).unwrap(), "0123456789");
        assert_eq!(text(-3, 1), Err(ReadError::BadArguments));
        assert_eq!(text(0, -1), Err(ReadError::BadArguments));
        assert_eq!(read(Path::new("/no/such"), 0, 0), Err(ReadError::Failed));
    }

    #[test]
    fn tails_as_supervisord_does() {
        let file = file();
        let get = |offset, length| {
            let tail = tail(file.path(), offset, length);
            (String::from_utf8(tail.bytes).unwrap(), tail.offset, tail.overflow)
        };
        // what supervisord 4.2.5 answers to the same calls on the same file
        assert_eq!(get(0, 3), ("789".into(), 10, true));
        assert_eq!(get(0, 10), ("0123456789".into(), 10, false));
        assert_eq!(get(0, 100), (String::new() + "0123456789", 10, false));
        assert_eq!(get(8, 2), ("89".into(), 10, false));
        assert_eq!(get(10, 5), (String::new(), 10, false));
        assert_eq!(get(20, 5), (String::new(), 10, false));
        assert_eq!(get(0, 0), (String::new(), 10, true));
        assert_eq!(get(i64::MAX, i64::MAX).1, 10);
        assert_eq!(
            tail(Path::new("/no/such"), 7, 5),
            Tail {
                offset: 7,
                ..Tail::default()
            }
        );
    }
}
