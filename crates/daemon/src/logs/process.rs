//! The logs of one process: made when its group appears, opened when it starts, closed when it ends.

use std::io;
use std::path::{Path, PathBuf};

use pistack_engine::config::model::{ChannelSpec, LogTarget, ProcessSpec, Settings};
use pistack_engine::io::Channel;

use super::ansi::AnsiStripper;
use super::auto_name;
use super::capture::Capture;
use super::channel::ChannelLog;
use super::stream::{LogStream, SharedSinks};

/// The logs of one process.
#[derive(Debug)]
pub(crate) struct ProcessLogs {
    /// Standard output.
    pub(crate) stdout: ChannelLog,
    /// Standard error; `None` when it goes where standard output goes.
    pub(crate) stderr: Option<ChannelLog>,
    /// Standard output is the protocol of event listeners.
    pub(crate) listener: bool,
}

impl ProcessLogs {
    /// Makes the logs of `spec`. `listener`: its standard output is protocol, so it is logged and nothing else.
    /// Gives also what went wrong, in words: such a channel is read and thrown away.
    pub(crate) fn new(
        spec: &ProcessSpec,
        listener: bool,
        settings: &Settings,
        shared: &mut SharedSinks,
    ) -> (Self, Vec<String>) {
        let mut problems = Vec::new();
        let mut make = |channel, of: &ChannelSpec, protocol: bool| {
            let (stream, problem) = open_stream(spec, channel, of, settings, shared);
            problems.extend(problem);
            let mut log = ChannelLog::new(stream);
            if !protocol {
                log.syslog = of.syslog.then(|| (shared.syslog(), spec.name.clone()));
                log.ansi = settings.strip_ansi.then(AnsiStripper::default);
                log.capture = (of.capture_maxbytes > 0).then(|| Capture::new(of.capture_maxbytes));
                log.events = of.events_enabled;
            }
            log
        };
        let stdout = make(Channel::Stdout, &spec.stdout, listener);
        let stderr = (!spec.redirect_stderr).then(|| make(Channel::Stderr, &spec.stderr, false));
        (
            Self {
                stdout,
                stderr,
                listener,
            },
            problems,
        )
    }

    /// The log of a channel.
    pub(crate) fn channel(&mut self, channel: Channel) -> Option<&mut ChannelLog> {
        match channel {
            Channel::Stdout => Some(&mut self.stdout),
            Channel::Stderr => self.stderr.as_mut(),
        }
    }

    /// Path of a channel's log.
    pub(crate) fn path(&self, channel: Channel) -> Option<&Path> {
        match channel {
            Channel::Stdout => self.stdout.stream.path(),
            Channel::Stderr => self.stderr.as_ref().and_then(|log| log.stream.path()),
        }
    }

    /// Opens both files, so that the first error is told at the start and not at the first line.
    pub(crate) fn open(&mut self) -> io::Result<()> {
        self.each(LogStream::open)
    }

    /// Opens both files anew, if open.
    pub(crate) fn reopen(&mut self) -> io::Result<()> {
        self.each(LogStream::reopen)
    }

    /// Clears both files, if open.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.each(LogStream::clear)
    }

    fn each(&mut self, act: impl Fn(&mut LogStream) -> io::Result<()>) -> io::Result<()> {
        let stdout = act(&mut self.stdout.stream);
        let stderr = self.stderr.as_mut().map_or(Ok(()), |log| act(&mut log.stream));
        stdout.and(stderr)
    }
}

/// The directory of generated logs.
pub(crate) fn child_log_dir(settings: &Settings) -> PathBuf {
    settings.childlogdir.clone().unwrap_or_else(std::env::temp_dir)
}

fn open_stream(
    spec: &ProcessSpec,
    channel: Channel,
    of: &ChannelSpec,
    settings: &Settings,
    shared: &mut SharedSinks,
) -> (LogStream, Option<String>) {
    let dir = child_log_dir(settings);
    let path = match &of.logfile {
        LogTarget::None => return (LogStream::nowhere(), None),
        LogTarget::Syslog => return (LogStream::syslog(shared), None),
        LogTarget::File(path) => path.clone(),
        LogTarget::Auto => match auto_name::create(&dir, &spec.name, channel, &settings.identifier) {
            Ok(path) => path,
            Err(error) => {
                let text = format!(
                    "cannot make a log file in {} for '{}': {error}",
                    dir.display(),
                    spec.name
                );
                return (LogStream::nowhere(), Some(text));
            }
        },
    };
    match LogStream::file(path, of.maxbytes, of.backups, shared) {
        Ok(stream) => (stream, None),
        Err(error) => (
            LogStream::nowhere(),
            Some(format!("cannot open the log of '{}': {error}", spec.name)),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirected_errors_have_no_log_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings {
            childlogdir: Some(dir.path().to_owned()),
            ..Settings::default()
        };
        let mut spec = ProcessSpec::new("cat", "cat");
        let (logs, problems) = ProcessLogs::new(&spec, false, &settings, &mut SharedSinks::default());
        assert!(problems.is_empty());
        assert!(logs.path(Channel::Stderr).unwrap().starts_with(dir.path()));
        spec.redirect_stderr = true;
        spec.stdout.logfile = LogTarget::None;
        let (mut logs, _) = ProcessLogs::new(&spec, false, &settings, &mut SharedSinks::default());
        assert_eq!(logs.path(Channel::Stdout), None);
        assert_eq!(logs.path(Channel::Stderr), None);
        assert!(logs.channel(Channel::Stderr).is_none());
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_told_and_the_program_runs_on() {
        let settings = Settings {
            childlogdir: Some("/no/such/dir".into()),
            ..Settings::default()
        };
        let spec = ProcessSpec::new("cat", "cat");
        let (logs, problems) = ProcessLogs::new(&spec, false, &settings, &mut SharedSinks::default());
        assert_eq!(problems.len(), 2);
        assert!(
            problems[0].contains("/no/such/dir") && problems[0].contains("'cat'"),
            "{problems:?}"
        );
        assert_eq!(logs.path(Channel::Stdout), None);
    }

    #[test]
    fn a_listeners_output_is_protocol() {
        let settings = Settings {
            strip_ansi: true,
            ..Settings::default()
        };
        let mut spec = ProcessSpec::new("pool", "x");
        spec.stdout = ChannelSpec {
            capture_maxbytes: 9,
            events_enabled: true,
            logfile: LogTarget::None,
            ..ChannelSpec::default()
        };
        spec.stderr = spec.stdout.clone();
        let (logs, _) = ProcessLogs::new(&spec, true, &settings, &mut SharedSinks::default());
        assert!(logs.stdout.capture.is_none() && !logs.stdout.events && logs.stdout.ansi.is_none());
        assert!(logs.stderr.unwrap().events);
    }
}
