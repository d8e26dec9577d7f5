//! HTTP Basic credentials, plain or as `{SHA}` and hexadecimal SHA-1, as supervisord knows them.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use ring::digest;

/// True when the header carries the server's credentials, or the server has none.
pub(crate) fn is_authorised(header: Option<&HeaderValue>, credentials: Option<&(String, String)>) -> bool {
    let Some((user, password)) = credentials else {
        return true;
    };
    let Some((given_user, given_password)) = header.and_then(decode) else {
        return false;
    };
    // both are compared, whatever the first gives, and in constant time
    let user_ok = same(given_user.as_bytes(), user.as_bytes());
    let password_ok = match password.strip_prefix("{SHA}") {
        None => same(given_password.as_bytes(), password.as_bytes()),
        Some(stored) => same(
            sha1_hex(&given_password).as_bytes(),
            stored.to_ascii_lowercase().as_bytes(),
        ),
    };
    user_ok & password_ok
}

fn decode(header: &HeaderValue) -> Option<(String, String)> {
    let (scheme, encoded) = header.to_str().ok()?.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    // clients that encode line by line leave white space inside
    let encoded: String = encoded.split_whitespace().collect();
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    decoded
        .split_once(':')
        .map(|(user, password)| (user.to_owned(), password.to_owned()))
}

fn sha1_hex(text: &str) -> String {
    let sum = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    let mut text = String::with_capacity(40);
    for byte in sum.as_ref() {
        // writing to a string cannot fail
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Equality that takes as long for a near miss as for a far one: of sums, which nobody can aim at.
fn same(left: &[u8], right: &[u8]) -> bool {
    let sum = |bytes| digest::digest(&digest::SHA256, bytes);
    sum(left).as_ref() == sum(right).as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: Option<&str>, password: &str) -> bool {
        let header = header.map(|text| HeaderValue::from_str(text).unwrap());
        is_authorised(header.as_ref(), Some(&("user".into(), password.into())))
    }

    fn basic(pair: &str) -> String {
        format!("Basic {}", STANDARD.encode(pair))
    }

    #[test]
    fn plain_and_hashed_passwords() {
        assert!(check(Some(&basic("user:secret")), "secret"));
        assert!(check(
            Some(&basic("user:secret").replace("Basic", "basic")),
            "secret"
        ));
        let hashed = "{SHA}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4"; // sha1("secret")
        assert!(check(Some(&basic("user:secret")), hashed));
        assert!(!check(Some(&basic(&format!("user:{hashed}"))), hashed));
        for wrong in ["user:other", "other:secret", "user", ":", "user:secret2"] {
            assert!(!check(Some(&basic(wrong)), "secret"), "{wrong}");
        }
        for broken in ["", "Basic", "Basic ???", "Bearer abc"] {
            assert!(!check(Some(broken), "secret"), "{broken}");
        }
        assert!(!check(None, "secret"));
    }

    #[test]
    fn an_open_server_takes_everything() {
        assert!(is_authorised(Some(&HeaderValue::from_static("Basic Og==")), None));
        assert!(is_authorised(None, None));
    }
}
