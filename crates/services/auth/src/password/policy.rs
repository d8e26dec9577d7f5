//! What a new password must be: long enough, not absurdly long, not a guess everybody makes.
//!
//! No rules on kinds of characters and no expiry (NIST SP 800-63B-4, section 3.1.1.2): they make people choose
//! worse passwords.

use crate::config::PASSWORD_MAX_LENGTH;
use crate::error::Error;

/// Guesses that every list of leaked passwords begins with, and what people type on boards like this one;
/// lower case, one a line.
const COMMON: &str = include_str!("common.txt");

/// Says whether `password` may become the password of the user `name`.
pub(crate) fn check(password: &str, name: &str, min_length: usize) -> Result<(), Error> {
    let length = password.chars().count();
    if length < min_length {
        return Err(weak(format!(
            "password too short: write {min_length} characters or more"
        )));
    }
    if length > PASSWORD_MAX_LENGTH {
        return Err(weak(format!(
            "password too long: write {PASSWORD_MAX_LENGTH} characters at most"
        )));
    }
    let lower = password.to_lowercase();
    if lower == name.to_lowercase() {
        return Err(weak("the password must not be the user name".to_owned()));
    }
    if COMMON.lines().any(|guess| guess == lower) {
        return Err(weak(
            "this password is on every list of common passwords: choose another".to_owned(),
        ));
    }
    Ok(())
}

fn weak(why: String) -> Error {
    Error::WeakPassword(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(password: &str, name: &str) -> String {
        check(password, name, 8).unwrap_err().to_string()
    }

    #[test]
    fn good_ones_pass() {
        for password in [
            "correct horse battery staple",
            "zażółć gęślą jaźń",
            "Tr0ub4dor&3",
            &"x".repeat(128),
        ] {
            check(password, "root", 8).unwrap();
        }
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert!(refused("1234567", "root").contains("too short"));
        assert!(refused("żółćżół", "root").contains("too short"));
        check("żółćżółć", "root", 8).unwrap();
        assert!(refused(&"x".repeat(129), "root").contains("too long"));
        check("short", "root", 5).unwrap();
    }

    #[test]
    fn guesses_are_refused_in_any_case() {
        for guess in ["password", "PassWord1", "qwertyuiop", "raspberry", "iloveyou"] {
            assert!(refused(guess, "root").contains("common"), "{guess}");
        }
        assert!(refused("Katherine", "katherine").contains("user name"));
    }

    #[test]
    fn the_list_is_clean() {
        let mut seen = std::collections::HashSet::new();
        for guess in COMMON.lines() {
            assert_eq!(guess, guess.to_lowercase());
            assert_eq!(guess, guess.trim());
            assert!(seen.insert(guess), "`{guess}` twice");
        }
        assert!(seen.len() >= 200, "{}", seen.len());
    }
}
