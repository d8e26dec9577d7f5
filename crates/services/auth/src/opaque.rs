//! Opaque secrets: refresh tokens, cookies. 256 random bits outside, their SHA-256 in the database.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};

/// Bytes of a secret.
pub(crate) const BYTES: usize = 32;
/// Characters of a secret: base64url of [`BYTES`] bytes.
const LENGTH: usize = 43;

/// A fresh secret.
pub(crate) fn fresh() -> String {
    pistack_kit::random::token(BYTES)
}

/// Writes 32 bytes as a secret.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// True for a text that could be a secret of ours. Saves a look into the database for all others.
pub(crate) fn is_well_formed(text: &str) -> bool {
    text.len() == LENGTH
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// What is stored of a secret. No salt and no slow hash: 256 random bits cannot be guessed.
pub(crate) fn hash(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_ones_are_well_formed_and_differ() {
        let (one, two) = (fresh(), fresh());
        assert!(is_well_formed(&one) && is_well_formed(&two));
        assert_ne!(one, two);
        assert_ne!(hash(&one), hash(&two));
        assert_eq!(hash(&one), hash(&one.clone()));
    }

    #[test]
    fn other_texts_are_not() {
        for text in [
            "",
            "a",
            &"a".repeat(42),
            &"a".repeat(44),
            &"=".repeat(43),
            &"ą".repeat(21),
            "eyJ.eyJ.x",
        ] {
            assert!(!is_well_formed(text), "{text}");
        }
    }
}
