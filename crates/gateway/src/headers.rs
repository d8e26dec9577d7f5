//! Header fields between two hops: what may not pass is taken off, what only the gateway knows is put on.

use http::header::{
    CONNECTION, COOKIE, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE,
};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// What the gateway tells a service about a request.
pub(crate) struct Forwarded<'a> {
    /// The client's address.
    pub(crate) client: &'a HeaderValue,
    /// `Host` as the client wrote it, checked.
    pub(crate) host: HeaderValue,
    /// The part of the path that belongs to the gateway.
    pub(crate) prefix: HeaderValue,
    /// Whether the client speaks TLS.
    pub(crate) secure: bool,
    /// Name of this one request in logs.
    pub(crate) request_id: HeaderValue,
}

/// Takes off everything that ends at this hop (RFC 9110 section 7.6.1), and everything by which a client could
/// speak in the gateway's name.
pub(crate) fn strip_request(headers: &mut HeaderMap) {
    let trailers = headers.get(TE).is_some_and(|value| lists(value, "trailers"));
    strip_hop(headers);
    headers.remove(EXPECT); // answered here
    headers.remove(PROXY_AUTHORIZATION);
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    strip_forged(headers);
}

fn strip_forged(headers: &mut HeaderMap) {
    let forged: Vec<HeaderName> = headers
        .keys()
        .filter(|name| forges(name.as_str()))
        .cloned()
        .collect();
    for name in forged {
        headers.remove(name);
    }
}

/// Takes off what ends at this hop on the way back.
pub(crate) fn strip_response(headers: &mut HeaderMap) {
    strip_hop(headers);
    headers.remove(PROXY_AUTHENTICATE);
}

/// Takes off trailer fields by which a client could speak in the gateway's name: some programs take trailers for
/// headers. Fields of the framing and of routing are dropped by hyper (RFC 9110 section 6.5.1).
pub(crate) fn strip_trailers(trailers: &mut HeaderMap) {
    strip_forged(trailers);
}

/// Puts on what only the gateway knows.
pub(crate) fn set_forwarded(headers: &mut HeaderMap, forwarded: Forwarded<'_>) {
    headers.insert(FORWARDED_HOST, forwarded.host.clone());
    headers.insert(HOST, forwarded.host);
    headers.insert(FORWARDED_FOR, forwarded.client.clone());
    let proto = if forwarded.secure { "https" } else { "http" };
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(proto));
    headers.insert(FORWARDED_PREFIX, forwarded.prefix);
    headers.insert(REQUEST_ID, forwarded.request_id);
}

/// HTTP/2 clients may send a cookie header in pieces; HTTP/1.1 knows one (RFC 9113 section 8.2.3).
pub(crate) fn join_cookies(headers: &mut HeaderMap) {
    let pieces: Vec<&[u8]> = headers
        .get_all(COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if pieces.len() > 1
        && let Ok(whole) = HeaderValue::from_bytes(&pieces.join(&b"; "[..]))
    {
        headers.insert(COOKIE, whole);
    }
}

/// Whether a comma-separated field holds `word`.
pub(crate) fn lists(value: &HeaderValue, word: &str) -> bool {
    value
        .to_str()
        .is_ok_and(|text| text.split(',').any(|item| item.trim().eq_ignore_ascii_case(word)))
}

fn strip_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|text| text.split(','))
            .filter_map(|item| item.trim().parse().ok())
            .collect();
        for name in named {
            headers.remove(name);
        }
        headers.remove(CONNECTION);
    }
    for name in [KEEP_ALIVE, PROXY_CONNECTION, TE, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
}

/// Names that only a proxy may write, and names with `_`, which CGI-like servers take for `-`.
fn forges(name: &str) -> bool {
    match name.as_bytes()[0] {
        b'f' if name == "forwarded" => true,
        b't' if name == "true-client-ip" => true,
        b'x' if name.starts_with("x-") => {
            let rest = &name[2..];
            rest.starts_with("forwarded")
                || rest.starts_with("auth-")
                || rest.starts_with("pistack-")
                || rest == "real-ip"
                || rest == "client-ip"
                || rest == "cluster-client-ip"
                || rest == "original-url"
                || rest == "rewrite-url"
                || rest == "http-method-override"
                || rest == "http-method"
                || rest == "method-override"
                || rest == "request-id"
                || rest.contains('_')
        }
        _ => name.contains('_'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&str, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (
                    name.parse::<HeaderName>().unwrap(),
                    value.parse::<HeaderValue>().unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn nobody_speaks_in_the_gateways_name() {
        let mut headers = map(&[
            ("forwarded", "for=1.1.1.1"),
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-anything", "1"),
            ("x-real-ip", "1.1.1.1"),
            ("x-client-ip", "1.1.1.1"),
            ("x-original-url", "/admin"),
            ("x-rewrite-url", "/admin"),
            ("true-client-ip", "1.1.1.1"),
            ("x_real_ip", "1.1.1.1"),
            ("x-auth-user", "root"),
            ("x-pistack-user", "root"),
            ("x-request-id", "mine"),
            ("x-forwarded", "1"),
            ("remote_user", "root"),
            ("accept", "*/*"),
            ("x-custom", "stays"),
        ]);
        strip_request(&mut headers);
        assert_eq!(headers, map(&[("accept", "*/*"), ("x-custom", "stays")]));
    }

    #[test]
    fn what_connection_names_ends_here() {
        let mut headers = map(&[
            ("connection", "close, X-Secret"),
            ("connection", "x-other"),
            ("x-secret", "1"),
            ("x-other", "1"),
            ("keep-alive", "5"),
            ("te", "gzip, trailers"),
            ("upgrade", "h2c"),
            ("expect", "100-continue"),
            ("transfer-encoding", "chunked"),
            ("proxy-authorization", "Basic x"),
            ("trailer", "checksum"),
        ]);
        strip_request(&mut headers);
        assert_eq!(headers, map(&[("te", "trailers"), ("trailer", "checksum")]));
    }

    #[test]
    fn cookies_in_pieces_become_one() {
        let mut headers = map(&[("cookie", "a=1"), ("cookie", "b=2")]);
        join_cookies(&mut headers);
        assert_eq!(headers, map(&[("cookie", "a=1; b=2")]));
    }
}
