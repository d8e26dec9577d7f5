//! One spelling of a path, to compare routes with. The path itself is passed on as it came.

use std::borrow::Cow;

/// `path` as the most lenient server would read it: escapes of plain characters decoded (RFC 3986 section 6.2.2.2),
/// and what follows a `;` in a segment left out, as servers with path parameters do. A path that is passed on under a
/// wider route must not be read as one of a narrower route behind the gateway.
pub(super) fn one(path: &str) -> Cow<'_, str> {
    if !path.bytes().any(|byte| byte == b'%' || byte == b';') {
        return Cow::Borrowed(path);
    }
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let segments: Vec<&str> = decoded
        .split('/')
        .map(|segment| segment.split(';').next().unwrap_or_default())
        .collect();
    Cow::Owned(segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::one;

    #[test]
    fn different_spellings_are_one() {
        for (path, seen) in [
            ("/admin", "/admin"),
            ("/%61dmin", "/admin"),
            ("/admin;x=1", "/admin"),
            ("/a;x/admin", "/a/admin"),
            ("/admin%3bx", "/admin"),
            ("/%C4%85", "/ą"),
            ("/a%20b", "/a b"),
            ("/%ff", "/\u{fffd}"),
        ] {
            assert_eq!(one(path), seen);
        }
    }
}
