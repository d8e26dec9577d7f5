//! Who sends a request. The browser's opaque cookie and API tokens are exchanged at auth for a short access token, so
//! that a service knows one kind of credential only; an application of the user's is told in plain words. Neither ever
//! sees the cookie or the token.

mod cache;
mod cookie;
mod exchange;
mod feed;
pub(crate) mod identity;

use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, ORIGIN};
use pistack_api::auth::API_TOKEN_PREFIX;
use pistack_api::right::Object;
use pistack_api::service::Service;
use pistack_kit::clock::Clock;
use pistack_kit::guard::{Guard, read_bearer};

use crate::failure::Failure;
use crate::plan::Auth;
use crate::upstream::Upstreams;
use cache::Cache;
pub(crate) use exchange::Credential;
pub(crate) use feed::follow;
pub(crate) use identity::SignedIn;

/// Longest `Authorization` that may hold an API token: access tokens are longer, and need no second look.
const MAX_API_TOKEN: usize = 256;

/// Turns cookies and API tokens into access tokens and remembers the outcome.
pub(crate) struct Sessions {
    upstreams: Upstreams,
    clock: Clock,
    cache: Cache,
    /// Verifies access tokens that clients send themselves.
    guard: Arc<Guard>,
}

/// What a credential is worth.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// Somebody.
    Person(Arc<SignedIn>),
    /// The session is over, or never was.
    Over,
    /// Auth cannot be asked.
    Unknown,
}

/// Why a request is not let through to an application.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Nobody is signed in.
    SignIn,
    /// Anything else.
    Failure(Failure),
}

impl Sessions {
    pub(crate) fn new(upstreams: Upstreams, clock: Clock, guard: Arc<Guard>) -> Arc<Self> {
        Arc::new(Self {
            upstreams,
            clock,
            cache: Cache::default(),
            guard,
        })
    }

    /// For a service: takes the cookie off and puts the person's access token on. A request with an access token of
    /// its own keeps that and is left alone. `acts`: the request may change something. `pages`: people look at the
    /// answers. Answers who it is, where that was asked.
    pub(crate) async fn sign_in(
        &self,
        acts: bool,
        headers: &mut HeaderMap,
        host: &HeaderValue,
        pages: bool,
    ) -> Result<Option<Arc<SignedIn>>, Failure> {
        let cookie = cookie::take(headers);
        let outcome = match (api_token(headers), cookie) {
            (Some(token), _) => self.person(Credential::Token(token)).await,
            (None, Some(cookie)) if !headers.contains_key(AUTHORIZATION) => {
                if acts && !same_origin(headers, host) {
                    return Err(Failure::foreign_origin());
                }
                self.person(Credential::Cookie(cookie)).await
            }
            _ => return Ok(None),
        };
        match outcome {
            Outcome::Person(person) => {
                headers.insert(AUTHORIZATION, person.authorization.clone());
                Ok(Some(person))
            }
            Outcome::Over => Ok(None),
            // A page can say what is wrong; a program must not take this for "not signed in".
            Outcome::Unknown if pages && !acts => Ok(None),
            Outcome::Unknown => Err(self.auth_is_down()),
        }
    }

    /// For an application: takes off whatever credential of ours the request has, and answers whose it is. `None` =
    /// everyone may, and nobody was asked for.
    pub(crate) async fn admit(
        &self,
        acts: bool,
        headers: &mut HeaderMap,
        host: &HeaderValue,
        auth: &Auth,
    ) -> Result<Option<Arc<SignedIn>>, Refused> {
        let cookie = cookie::take(headers);
        let token = api_token(headers);
        let Auth::Right { right, object, .. } = auth else {
            if token.is_some() {
                headers.remove(AUTHORIZATION);
            }
            return Ok(None);
        };
        let person = match (token, self.access_token(headers), cookie) {
            (Some(token), ..) => {
                headers.remove(AUTHORIZATION);
                self.known(Credential::Token(token)).await?
            }
            (_, Some(person), _) => {
                headers.remove(AUTHORIZATION);
                person
            }
            (_, _, Some(cookie)) => {
                if acts && !same_origin(headers, host) {
                    return Err(Refused::Failure(Failure::foreign_origin()));
                }
                self.known(Credential::Cookie(cookie)).await?
            }
            (None, None, None) => return Err(Refused::SignIn),
        };
        match person.claims.may(*right, Object::Named(object)) {
            Ok(()) => Ok(Some(person)),
            Err(_) => Err(Refused::Failure(Failure::forbidden(auth))),
        }
    }

