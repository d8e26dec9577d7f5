//! Removing ANSI escape sequences from child output (`strip_ansi`).

/// Removes sequences, also those that are split over two reads.
#[derive(Debug, Default)]
pub(crate) struct AnsiStripper {
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// Within `ESC [ ...`, until a final byte.
    Sequence,
}

impl AnsiStripper {
    /// `input` without escape sequences.
    pub(crate) fn strip(&mut self, input: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(input.len());
        for byte in input {
            self.state = match (self.state, *byte) {
                (State::Text, 0x1b) => State::Escape,
                (State::Text, byte) => {
                    out.push(byte);
                    State::Text
                }
                (State::Escape, 0x1b) => {
                    out.push(0x1b);
                    State::Escape
                }
                // ECMA-48: parameters and intermediates are 0x20..0x3f, the final byte is 0x40..0x7e
                (State::Escape, b'[') | (State::Sequence, 0x20..=0x3f) => State::Sequence,
                (State::Escape, byte) => {
                    // another kind of escape: supervisord leaves it alone
                    out.push(0x1b);
                    out.push(byte);
                    State::Text
                }
                (State::Sequence, 0x40..=0x7e) => State::Text,
                (State::Sequence, byte) => {
                    // no sequence after all (a line end, say): the text goes on
                    out.push(byte);
                    State::Text
                }
            };
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_colours_and_keeps_text() {
        let mut stripper = AnsiStripper::default();
        assert_eq!(
            stripper.strip(b"\x1b[1;31mred\x1b[0m plain\x1b[2K\n"),
            b"red plain\n"
        );
        assert_eq!(stripper.strip(b"\x1bM\x1b[\nx"), b"\x1bM\nx");
        assert_eq!(stripper.strip(b"\x1b\x1b[0mx"), b"\x1bx");
    }

    #[test]
    fn a_sequence_over_two_reads_is_one() {
        let mut stripper = AnsiStripper::default();
        assert_eq!(stripper.strip(b"a\x1b"), b"a");
        assert_eq!(stripper.strip(b"[3"), b"");
        assert_eq!(stripper.strip(b"2mb"), b"b");
    }
}
