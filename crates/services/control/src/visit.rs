//! One request as the pages see it: base path, language, theme, who looks.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use pistack_api::token::{AccessClaims, Level};

use crate::nav::{self, Page};
use crate::state::Dashboard;
use crate::words::{Lang, Words};

/// Name of the cookie that keeps the language.
pub(crate) const LANG_COOKIE: &str = "lang";
/// Name of the cookie that keeps the theme.
pub(crate) const THEME_COOKIE: &str = "theme";

/// By which Home Assistant tells where its users see us.
pub(crate) const INGRESS: &str = "x-ingress-path";

/// Light, dark, or as the system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Theme {
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: &[Self] = &[Self::Auto, Self::Light, Self::Dark];

    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// For `<meta name="color-scheme">`, which colours the page before the style sheet is there.
    pub(crate) const fn scheme(self) -> &'static str {
        match self {
            Self::Auto => "light dark",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(crate) const fn icon(self) -> &'static str {
        match self {
            Self::Auto => "sun-moon",
            Self::Light => "sun",
            Self::Dark => "moon",
        }
    }

    pub(crate) const fn word(self, words: &Words) -> &'static str {
        match self {
            Self::Auto => words.theme_auto,
            Self::Light => words.theme_light,
            Self::Dark => words.theme_dark,
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|theme| theme.code() == code)
    }
}

/// Who is signed in, for the page's head.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    pub(crate) name: String,
    pub(crate) level: Level,
    /// The pages that are open to this person.
    pub(crate) pages: Vec<&'static Page>,
}

impl Who {
    pub(crate) fn new(claims: &AccessClaims) -> Self {
        Self {
            name: crate::inert::line(&claims.nam),
            level: claims.lvl,
            pages: nav::open_to(claims),
        }
    }
}

/// What a page has to know about the request.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    /// What stands before every address of ours: `/control` behind the gateway, empty without.
    pub(crate) base: String,
    pub(crate) lang: Lang,
    pub(crate) t: &'static Words,
    pub(crate) theme: Theme,
    /// Path and query of this page without the base, fit for a link; `/` where the page was posted to.
    pub(crate) here: String,
    /// The request came from htmx and wants pieces, not a page.
    pub(crate) pieces: bool,
    pub(crate) who: Option<Who>,
}

impl Visit {
    pub(crate) fn read(parts: &Parts, dashboard: &Dashboard) -> Self {
        let headers = &parts.headers;
        let lang = cookie(headers, LANG_COOKIE)
            .and_then(Lang::from_code)
            .or_else(|| Lang::accepted(headers))
            .unwrap_or(dashboard.config.language);
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        // A form's own page answers GET under the same address; other targets of a POST have no page.
        let has_page = parts.method == Method::GET || ["/login", "/setup"].contains(&path);
        Self {
            base: base(headers).unwrap_or_default(),
            lang,
            t: lang.words(),
            theme: cookie(headers, THEME_COOKIE)
                .and_then(Theme::from_code)
                .unwrap_or_default(),
            here: own_path(path).filter(|_| has_page).unwrap_or("/").to_owned(),
            pieces: headers.contains_key("hx-request"),
            who: None,
        }
    }

    /// Whether this is the page at `path`, whatever its query, or one below it.
    pub(crate) fn is_below(&self, path: &str) -> bool {
        let here = self.here.split('?').next().unwrap_or_default();
        let rest = here.strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || (path != "/" && rest.starts_with('/')))
            || (path == "/" && here.starts_with("/programs/"))
    }

    /// The address of an asset.
    pub(crate) fn asset(&self, name: &str) -> String {
        format!("{}/assets/{name}", self.base)
    }

    /// An icon of the sprite. Decoration only: what it says always stands beside it in words. The parts are
    /// the checked base and names of ours, so that the result needs no escaping.
    pub(crate) fn icon(&self, name: &str) -> String {
        format!(
            "<svg class=\"icon\" aria-hidden=\"true\"><use href=\"{}#{name}\"></use></svg>",
            self.asset(crate::assets::SPRITE_SVG)
        )
    }

    /// 303 to a page of ours; `path` starts with `/` and is below the base.
    pub(crate) fn redirect(&self, path: &str) -> Response {
        let target = format!("{}{path}", self.base);
        match HeaderValue::try_from(&target) {
            Ok(target) if self.pieces => (StatusCode::NO_CONTENT, [("hx-redirect", target)]).into_response(),
            Ok(target) => (StatusCode::SEE_OTHER, [(header::LOCATION, target)]).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

impl FromRequestParts<Dashboard> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, dashboard: &Dashboard) -> Result<Self, Infallible> {
        Ok(Self::read(parts, dashboard))
    }
}

