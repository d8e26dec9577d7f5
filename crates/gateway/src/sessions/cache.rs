//! Tokens that cookies were exchanged for: bounded, and emptied as soon as auth says that something ended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pistack_api::token::Revocation;
use tokio::sync::OnceCell;

use super::{Outcome, SignedIn};

/// People who are signed in at the same time, generously.
const MAX_ENTRIES: usize = 1024;
/// After a failed exchange auth is not asked again for this long.
const AWAY: Duration = Duration::from_secs(1);

/// One remembered exchange.
pub(super) struct Entry {
    person: Arc<SignedIn>,
    sid: String,
    until: Duration,
}

impl Entry {
    /// `until` is monotonic time.
    pub(super) fn new(person: Arc<SignedIn>, sid: String, until: Duration) -> Self {
        Self { person, sid, until }
    }
}

#[derive(Default)]
struct Inner {
    entries: HashMap<String, Entry>,
    asking: HashMap<String, Arc<OnceCell<Outcome>>>,
    /// Grows whenever something is dropped: an exchange begun before that may be out of date.
    generation: u64,
    away_until: Duration,
}

#[derive(Default)]
pub(super) struct Cache(Mutex<Inner>);

impl Cache {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, cookie: &str, now: Duration) -> Option<Arc<SignedIn>> {
        self.lock()
            .entries
            .get(cookie)
            .filter(|entry| now < entry.until)
            .map(|entry| entry.person.clone())
    }

    /// The exchange of this cookie that is under way, or a new one; and the generation in which it began.
    pub(super) fn asking(&self, cookie: &str) -> (Arc<OnceCell<Outcome>>, u64) {
        let mut inner = self.lock();
        let generation = inner.generation;
        (
            inner.asking.entry(cookie.to_owned()).or_default().clone(),
            generation,
        )
    }

    /// The exchange is over.
    pub(super) fn asked(&self, cookie: &str, asking: &Arc<OnceCell<Outcome>>) {
        let mut inner = self.lock();
        if inner
            .asking
            .get(cookie)
            .is_some_and(|current| Arc::ptr_eq(current, asking))
        {
            inner.asking.remove(cookie);
        }
    }

    /// Remembers an exchange, unless something ended while it was under way.
    pub(super) fn put(&self, cookie: &str, generation: u64, entry: Entry) {
        let mut inner = self.lock();
        if inner.generation != generation {
            return;
        }
        if inner.entries.len() >= MAX_ENTRIES {
            // Rare: the half that ends first makes room.
            let mut ends: Vec<Duration> = inner.entries.values().map(|entry| entry.until).collect();
            ends.sort_unstable();
            let middle = ends[ends.len() / 2];
            inner.entries.retain(|_, entry| entry.until > middle);
        }
        inner.entries.insert(cookie.to_owned(), entry);
    }

    pub(super) fn is_auth_away(&self, now: Duration) -> bool {
        now < self.lock().away_until
    }

    pub(super) fn auth_is_away(&self, now: Duration) {
        self.lock().away_until = now + AWAY;
    }

    /// Drops the tokens that this ends.
    pub(super) fn revoke(&self, revocation: &Revocation) {
        let mut inner = self.lock();
        inner.generation += 1;
        // An exchange under way may have been answered before the end: whoever comes next asks anew.
        inner.asking.clear();
        inner.entries.retain(|_, entry| match revocation {
            Revocation::Session { sid, .. } => entry.sid != *sid,
            Revocation::User { sub, .. } => entry.person.claims.sub != *sub,
        });
    }

    /// Drops all tokens: after a gap in the feed nobody knows what ended in it.
    pub(super) fn clear(&self) {
        let mut inner = self.lock();
        inner.generation += 1;
        inner.asking.clear();
        inner.entries.clear();
        inner.away_until = Duration::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::HeaderValue;
    use pistack_api::token::AccessClaims;

    fn entry(sid: &str, sub: &str, until: u64) -> Entry {
        let claims: AccessClaims = serde_json::from_value(serde_json::json!({
            "typ": "access", "jti": "j", "sub": sub, "nam": "ada", "lvl": "User", "sid": sid, "ep": 1, "iss": "i",
            "aud": [], "iat": 0, "exp": 300,
        }))
        .unwrap();
        let person = SignedIn::new(HeaderValue::from_static("Bearer x"), claims);
        Entry::new(Arc::new(person), sid.to_owned(), Duration::from_secs(until))
    }

    fn known(cache: &Cache, cookies: &[&str]) -> Vec<bool> {
        cookies
            .iter()
            .map(|cookie| cache.get(cookie, Duration::from_secs(1)).is_some())
            .collect()
    }

    #[test]
    fn an_entry_ends_with_its_time_its_session_or_its_user() {
        let cache = Cache::default();
        cache.put("a", 0, entry("s1", "u1", 10));
        cache.put("b", 0, entry("s2", "u1", 10));
        cache.put("c", 0, entry("s3", "u2", 10));
        cache.put("old", 0, entry("s4", "u2", 1));
        assert_eq!(
            known(&cache, &["a", "b", "c", "old", "none"]),
            [true, true, true, false, false]
        );
        cache.revoke(&Revocation::Session {
            sid: "s1".to_owned(),
            until: 0,
        });
        assert_eq!(known(&cache, &["a", "b", "c"]), [false, true, true]);
        cache.revoke(&Revocation::User {
            sub: "u1".to_owned(),
            epoch: 2,
            until: 0,
        });
        assert_eq!(known(&cache, &["a", "b", "c"]), [false, false, true]);
        cache.clear();
        assert_eq!(known(&cache, &["c"]), [false]);
    }

    #[test]
    fn an_exchange_that_a_revocation_overtook_is_not_remembered() {
        let cache = Cache::default();
        let (before, generation) = cache.asking("a");
        cache.revoke(&Revocation::Session {
            sid: "s1".to_owned(),
            until: 0,
        });
        cache.put("a", generation, entry("s1", "u1", 10));
        assert_eq!(known(&cache, &["a"]), [false]);
        let (after, generation) = cache.asking("a");
        assert!(
            !Arc::ptr_eq(&before, &after),
            "the old exchange must not answer for the new one"
        );
        cache.asked("a", &before);
        assert!(
            Arc::ptr_eq(&after, &cache.asking("a").0),
            "the end of the old one leaves the new one alone"
        );
        cache.put("a", generation, entry("s1", "u1", 10));
        assert_eq!(known(&cache, &["a"]), [true]);
    }

    #[test]
    fn the_cache_is_bounded() {
        let cache = Cache::default();
        for index in 0..5000 {
            cache.put(&index.to_string(), 0, entry("s", "u", 10 + index));
        }
        assert!(cache.lock().entries.len() <= MAX_ENTRIES);
        assert_eq!(known(&cache, &["4999"]), [true]);
    }
}
