//! Forward authentication: another proxy asks, for each request to an application, who sent it and whether that one
//! may.

use std::sync::Arc;

use http::HeaderMap;
use http::header::COOKIE as COOKIE_HEADER;
use pistack_api::auth::{API_TOKEN_PREFIX, COOKIE};
use pistack_api::right::{ALL, Grant, Lack, Object, Right as _, RightInfo, UseApp};
use pistack_api::token::{AccessClaims, Level};
use pistack_kit::guard::{Refusal, read_bearer, refusal};
use pistack_kit::problem::Problem;

use crate::actor::Actor;
use crate::error::{Error, requires};
use crate::state::Auth;
use crate::{api_tokens, cookies};

/// Longest value of a cookie that is looked at.
const MAX_COOKIE_BYTES: usize = 256;

/// What an application asks of its users.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Demand {
    /// This level or more.
    pub level: Option<Level>,
    /// A right to one thing: `app:grafana:use`.
    pub right: Option<(RightInfo, String)>,
}

impl Demand {
    /// Reads what the proxy wrote. Nothing is asked for beyond a login where it wrote nothing.
    pub(crate) fn parse(level: Option<&str>, right: Option<&str>) -> Result<Self, Error> {
        let level = level
            .map(|text| text.parse().map_err(|_| Error::InvalidLevel))
            .transpose()?;
        let right = right
            .map(|text| named_right(text).ok_or(INVALID_RIGHT))
            .transpose()?;
        Ok(Self { level, right })
    }

    /// Refuses who does not meet it.
    pub(crate) fn judge(&self, claims: &AccessClaims) -> Result<(), Problem> {
        if let Some(level) = self.level.filter(|level| claims.lvl < *level) {
            return Err(requires(level).into());
        }
        if let Some((right, object)) = &self.right {
            return claims
                .may(*right, Object::Named(object))
                .map_err(|lack| refusal(*right, lack, object));
        }
        // A credential that is limited to some rights passes only where one of them is asked for.
        let free = claims.scope.is_none() || claims.scope_covers(UseApp::INFO, Object::Every);
        if free {
            Ok(())
        } else {
            Err(refusal(UseApp::INFO, Lack::Scope, "*"))
        }
    }
}

const INVALID_RIGHT: Error =
    Error::InvalidPayload("`right` is AREA:OBJECT:ACTION, for example app:grafana:use.");

/// One right to one thing, without any `*`.
fn named_right(text: &str) -> Option<(RightInfo, String)> {
    if text.contains('*') {
        return None;
    }
    Grant::parse(text).ok()?;
    let (area, rest) = text.split_once(':')?;
    let (object, action) = rest.rsplit_once(':')?;
    let right = ALL
        .iter()
        .find(|right| right.area == area && right.action == action)?;
    Some((*right, object.to_owned()))
}

/// Who sent the request: by bearer (access token or API token), else by the dashboard's cookie.
pub(crate) async fn identify(auth: &Arc<Auth>, headers: &HeaderMap) -> Result<AccessClaims, Error> {
    let token = match read_bearer(headers) {
        Some(token) if token.starts_with(API_TOKEN_PREFIX) => {
            api_tokens::exchange(auth, &token).await?.access_token
        }
        Some(token) => token,
        None => {
            let cookie = cookie(headers).ok_or(Refusal::Missing)?;
            cookies::exchange(auth, cookie).await?.access_token
        }
    };
    Ok(Actor::of_token(auth, &token)?.claims)
}

/// The dashboard's cookie among all that the browser sent (RFC 6265, section 4.2.1).
pub(crate) fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE_HEADER)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
        .filter(|value| value.len() <= MAX_COOKIE_BYTES)
}

/// Where to log in, with the way back: the address on this host that was asked for, as the proxy tells it.
pub(crate) fn login_address(headers: &HeaderMap) -> String {
    let told = ["x-original-uri", "x-forwarded-uri"]
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok())
        // On this host and nowhere else: `//other` and `/\other` are addresses of others to a browser.
        .filter(|uri| {
            uri.starts_with('/') && !uri.starts_with("//") && !uri.contains('\\') && uri.len() <= 2048
        });
    let next = told.map_or_else(String::new, |uri| format!("?next={}", escape(uri)));
    format!("/control/login{next}")
}

/// Percent-encoding of what means something in a query (RFC 3986, section 3.4).
fn escape(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                out.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn the_cookie_is_found_among_others_and_no_other_is_taken_for_it() {
        let found = |text| cookie(&headers(&[("cookie", text)])).map(str::to_owned);
        assert_eq!(found("a=1; __Host-pistack=abc; b=2").as_deref(), Some("abc"));
        assert_eq!(found("__Host-pistack=abc").as_deref(), Some("abc"));
        for other in [
            "",
            "a",
            "__host-pistack=abc",
            "x__Host-pistack=abc",
            "__Host-pistack2=abc",
        ] {
            assert_eq!(found(other), None, "{other}");
        }
        assert_eq!(found(&format!("__Host-pistack={}", "x".repeat(300))), None);
    }

    #[test]
    fn the_way_back_is_on_this_host() {
        let to = |uri: &str| login_address(&headers(&[("x-original-uri", uri)]));
        assert_eq!(
            to("/grafana/d?x=1&y=2"),
            "/control/login?next=/grafana/d%3Fx%3D1%26y%3D2"
        );
        for evil in [
            "//evil.example/",
            "/\\evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
        ] {
            assert_eq!(to(evil), "/control/login", "{evil}");
        }
        assert_eq!(login_address(&HeaderMap::new()), "/control/login");
    }

    #[test]
    fn demands() {
        let right = |text| Demand::parse(None, Some(text)).map(|demand| demand.right.unwrap());
        assert_eq!(right("app:grafana:use").unwrap().1, "grafana");
        for bad in ["", "app", "app:*:use", "*", "app:x:fly", "nothing:x:use"] {
            assert!(right(bad).is_err(), "{bad}");
        }
        assert_eq!(
            Demand::parse(Some("ADMIN"), None).unwrap().level,
            Some(Level::Admin)
        );
        assert!(Demand::parse(Some("Boss"), None).is_err());
        assert_eq!(Demand::parse(None, None).unwrap(), Demand::default());
    }

    proptest! {
        #[test]
        fn any_header_is_survived(text in "[ -~]{0,200}") {
            let headers = headers(&[("cookie", &text), ("x-original-uri", &text)]);
            let _ = cookie(&headers);
            let address = login_address(&headers);
            prop_assert!(address.starts_with("/control/login"));
            prop_assert!(HeaderValue::from_str(&address).is_ok());
        }
    }
}