/// The prefix under which a gateway shows us (`X-Forwarded-Prefix`, or `X-Ingress-Path` of Home Assistant), if
/// it is a plain path: it goes into links and redirects, so anything else is ignored. We listen where a gateway
/// alone can reach us; ours takes these headers from nobody but its trusted proxies.
fn base(headers: &HeaderMap) -> Option<String> {
    let prefix = headers
        .get("x-forwarded-prefix")
        .or_else(|| headers.get(INGRESS))?
        .to_str()
        .ok()?
        .trim()
        .trim_end_matches('/');
    let plain = |segment: &str| {
        !segment.is_empty()
            && segment != "."
            && segment != ".."
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    };
    let good = prefix.len() <= 200 && prefix.strip_prefix('/')?.split('/').all(plain);
    good.then(|| prefix.to_owned())
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// A path to return to, if it is one of ours: it starts with one `/` and cannot be read as another host's
/// address, whatever a browser makes of backslashes, tabs and line breaks.
pub(crate) fn own_path(path: &str) -> Option<&str> {
    let plain = path
        .bytes()
        .all(|byte| (0x21..0x7f).contains(&byte) && byte != b'\\');
    (path.starts_with('/') && !path.starts_with("//") && plain && path.len() <= 1024).then_some(path)
}

/// Whether a request that changes something came from a page of ours. Browsers say it themselves in
/// `Sec-Fetch-Site`; where they do not, `Origin` has to be our own address. A request with neither is refused.
pub(crate) fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let (Some(origin), Some(host)) = (text("origin"), text("host")) else {
        return false;
    };
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let seen_by_gateway = text("x-forwarded-proto");
    let port = if scheme == "https" { ":443" } else { ":80" };
    let bare = |authority: &str| {
        authority
            .strip_suffix(port)
            .unwrap_or(authority)
            .to_ascii_lowercase()
    };
    matches!(scheme, "http" | "https")
        && seen_by_gateway.is_none_or(|proto| proto == scheme)
        && bare(authority) == bare(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn only_own_paths_are_returned_to() {
        for good in ["/", "/programs/a%3Ab?channel=stderr", "/apis"] {
            assert_eq!(own_path(good), Some(good));
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/",
            "evil",
            "/\tx",
            "/a\nb",
            "/ż",
        ] {
            assert_eq!(own_path(bad), None, "{bad:?}");
        }
        assert_eq!(own_path(&format!("/{}", "a".repeat(2000))), None);
    }

    #[test]
    fn the_base_is_a_plain_path_or_nothing() {
        let base = |value: &str| base(&headers(&[("x-forwarded-prefix", value)]));
        assert_eq!(base("/control").as_deref(), Some("/control"));
        assert_eq!(base("/pi/control/").as_deref(), Some("/pi/control"));
        let ingress = headers(&[("x-ingress-path", "/api/hassio_ingress/aZ0-_x")]);
        assert_eq!(
            super::base(&ingress).as_deref(),
            Some("/api/hassio_ingress/aZ0-_x")
        );
        for bad in [
            "",
            "/",
            "control",
            "//evil.example",
            "/a//b",
            "/a/../b",
            "/\"onload=",
            "/a b",
            "https://x",
        ] {
            assert_eq!(base(bad), None, "{bad}");
        }
    }

    #[test]
    fn requests_from_elsewhere_are_known() {
        let same = |pairs: &[(&'static str, &str)]| same_origin(&headers(pairs));
        assert!(same(&[("sec-fetch-site", "same-origin")]));
        assert!(same(&[("sec-fetch-site", "none")]));
        assert!(!same(&[("sec-fetch-site", "cross-site")]));
        assert!(!same(&[("sec-fetch-site", "same-site")]));
        // what the browser says of itself outweighs a fitting origin
        assert!(!same(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://pi"),
            ("host", "pi")
        ]));
        assert!(same(&[("origin", "https://pi.local"), ("host", "PI.local")]));
        assert!(same(&[
            ("origin", "https://pi.local:8443"),
            ("host", "pi.local:8443"),
            ("x-forwarded-proto", "https")
        ]));
        assert!(same(&[("origin", "https://pi"), ("host", "pi:443")]));
        assert!(!same(&[
            ("origin", "http://pi"),
            ("host", "pi"),
            ("x-forwarded-proto", "https")
        ]));
        assert!(!same(&[("origin", "https://evil.example"), ("host", "pi")]));
        assert!(!same(&[("origin", "null"), ("host", "pi")]));
        assert!(!same(&[("host", "pi")]));
        assert!(!same(&[]));
    }

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let headers = headers(&[("cookie", "xlang=en; lang=pl;theme=dark")]);
        assert_eq!(cookie(&headers, "lang"), Some("pl"));
        assert_eq!(cookie(&headers, "theme"), Some("dark"));
        assert_eq!(cookie(&headers, "other"), None);
    }
}
