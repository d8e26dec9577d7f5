//! Logins that wait for their second step. The password of the first step stays in this process, never in a page,
//! for five minutes at most.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pistack_kit::clock::Clock;
use pistack_kit::random;
use zeroize::Zeroizing;

/// How long a login may wait.
const PATIENCE: Duration = Duration::from_mins(5);
/// How many may wait at once; the oldest goes first.
const MOST: usize = 32;

/// The waiting ones.
#[derive(Debug, Default)]
pub(crate) struct Pending(Mutex<Vec<Login>>);

struct Login {
    id: String,
    name: String,
    password: Zeroizing<String>,
    until: Duration,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Pending {
    /// Keeps name and password; gives what the next form has to show.
    pub(crate) fn keep(&self, clock: &Clock, name: &str, password: &str) -> String {
        let login = Login {
            id: random::token(24),
            name: name.to_owned(),
            password: Zeroizing::new(password.to_owned()),
            until: clock.monotonic() + PATIENCE,
        };
        let id = login.id.clone();
        let mut waiting = self.swept(clock);
        if waiting.len() >= MOST {
            waiting.remove(0);
        }
        waiting.push(login);
        id
    }

    /// Name and password of a waiting login.
    pub(crate) fn find(&self, clock: &Clock, id: &str) -> Option<(String, Zeroizing<String>)> {
        let waiting = self.swept(clock);
        let login = waiting.iter().find(|login| login.id == id)?;
        Some((login.name.clone(), login.password.clone()))
    }

    /// Forgets one that is done.
    pub(crate) fn forget(&self, clock: &Clock, id: &str) {
        self.swept(clock).retain(|login| login.id != id);
    }

    fn swept(&self, clock: &Clock) -> std::sync::MutexGuard<'_, Vec<Login>> {
        let now = clock.monotonic();
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|login| login.until > now);
        waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_waits_five_minutes_and_no_longer() {
        let (pending, clock) = (Pending::default(), Clock::manual(1_700_000_000));
        let id = pending.keep(&clock, "anna", "secret");
        clock.advance(Duration::from_secs(299));
        let (name, password) = pending.find(&clock, &id).unwrap();
        assert_eq!((name.as_str(), password.as_str()), ("anna", "secret"));
        clock.advance(Duration::from_secs(1));
        assert!(pending.find(&clock, &id).is_none());
        assert!(!format!("{pending:?}").contains("secret"));
    }

    #[test]
    fn the_oldest_gives_way_and_a_finished_one_is_gone() {
        let (pending, clock) = (Pending::default(), Clock::manual(1_700_000_000));
        let first = pending.keep(&clock, "a", "x");
        let ids: Vec<_> = (0..MOST).map(|_| pending.keep(&clock, "b", "y")).collect();
        assert!(pending.find(&clock, &first).is_none());
        pending.forget(&clock, &ids[3]);
        assert!(pending.find(&clock, &ids[3]).is_none() && pending.find(&clock, &ids[4]).is_some());
    }
}
