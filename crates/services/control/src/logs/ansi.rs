//! A line as a terminal would show it: colours and weights of SGR sequences (ECMA-48 section 8.3.117) as spans with
//! classes. Everything else that a terminal would obey is left out; what a browser would obey, the template escapes.

use crate::inert;

/// The part of a line that looks the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Span {
    /// Classes of the style sheet; empty for plain text.
    pub(crate) class: String,
    /// The text, made harmless.
    pub(crate) text: String,
    /// It fits what was searched for.
    pub(crate) hit: bool,
}

/// How text looks at a point of a log. Goes on over line ends, as on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Style {
    bold: bool,
    faint: bool,
    italic: bool,
    underlined: bool,
    struck: bool,
    inverse: bool,
    /// One of the sixteen colours.
    front: Option<u8>,
    back: Option<u8>,
}

/// Characters of a line that are shown.
const LONGEST: usize = 4000;

impl Style {
    fn class(self) -> String {
        let mut classes = Vec::new();
        let (front, back) = if self.inverse {
            (self.back, self.front)
        } else {
            (self.front, self.back)
        };
        classes.extend(front.map(|colour| format!("f{colour}")));
        classes.extend(back.map(|colour| format!("b{colour}")));
        let flags = [
            (self.bold, "bo"),
            (self.faint, "fa"),
            (self.italic, "it"),
            (self.underlined, "un"),
            (self.struck, "st"),
            (self.inverse && front.is_none() && back.is_none(), "iv"),
        ];
        classes.extend(
            flags
                .iter()
                .filter(|(on, _)| *on)
                .map(|(_, name)| (*name).to_owned()),
        );
        classes.join(" ")
    }

    /// Obeys one SGR sequence's parameters.
    fn obey(&mut self, parameters: &str) {
        let mut numbers = parameters.split([';', ':']).map(|number| {
            if number.is_empty() {
                Some(0)
            } else {
                number.parse::<u16>().ok()
            }
        });
        while let Some(number) = numbers.next() {
            match number {
                Some(0) => *self = Self::default(),
                Some(1) => self.bold = true,
                Some(2) => self.faint = true,
                Some(3) => self.italic = true,
                Some(4 | 21) => self.underlined = true,
                Some(7) => self.inverse = true,
                Some(9) => self.struck = true,
                Some(22) => (self.bold, self.faint) = (false, false),
                Some(23) => self.italic = false,
                Some(24) => self.underlined = false,
                Some(27) => self.inverse = false,
                Some(29) => self.struck = false,
                Some(code @ 30..=37) => self.front = Some((code - 30) as u8),
                Some(code @ 90..=97) => self.front = Some((code - 90 + 8) as u8),
                Some(code @ 40..=47) => self.back = Some((code - 40) as u8),
                Some(code @ 100..=107) => self.back = Some((code - 100 + 8) as u8),
                Some(39) => self.front = None,
                Some(49) => self.back = None,
                Some(38) => self.front = many_colours(&mut numbers).or(self.front),
                Some(48) => self.back = many_colours(&mut numbers).or(self.back),
                _ => {}
            }
        }
    }
}

/// A colour of 256 (`5;n`) or of sixteen million (`2;r;g;b`) as the nearest of sixteen.
fn many_colours(numbers: &mut impl Iterator<Item = Option<u16>>) -> Option<u8> {
    match numbers.next()?? {
        5 => {
            let index = u8::try_from(numbers.next()??).ok()?;
            Some(match index {
                0..=15 => index,
                16..=231 => {
                    let cube = index - 16;
                    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
                    nearest(level(cube / 36), level(cube / 6 % 6), level(cube % 6))
                }
                232..=255 => {
                    let grey = 8 + (index - 232) * 10;
                    nearest(grey, grey, grey)
                }
            })
        }
        2 => {
            let mut part = || u8::try_from(numbers.next()??).ok();
            Some(nearest(part()?, part()?, part()?))
        }
        _ => None,
    }
}

/// The nearest of the sixteen: which of the three lights are on, and whether they are bright.
fn nearest(red: u8, green: u8, blue: u8) -> u8 {
    let most = red.max(green).max(blue);
    if most < 40 {
        return 0;
    }
    let on = |part: u8| u8::from(u16::from(part) * 2 > u16::from(most));
    let colour = on(red) | on(green) << 1 | on(blue) << 2;
    match (colour, most) {
        (7, 0..=99) => 8,
        (7, 100..=215) => 7,
        (_, 0..=190) => colour,
        _ => colour | 8,
    }
}

