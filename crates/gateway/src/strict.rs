//! What a request must be before anything looks at it: one host, a known one, and a path that every program
//! behind the gateway reads in the same way.

use http::header::{HOST, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode, Version};

use crate::failure::Failure;

/// Checks the request. Answers the `Host` that it is for, with port if the client wrote one.
pub(crate) fn check(
    parts: &Parts,
    url_bytes: usize,
    knows: impl Fn(&str) -> bool,
) -> Result<HeaderValue, Failure> {
    if parts.method == Method::CONNECT || parts.method == Method::TRACE {
        let failure = Failure::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "method not allowed",
        );
        return Err(failure.detail("This gateway opens no tunnels and sends no requests back."));
    }
    let host = host(parts)?;
    let text = host
        .to_str()
        .map_err(|_| bad("The Host header holds bytes that no host name has."))?;
    let name =
        without_port(text).ok_or_else(|| bad("The Host header is no host name with an optional port."))?;
    if !knows(name) {
        let failure = Failure::new(StatusCode::MISDIRECTED_REQUEST, "unknown_host", "unknown host");
        return Err(failure.detail(
            "This board is not known by that name. Use its host name or address, or add the name to \
             `[gateway] names`.",
        ));
    }
    if parts
        .uri
        .path_and_query()
        .is_some_and(|path| path.as_str().len() > url_bytes)
    {
        return Err(Failure::new(
            StatusCode::URI_TOO_LONG,
            "uri_too_long",
            "the address is too long",
        )
        .detail("`[gateway.limits] url_bytes` says how long a path with its query may be."));
    }
    check_path(parts.uri.path())?;
    Ok(host)
}

/// The one host of the request. RFC 9112 section 3.2: none, or more than one, is an error; so is a request
/// line that names another host.
fn host(parts: &Parts) -> Result<HeaderValue, Failure> {
    let mut fields = parts.headers.get_all(HOST).iter();
    let field = fields.next();
    if fields.next().is_some() {
        return Err(bad("The request has more than one Host header."));
    }
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    match (authority, field) {
        (None, Some(field)) => Ok(field.clone()),
        (Some(authority), Some(field)) if authority.as_bytes().eq_ignore_ascii_case(field.as_bytes()) => {
            Ok(field.clone())
        }
        (Some(_), Some(_)) => Err(bad("The request line and the Host header name different hosts.")),
        // In HTTP/2 the authority stands in for the field (RFC 9113 section 8.3.1).
        (Some(authority), None) if parts.version == Version::HTTP_2 => HeaderValue::from_str(authority)
            .map_err(|_| bad("The request's authority holds bytes that no host name has.")),
        (_, None) => Err(bad("The request has no Host header.")),
    }
}

/// `pi.local` of `pi.local:8443`, `[::1]` of `[::1]:8443`.
pub(crate) fn without_port(host: &str) -> Option<&str> {
    let end = match host.strip_prefix('[') {
        Some(_) => host.find(']')? + 1,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, port) = host.split_at(end);
    let port_is_good = match port.strip_prefix(':') {
        Some(digits) => digits.parse::<u16>().is_ok() && digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => port.is_empty(),
    };
    (port_is_good && !name.is_empty()).then_some(name)
}

/// Refuses paths that one program could read differently from another: an encoded slash, backslash or control
/// character, `.` and `..` segments (encoded or not), empty segments, backslashes, path parameters (`;`, which some
/// programs cut off and others do not), and escapes that are no UTF-8 (overlong forms of `/` and `.`).
fn check_path(path: &str) -> Result<(), Failure> {
    let bytes = path.as_bytes();
    if bytes.first() != Some(&b'/') {
        return Err(bad("The request asks for no path."));
    }
    let mut escaped = false;
    for (at, byte) in bytes.iter().enumerate() {
        let odd = match byte {
            b'\\' | b';' => true,
            b'/' => is_odd_segment(&bytes[at + 1..]),
            b'%' => {
                escaped = true;
                is_odd_escape(&bytes[at + 1..])
            }
            _ => false,
        };
        if odd {
            return Err(bad(
                "The path holds an empty, `.` or `..` segment, a backslash or semicolon, or an encoded slash, \
                 backslash, semicolon or control character.",
            ));
        }
    }
    if escaped && percent_encoding::percent_decode(bytes).decode_utf8().is_err() {
        return Err(bad("The path's escapes are no UTF-8."));
    }
    Ok(())
}

