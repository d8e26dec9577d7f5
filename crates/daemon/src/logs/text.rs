//! Log bytes as text that fits into XML: what supervisord's clients get instead of an error (supervision.md, finding 7).

/// Broken UTF-8 becomes U+FFFD; what XML 1.0 does not allow (NUL, ESC, ...) is left out.
pub(crate) fn for_xml(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .filter(|letter| is_xml(*letter))
        .collect()
}

/// XML 1.0, production `Char`.
const fn is_xml(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_xml_allows_is_left() {
        assert_eq!(for_xml(b"a\x00b\x1b[1mc\n\t\r"), "ab[1mc\n\t\r");
        assert_eq!(for_xml("zażółć 😀 \u{fffe}".as_bytes()), "zażółć 😀 ");
        assert_eq!(for_xml(b"\xff\xc5"), "\u{fffd}\u{fffd}");
    }
}