/// The spans of one line, which holds no line end. `style` goes in as the line before left it.
pub(crate) fn spans(line: &str, style: &mut Style) -> Vec<Span> {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let mut spans: Vec<Span> = Vec::new();
    let mut shown = 0;
    let mut parts = line.split('\u{1b}');
    let mut push = |text: &str, style: Style| {
        let left = LONGEST.saturating_sub(shown);
        let mut text = inert::log(text);
        let count = text.chars().count();
        if count > left {
            text = text.chars().take(left).collect();
            if left > 0 {
                text.push('…');
            }
        }
        shown += count;
        if text.is_empty() {
            return;
        }
        let class = style.class();
        match spans.last_mut() {
            Some(last) if last.class == class => last.text += &text,
            _ => spans.push(Span {
                class,
                text,
                hit: false,
            }),
        }
    };
    push(parts.next().unwrap_or_default(), *style);
    while let Some(part) = parts.next() {
        if let Some(sequence) = part.strip_prefix('[') {
            let end = sequence.find(|c: char| !(' '..='?').contains(&c));
            let Some(end) = end else { continue };
            let last = sequence[end..].chars().next().unwrap_or('m');
            if last == 'm'
                && sequence[..end]
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || b";:".contains(&byte))
            {
                style.obey(&sequence[..end]);
            }
            // A broken sequence must not eat what follows it.
            let rest = if ('@'..='~').contains(&last) {
                &sequence[end + last.len_utf8()..]
            } else {
                &sequence[end..]
            };
            push(rest, *style);
        } else if part.starts_with(']') {
            // A title or a link, up to BEL or to ESC \, whose backslash begins the next part.
            if let Some((_, rest)) = part.split_once('\u{7}') {
                push(rest, *style);
            } else {
                let next = parts.next().unwrap_or_default();
                push(next.strip_prefix('\\').unwrap_or(next), *style);
            }
        } else {
            let mut rest = part.chars();
            rest.next();
            push(rest.as_str(), *style);
        }
    }
    spans
}

/// What a line says, without how it looks.
pub(crate) fn plain(line: &str) -> std::borrow::Cow<'_, str> {
    let harmless = |byte: u8| byte == b'\t' || (0x20..0x7f).contains(&byte);
    let bare = line.strip_suffix('\r').unwrap_or(line);
    if bare.len() <= LONGEST && bare.bytes().all(harmless) {
        return bare.into();
    }
    let mut style = Style::default();
    let texts = spans(line, &mut style).into_iter().map(|span| span.text);
    texts.collect::<String>().into()
}

