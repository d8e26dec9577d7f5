//! The text of an API token: `pst_`, 43 characters of secret, 6 of checksum.

use pistack_api::auth::API_TOKEN_PREFIX;

use crate::opaque;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Digits of a checksum: 62^6 is more than 2^32.
const CHECKSUM_LENGTH: usize = 6;

/// A fresh token.
pub(super) fn fresh() -> String {
    let body = format!("{API_TOKEN_PREFIX}{}", opaque::fresh());
    let sum = checksum(&body);
    body + &sum
}

/// True for a text whose checksum is right. Says nothing about whether there is such a token.
pub(crate) fn is_well_formed(text: &str) -> bool {
    let Some(cut) = text.len().checked_sub(CHECKSUM_LENGTH) else {
        return false;
    };
    text.split_at_checked(cut).is_some_and(|(body, sum)| {
        body.strip_prefix(API_TOKEN_PREFIX)
            .is_some_and(opaque::is_well_formed)
            && checksum(body) == sum
    })
}

fn checksum(body: &str) -> String {
    let mut rest = crc32(body.as_bytes()) as usize;
    let mut digits = [b'0'; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[rest % DIGITS.len()];
        rest /= DIGITS.len();
    }
    digits.into_iter().map(char::from).collect()
}

/// CRC-32 as in RFC 1952, section 8, bit by bit: some fifty bytes at a time need no table.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_checksum_is_the_standard_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn every_single_typing_error_is_found() {
        let good = fresh();
        assert!(is_well_formed(&good) && good.len() == 53, "{good}");
        for index in 0..good.len() {
            let mut bytes = good.clone().into_bytes();
            bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
            assert!(!is_well_formed(std::str::from_utf8(&bytes).unwrap()), "{index}");
        }
        assert!(!is_well_formed(&good[1..]) && !is_well_formed(&format!("{good}0")));
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in ".{0,80}") {
            prop_assert!(!is_well_formed(&text));
        }
    }
}
