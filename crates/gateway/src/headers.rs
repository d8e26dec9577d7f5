//! Header fields between two hops: what may not pass is taken off, what only the gateway knows is put on.

use http::header::{
    CONNECTION, COOKIE, EXPECT, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    TE,
};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the gateway tells a service about a request.
pub(crate) struct Forwarded<'a> {
    /// The client's address.
    pub(crate) client: &'a HeaderValue,
    /// `Host` as the client wrote it, checked.
    pub(crate) host: &'a HeaderValue,
    /// The part of the path that belongs to the gateway.
    pub(crate) prefix: &'a HeaderValue,
    /// Whether the client speaks TLS.
    pub(crate) secure: bool,
    /// Name of this one request in logs.
    pub(crate) request_id: &'a HeaderValue,
}

impl Forwarded<'_> {
    /// Hands over each field, which [`strip_request`] has taken off before if the client wrote it.
    pub(crate) fn write(&self, mut field: impl FnMut(&str, &[u8])) {
        field("x-forwarded-for", self.client.as_bytes());
        field("x-forwarded-host", self.host.as_bytes());
        field("x-forwarded-proto", if self.secure { b"https" } else { b"http" });
        field("x-forwarded-prefix", self.prefix.as_bytes());
        field(REQUEST_ID.as_str(), self.request_id.as_bytes());
    }
}

/// Takes off everything that ends at this hop (RFC 9110 section 7.6.1), and everything by which a client could
/// speak in the gateway's name.
pub(crate) fn strip_request(headers: &mut HeaderMap) {
    let trailers = headers.get(TE).is_some_and(|value| lists(value, "trailers"));
    strip_named(headers);
    strip_where(headers, |name| {
        ends_here(name) || *name == EXPECT || *name == PROXY_AUTHORIZATION || forges(name.as_str())
    });
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}

fn strip_where(headers: &mut HeaderMap, goes: impl Fn(&HeaderName) -> bool) {
    // Most have nothing of the kind, so that nothing is allocated.
    let named: Vec<HeaderName> = headers.keys().filter(|name| goes(name)).cloned().collect();
    for name in named {
        headers.remove(name);
    }
}

/// Takes off what ends at this hop on the way back.
pub(crate) fn strip_response(headers: &mut HeaderMap) {
    strip_named(headers);
    strip_where(headers, |name| ends_here(name) || *name == PROXY_AUTHENTICATE);
}

/// Takes off trailer fields by which a client could speak in the gateway's name: some programs take trailers for
/// headers. Fields of the framing and of routing are dropped by hyper (RFC 9110 section 6.5.1).
pub(crate) fn strip_trailers(trailers: &mut HeaderMap) {
    strip_where(trailers, |name| forges(name.as_str()));
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

/// What `Connection` names ends at this hop, whatever it is.
fn strip_named(headers: &mut HeaderMap) {
    if !headers.contains_key(CONNECTION) {
        return;
    }
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .filter(|item| !item.eq_ignore_ascii_case("close") && !item.eq_ignore_ascii_case("keep-alive"))
        .filter_map(|item| item.parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
}

fn ends_here(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection" | "te" | "transfer-encoding" | "upgrade" | "keep-alive" | "proxy-connection"
    )
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
                || rest == "ingress-path"
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
            ("x-ingress-path", "/evil"),
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
