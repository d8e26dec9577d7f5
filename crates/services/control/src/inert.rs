//! Text from outside made harmless for the eye. Templates escape HTML; this takes out what HTML would let
//! through: terminal escapes, control characters and the characters that turn the writing direction round.

/// One line: a name, a description. Control characters become visible signs.
pub(crate) fn line(text: &str) -> String {
    text.chars().filter_map(visible).collect()
}

/// A log: line breaks and tabs stay, terminal escape sequences go, other control characters become visible.
pub(crate) fn log(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\t' => shown.push(c),
            other => shown.extend(visible(other)),
        }
    }
    shown
}

/// Skips what follows ESC: a CSI sequence (`[` up to a final byte), an OSC string (`]` up to BEL or ST),
/// or one character (ECMA-48 sections 5.3 to 5.6).
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            while let Some(&c) = chars.peek() {
                // A broken sequence must not eat the lines that follow it.
                if c.is_control() {
                    return;
                }
                chars.next();
                if ('\u{40}'..='\u{7e}').contains(&c) {
                    return;
                }
            }
        }
        Some(']') => {
            while let Some(&c) = chars.peek() {
                if c == '\n' {
                    return;
                }
                chars.next();
                if c == '\u{7}' {
                    return;
                }
                if c == '\u{1b}' {
                    chars.next_if_eq(&'\\');
                    return;
                }
            }
        }
        Some(c) if !c.is_control() => {
            chars.next();
        }
        _ => {}
    }
}

/// The sign to show for a character; `None` for the direction marks, which have no sign.
fn visible(c: char) -> Option<char> {
    match c {
        '\u{0}'..='\u{1f}' => char::from_u32(u32::from(c) + 0x2400),
        '\u{7f}' => Some('\u{2421}'),
        '\u{80}'..='\u{9f}' => Some('\u{FFFD}'),
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}' => None,
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_show_what_is_in_them() {
        assert_eq!(line("cam\u{1b}[31mera\n"), "cam␛[31mera␊");
        assert_eq!(line("a\u{202e}b\u{7f}\u{9b}"), "ab␡\u{FFFD}");
        assert_eq!(line("zażółć"), "zażółć");
    }

    #[test]
    fn logs_lose_their_terminal_codes_and_keep_their_lines() {
        assert_eq!(
            log("\u{1b}[1;31mred\u{1b}[0m\r\nnext\tcolumn\n"),
            "red\nnext\tcolumn\n"
        );
        assert_eq!(log("\u{1b}]0;title\u{7}text"), "text");
        assert_eq!(log("\u{1b}]8;;http://x\u{1b}\\link"), "link");
        assert_eq!(log("\u{1b}[31\nkept"), "\nkept");
        assert_eq!(log("\u{1b}]0;open\nkept"), "\nkept");
        assert_eq!(log("bell\u{7}\u{1b}"), "bell␇");
        assert_eq!(log("50 %\rdone"), "50 %␍done");
    }
}
