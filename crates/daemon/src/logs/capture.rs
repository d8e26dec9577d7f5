//! Capture mode: text between two tokens becomes a PROCESS_COMMUNICATION event instead of log text.

use std::collections::VecDeque;

/// Begins a captured text.
pub(crate) const BEGIN: &[u8] = b"<!--XSUPERVISOR:BEGIN-->";
/// Ends it.
pub(crate) const END: &[u8] = b"<!--XSUPERVISOR:END-->";

/// A part of the output, told apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// For the log.
    Text(Vec<u8>),
    /// A whole captured text.
    Captured(Vec<u8>),
}

/// Tells log text from captured text, also when a token is split over two reads.
#[derive(Debug)]
pub(crate) struct Capture {
    /// Bytes of a captured text that are kept: the last ones.
    limit: usize,
    /// The end of the last read, while it may be the beginning of a token.
    held: Vec<u8>,
    /// Some while between the tokens.
    captured: Option<VecDeque<u8>>,
}

impl Capture {
    /// Keeps the last `limit` bytes of a captured text.
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            held: Vec::new(),
            captured: None,
        }
    }

    /// Takes what was read.
    pub(crate) fn take(&mut self, input: &[u8]) -> Vec<Part> {
        let mut data = std::mem::take(&mut self.held);
        data.extend_from_slice(input);
        let mut parts = Vec::new();
        let mut rest = data.as_slice();
        loop {
            let token = if self.captured.is_some() { END } else { BEGIN };
            let Some(at) = find(rest, token) else {
                let keep = beginning_at_end(rest, token);
                let (text, held) = rest.split_at(rest.len() - keep);
                self.add(text, &mut parts);
                self.held = held.to_vec();
                return parts;
            };
            let (before, from_token) = rest.split_at(at);
            self.add(before, &mut parts);
            rest = from_token.get(token.len()..).unwrap_or_default();
            match self.captured.take() {
                Some(text) => parts.push(Part::Captured(text.into())),
                None => self.captured = Some(VecDeque::new()),
            }
        }
    }

    /// The output ended: what was held back is text after all. An unfinished captured text is dropped.
    pub(crate) fn finish(&mut self) -> Option<Part> {
        let held = std::mem::take(&mut self.held);
        let unfinished = self.captured.take().is_some();
        (!unfinished && !held.is_empty()).then_some(Part::Text(held))
    }

    fn add(&mut self, text: &[u8], parts: &mut Vec<Part>) {
        if text.is_empty() {
            return;
        }
        match &mut self.captured {
            None => parts.push(Part::Text(text.to_vec())),
            Some(captured) => {
                captured.extend(text);
                let surplus = captured.len().saturating_sub(self.limit);
                captured.drain(..surplus);
            }
        }
    }
}

fn find(text: &[u8], token: &[u8]) -> Option<usize> {
    text.windows(token.len()).position(|window| window == token)
}

/// How many bytes at the end of `text` are the beginning of `token`.
fn beginning_at_end(text: &[u8], token: &[u8]) -> usize {
    (1..token.len())
        .rev()
        .find(|length| text.ends_with(token.get(..*length).unwrap_or_default()))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Part {
        Part::Text(bytes.to_vec())
    }

    #[test]
    fn tells_text_from_captured_text() {
        let mut capture = Capture::new(100);
        let parts = capture.take(b"a<!--XSUPERVISOR:BEGIN-->b<!--XSUPERVISOR:END-->c");
        assert_eq!(parts, [text(b"a"), Part::Captured(b"b".to_vec()), text(b"c")]);
        assert_eq!(capture.finish(), None);
    }

    #[test]
    fn any_split_of_the_input_gives_the_same() {
        let input = b"one<!--XSUPERVISOR:BEGIN-->two\n<!--XSUPERVISOR:END-->three<!--";
        for at in 0..input.len() {
            let mut capture = Capture::new(100);
            let (left, right) = input.split_at(at);
            let mut parts = capture.take(left);
            parts.extend(capture.take(right));
            parts.extend(capture.finish());
            let mut logged = Vec::new();
            let mut captured = Vec::new();
            for part in parts {
                match part {
                    Part::Text(bytes) => logged.extend(bytes),
                    Part::Captured(bytes) => captured.push(bytes),
                }
            }
            assert_eq!(logged, b"onethree<!--", "split at {at}");
            assert_eq!(captured, [b"two\n".to_vec()], "split at {at}");
        }
    }

    #[test]
    fn keeps_the_last_bytes_only() {
        let mut capture = Capture::new(3);
        let parts = capture.take(b"<!--XSUPERVISOR:BEGIN-->12345<!--XSUPERVISOR:END-->");
        assert_eq!(parts, [Part::Captured(b"345".to_vec())]);
    }

    #[test]
    fn an_unfinished_capture_is_dropped() {
        let mut capture = Capture::new(100);
        assert_eq!(capture.take(b"a<!--XSUPERVISOR:BEGIN-->lost"), [text(b"a")]);
        assert_eq!(capture.finish(), None);
        assert_eq!(capture.take(b"b"), [text(b"b")]);
    }
}
