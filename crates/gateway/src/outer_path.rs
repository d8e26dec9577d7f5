//! The path under which a trusted proxy in front shows this gateway: `/board` where its configuration says
//! `location /board/`. The proxy tells it by `X-Forwarded-Prefix`; Home Assistant's ingress by `X-Ingress-Path`. From
//! anybody else these fields count for nothing, and a trusted proxy's count for the paths of `outer_paths` alone: a
//! proxy that does not know them passes on what any client wrote.
//!
//! What is behind the gateway is told the whole of its prefix, `/board/control`. Redirects and paths of cookies in
//! answers begin with it, whoever wrote them: the gateway itself, or an application that knows nothing of it.

use http::HeaderMap;
use http::header::{CONTENT_LOCATION, HeaderName, HeaderValue, LOCATION, SET_COOKIE};

use crate::plan::is_below;

const PREFIX: &str = "x-forwarded-prefix";
/// Of Home Assistant.
pub(crate) const INGRESS: HeaderName = HeaderName::from_static(INGRESS_NAME);
const INGRESS_NAME: &str = "x-ingress-path";
/// A longer one is none.
const LONGEST: usize = 200;

/// The entry of `outer_paths` is no plain path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "[gateway] outer_paths: `{0}` is no plain path. Write it as in the proxy's configuration, such as `/board`"
)]
pub struct BadPath(pub String);

/// The paths that a trusted proxy may name, or begin with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OuterPaths(Vec<String>);

impl OuterPaths {
    /// # Errors
    /// The first entry that is no plain path.
    pub(crate) fn parse(entries: &[String]) -> Result<Self, BadPath> {
        let each = |entry: &String| {
            plain(entry)
                .map(str::to_owned)
                .ok_or_else(|| BadPath(entry.clone()))
        };
        entries.iter().map(each).collect::<Result<_, _>>().map(Self)
    }

    /// What a trusted proxy's request says, where it is one of these or lies below.
    pub(crate) fn told(&self, headers: &HeaderMap) -> Option<OuterPath> {
        if self.0.is_empty() {
            return None;
        }
        OuterPath::of(headers).filter(|told| self.0.iter().any(|path| is_below(&told.path, path)))
    }
}

/// A path of RFC 3986 `unreserved` segments, without a slash at its end.
fn plain(path: &str) -> Option<&str> {
    let path = path.trim().trim_end_matches('/');
    let plain = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    };
    (path.len() <= LONGEST && path.strip_prefix('/')?.split('/').all(plain)).then_some(path)
}

/// A plain path without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OuterPath {
    path: String,
    /// By Home Assistant's field, which is passed on: pages may be shown in its frame.
    ingress: bool,
}

impl OuterPath {
    /// What a request says. A path that is not plain is none.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let ingress = !headers.contains_key(PREFIX);
        let field = if ingress { INGRESS_NAME } else { PREFIX };
        let path = plain(headers.get(field)?.to_str().ok()?)?.to_owned();
        Some(Self { path, ingress })
    }

    /// Without a slash at its end.
    pub(crate) fn as_str(&self) -> &str {
        &self.path
    }

    /// Where people see what the gateway shows under `prefix`.
    pub(crate) fn whole(&self, prefix: &HeaderValue) -> HeaderValue {
        let inner = prefix.to_str().unwrap_or_default().trim_end_matches('/');
        HeaderValue::try_from(format!("{}{inner}", self.path)).unwrap_or_else(|_| prefix.clone())
    }

    /// Tells Home Assistant's field to what is behind the gateway, too.
    pub(crate) fn tell(&self, headers: &mut HeaderMap, whole: &HeaderValue) {
        if self.ingress {
            headers.insert(INGRESS, whole.clone());
        }
    }

    /// Takes the path off what an application wrote that knows its whole prefix, so that all answers look alike.
    pub(crate) fn take_off(&self, headers: &mut HeaderMap, whole: &HeaderValue) {
        let whole = whole.to_str().unwrap_or_default();
        each(headers, |path| {
            let end = path.find(['?', '#']).unwrap_or(path.len());
            let rest = path.strip_prefix(&self.path)?;
            is_below(&path[..end], whole).then(|| match rest {
                "" => "/".to_owned(),
                rest => rest.to_owned(),
            })
        });
    }

    /// Puts the path in front of redirects and of the paths of cookies.
    pub(crate) fn put_on(&self, headers: &mut HeaderMap) {
        each(headers, |path| Some(format!("{}{path}", self.path)));
    }
}

/// Every path that an answer names.
fn each(headers: &mut HeaderMap, change: impl Fn(&str) -> Option<String>) {
    for name in [LOCATION, CONTENT_LOCATION] {
        let text = headers.get(&name).and_then(|value| value.to_str().ok());
        let path = text.filter(|text| text.starts_with('/') && !text.starts_with("//"));
        if let Some(place) = path.and_then(&change)
            && let Ok(value) = HeaderValue::try_from(place)
        {
            headers.insert(name, value);
        }
    }
    if !headers.contains_key(SET_COOKIE) {
        return;
    }
    let cookies: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().cloned().collect();
    headers.remove(SET_COOKIE);
    for cookie in cookies {
        let changed = cookie.to_str().ok().and_then(|text| of_cookie(text, &change));
        headers.append(SET_COOKIE, changed.unwrap_or(cookie));
    }
}

