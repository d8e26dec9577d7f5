//! Passwords that everybody guesses first: Django's list of 20,000 (assets/common-passwords-LICENSE) and what people
//! type on boards like this one. The list stays compressed in the program and is read through once for each new
//! password, so that it costs no memory in between.

use std::io::{BufRead as _, BufReader};

use flate2::bufread::GzDecoder;

/// Lower case, one a line, sorted by how common they are.
const LIST: &[u8] = include_bytes!("../../assets/common-passwords.txt.gz");

/// Words of this place: a password that is little more than one of them is none.
const WORDS: [&str; 9] = [
    "raspberrypi",
    "raspberry",
    "raspbian",
    "supervisor",
    "pistack",
    "password",
    "passwort",
    "haslo",
    "admin",
];

/// Letters that a password must hold beside such words.
const OWN_LETTERS: usize = 4;

/// True for a password of the list, in any case.
pub(super) fn is_listed(lower: &str) -> bool {
    let mut lines = BufReader::new(GzDecoder::new(LIST));
    let mut line = Vec::with_capacity(64);
    loop {
        line.clear();
        // A damaged list would be a damaged program; then nothing is found, and length still counts.
        if lines.read_until(b'\n', &mut line).unwrap_or(0) == 0 {
            return false;
        }
        if line.trim_ascii_end() == lower.as_bytes() {
            return true;
        }
    }
}

/// True when a password is one of the words of this place, the machine's name or the user's, and little else.
pub(super) fn is_context(lower: &str, name: &str) -> bool {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let own = [name.trim().to_lowercase(), host.trim().to_lowercase()];
    let mut rest = lower.to_owned();
    let mut found = false;
    for word in own.iter().map(String::as_str).chain(WORDS) {
        // Shorter ones are parts of too many good passwords.
        if word.chars().count() >= 3 && rest.contains(word) {
            rest = rest.replace(word, "");
            found = true;
        }
    }
    found && rest.chars().filter(|c| c.is_alphabetic()).count() < OWN_LETTERS
}

/// True when a password is one or two characters again and again.
pub(super) fn is_repetition(password: &str) -> bool {
    let mut seen: Vec<char> = password.chars().collect();
    seen.sort_unstable();
    seen.dedup();
    seen.len() <= 2
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::io::Read as _;

    use super::*;

    #[test]
    fn the_list_is_the_one_whose_licence_lies_beside_it() {
        let sum = ring::digest::digest(&ring::digest::SHA256, LIST);
        let mut hex = String::new();
        for byte in sum.as_ref() {
            write!(hex, "{byte:02x}").unwrap();
        }
        assert_eq!(
            hex,
            "32b506129a619096545bd3bbb35c98bb983b3e7616778f13e415b24abdc23be7"
        );
        let mut text = String::new();
        GzDecoder::new(LIST).read_to_string(&mut text).unwrap();
        assert_eq!(text.lines().count(), 20_000);
        assert!(
            text.lines()
                .all(|line| line == line.trim() && line == line.to_lowercase())
        );
    }

    #[test]
    fn what_is_listed_is_found_and_nothing_else() {
        for guess in ["123456", "password", "qwertyuiop", "iloveyou"] {
            assert!(is_listed(guess), "{guess}");
        }
        for good in ["", "correct horse battery staple", "zażółć gęślą"] {
            assert!(!is_listed(good), "{good}");
        }
    }

    #[test]
    fn words_of_this_place_are_no_passwords_but_may_be_parts_of_one() {
        for guess in ["raspberry2024!", "pistackadmin1", "katherine99", "99password99"] {
            assert!(is_context(guess, "katherine"), "{guess}");
        }
        for good in ["raspberry jam on toast", "my katherine sings", "tr0ub4dor&3"] {
            assert!(!is_context(good, "katherine"), "{good}");
        }
        assert!(is_repetition("aaaaaaaa") && is_repetition("abababab") && !is_repetition("abcabcab"));
    }
}
