//! Who it is, as headers for an application that stands behind the login.

use http::{HeaderMap, HeaderName, HeaderValue};
use pistack_api::token::AccessClaims;

/// The headers that say who it is. Whoever passes a request on removes them first, whatever the client sent.
pub const IDENTITY_HEADERS: [HeaderName; 4] = [
    HeaderName::from_static("x-auth-user"),
    HeaderName::from_static("x-auth-id"),
    HeaderName::from_static("x-auth-level"),
    HeaderName::from_static("x-auth-method"),
];

/// Writes the identity headers: name, UUID, level in lower case, `session` or `token`. A name's characters beyond
/// ASCII, and `%`, are percent-encoded (RFC 3986, section 2.1).
pub fn write_identity(headers: &mut HeaderMap, claims: &AccessClaims) {
    let values = [
        header_text(&claims.nam),
        claims.sub.clone(),
        claims.lvl.as_str().to_ascii_lowercase(),
        claims.via.as_str().to_owned(),
    ];
    for (name, value) in IDENTITY_HEADERS.into_iter().zip(values) {
        // An id of another issuer might not fit into a header: better none than a wrong one.
        headers.remove(&name);
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
}

fn header_text(name: &str) -> String {
    name.bytes().fold(String::new(), |mut text, byte| {
        if (byte.is_ascii_graphic() || byte == b' ') && byte != b'%' {
            text.push(char::from(byte));
        } else {
            text.push('%');
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestAuth;
    use pistack_api::token::{Level, Via};

    #[test]
    fn what_the_client_sent_is_replaced_and_any_name_fits() {
        let mut claims = TestAuth::new().claims("Żaneta 100%", Level::Admin, 0);
        claims.via = Via::Token;
        let mut headers = HeaderMap::new();
        headers.append("x-auth-user", HeaderValue::from_static("root"));
        headers.append("x-auth-user", HeaderValue::from_static("root"));
        claims.sub = "id".to_owned();
        write_identity(&mut headers, &claims);
        let got: Vec<_> = IDENTITY_HEADERS
            .iter()
            .map(|name| {
                headers
                    .get_all(name)
                    .iter()
                    .map(|value| value.to_str().unwrap())
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(
            got,
            [
                vec!["%C5%BBaneta 100%25"],
                vec!["id"],
                vec!["admin"],
                vec!["token"]
            ]
        );
    }
}
