//! Time-based one-time passwords: RFC 6238 over HMAC-SHA-1, six digits, steps of 30 seconds; what every
//! authenticator program takes. The address for it (`otpauth://`) and its QR code.

use qrcodegen::{QrCode, QrCodeEcc};
use ring::hmac;
use zeroize::Zeroizing;

/// Seconds of one step.
pub(crate) const STEP_SECONDS: i64 = 30;
/// Bytes of a secret (RFC 4226, section 4: 160 bits).
const SECRET_LENGTH: usize = 20;
const DIGITS: u32 = 6;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Light squares around a QR code (ISO/IEC 18004).
const QUIET_ZONE: i32 = 4;

/// A fresh secret.
pub(crate) fn fresh_secret() -> Zeroizing<Vec<u8>> {
    let mut secret = Zeroizing::new(vec![0; SECRET_LENGTH]);
    pistack_kit::random::fill(&mut secret);
    secret
}

/// The code of a step (RFC 4226, section 5.3).
fn code(secret: &[u8], step: i64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes.last().copied().unwrap_or_default() & 0x0f);
    let word = bytes[offset..offset + 4]
        .iter()
        .fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
    (word & 0x7fff_ffff) % 10_u32.pow(DIGITS)
}

/// The step of which `given` is the code: the present one, or one before or after, for clocks that differ a little and
/// people who type slowly.
pub(crate) fn matching_step(secret: &[u8], given: &str, now: i64) -> Option<i64> {
    let given: u32 = Some(given)
        .filter(|given| given.len() == DIGITS as usize && given.bytes().all(|byte| byte.is_ascii_digit()))?
        .parse()
        .ok()?;
    let present = now.div_euclid(STEP_SECONDS);
    [present, present - 1, present + 1]
        .into_iter()
        .find(|step| code(secret, *step) == given)
}

/// A secret as people type it (RFC 4648, section 6, without padding).
pub(crate) fn base32(bytes: &[u8]) -> String {
    let (mut text, mut bits, mut count) = (String::new(), 0_u32, 0);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(char::from(BASE32[(bits >> count & 31) as usize]));
        }
        bits &= (1 << count) - 1;
    }
    if count > 0 {
        text.push(char::from(BASE32[(bits << (5 - count) & 31) as usize]));
    }
    text
}

/// What an authenticator program reads.
pub(crate) fn uri(secret: &[u8], user: &str, place: &str) -> String {
    let issuer = escape(&format!("pistack {place}"));
    format!(
        "otpauth://totp/{issuer}:{}?secret={}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}",
        escape(user),
        base32(secret)
    )
}

/// Percent-encoding of all but the unreserved characters (RFC 3986, section 2.3).
fn escape(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                out.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
        out
    })
}

/// The text as a QR code in SVG: one path, black on white whatever the page's colours. `None` for a text too long.
pub(crate) fn qr_svg(text: &str) -> Option<String> {
    let qr = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let side = qr.size() + 2 * QUIET_ZONE;
    let mut path = String::new();
    for y in 0..qr.size() {
        for x in (0..qr.size()).filter(|x| qr.get_module(*x, y)) {
            path.push_str(&format!("M{},{}h1v1h-1z", x + QUIET_ZONE, y + QUIET_ZONE));
        }
    }
    Some(format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges" role="img"><rect width="{side}" height="{side}" fill="#fff"/><path d="{path}" fill="#000"/></svg>"##
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 6238, appendix B; the last six of its eight digits.
    #[test]
    fn the_vectors_of_the_standard() {
        let secret = b"12345678901234567890";
        for (time, expected) in [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (2_000_000_000, 279_037),
            (20_000_000_000, 353_130),
        ] {
            assert_eq!(code(secret, time / STEP_SECONDS), expected, "{time}");
        }
    }

    #[test]
    fn one_step_before_and_after_is_taken_and_no_more() {
        let secret = b"12345678901234567890";
        let at = |now| matching_step(secret, "081804", now);
        let step = 1_111_111_109 / 30;
        for now in [1_111_111_109, 1_111_111_109 - 30, 1_111_111_109 + 30] {
            assert_eq!(at(now), Some(step), "{now}");
        }
        assert_eq!((at(1_111_111_109 - 60), at(1_111_111_109 + 60)), (None, None));
        for bad in ["", "81804", "0081804", "+81804", "08180a", "٠٨١٨٠٤"] {
            assert_eq!(matching_step(secret, bad, 1_111_111_109), None, "{bad}");
        }
    }

    /// RFC 4648, section 10.
    #[test]
    fn base32_is_the_standards() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn the_address_is_escaped_and_its_picture_is_whole() {
        let uri = uri(b"12345678901234567890", "Żaneta & co", "box:1");
        assert_eq!(
            uri,
            "otpauth://totp/pistack%20box%3A1:%C5%BBaneta%20%26%20co?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=pistack%20box%3A1&algorithm=SHA1&digits=6&period=30"
        );
        let svg = qr_svg(&uri).unwrap();
        assert!(
            svg.starts_with("<svg ") && svg.ends_with("</svg>") && svg.len() < 40_000,
            "{}",
            svg.len()
        );
        assert!(qr_svg(&"x".repeat(5000)).is_none());
    }

    proptest! {
        #[test]
        fn any_code_at_any_time_is_survived(given in ".{0,20}", now in any::<i64>()) {
            let _ = matching_step(b"secret", &given, now / 2);
        }
    }
}
