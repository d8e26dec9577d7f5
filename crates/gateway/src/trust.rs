//! `/ca/`: the root certificate to download, with its fingerprint and what to do with it on each system. Served over
//! plain HTTP too: a root is no secret, and who does not trust it yet cannot come by HTTPS. That it is the right one
//! shows the fingerprint, compared with `pistack tls trust` on the board.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue,
};
use http::{Method, Response};

use crate::body::ResponseBody;
use crate::failure::Failure;
use crate::qr;
use crate::tls::colons;

/// The root certificate in every form that a system asks for.
#[derive(Debug)]
pub(crate) struct Root {
    pem: Bytes,
    der: Bytes,
    /// SHA-256 of `der`.
    digest: [u8; 32],
    /// The board's name for people.
    board: String,
}

impl Root {
    pub(crate) fn new(pem: Bytes, der: &[u8], board: &str) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, der);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self {
            pem,
            der: Bytes::copy_from_slice(der),
            digest: bytes,
            board: board.to_owned(),
        }
    }

    /// The answer for a path below `/ca`, and for the two older names of the PEM file; `None` for any other path.
    /// `address`: scheme and host of the page, for its QR code.
    pub(crate) fn answer(
        &self,
        method: &Method,
        path: &str,
        address: &str,
    ) -> Option<Result<Response<ResponseBody>, Failure>> {
        let (kind, name, body) = match path {
            "/ca" | "/ca/" => {
                let page = Bytes::from(self.page(address));
                ("text/html; charset=utf-8", None, page)
            }
            "/ca.pem" | "/pistack-ca.pem" | "/ca/pistack-ca.pem" => (
                "application/x-x509-ca-cert",
                Some("pistack-ca.pem"),
                self.pem.clone(),
            ),
            "/ca/pistack-ca.crt" => (
                "application/x-x509-ca-cert",
                Some("pistack-ca.crt"),
                self.der.clone(),
            ),
            "/ca/pistack-ca.mobileconfig" => (
                "application/x-apple-aspen-config",
                Some("pistack-ca.mobileconfig"),
                Bytes::from(self.profile()),
            ),
            _ => return None,
        };
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Some(Err(Failure::not_found()));
        }
        Some(Ok(file(method, kind, name, body)))
    }

    fn fingerprint(&self) -> String {
        colons(&self.digest)
    }

    fn page(&self, address: &str) -> String {
        let code = qr::svg(&format!("{address}/ca/")).unwrap_or_default();
        PAGE.replace("{board}", &self.board)
            .replace("{fingerprint}", &self.fingerprint())
            .replace("{code}", &code)
    }

    /// A configuration profile for iPhone, iPad and Mac. Its identifiers come from the root, so that installing it
    /// again replaces it.
    fn profile(&self) -> String {
        PROFILE
            .replace("{board}", &self.board)
            .replace("{root}", &STANDARD.encode(&self.der))
            .replace("{inner}", &self.uuid(0))
            .replace("{outer}", &self.uuid(1))
    }

    fn uuid(&self, which: u8) -> String {
        let mut digits: Vec<u8> = self.digest[..16].to_vec();
        digits[0] ^= which;
        // Version 8, variant 1 (RFC 9562): made from data of our own.
        digits[6] = digits[6] & 0x0f | 0x80;
        digits[8] = digits[8] & 0x3f | 0x80;
        let hex: Vec<String> = digits.iter().map(|byte| format!("{byte:02X}")).collect();
        [&hex[..4], &hex[4..6], &hex[6..8], &hex[8..10], &hex[10..]]
            .map(<[String]>::concat)
            .join("-")
    }
}

fn file(method: &Method, kind: &'static str, name: Option<&str>, bytes: Bytes) -> Response<ResponseBody> {
    let length = bytes.len();
    let body = if *method == Method::HEAD {
        ResponseBody::empty()
    } else {
        ResponseBody::full(bytes)
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let disposition = name.map(|name| HeaderValue::try_from(format!("attachment; filename=\"{name}\"")));
    if let Some(Ok(disposition)) = disposition {
        headers.insert(CONTENT_DISPOSITION, disposition);
    } else {
        let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
    response
}

/// Every text in it is ours; the board's name is a checked host name.
const PAGE: &str = include_str!("trust/page.html");
/// Apple's property list of a root certificate (Configuration Profile Reference, `com.apple.security.root`).
const PROFILE: &str = include_str!("trust/profile.xml");

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> Root {
        Root::new(Bytes::from_static(b"-----BEGIN"), b"der", "pi.local")
    }

    #[test]
    fn every_form_is_there_and_nothing_else() {
        let answer = |method: &Method, path: &str| {
            root()
                .answer(method, path, "http://pi.local")
                .map(|answer| answer.map(|response| response.headers()[CONTENT_TYPE].clone()))
        };
        for (path, kind) in [
            ("/ca/", "text/html; charset=utf-8"),
            ("/ca", "text/html; charset=utf-8"),
            ("/ca.pem", "application/x-x509-ca-cert"),
            ("/ca/pistack-ca.crt", "application/x-x509-ca-cert"),
            ("/ca/pistack-ca.mobileconfig", "application/x-apple-aspen-config"),
        ] {
            assert_eq!(answer(&Method::GET, path).unwrap().unwrap(), kind, "{path}");
        }
        assert!(answer(&Method::POST, "/ca/").unwrap().is_err());
        for path in ["/", "/ca/x", "/ca.key", "/ca/ca.key", "/cab"] {
            assert!(answer(&Method::GET, path).is_none(), "{path}");
        }
    }

    #[test]
    fn page_and_profile_name_the_board_and_the_root() {
        let (page, profile) = (root().page("http://pi.local"), root().profile());
        assert!(page.contains("pi.local") && page.contains(&root().fingerprint()) && page.contains("<svg"));
        assert!(profile.contains("ZGVy") && profile.contains("com.apple.security.root"));
        for text in [&page, &profile] {
            assert!(!text.contains("{board}") && !text.contains("{fingerprint}") && !text.contains("{root}"));
        }
        assert_eq!(profile.matches("<key>PayloadUUID</key>").count(), 2);
        assert_ne!(root().uuid(0), root().uuid(1));
    }
}
