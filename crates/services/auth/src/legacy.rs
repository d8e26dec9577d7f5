//! Recognises tokens of the original, so that their holders hear "log in again" in place of a riddle.
//!
//! The original signed with itsdangerous 2.2, `URLSafeTimedSerializer(secret, salt="auth-tokens")`:
//! `body.timestamp.signature`, split from the right, base64url without padding, HMAC-SHA1 with a key that is
//! the SHA-1 of salt, `signer` and secret. Nothing is ever accepted by it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{digest, hmac};

/// Characters of a base64url SHA-1 without padding.
const SIGNATURE_LENGTH: usize = 27;
/// Longest token looked at; the original's were below 400.
const MAX_LENGTH: usize = 4096;

/// Signing secrets of the original that were published with it, by the first bytes of their SHA-256: what is signed with
/// one of them proves nothing.
const PUBLISHED: [[u8; 8]; 3] = [
    [0x18, 0xed, 0xc3, 0x3c, 0x3e, 0xc2, 0xf2, 0xba],
    [0x01, 0x64, 0xd3, 0xe1, 0xef, 0xce, 0x83, 0x92],
    [0x29, 0x87, 0x54, 0xdb, 0x2d, 0xba, 0xb6, 0xec],
];

/// The name of a published secret: the beginning of its hash in hexadecimal. `None` for one that only its owner knows.
pub(crate) fn published(secret: &str) -> Option<String> {
    let hash = digest::digest(&digest::SHA256, secret.as_bytes());
    PUBLISHED
        .iter()
        .find(|known| hash.as_ref().starts_with(known.as_slice()))
        .map(|known| format!("{:016x}", u64::from_be_bytes(*known)))
}

/// How sure we are that the original made a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Legacy {
    /// It carries a good signature under the given `AUTH_SECRET`.
    Signed,
    /// It has the shape; there is no secret to check it with, or another one signed it.
    Shape,
}

/// Looks at a token that is none of ours.
pub(crate) fn recognise(token: &str, secret: Option<&str>) -> Option<Legacy> {
    if token.len() > MAX_LENGTH {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (body, timestamp) = signed.rsplit_once('.')?;
    let timestamp = URL_SAFE_NO_PAD.decode(timestamp).ok()?;
    let shape = signature.len() == SIGNATURE_LENGTH
        && signature.bytes().all(is_base64url)
        && (1..=8).contains(&timestamp.len())
        && !body.is_empty()
        && body.trim_start_matches('.').bytes().all(is_base64url);
    if !shape {
        return None;
    }
    match secret {
        Some(secret) if is_signed(signed, signature, secret) => Some(Legacy::Signed),
        _ => Some(Legacy::Shape),
    }
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn is_signed(signed: &str, signature: &str, secret: &str) -> bool {
    let mut derive = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    for part in ["auth-tokens", "signer", secret] {
        derive.update(part.as_bytes());
    }
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, derive.finish().as_ref());
    // The last character may carry padding bits, which itsdangerous ignores.
    let lenient = base64::engine::GeneralPurpose::new(
        &base64::alphabet::URL_SAFE,
        base64::engine::general_purpose::NO_PAD.with_decode_allow_trailing_bits(true),
    );
    lenient
        .decode(signature)
        .is_ok_and(|tag| hmac::verify(&key, signed.as_bytes(), &tag).is_ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "pistack-legacy-test-secret-0123456789";
    // Made with itsdangerous 2.2 at timestamp 1760000000.
    const ACCESS: &str = ".eJxFjNsKgzAQRP9ln13YaLz-zWaNoHijSUtL8d_dlrTOw8AZDvOG-NqhAxbxIUAGUxwVKQW_ZT_V_DDFqBzuTuV8MK7mUpD6xqOVymHLxYClt30huTNMpPLKi8q3bYsK82O-YOQInamr9JyBf-7_oSU6TsZQKlo.aOd4AA.Q2-rY0U0GCRp2gx48W0Pj90h4TI";
    const REFRESH: &str = ".eJw1i0sKgDAMRO-StYE2tv5u09YUdSVaQRHvbix1FgPzeHNDulYYYOO48T5BBUuaZasSzGW-6v5ZQiLvhxeZovatswHV2DGa0HjsXR3RshnrQF47pUSeXYJBt035V8DnmgHZngQ8L-ShIvM.aOd4AA.XoAq_drjPBFYWJtfnxzEbAh3_rE";

    #[test]
    fn the_originals_tokens_are_known() {
        for token in [ACCESS, REFRESH] {
            assert_eq!(recognise(token, Some(SECRET)), Some(Legacy::Signed));
            assert_eq!(recognise(token, Some("another")), Some(Legacy::Shape));
            assert_eq!(recognise(token, None), Some(Legacy::Shape));
        }
        let tampered = ACCESS.replace("aOd4AA", "aOd4AB");
        assert_ne!(recognise(&tampered, Some(SECRET)), Some(Legacy::Signed));
    }

    #[test]
    fn published_secrets_are_known_by_the_name_of_their_hash() {
        assert_eq!(published("dev-secret").as_deref(), Some("298754db2dbab6ec"));
        assert_eq!(published(SECRET), None);
        assert_eq!(published(""), None);
    }

    #[test]
    fn ours_are_not_taken_for_them() {
        let jwt = format!("eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.{}", "A".repeat(86));
        for token in [jwt.as_str(), &"A".repeat(43), "", ".", "..", "...", "a.b.c"] {
            assert_eq!(recognise(token, Some(SECRET)), None, "{token}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(token in ".{0,200}") {
            prop_assert_ne!(recognise(&token, Some(SECRET)), Some(Legacy::Signed));
        }
    }
}
