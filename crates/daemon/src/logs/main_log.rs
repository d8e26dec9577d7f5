//! The daemon's own log, in supervisord's line format.

use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use pistack_engine::config::model::{LogLevel, LogTarget, Settings};
use tokio::sync::watch;

use super::special_file::SpecialFile;
use super::stream::{LogStream, SharedSinks};
use crate::sys::local_time::LocalTime;

/// The daemon's own log.
#[derive(Debug)]
pub(crate) struct MainLog {
    stream: LogStream,
    syslog: bool,
    level: LogLevel,
    /// The foreground's copy.
    copy: Option<Rc<SpecialFile>>,
}

/// The log's name in supervisord's lines.
const fn mark(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Blather => "BLAT",
        LogLevel::Trace => "TRAC",
        LogLevel::Debug => "DEBG",
        LogLevel::Info => "INFO",
        LogLevel::Warn => "WARN",
        LogLevel::Error => "ERRO",
        LogLevel::Critical => "CRIT",
    }
}

/// `2026-11-23 13:06:51,042 INFO text` with a line end.
fn line(wall: Duration, level: LogLevel, text: &str) -> String {
    let time = LocalTime::at(wall.as_secs() as i64);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02},{:03} {} {text}\n",
        time.year,
        time.month,
        time.day,
        time.hour,
        time.minute,
        time.second,
        wall.subsec_millis(),
        mark(level),
    )
}

impl MainLog {
    /// Opens the log that `settings` ask for. `copy`: also to standard output.
    pub(crate) fn open(settings: &Settings, copy: bool, shared: &mut SharedSinks) -> io::Result<Self> {
        let file = |path: &Path, shared: &mut SharedSinks| -> io::Result<LogStream> {
            let mut stream = LogStream::file(
                path.to_owned(),
                settings.logfile_maxbytes,
                settings.logfile_backups,
                shared,
            )?;
            stream.open()?;
            Ok(stream)
        };
        let stream = match &settings.logfile {
            LogTarget::None => LogStream::nowhere(),
            LogTarget::Syslog => LogStream::syslog(shared),
            LogTarget::File(path) => file(path, shared)?,
            LogTarget::Auto => file(Path::new("supervisord.log"), shared)?,
        };
        let copy = if copy {
            Some(shared.special(Path::new("/dev/stdout"))?)
        } else {
            None
        };
        let syslog = settings.logfile == LogTarget::Syslog;
        Ok(Self {
            stream,
            syslog,
            level: settings.loglevel,
            copy,
        })
    }

    /// Writes a line, if its level is asked for.
    pub(crate) fn write(&mut self, wall: Duration, level: LogLevel, text: &str) {
        if level < self.level {
            return;
        }
        let line = line(wall, level, text);
        let notice = if self.syslog {
            self.stream.write(format!("{} {text}", mark(level)).as_bytes())
        } else {
            self.stream.write(line.as_bytes())
        };
        if let Some(copy) = &self.copy {
            copy.write(line.as_bytes());
            // the log cannot tell of its own trouble: the foreground can
            if let Some(super::Notice::Losing(text)) = notice {
                copy.write(self::line(wall, LogLevel::Warn, &text).as_bytes());
            }
        }
    }

    /// The log's path, if it is a file.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.stream.path()
    }

    /// Opens the file anew.
    pub(crate) fn reopen(&mut self) -> io::Result<()> {
        self.stream.reopen()
    }

    /// Removes the file and begins a new one.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.stream.clear()
    }

    /// Told of each change from now on.
    pub(crate) fn follow(&mut self) -> watch::Receiver<u64> {
        self.stream.follow()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_supervisords() {
        let text = line(
            Duration::from_millis(1_700_000_000_042),
            LogLevel::Info,
            "spawned: 'cat' with pid 7",
        );
        let (stamp, rest) = text.split_at(23);
        assert_eq!(rest, " INFO spawned: 'cat' with pid 7\n");
        assert!(
            stamp.starts_with("2023-11-1") && stamp.ends_with(",042"),
            "{stamp}"
        );
        let shape: String = stamp
            .chars()
            .map(|c| if c.is_ascii_digit() { '9' } else { c })
            .collect();
        assert_eq!(shape, "9999-99-99 99:99:99,999");
    }

    #[test]
    fn levels_below_the_asked_one_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("main.log");
        let settings = Settings {
            logfile: LogTarget::File(path.clone()),
            loglevel: LogLevel::Warn,
            ..Settings::default()
        };
        let mut log = MainLog::open(&settings, false, &mut SharedSinks::default()).unwrap();
        log.write(Duration::ZERO, LogLevel::Info, "no");
        log.write(Duration::ZERO, LogLevel::Warn, "yes");
        log.write(Duration::ZERO, LogLevel::Critical, "too");
        let text = std::fs::read_to_string(path).unwrap();
        let marks: Vec<&str> = text.lines().map(|line| line.split_at(24).1).collect();
        assert_eq!(marks, ["WARN yes", "CRIT too"]);
    }

    #[test]
    fn a_log_in_a_missing_directory_is_an_error() {
        let settings = Settings {
            logfile: LogTarget::File("/no/such/dir/x.log".into()),
            ..Settings::default()
        };
        assert!(MainLog::open(&settings, false, &mut SharedSinks::default()).is_err());
    }
}
