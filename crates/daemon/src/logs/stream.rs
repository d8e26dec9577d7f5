//! One log, wherever it goes, and those who follow it.

use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::watch;

use super::Notice;
use super::rotating_file::RotatingFile;
use super::special_file::{SpecialFile, is_special};
use super::syslog::Syslog;

/// Where a log goes.
#[derive(Debug)]
enum Sink {
    Nowhere,
    File(RotatingFile),
    Special(Rc<SpecialFile>, PathBuf),
    Syslog(Rc<Syslog>),
}

/// A log and its followers.
#[derive(Debug)]
pub(crate) struct LogStream {
    sink: Sink,
    /// There is one only while somebody follows.
    changed: Option<watch::Sender<u64>>,
}

/// What logs of one daemon share: a special file has one thread, whoever logs to it.
#[derive(Debug, Default)]
pub(crate) struct SharedSinks {
    special: Vec<(PathBuf, Rc<SpecialFile>)>,
    syslog: Rc<Syslog>,
}

impl SharedSinks {
    /// The way to syslog.
    pub(crate) fn syslog(&self) -> Rc<Syslog> {
        Rc::clone(&self.syslog)
    }

    /// The way to a special file.
    pub(crate) fn special(&mut self, path: &Path) -> io::Result<Rc<SpecialFile>> {
        if let Some((_, known)) = self.special.iter().find(|(known, _)| known == path) {
            return Ok(Rc::clone(known));
        }
        let fresh = Rc::new(SpecialFile::open(path)?);
        self.special.push((path.to_owned(), Rc::clone(&fresh)));
        Ok(fresh)
    }

    /// Waits until special files have taken everything, `grace` each at most. All logs must be dropped before.
    pub(crate) fn finish(self, grace: Duration) {
        for special in self
            .special
            .into_iter()
            .filter_map(|(_, special)| Rc::into_inner(special))
        {
            special.finish(grace);
        }
    }
}

impl LogStream {
    /// A log that goes nowhere.
    pub(crate) fn nowhere() -> Self {
        Self {
            sink: Sink::Nowhere,
            changed: None,
        }
    }

    /// A log that goes to syslog.
    pub(crate) fn syslog(shared: &SharedSinks) -> Self {
        Self {
            sink: Sink::Syslog(shared.syslog()),
            changed: None,
        }
    }

    /// A log that goes to `path`. Special files do not rotate.
    pub(crate) fn file(
        path: PathBuf,
        maxbytes: u64,
        backups: u32,
        shared: &mut SharedSinks,
    ) -> io::Result<Self> {
        let sink = if path == Path::new("/dev/null") {
            Sink::Nowhere
        } else if is_special(&path) {
            Sink::Special(shared.special(&path)?, path)
        } else {
            Sink::File(RotatingFile::new(path, maxbytes, backups))
        };
        Ok(Self { sink, changed: None })
    }

    /// The file's path, if it is a file.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.sink {
            Sink::File(file) => Some(file.path()),
            Sink::Special(_, path) => Some(path),
            Sink::Nowhere | Sink::Syslog(_) => None,
        }
    }

    /// Opens the file.
    pub(crate) fn open(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::File(file) => file.open(),
            Sink::Nowhere | Sink::Special(..) | Sink::Syslog(_) => Ok(()),
        }
    }

    /// Closes the file until the next write.
    pub(crate) fn close(&mut self) {
        if let Sink::File(file) = &mut self.sink {
            file.close();
        }
    }

    /// Writes, and wakes those who follow.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Option<Notice> {
        let notice = match &mut self.sink {
            Sink::Nowhere => None,
            Sink::File(file) => file.write(bytes),
            Sink::Special(special, _) => special.write(bytes),
            Sink::Syslog(syslog) => {
                syslog.send(None, bytes);
                None
            }
        };
        self.wake_followers();
        notice
    }

    /// Opens the file anew, if it is open.
    pub(crate) fn reopen(&mut self) -> io::Result<()> {
        let result = match &mut self.sink {
            Sink::File(file) => file.reopen(),
            Sink::Nowhere | Sink::Special(..) | Sink::Syslog(_) => Ok(()),
        };
        self.wake_followers();
        result
    }

    /// Removes the file and begins a new one, if it is open.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        let result = match &mut self.sink {
            Sink::File(file) => file.clear(),
            Sink::Nowhere | Sink::Special(..) | Sink::Syslog(_) => Ok(()),
        };
        self.wake_followers();
        result
    }

    /// Told of each change from now on.
    pub(crate) fn follow(&mut self) -> watch::Receiver<u64> {
        self.changed
            .get_or_insert_with(|| watch::Sender::new(0))
            .subscribe()
    }

    fn wake_followers(&mut self) {
        if let Some(changed) = &self.changed {
            if changed.is_closed() {
                self.changed = None;
            } else {
                changed.send_modify(|count| *count = count.wrapping_add(1));
            }
        }
    }
}