    async fn known(&self, credential: Credential) -> Result<Arc<SignedIn>, Refused> {
        match self.person(credential).await {
            Outcome::Person(person) => Ok(person),
            Outcome::Over => Err(Refused::SignIn),
            Outcome::Unknown => Err(Refused::Failure(self.auth_is_down())),
        }
    }

    /// The person of an access token that the client got at login. An `Authorization` that is none of ours belongs
    /// to the application.
    fn access_token(&self, headers: &HeaderMap) -> Option<Arc<SignedIn>> {
        headers.get(AUTHORIZATION)?;
        let claims = self.guard.verify(&read_bearer(headers)?).ok()?;
        Some(Arc::new(SignedIn::new(
            headers.get(AUTHORIZATION)?.clone(),
            claims,
        )))
    }

    async fn person(&self, credential: Credential) -> Outcome {
        let now = self.clock.monotonic();
        if let Some(person) = self.cache.get(credential.secret(), now) {
            return Outcome::Person(person);
        }
        if self.cache.is_auth_away(now) {
            return Outcome::Unknown;
        }
        // Boxed: few requests ask, and the others should not be as large.
        Box::pin(self.ask(credential)).await
    }

    /// Several requests of one page ask once.
    async fn ask(&self, credential: Credential) -> Outcome {
        let (asking, generation) = self.cache.asking(credential.secret());
        let outcome = asking
            .get_or_init(|| self.exchange(&credential, generation))
            .await
            .clone();
        self.cache.asked(credential.secret(), &asking);
        outcome
    }

    async fn exchange(&self, credential: &Credential, generation: u64) -> Outcome {
        match exchange::ask(&self.upstreams, credential).await {
            Ok(Some((person, sid, life))) => {
                let person = Arc::new(person);
                let until = self.clock.monotonic() + life;
                let entry = cache::Entry::new(person.clone(), sid, until);
                self.cache.put(credential.secret(), generation, entry);
                Outcome::Person(person)
            }
            Ok(None) => Outcome::Over,
            Err(reason) => {
                tracing::warn!(%reason, "a session could not be looked up");
                self.cache.auth_is_away(self.clock.monotonic());
                Outcome::Unknown
            }
        }
    }

    fn auth_is_down(&self) -> Failure {
        Failure::down(&self.upstreams.service(Service::Auth))
    }
}

/// The API token in `Authorization`, if there is one.
fn api_token(headers: &HeaderMap) -> Option<String> {
    let prefix = API_TOKEN_PREFIX.as_bytes();
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let short = value.len() <= MAX_API_TOKEN;
    if !short || !value.windows(prefix.len()).any(|part| part == prefix) {
        return None;
    }
    read_bearer(headers).filter(|token| token.starts_with(API_TOKEN_PREFIX))
}

/// Whether the browser itself says that a page of this address sent the request: by `Sec-Fetch-Site`
/// (W3C Fetch Metadata), or where that is absent by `Origin`.
pub(crate) fn same_origin(headers: &HeaderMap, host: &HeaderValue) -> bool {
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

    #[test]
    fn api_tokens_are_found_and_nothing_else_is() {
        let token = |text: &str| {
            let value = HeaderValue::from_str(text).unwrap();
            api_token(&HeaderMap::from_iter([(AUTHORIZATION, value)]))
        };
        assert_eq!(token("Bearer pst_abc").as_deref(), Some("pst_abc"));
        assert_eq!(token("bearer  pst_abc ").as_deref(), Some("pst_abc"));
        for other in ["Basic pst_abc=", "Bearer eyJ.pst_.x", "Bearer abc", "pst_"] {
            assert_ne!(token(other).as_deref(), Some("pst_abc"), "{other}");
        }
        assert_eq!(token(&format!("Bearer {}pst_", "x".repeat(300))), None);
    }
}
