//! Dashboard sessions: the browser's opaque cookie is exchanged at auth for a short access token, so that a
//! service knows one kind of credential only. No service ever sees the cookie.

mod cache;
mod cookie;
mod feed;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, ORIGIN};
use http::uri::PathAndQuery;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use pistack_api::auth::{CookieExchange, ExchangedToken};
use pistack_api::service::Service;
use pistack_kit::clock::Clock;

use crate::body::RequestBody;
use crate::failure::Failure;
use crate::routes::Target;
use crate::upstream::Upstreams;
use cache::Cache;

/// An exchange may take this long, with the wait for an auth service that is restarting.
const DEADLINE: Duration = Duration::from_secs(10);
/// A token is not used in the last seconds of its life, so that it cannot expire on its way.
const MARGIN: Duration = Duration::from_secs(30);
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Turns cookies into tokens and remembers the outcome.
pub(crate) struct Sessions {
    upstreams: Upstreams,
    clock: Clock,
    cache: Cache,
}

/// What a cookie is worth.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// A signed-in person: the value for `Authorization`.
    Token(HeaderValue),
    /// The session is over, or never was.
    Over,
    /// Auth cannot be asked.
    Unknown,
}

impl Sessions {
    pub(crate) fn new(upstreams: Upstreams, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            upstreams,
            clock,
            cache: Cache::default(),
        })
    }

    /// Takes the cookie off and puts the person's token on. A request with an `Authorization` of its own keeps
    /// that and is left alone. `acts`: the request may change something.
    pub(crate) async fn sign_in(
        &self,
        acts: bool,
        headers: &mut HeaderMap,
        host: &HeaderValue,
        target: &Target,
    ) -> Result<(), Failure> {
        let Some(cookie) = cookie::take(headers) else {
            return Ok(());
        };
        if headers.contains_key(AUTHORIZATION) {
            return Ok(());
        }
        if acts && !same_origin(headers, host) {
            return Err(Failure::foreign_origin());
        }
        match self.token(&cookie).await {
            Outcome::Token(value) => {
                headers.insert(AUTHORIZATION, value);
                Ok(())
            }
            Outcome::Over => Ok(()),
            // A page can say what is wrong; a program must not take this for "not signed in".
            Outcome::Unknown if target.pages && !acts => Ok(()),
            Outcome::Unknown => Err(Failure::down(Service::Auth)),
        }
    }

    async fn token(&self, cookie: &str) -> Outcome {
        let now = self.clock.monotonic();
        if let Some(value) = self.cache.get(cookie, now) {
            return Outcome::Token(value);
        }
        if self.cache.is_auth_away(now) {
            return Outcome::Unknown;
        }
        // Several requests of one page ask once.
        let (asking, generation) = self.cache.asking(cookie);
        let outcome = asking
            .get_or_init(|| self.exchange(cookie, generation))
            .await
            .clone();
        self.cache.asked(cookie, &asking);
        outcome
    }

    async fn exchange(&self, cookie: &str, generation: u64) -> Outcome {
        match tokio::time::timeout(DEADLINE, self.ask(cookie)).await {
            Ok(Ok(Some(token))) => {
                let Ok(mut value) = HeaderValue::try_from(format!("Bearer {}", token.access_token)) else {
                    tracing::error!("auth gave a token that is no header value");
                    return Outcome::Unknown;
                };
                value.set_sensitive(true);
                let life = Duration::from_secs(token.expires_in.unsigned_abs()).saturating_sub(MARGIN);
                let until = self.clock.monotonic() + life;
                self.cache
                    .put(cookie, generation, cache::Entry::new(value.clone(), token, until));
                Outcome::Token(value)
            }
            Ok(Ok(None)) => Outcome::Over,
            failed => {
                let reason = failed.map_or_else(|late| late.to_string(), |answer| format!("{answer:?}"));
                tracing::warn!(reason, "a session cookie could not be exchanged");
                self.cache.auth_is_away(self.clock.monotonic());
                Outcome::Unknown
            }
        }
    }

    /// `None` = the session is over.
    async fn ask(&self, cookie: &str) -> Result<Option<ExchangedToken>, crate::body::BoxError> {
        let body = Bytes::from(serde_json::to_vec(&CookieExchange {
            cookie: cookie.to_owned(),
            ..CookieExchange::default()
        })?);
        let request = Request::post(
            self.upstreams
                .uri(Service::Auth, PathAndQuery::from_static("/internal/exchange"))?,
        )
        .header(HOST, "localhost")
        .header(CONTENT_TYPE, "application/json")
        .body(RequestBody::Full(Some(body)))?;
        let response = self.upstreams.send(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES)
            .collect()
            .await?
            .to_bytes();
        match status {
            StatusCode::OK => Ok(Some(serde_json::from_slice(&body)?)),
            // 401 is the answer for a session that is over; any other 4xx means that this is no cookie of ours.
            status if status.is_client_error() => Ok(None),
            status => Err(format!("auth answered {status}").into()),
        }
    }
}

pub(crate) use feed::follow;

/// Whether the browser itself says that a page of this board sent the request: by `Sec-Fetch-Site`
/// (W3C Fetch Metadata), or where that is absent by `Origin`.
fn same_origin(headers: &HeaderMap, host: &HeaderValue) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let origin = headers.get(ORIGIN).map(HeaderValue::as_bytes);
    origin
        .and_then(|origin| origin.strip_prefix(b"https://"))
        .is_some_and(|origin| origin.eq_ignore_ascii_case(host.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_boards_own_pages_may_act() {
        let check = |lines: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            same_origin(&headers, &HeaderValue::from_static("pi.local:8443"))
        };
        assert!(check(&[("sec-fetch-site", "same-origin")]));
        assert!(check(&[("sec-fetch-site", "none")]));
        assert!(check(&[("origin", "https://PI.local:8443")]));
        for lines in [
            &[][..],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://pi.local:8443"),
            ],
            &[("origin", "https://pi.local")],
            &[("origin", "http://pi.local:8443")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
        ] {
            assert!(!check(lines), "{lines:?}");
        }
    }
}
