//! A log file that rotates by size, and lives through full disks and vanished directories.

use std::fs::{File, OpenOptions};
use std::io;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::Notice;

/// A file that is appended to. It is checked after each write: full ones become `.1`, ones that somebody removed are
/// made anew.
#[derive(Debug)]
pub(crate) struct RotatingFile {
    path: PathBuf,
    /// Bytes at which it rotates; 0 = never.
    maxbytes: u64,
    /// Old files kept; 0 = the file is truncated instead.
    backups: u32,
    file: Option<File>,
    /// Where to rotate next; beyond `maxbytes` after a rotation that failed.
    rotate_at: u64,
    /// True while bytes are being lost.
    losing: bool,
}

impl RotatingFile {
    /// A file, not yet opened.
    pub(crate) fn new(path: PathBuf, maxbytes: u64, backups: u32) -> Self {
        Self {
            path,
            maxbytes,
            backups,
            file: None,
            rotate_at: maxbytes,
            losing: false,
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it if it is not open.
    pub(crate) fn open(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(OpenOptions::new().append(true).create(true).open(&self.path)?);
        }
        Ok(())
    }

    /// Closes it; the next write opens it.
    pub(crate) fn close(&mut self) {
        self.file = None;
    }

    /// Appends `bytes`, then rotates if it is time. Never fails: what cannot be written is lost, and said once.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Option<Notice> {
        match self.append(bytes) {
            Err(error) => {
                // a file that cannot be written may be written after it was opened anew
                if error.kind() != io::ErrorKind::StorageFull {
                    self.file = None;
                }
                self.lose(&error)
            }
            Ok(size) => {
                let rotated = self.rotate_if_full(size);
                let resumed = std::mem::take(&mut self.losing)
                    .then(|| Notice::Resumed(format!("logging to {} resumed", self.path.display())));
                rotated.or(resumed)
            }
        }
    }

    /// Appends and gives the size afterwards.
    fn append(&mut self, bytes: &[u8]) -> io::Result<u64> {
        self.open()?;
        let mut before = self.metadata()?;
        if before.nlink() == 0 {
            // somebody removed it: bytes written to it now would go nowhere
            self.file = None;
            self.open()?;
            before = self.metadata()?;
        }
        if let Some(mut file) = self.file.as_ref() {
            file.write_all(bytes)?;
        }
        Ok(before.size() + bytes.len() as u64)
    }

    fn metadata(&self) -> io::Result<std::fs::Metadata> {
        self.file
            .as_ref()
            .map_or_else(|| std::fs::metadata(&self.path), File::metadata)
    }

    fn lose(&mut self, error: &io::Error) -> Option<Notice> {
        let first = !std::mem::replace(&mut self.losing, true);
        first.then(|| {
            Notice::Losing(format!(
                "cannot write {}: {error}; output is lost until it can be",
                self.path.display()
            ))
        })
    }

    fn rotate_if_full(&mut self, size: u64) -> Option<Notice> {
        if self.maxbytes == 0 || size < self.rotate_at {
            return None;
        }
        match self.rotate() {
            Ok(()) => {
                self.rotate_at = self.maxbytes;
                None
            }
            Err(error) => {
                // nothing is thrown away: the file grows on, and the next try is a full file later
                self.rotate_at = size + self.maxbytes;
                Some(Notice::Losing(format!(
                    "cannot rotate {}: {error}; it grows on",
                    self.path.display()
                )))
            }
        }
    }

    /// `.N-1` becomes `.N`, ..., the file becomes `.1`, a new one begins.
    fn rotate(&mut self) -> io::Result<()> {
        if self.backups == 0 {
            return self.file.as_ref().map_or(Ok(()), |file| file.set_len(0));
        }
        for number in (1..self.backups).rev() {
            rename(&numbered(&self.path, number), &numbered(&self.path, number + 1))?;
        }
        rename(&self.path, &numbered(&self.path, 1))?;
        self.file = None;
        self.open()
    }

    /// Opens the file anew: another program (logrotate) moved it away.
    pub(crate) fn reopen(&mut self) -> io::Result<()> {
        if self.file.take().is_some() {
            self.open()
        } else {
            Ok(())
        }
    }

    /// Removes the file and begins a new one, if it is open.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            return Ok(());
        }
        self.file = None;
        self.rotate_at = self.maxbytes;
        let removed = match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        self.open().and(removed)
    }
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

#[cfg(test)]
mod tests;
