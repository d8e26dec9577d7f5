//! Answers of an application that does not know under which address people see it: its redirects and its cookies'
//! paths are put right.

use http::header::{CONTENT_LOCATION, HeaderMap, HeaderName, HeaderValue, LOCATION, SET_COOKIE};
use pistack_api::auth::COOKIE;

use crate::plan::is_below;

/// Whether an answer says anything that may have to be put right.
pub(crate) fn concerns(headers: &HeaderMap) -> bool {
    [&LOCATION, &CONTENT_LOCATION, &SET_COOKIE]
        .iter()
        .any(|name| headers.contains_key(*name))
}

/// Puts an application's answer right. `prefix`: the part of the path that it does not see; empty = it sees all.
/// `seen`: hosts (with port) by which it may name itself, where the path alone is meant.
pub(crate) fn restore(headers: &mut HeaderMap, prefix: &str, seen: &[&str]) {
    for name in [LOCATION, CONTENT_LOCATION] {
        restore_location(headers, &name, prefix, seen);
    }
    if headers.contains_key(SET_COOKIE) {
        restore_cookies(headers, prefix);
    }
}

fn restore_location(headers: &mut HeaderMap, name: &HeaderName, prefix: &str, seen: &[&str]) {
    let Some(text) = headers.get(name).and_then(|value| value.to_str().ok()) else {
        return;
    };
    let (path, ours) = match below_host(text, seen) {
        Some(path) => (path, true),
        None => (text, false),
    };
    let whole = path.starts_with('/') && !path.starts_with("//");
    if !(whole || ours && path.is_empty()) {
        return;
    }
    let path = if path.is_empty() { "/" } else { path };
    let end = path.find(['?', '#']).unwrap_or(path.len());
    let place = if is_below(&path[..end], prefix) {
        path.to_owned()
    } else {
        format!("{prefix}{path}")
    };
    if place != text
        && let Ok(value) = HeaderValue::try_from(place)
    {
        headers.insert(name, value);
    }
}

/// What follows the host of an absolute URL, if it is one of `seen`.
fn below_host<'a>(text: &'a str, seen: &[&str]) -> Option<&'a str> {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"))?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let ours = seen.iter().any(|known| known.eq_ignore_ascii_case(host));
    (ours && (path.is_empty() || path.starts_with('/'))).then_some(path)
}

/// Paths of cookies get the prefix; a cookie that would pass for the dashboard's is dropped.
fn restore_cookies(headers: &mut HeaderMap, prefix: &str) {
    let cookies: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().cloned().collect();
    headers.remove(SET_COOKIE);
    for cookie in cookies {
        let Ok(text) = cookie.to_str() else {
            headers.append(SET_COOKIE, cookie);
            continue;
        };
        let name = text.split(['=', ';']).next().unwrap_or_default().trim();
        if name.eq_ignore_ascii_case(COOKIE) {
            tracing::warn!("an application tried to set the dashboard's cookie");
            continue;
        }
        let put_right = (!prefix.is_empty()).then(|| with_prefix(text, prefix)).flatten();
        headers.append(SET_COOKIE, put_right.unwrap_or(cookie));
    }
}

fn with_prefix(cookie: &str, prefix: &str) -> Option<HeaderValue> {
    // `__Host-` cookies are for the whole host by definition.
    if cookie.starts_with("__Host-") {
        return None;
    }
    let parts = cookie.split(';').map(|part| match part.trim().split_once('=') {
        Some((key, path))
            if key.eq_ignore_ascii_case("path") && path.starts_with('/') && !is_below(path, prefix) =>
        {
            format!(" Path={prefix}{path}")
        }
        _ => part.to_owned(),
    });
    HeaderValue::try_from(parts.collect::<Vec<_>>().join(";")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: [&str; 2] = ["pi.local:8443", "127.0.0.1:3000"];

    fn location(text: &str, prefix: &str) -> String {
        let mut headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_str(text).unwrap())]);
        restore(&mut headers, prefix, &SEEN);
        headers[LOCATION].to_str().unwrap().to_owned()
    }

    #[test]
    fn redirects_stay_below_the_prefix() {
        for (said, shown) in [
            ("/login", "/app/login"),
            ("/", "/app/"),
            ("/login?next=/x", "/app/login?next=/x"),
            ("/app/login", "/app/login"),
            ("/app", "/app"),
            ("/app?x=1", "/app?x=1"),
            ("/apple", "/app/apple"),
            ("login", "login"),
            ("?page=2", "?page=2"),
            ("http://127.0.0.1:3000/x", "/app/x"),
            ("http://127.0.0.1:3000", "/app/"),
            ("https://PI.local:8443/app/x", "/app/x"),
            ("https://example.org/x", "https://example.org/x"),
            ("https://127.0.0.1:3000.evil/x", "https://127.0.0.1:3000.evil/x"),
            ("//example.org/x", "//example.org/x"),
        ] {
            assert_eq!(location(said, "/app"), shown, "{said}");
        }
        assert_eq!(location("/login", ""), "/login");
        assert_eq!(location("http://127.0.0.1:3000/x", ""), "/x");
    }

    #[test]
    fn cookies_get_the_prefix_and_cannot_pass_for_the_dashboards() {
        let cookies = |prefix: &str| {
            let mut headers = HeaderMap::new();
            for cookie in [
                "sid=1; Path=/; HttpOnly",
                "deep=1; path=/x; Secure",
                "there=1; Path=/app/x",
                "bare=1; HttpOnly",
                "__Host-mine=1; Path=/; Secure",
                "__Host-pistack=stolen; Path=/; Secure",
            ] {
                headers.append(SET_COOKIE, HeaderValue::from_static(cookie));
            }
            restore(&mut headers, prefix, &SEEN);
            let all = headers.get_all(SET_COOKIE).iter();
            all.map(|cookie| cookie.to_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            cookies("/app"),
            [
                "sid=1; Path=/app/; HttpOnly",
                "deep=1; Path=/app/x; Secure",
                "there=1; Path=/app/x",
                "bare=1; HttpOnly",
                "__Host-mine=1; Path=/; Secure",
            ]
        );
        assert_eq!(cookies("")[0], "sid=1; Path=/; HttpOnly");
        assert_eq!(cookies("").len(), 5);
    }
}
