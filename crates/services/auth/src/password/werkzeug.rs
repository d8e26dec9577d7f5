//! Password hashes of the original: werkzeug's `method$salt$hex` (werkzeug.security 3.0.3).
//!
//! The salt is used as its own ASCII bytes, the hash is hexadecimal. `scrypt:N:r:p` gives 64 bytes and `pbkdf2:HASH:N`
//! as many as the hash function; a bare `scrypt` or `pbkdf2` means the defaults of werkzeug. Only verified, never made.

use std::num::NonZeroU32;

use ring::pbkdf2;

/// Most memory that a hash may cost, in bytes. Beyond it somebody wants to bring the board down.
const MOST_MEMORY: u64 = 64 * 1024 * 1024;
/// Most rounds of PBKDF2.
const MOST_ROUNDS: u32 = 5_000_000;
/// Longest salt; werkzeug's have 16 characters.
const MOST_SALT: usize = 128;

/// A hash that can be verified.
pub(crate) struct Werkzeug<'a> {
    method: Method,
    salt: &'a [u8],
    hash: Vec<u8>,
}

enum Method {
    Scrypt(scrypt::Params),
    Pbkdf2(pbkdf2::Algorithm, NonZeroU32),
}

/// Why a hash cannot be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    /// Another format.
    #[error("its password hash is of no kind that is known")]
    Unknown,
    /// Too costly.
    #[error("its password hash asks for too much memory or time")]
    Costly,
}

/// True for a text that is meant to be one of these, good or not.
pub(crate) fn is_meant(stored: &str) -> bool {
    ["scrypt:", "scrypt$", "pbkdf2:", "pbkdf2$"]
        .iter()
        .any(|prefix| stored.starts_with(prefix))
}

impl std::fmt::Debug for Werkzeug<'_> {
    /// Without the hash.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Werkzeug(...)")
    }
}

impl<'a> Werkzeug<'a> {
    /// Reads a stored hash; costs nothing yet.
    pub(crate) fn parse(stored: &'a str) -> Result<Self, Unusable> {
        let mut parts = stored.splitn(3, '$');
        let (Some(method), Some(salt), Some(hex)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Unusable::Unknown);
        };
        let (method, length) = method_of(method)?;
        let hash = unhex(hex)
            .filter(|hash| hash.len() == length)
            .ok_or(Unusable::Unknown)?;
        if salt.is_empty() || salt.len() > MOST_SALT || !salt.is_ascii() {
            return Err(Unusable::Unknown);
        }
        Ok(Self {
            method,
            salt: salt.as_bytes(),
            hash,
        })
    }

    /// True for the password, as its UTF-8 bytes. Takes the memory and time that the hash asks for.
    pub(crate) fn matches(&self, password: &str) -> bool {
        match &self.method {
            Method::Pbkdf2(algorithm, rounds) => {
                pbkdf2::verify(*algorithm, *rounds, self.salt, password.as_bytes(), &self.hash).is_ok()
            }
            Method::Scrypt(params) => {
                let mut found = vec![0; self.hash.len()];
                let done = scrypt::scrypt(password.as_bytes(), self.salt, params, &mut found);
                // All bytes are looked at, whichever differs.
                let differing = found.iter().zip(&self.hash).fold(0, |sum, (a, b)| sum | (a ^ b));
                done.is_ok() && differing == 0
            }
        }
    }
}

/// The method and how many bytes it gives.
fn method_of(text: &str) -> Result<(Method, usize), Unusable> {
    let mut words = text.split(':');
    let kind = words.next().unwrap_or_default();
    let words: Vec<&str> = words.collect();
    match (kind, words.as_slice()) {
        ("scrypt", []) => scrypt_of(32_768, 8, 1),
        ("scrypt", [n, r, p]) => scrypt_of(number(n)?, number(r)?, number(p)?),
        ("pbkdf2", []) => pbkdf2_of("sha256", 600_000),
        ("pbkdf2", [hash]) => pbkdf2_of(hash, 600_000),
        ("pbkdf2", [hash, rounds]) => pbkdf2_of(hash, number(rounds)?),
        _ => Err(Unusable::Unknown),
    }
}

fn number(text: &str) -> Result<u32, Unusable> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Unusable::Unknown);
    }
    text.parse().map_err(|_| Unusable::Costly)
}

fn scrypt_of(n: u32, r: u32, p: u32) -> Result<(Method, usize), Unusable> {
    if !n.is_power_of_two() || n < 2 || r == 0 || p == 0 {
        return Err(Unusable::Unknown);
    }
    let cost = [n, r, p]
        .into_iter()
        .try_fold(128_u64, |cost, factor| cost.checked_mul(u64::from(factor)));
    if cost.is_none_or(|cost| cost > MOST_MEMORY) {
        return Err(Unusable::Costly);
    }
    let params = scrypt::Params::new(n.ilog2() as u8, r, p).map_err(|_| Unusable::Unknown)?;
    Ok((Method::Scrypt(params), 64))
}

