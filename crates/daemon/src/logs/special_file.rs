//! Logs that are no regular files (`/dev/stdout`, a terminal, a named pipe): written by a thread of their own, because
//! their reader may be slow and supervision may not wait for it.

use std::fs::{File, OpenOptions};
use std::io;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use super::Notice;

/// Bytes that may wait for a slow reader; more are lost.
const PENDING_LIMIT: usize = 4 << 20;
/// Writes that may wait.
const QUEUE: usize = 4096;

/// The way to a special file.
#[derive(Debug)]
pub(crate) struct SpecialFile {
    queue: SyncSender<Vec<u8>>,
    pending: Arc<AtomicUsize>,
    losing: std::cell::Cell<bool>,
    ended: Receiver<()>,
    path: String,
}

/// True for what should not be rotated: anything but a regular file (or nothing yet).
pub(crate) fn is_special(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file())
}

impl SpecialFile {
    /// Starts the thread that writes to `path`.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let (queue, lines) = sync_channel::<Vec<u8>>(QUEUE);
        let (end, ended) = sync_channel::<()>(1);
        let pending = Arc::new(AtomicUsize::new(0));
        let waiting = Arc::clone(&pending);
        let target = path.to_owned();
        std::thread::Builder::new()
            .name("log".into())
            .stack_size(128 << 10)
            .spawn(move || {
                let mut file = None;
                for line in lines {
                    if file.is_none() {
                        // a named pipe opens only once somebody reads it; this thread may wait for that
                        file = open(&target).ok();
                    }
                    let failed = file.as_mut().is_some_and(|file| file.write_all(&line).is_err());
                    if failed {
                        file = None;
                    }
                    waiting.fetch_sub(line.len(), Ordering::Relaxed);
                }
                // the receiver may be gone: nobody waits for the end then
                let _ = end.send(());
            })?;
        let path = path.display().to_string();
        Ok(Self {
            queue,
            pending,
            losing: std::cell::Cell::new(false),
            ended,
            path,
        })
    }

    /// Hands `bytes` to the thread. What finds no room is lost, and said once.
    pub(crate) fn write(&self, bytes: &[u8]) -> Option<Notice> {
        let full = self.pending.load(Ordering::Relaxed) + bytes.len() > PENDING_LIMIT;
        if !full {
            self.pending.fetch_add(bytes.len(), Ordering::Relaxed);
            if self.queue.try_send(bytes.to_vec()).is_ok() {
                return self
                    .losing
                    .take()
                    .then(|| Notice::Resumed(format!("logging to {} resumed", self.path)));
            }
            self.pending.fetch_sub(bytes.len(), Ordering::Relaxed);
        }
        (!self.losing.replace(true))
            .then(|| Notice::Losing(format!("{} is not read fast enough; output is lost", self.path)))
    }

    /// Waits until all is written, `grace` at most.
    pub(crate) fn finish(self, grace: Duration) {
        drop(self.queue);
        // whatever a reader did not take in time is lost
        let _ = self.ended.recv_timeout(grace);
    }
}

/// Opens a special file. The standard streams are duplicated: opening `/dev/stdout` fails when it is a socket.
fn open(path: &Path) -> io::Result<File> {
    match path.to_str() {
        Some("/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1") => {
            io::stdout().as_fd().try_clone_to_owned().map(File::from)
        }
        Some("/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2") => {
            io::stderr().as_fd().try_clone_to_owned().map(File::from)
        }
        _ => OpenOptions::new().append(true).open(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_special_and_files_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let plain = dir.path().join("plain");
        std::fs::write(&plain, "").unwrap();
        assert!(is_special(Path::new("/dev/null")));
        assert!(!is_special(&plain));
        assert!(!is_special(&dir.path().join("not yet")));
    }

    #[test]
    fn all_is_written_in_order_before_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "").unwrap();
        let special = SpecialFile::open(&path).unwrap();
        let mut expected = String::new();
        for number in 0..500 {
            let line = format!("line {number}\n");
            assert_eq!(special.write(line.as_bytes()), None);
            expected.push_str(&line);
        }
        special.finish(Duration::from_secs(10));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn a_reader_that_never_comes_costs_output_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        // a directory cannot be opened for writing: its thread never writes, but takes the lines
        let special = SpecialFile::open(dir.path()).unwrap();
        assert_eq!(special.write(b"x"), None);
        assert!(matches!(
            special.write(&vec![b'x'; PENDING_LIMIT + 1]),
            Some(Notice::Losing(_))
        ));
        assert_eq!(special.write(&vec![b'x'; PENDING_LIMIT + 1]), None);
        assert!(matches!(special.write(b"x"), Some(Notice::Resumed(_))));
        special.finish(Duration::from_secs(10));
    }
}
