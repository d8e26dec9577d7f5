//! `*` and `?` in names.

/// True if `text` fits `pattern`: `*` stands for any text, `?` for one character. Case counts.
pub fn fits(pattern: &str, text: &str) -> bool {
    let (wanted, given) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where the last star stood, and how much of the text it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while t < given.len() {
        match wanted.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(b'?') => {
                p += 1;
                t += character(given[t]);
            }
            Some(byte) if *byte == given[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    let next = taken + character(given[taken]);
                    p = at + 1;
                    t = next;
                    star = Some((at, next));
                }
                None => return false,
            },
        }
    }
    wanted[p..].iter().all(|rest| *rest == b'*')
}

/// Bytes of the UTF-8 character that begins so.
fn character(first: u8) -> usize {
    match first {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, wanted) in [
            ("PROCESS_STATE_*", "PROCESS_STATE_EXITED", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a?c", "abc", true),
            ("a?c", "aźc", true),
            ("a?c", "a🔑c", true),
            ("a??c", "aźc", false),
            ("a?c", "ac", false),
            ("*_service", "auth_service", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xxaxxbxx", false),
            ("*ź", "aźź", true),
            ("camera", "camera2", false),
        ] {
            assert_eq!(fits(pattern, text), wanted, "{pattern} {text}");
        }
    }
}