fn pbkdf2_of(hash: &str, rounds: u32) -> Result<(Method, usize), Unusable> {
    let (algorithm, length) = match hash {
        "sha1" => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
        "sha256" => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
        "sha384" => (pbkdf2::PBKDF2_HMAC_SHA384, 48),
        "sha512" => (pbkdf2::PBKDF2_HMAC_SHA512, 64),
        _ => return Err(Unusable::Unknown),
    };
    if rounds > MOST_ROUNDS {
        return Err(Unusable::Costly);
    }
    let rounds = NonZeroU32::new(rounds).ok_or(Unusable::Unknown)?;
    Ok((Method::Pbkdf2(algorithm, rounds), length))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || text.len() > 128 || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| {
            let pair = &text[at..at + 2];
            let hexadecimal = pair.bytes().all(|byte| byte.is_ascii_hexdigit());
            u8::from_str_radix(pair, 16).ok().filter(|_| hexadecimal)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Made by werkzeug 3.0.3 (reference/auth.md, section 2.6).
    const VECTORS: [(&str, &str); 6] = [
        (
            "password",
            "scrypt:32768:8:1$Zq3vN8kLw0PdRt5Y$77ee34c72a4b0d4a1cb78a70e9c1bfd2717524f5d7ef07d87f8bfcb9b75d2fc3939b25b068f05b406b9474bc8f8b42f412a40b5aa4a2b0c66df24640dfb5855e",
        ),
        (
            "correct horse battery staple",
            "scrypt:32768:8:1$aB1cD2eF3gH4iJ5k$1c2efcbe2b0b70e51becc81a2dc7812aeb332c45190f3677f9bd702d99cd23cf15340d73313c77c8bc5c94d1bf11ba5f25292f29eb249548a9d0dda92f063b76",
        ),
        (
            "zażółć gęślą jaźń 🔑",
            "scrypt:32768:8:1$uTf8SaltUtf8Salt$9de390022afef5b2390cc2de344add7534f3e98dc69484d5f42a66480b8fa4ae47c3c11bb29efb9424901c4c4e8e9bd4d5cc2729cea6be491e3cd49ca3b9b75d",
        ),
        (
            "password",
            "pbkdf2:sha256:600000$PbkSalt600000abc$b0b2a67cbaaef1b77732e0996f116fec0fa1a99c92f2634f6a735a8ba8add91c",
        ),
        (
            "P@ss:w$rd",
            "pbkdf2:sha256:260000$PbkSalt260000xyz$1d9f4c3c528f6a31dfd4363a5533ab8ef425acfe17248b3cefd3dc99b7c3ad20",
        ),
        (
            "",
            "pbkdf2:sha256:1000$8charSlt$c45aa01583762278178ae8837dcf8f0c93c96d0650a6e13b8aca1b914ac4b95e",
        ),
    ];

    #[test]
    fn the_originals_hashes_verify_and_no_other_password_does() {
        for (password, stored) in VECTORS {
            let hash = Werkzeug::parse(stored).unwrap();
            assert!(is_meant(stored) && hash.matches(password), "{stored}");
            assert!(!hash.matches(&format!("{password}x")), "{stored}");
        }
    }

    #[test]
    fn a_bare_method_means_werkzeugs_defaults() {
        let bare = VECTORS[0].1.replacen(":32768:8:1", "", 1);
        assert!(Werkzeug::parse(&bare).unwrap().matches("password"));
        let bare = VECTORS[3].1.replacen(":sha256:600000", "", 1);
        assert!(Werkzeug::parse(&bare).unwrap().matches("password"));
    }

    #[test]
    fn costs_are_bounded_before_anything_is_computed() {
        let with = |method: &str| Werkzeug::parse(&format!("{method}$salt${}", "00".repeat(64))).map(|_| ());
        for method in [
            "scrypt:65536:8:2",
            "scrypt:2147483648:8:1",
            "scrypt:1073741824:4294967294:4294967294",
            "pbkdf2:sha512:5000001",
            "pbkdf2:sha512:99999999999",
        ] {
            assert_eq!(with(method).unwrap_err(), Unusable::Costly, "{method}");
        }
        for method in [
            "scrypt:3:8:1",
            "scrypt:32768:0:1",
            "pbkdf2:md5:1000",
            "pbkdf2:sha512:0",
            "plain",
            "",
        ] {
            assert_eq!(with(method).unwrap_err(), Unusable::Unknown, "{method}");
        }
        for stored in [
            "",
            "$",
            "$$",
            "scrypt:32768:8:1$salt$00ff",
            "scrypt$salt$zz",
            "pbkdf2:sha256:1$ż$00",
        ] {
            assert_eq!(
                Werkzeug::parse(stored).unwrap_err(),
                Unusable::Unknown,
                "{stored}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(stored in "(scrypt|pbkdf2)?[:$a-z0-9]{0,60}") {
            let _ = Werkzeug::parse(&stored);
        }
    }
}
