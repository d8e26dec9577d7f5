//! One output channel of a child: what of it goes to the log, to listeners, to syslog.

use std::rc::Rc;

use super::Notice;
use super::ansi::AnsiStripper;
use super::capture::{Capture, Part};
use super::stream::LogStream;
use super::syslog::Syslog;

/// What a read meant, beyond the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// A PROCESS_LOG event.
    Log(Vec<u8>),
    /// A PROCESS_COMMUNICATION event.
    Captured(Vec<u8>),
    /// News about the log itself.
    Notice(Notice),
}

/// The log of one channel.
#[derive(Debug)]
pub(crate) struct ChannelLog {
    /// The log itself.
    pub(crate) stream: LogStream,
    /// Also to syslog, under this name.
    pub(crate) syslog: Option<(Rc<Syslog>, String)>,
    /// Set while escape sequences are to be removed.
    pub(crate) ansi: Option<AnsiStripper>,
    /// Set while capture is on.
    pub(crate) capture: Option<Capture>,
    /// Whether log text makes events.
    pub(crate) events: bool,
}

impl ChannelLog {
    /// A channel that goes to `stream` and nowhere else.
    pub(crate) fn new(stream: LogStream) -> Self {
        Self {
            stream,
            syslog: None,
            ansi: None,
            capture: None,
            events: false,
        }
    }

    /// Takes what was read.
    pub(crate) fn take(&mut self, bytes: &[u8], output: &mut Vec<Output>) {
        let Some(capture) = &mut self.capture else {
            return self.log(bytes, output);
        };
        for part in capture.take(bytes) {
            self.part(part, output);
        }
    }

    /// The child ended.
    pub(crate) fn finish(&mut self, output: &mut Vec<Output>) {
        if let Some(part) = self.capture.as_mut().and_then(Capture::finish) {
            self.part(part, output);
        }
        self.stream.close();
    }

    fn part(&mut self, part: Part, output: &mut Vec<Output>) {
        match part {
            Part::Text(bytes) => self.log(&bytes, output),
            Part::Captured(bytes) => output.push(Output::Captured(bytes)),
        }
    }

    fn log(&mut self, bytes: &[u8], output: &mut Vec<Output>) {
        let stripped = self.ansi.as_mut().map(|ansi| ansi.strip(bytes));
        let bytes = stripped.as_deref().unwrap_or(bytes);
        if bytes.is_empty() {
            return;
        }
        output.extend(self.stream.write(bytes).map(Output::Notice));
        if let Some((syslog, name)) = &self.syslog {
            syslog.send(Some(name), bytes);
        }
        if self.events {
            output.push(Output::Log(bytes.to_vec()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::stream::SharedSinks;
    use super::*;

    #[test]
    fn captured_text_is_not_logged_and_colours_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        let stream = LogStream::file(path.clone(), 0, 0, &mut SharedSinks::default()).unwrap();
        let mut channel = ChannelLog::new(stream);
        channel.ansi = Some(AnsiStripper::default());
        channel.capture = Some(Capture::new(10));
        channel.events = true;
        let mut output = Vec::new();
        channel.take(
            b"\x1b[1mone<!--XSUPERVISOR:BEGIN-->two<!--XSUPERVISOR:END-->three<!",
            &mut output,
        );
        channel.finish(&mut output);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "onethree<!");
        let log = |text: &str| Output::Log(text.as_bytes().to_vec());
        assert_eq!(
            output,
            [
                log("one"),
                Output::Captured(b"two".to_vec()),
                log("three"),
                log("<!")
            ]
        );
    }
}
