//! A piece of a log as lines with their places.

use super::stamp;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its first byte in the log.
    pub(crate) start: u64,
    /// The byte after its end, line end included.
    pub(crate) end: u64,
    /// The text without line end.
    pub(crate) text: String,
    /// Milliseconds since 1970, as far as it carries a time.
    pub(crate) time: Option<i64>,
}

/// Bytes of a text in the log. What was no UTF-8 there came as replacement characters, one for each byte mostly.
fn width(text: &str, exact: bool) -> u64 {
    if exact {
        return text.len() as u64;
    }
    let lost = text.matches('\u{FFFD}').count() as u64;
    text.len() as u64 - lost * 2
}

/// The lines of a piece that was read from `start` and holds the bytes up to `end`. A line that began before the piece
/// is left out, unless `whole_start` says that the piece begins with a line; one that goes on after it is left out too,
/// unless `whole_end` says that the log ends there.
pub(crate) fn lines(text: &str, start: u64, end: u64, whole_start: bool, whole_end: bool) -> Vec<Line> {
    let exact = text.len() as u64 == end.saturating_sub(start);
    let mut lines = Vec::new();
    let mut at = start;
    let mut first = true;
    for part in text.split_inclusive('\n') {
        let next = at + width(part, exact);
        let complete = part.ends_with('\n') || whole_end;
        if complete && (whole_start || !first) {
            let text = part.strip_suffix('\n').unwrap_or(part);
            lines.push(Line {
                start: at,
                end: next,
                time: stamp::of_line(text),
                text: text.to_owned(),
            });
        }
        first = false;
        at = next;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(lines: &[Line]) -> Vec<(u64, u64, &str)> {
        lines
            .iter()
            .map(|line| (line.start, line.end, line.text.as_str()))
            .collect()
    }

    #[test]
    fn half_lines_are_left_to_the_neighbours() {
        let text = "tail\none\ntwo\nhead";
        assert_eq!(
            shown(&lines(text, 10, 27, false, false)),
            [(15, 19, "one"), (19, 23, "two")]
        );
        let all = lines(text, 0, 17, true, true);
        assert_eq!(
            shown(&all),
            [(0, 5, "tail"), (5, 9, "one"), (9, 13, "two"), (13, 17, "head")]
        );
        assert!(lines("", 5, 5, true, true).is_empty());
        assert!(lines("no end", 0, 6, false, false).is_empty());
    }

    #[test]
    fn bytes_that_were_no_text_keep_the_places_right() {
        // two bytes 0xff in the log
        let text = "a\u{FFFD}\u{FFFD}b\nnext\n";
        assert_eq!(
            shown(&lines(text, 0, 10, true, true)),
            [(0, 5, "a\u{FFFD}\u{FFFD}b"), (5, 10, "next")]
        );
    }
}
