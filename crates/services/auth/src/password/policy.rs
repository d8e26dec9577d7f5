//! What a new password must be: long enough, not absurdly long, not a guess everybody makes.
//!
//! No rules on kinds of characters and no expiry (NIST SP 800-63B-4, section 3.1.1.2): they make people choose
//! worse passwords.

use super::common;
use crate::config::PASSWORD_MAX_LENGTH;
use crate::error::Error;

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
    if common::is_listed(&lower) {
        return Err(weak(
            "this password is on every list of common passwords: choose another".to_owned(),
        ));
    }
    if common::is_repetition(password) {
        return Err(weak(
            "the password is the same character again and again: choose another".to_owned(),
        ));
    }
    if common::is_context(&lower, name) {
        return Err(weak(
            "the password is little more than the user's name, the machine's or a word of this place: choose another"
                .to_owned(),
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
            &"xyz ".repeat(32),
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
        for guess in ["password", "PassWord1", "qwertyuiop", "iloveyou", "1q2w3e4r"] {
            assert!(refused(guess, "root").contains("common"), "{guess}");
        }
        for guess in ["raspberry-pi-1", "Root-root-1", "pistack!2026"] {
            assert!(refused(guess, "root").contains("little more"), "{guess}");
        }
        assert!(refused("xyxyxyxyxyxy", "root").contains("again and again"));
        assert!(refused("Katherine", "katherine").contains("user name"));
    }
}