/// Splits spans so that the ranges (bytes of the joined text, in order) are spans of their own.
pub(crate) fn mark(spans: Vec<Span>, ranges: &[std::ops::Range<usize>]) -> Vec<Span> {
    if ranges.is_empty() {
        return spans;
    }
    let mut marked = Vec::with_capacity(spans.len() + ranges.len() * 2);
    let mut at = 0;
    for span in spans {
        let end = at + span.text.len();
        let mut from = at;
        let inside = ranges
            .iter()
            .filter(|range| range.start < end && range.end > at && range.start < range.end);
        for range in inside {
            let (start, stop) = (range.start.max(from), range.end.min(end));
            for (piece, hit) in [(from..start, false), (start..stop, true)] {
                let text = span
                    .text
                    .get(piece.start - at..piece.end - at)
                    .unwrap_or_default();
                if !text.is_empty() {
                    marked.push(Span {
                        class: span.class.clone(),
                        text: text.to_owned(),
                        hit,
                    });
                }
            }
            from = stop;
        }
        let rest = span.text.get(from - at..).unwrap_or_default();
        if !rest.is_empty() {
            marked.push(Span {
                text: rest.to_owned(),
                ..span
            });
        }
        at = end;
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(line: &str) -> Vec<(String, String)> {
        spans(line, &mut Style::default())
            .into_iter()
            .map(|span| (span.class, span.text))
            .collect()
    }

    fn pair(class: &str, text: &str) -> (String, String) {
        (class.to_owned(), text.to_owned())
    }

    #[test]
    fn colours_become_classes_and_other_sequences_go() {
        assert_eq!(
            shown("\u{1b}[1;31merror\u{1b}[0m: plain \u{1b}[92;44mx\u{1b}[39;49m."),
            [
                pair("f1 bo", "error"),
                pair("", ": plain "),
                pair("f10 b4", "x"),
                pair("", ".")
            ]
        );
        assert_eq!(shown("\u{1b}[38;5;196mred\u{1b}[m"), [pair("f9", "red")]);
        assert_eq!(shown("\u{1b}[38;2;10;200;10mgreen"), [pair("f10", "green")]);
        assert_eq!(shown("\u{1b}[48;5;240mgrey"), [pair("b8", "grey")]);
        assert_eq!(
            shown("\u{1b}[7minverse\u{1b}[27m\u{1b}[31;7mx"),
            [pair("iv", "inverse"), pair("b1", "x")]
        );
        assert_eq!(
            shown("a\u{1b}[2Kb\u{1b}]0;title\u{7}c\u{1b}]8;;http://x\u{1b}\\d\u{1b}Me\u{1b}"),
            [pair("", "abcde")]
        );
        assert_eq!(shown("a\u{1b}[31"), [pair("", "a")]);
        assert_eq!(shown("<b>\u{7}\u{202e}\r"), [pair("", "<b>␇")]);
        let mut style = Style::default();
        spans("\u{1b}[31mone", &mut style);
        assert_eq!(
            spans("two", &mut style)[0].class,
            "f1",
            "it goes on in the next line"
        );
        let long = shown(&"ż".repeat(LONGEST * 2));
        assert_eq!(long[0].1.chars().count(), LONGEST + 1);
    }

    #[test]
    fn hits_are_spans_of_their_own_across_colours() {
        let spans = spans("ab\u{1b}[31mcd\u{1b}[0mef", &mut Style::default());
        let marked: Vec<_> = mark(spans, &[1..3, 5..6])
            .into_iter()
            .map(|span| (span.class, span.text, span.hit))
            .collect();
        let wanted = [
            ("", "a", false),
            ("", "b", true),
            ("f1", "c", true),
            ("f1", "d", false),
            ("", "e", false),
            ("", "f", true),
        ];
        assert_eq!(
            marked,
            wanted.map(|(class, text, hit)| (class.to_owned(), text.to_owned(), hit))
        );
    }

    proptest! {
        /// Whatever a program writes: no control character is left, classes are ours, and what is plain stays.
        #[test]
        fn output_is_always_inert(line in "(\u{1b}\\[[0-9;:<]{0,9}[a-zA-Z]?|\u{1b}[\\]PX^_]?|[ -~]{0,6}|[\u{0}-\u{1f}\u{7f}-\u{9f}\u{202a}-\u{202e}ż]{0,3}){0,12}") {
            let line = line.replace('\n', " ");
            let mut style = Style::default();
            for span in spans(&line, &mut style) {
                prop_assert!(!span.text.is_empty());
                prop_assert!(span.text.chars().all(|c| c == '\t' || !c.is_control()));
                let turns = span.text.contains(|c| ('\u{202a}'..='\u{202e}').contains(&c));
                prop_assert!(!turns);
                prop_assert!(span.class.split(' ').all(|class| class.len() <= 3 && class.bytes().all(|b| b.is_ascii_alphanumeric())));
            }
            let joined: String = spans(&line, &mut Style::default()).into_iter().map(|span| span.text).collect();
            prop_assert_eq!(plain(&line).into_owned(), joined);
        }

        /// Marking keeps the text.
        #[test]
        fn marks_keep_the_text(line in "[a-c\u{1b}ż]{0,20}", cuts in prop::collection::vec(0usize..24, 0..6)) {
            let spans = spans(&line.replace('\u{1b}', "\u{1b}[31m"), &mut Style::default());
            let text: String = spans.iter().map(|span| span.text.clone()).collect();
            let mut cuts: Vec<_> = cuts.into_iter().filter(|cut| text.is_char_boundary(*cut)).collect();
            cuts.sort_unstable();
            let ranges: Vec<_> = cuts.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect();
            let marked = mark(spans, &ranges);
            let joined: String = marked.iter().map(|span| span.text.clone()).collect();
            prop_assert_eq!(&joined, &text);
            let hits: usize = marked.iter().filter(|span| span.hit).map(|span| span.text.len()).sum();
            prop_assert_eq!(hits, ranges.iter().map(|range| range.end - range.start).sum::<usize>());
        }

        #[test]
        fn ordinary_text_is_left_alone(line in "[ -~ąćęłńóśźż]{1,80}") {
            prop_assert_eq!(shown(&line), vec![pair("", &line)]);
        }
    }
}