/// Whether a `/` is followed by another one, or by a segment of one or two dots.
fn is_odd_segment(mut rest: &[u8]) -> bool {
    if rest.first() == Some(&b'/') {
        return true;
    }
    let mut dots = 0;
    loop {
        rest = match rest {
            [] | [b'/', ..] => return dots == 1 || dots == 2,
            [b'.', tail @ ..] | [b'%', b'2', b'e' | b'E', tail @ ..] => tail,
            _ => return false,
        };
        dots += 1;
    }
}

fn is_odd_escape(rest: &[u8]) -> bool {
    match rest {
        [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
            matches!(
                (high, low.to_ascii_lowercase()),
                // Control characters, DEL, `/`, `;` and the backslash.
                (b'0' | b'1', _) | (b'2' | b'7', b'f') | (b'3', b'b') | (b'5', b'c')
            )
        }
        _ => true,
    }
}

fn bad(detail: &'static str) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, "bad_request", "bad request").detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_could_be_read_in_two_ways_are_refused() {
        for path in [
            "//x",
            "/a//b",
            "/.",
            "/..",
            "/./a",
            "/a/..",
            "/a/../b",
            "/%2e%2E/x",
            "/.%2e",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a%00",
            "/a%0d%0aX",
            "/a%7F",
            "/a;b",
            "/..;/a",
            "/a/..;x=1/b",
            "/a%3Bb",
            "/%c0%ae%c0%ae/",
            "/%c0%af",
            "/%e0%80%af",
            "/%ff",
            "/a\\b",
            "/%",
            "/%2",
            "/%zz",
            "*",
            "",
            "a",
        ] {
            assert!(check_path(path).is_err(), "{path}");
        }
        for path in [
            "/",
            "/a",
            "/a/",
            "/.well-known/x",
            "/...",
            "/a.b/..c",
            "/%2e%2e%2e",
            "/%20x",
            "/za%C5%BC",
            "/a:b",
            "/ą",
        ] {
            assert!(check_path(path).is_ok(), "{path}");
        }
    }

    #[test]
    fn a_host_is_a_name_with_an_optional_port() {
        for (host, name) in [
            ("pi", Some("pi")),
            ("pi:8443", Some("pi")),
            ("[::1]:443", Some("[::1]")),
            ("[::1]", Some("[::1]")),
            ("pi:", None),
            ("pi:x", None),
            ("pi:+1", None),
            ("pi:99999", None),
            ("", None),
            (":80", None),
            ("[::1", None),
            ("[::1]x", None),
            ("::1", None),
        ] {
            assert_eq!(without_port(host), name, "{host}");
        }
    }

    #[test]
    fn a_request_names_one_host_once() {
        let check_hosts = |uri: &str, hosts: &[&str], version| {
            let mut request = http::Request::builder().uri(uri).version(version);
            for host in hosts {
                request = request.header(HOST, *host);
            }
            check(&request.body(()).unwrap().into_parts().0, 64, |name| name == "pi")
                .map_err(|failure| failure.status())
        };
        let (bad, lost) = (Err(StatusCode::BAD_REQUEST), Err(StatusCode::MISDIRECTED_REQUEST));
        let pi = Ok(HeaderValue::from_static("pi"));
        assert_eq!(check_hosts("/", &["pi"], Version::HTTP_11), pi);
        assert_eq!(check_hosts("http://pi/", &["pi"], Version::HTTP_11), pi);
        assert_eq!(check_hosts("https://pi/", &[], Version::HTTP_2), pi);
        assert_eq!(check_hosts("/", &[], Version::HTTP_11), bad);
        assert_eq!(check_hosts("/", &[], Version::HTTP_10), bad);
        assert_eq!(check_hosts("/", &["pi", "pi"], Version::HTTP_11), bad);
        assert_eq!(check_hosts("http://pi/", &["evil"], Version::HTTP_11), bad);
        assert_eq!(check_hosts("https://pi/", &["evil"], Version::HTTP_2), bad);
        let long = format!("/?{}", "x".repeat(64));
        assert_eq!(
            check_hosts(&long, &["pi"], Version::HTTP_11),
            Err(StatusCode::URI_TOO_LONG)
        );
        assert_eq!(check_hosts("/", &["evil"], Version::HTTP_11), lost);
        assert_eq!(check_hosts("/", &["pi@evil"], Version::HTTP_11), lost);
    }
}