/// A cookie with its path changed; `None` leaves it. `__Host-` cookies are for the whole host by definition
/// (RFC 6265bis, section 4.1.3.2).
fn of_cookie(cookie: &str, change: impl Fn(&str) -> Option<String>) -> Option<HeaderValue> {
    if cookie.starts_with("__Host-") {
        return None;
    }
    let parts = cookie.split(';').map(|part| match part.trim().split_once('=') {
        Some((key, path)) if key.eq_ignore_ascii_case("path") && path.starts_with('/') => {
            change(path).map_or_else(|| part.to_owned(), |path| format!(" Path={path}"))
        }
        _ => part.to_owned(),
    });
    HeaderValue::try_from(parts.collect::<Vec<_>>().join(";")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &'static str, value: &str) -> Option<OuterPath> {
        OuterPath::of(&HeaderMap::from_iter([(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        )]))
    }

    #[test]
    fn a_plain_path_counts_and_nothing_else() {
        let control = HeaderValue::from_static("/control");
        let board = told(PREFIX, "/board/").unwrap();
        assert_eq!(board.whole(&control), "/board/control");
        assert_eq!(board.whole(&HeaderValue::from_static("/")), "/board");
        let mut headers = HeaderMap::new();
        board.tell(&mut headers, &control);
        assert!(headers.is_empty(), "{headers:?}");
        let ingress = told("x-ingress-path", "/api/hassio_ingress/aZ0-_").unwrap();
        let whole = ingress.whole(&control);
        ingress.tell(&mut headers, &whole);
        assert_eq!(headers[INGRESS], "/api/hassio_ingress/aZ0-_/control");
        for bad in [
            "", "/", "board", "//evil", "/a//b", "/a/../b", "/a b", "/a%2f", "/a\"", "/a,/b",
        ] {
            assert_eq!(told(PREFIX, bad), None, "{bad}");
        }
        assert_eq!(told(PREFIX, &format!("/{}", "a".repeat(300))), None);
    }

    #[test]
    fn only_the_paths_of_the_configuration_may_be_named() {
        let told = |allowed: &[&str], value: &str| {
            let entries: Vec<String> = allowed.iter().map(|&path| path.to_owned()).collect();
            let headers = HeaderMap::from_iter([(
                HeaderName::from_static(PREFIX),
                HeaderValue::from_str(value).unwrap(),
            )]);
            OuterPaths::parse(&entries).unwrap().told(&headers).is_some()
        };
        assert!(told(&["/board/"], "/board"));
        assert!(told(&["/x", "/api/hassio_ingress"], "/api/hassio_ingress/aZ0-_"));
        assert!(!told(&["/board"], "/evil"));
        assert!(!told(&["/board"], "/boards"));
        assert!(!told(&[], "/board"));
        for bad in ["", "/", "board", "//evil", "https://evil"] {
            let refused = OuterPaths::parse(&[bad.to_owned()]);
            assert_eq!(refused, Err(BadPath(bad.to_owned())), "{bad}");
        }
    }

    #[test]
    fn answers_name_the_whole_path_whoever_wrote_them() {
        let board = told(PREFIX, "/board").unwrap();
        let whole = HeaderValue::from_static("/board/app");
        let shown = |location: &str| {
            let mut headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_str(location).unwrap())]);
            board.take_off(&mut headers, &whole);
            board.put_on(&mut headers);
            headers[LOCATION].to_str().unwrap().to_owned()
        };
        for (said, seen) in [
            ("/app/x", "/board/app/x"),
            ("/board/app/x?q=/y", "/board/app/x?q=/y"),
            ("/board/app?x", "/board/app?x"),
            ("/board/apple", "/board/board/apple"),
            ("/", "/board/"),
            ("login", "login"),
            ("//evil.example/board", "//evil.example/board"),
            ("https://example.org/x", "https://example.org/x"),
        ] {
            assert_eq!(shown(said), seen, "{said}");
        }
        let mut headers = HeaderMap::new();
        for cookie in [
            "lang=pl; Path=/board/app/; Secure",
            "deep=1; path=/x",
            "bare=1",
            "__Host-pistack=1; Path=/; Secure",
        ] {
            headers.append(SET_COOKIE, HeaderValue::from_static(cookie));
        }
        board.take_off(&mut headers, &whole);
        board.put_on(&mut headers);
        let cookies: Vec<_> = headers
            .get_all(SET_COOKIE)
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect();
        assert_eq!(
            cookies,
            [
                "lang=pl; Path=/board/app/; Secure",
                "deep=1; Path=/board/x",
                "bare=1",
                "__Host-pistack=1; Path=/; Secure"
            ]
        );
    }
}
