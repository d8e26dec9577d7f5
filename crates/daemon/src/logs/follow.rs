//! Following a log as `tail -f` does, woken by the writes themselves.

use std::fs::File;
use std::io;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use bytes::Bytes;
use tokio::sync::watch;

/// Bytes of the log's end that a follower gets first.
const HEAD: u64 = 1024;
/// Bytes handed over at once.
const PIECE: u64 = 64 << 10;

/// A log to follow: where it is, and how to hear of changes.
#[derive(Debug)]
pub(crate) struct Followed {
    /// The file.
    pub(crate) path: PathBuf,
    /// Changes with every write.
    pub(crate) changed: watch::Receiver<u64>,
}

/// A place in a log that moves on.
#[derive(Debug)]
pub(crate) struct Follower {
    log: Followed,
    file: File,
    position: u64,
}

impl Follower {
    /// Starts 1024 bytes before the end.
    pub(crate) fn new(log: Followed) -> io::Result<Self> {
        let file = File::open(&log.path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Self {
            log,
            file,
            position: metadata.len().saturating_sub(HEAD),
        })
    }

    /// When the file changed last, seconds since 1970.
    pub(crate) fn modified(&self) -> Option<i64> {
        self.file.metadata().ok().map(|metadata| metadata.mtime())
    }

    /// Waits for more; `None` when nobody writes this log any more.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        loop {
            // marked first: a write between the look and the wait must not be slept over
            self.log.changed.mark_unchanged();
            match self.look() {
                Ok(Some(bytes)) => return Some(bytes),
                Ok(None) => self.log.changed.changed().await.ok()?,
                Err(_) => return None,
            }
        }
    }

    /// What is there now: more text, or the word that the file became shorter.
    fn look(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let metadata = self.file.metadata()?;
            if metadata.len() < self.position {
                self.position = 0;
                return Ok(Some(Bytes::from_static(b"==> File truncated <==\n")));
            }
            if metadata.len() > self.position {
                let mut bytes = Vec::new();
                self.file.seek(SeekFrom::Start(self.position))?;
                (&self.file).take(PIECE).read_to_end(&mut bytes)?;
                self.position += bytes.len() as u64;
                return Ok(Some(bytes.into()));
            }
            // all is read: has the file been rotated away meanwhile?
            match std::fs::metadata(&self.log.path) {
                Ok(now) if now.ino() != metadata.ino() || now.dev() != metadata.dev() => {
                    self.file = File::open(&self.log.path)?;
                    self.position = 0;
                }
                _ => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::stream::{LogStream, SharedSinks};
    use super::*;

    #[tokio::test]
    async fn follows_over_rotation_and_truncation() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        let mut log = LogStream::file(path.clone(), 8, 1, &mut SharedSinks::default()).unwrap();
        log.write(b"one\n");
        let mut follower = Follower::new(Followed {
            path: path.clone(),
            changed: log.follow(),
        })
        .unwrap();
        assert_eq!(follower.next().await.unwrap(), "one\n");
        log.write(b"two\n"); // rotates
        log.write(b"three\n");
        assert_eq!(follower.next().await.unwrap(), "two\n");
        assert_eq!(follower.next().await.unwrap(), "three\n");
        assert!(futures_util::poll!(std::pin::pin!(follower.next())).is_pending());

        std::fs::write(&path, "x").unwrap();
        log.write(b"y");
        assert_eq!(follower.next().await.unwrap(), "==> File truncated <==\n");
        assert_eq!(follower.next().await.unwrap(), "xy");
        drop(log);
        assert_eq!(follower.next().await, None);
    }

    #[tokio::test]
    async fn begins_with_the_last_1024_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        let mut log = LogStream::file(path.clone(), 0, 0, &mut SharedSinks::default()).unwrap();
        log.write(&[b'a'; 3000]);
        let mut follower = Follower::new(Followed {
            path,
            changed: log.follow(),
        })
        .unwrap();
        assert_eq!(follower.next().await.unwrap().len(), 1024);
    }
}
