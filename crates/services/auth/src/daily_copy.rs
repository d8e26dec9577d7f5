//! A copy of the database file every day, and at the first start that has something to lose.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pistack_kit::database::backup;

use crate::state::Auth;
use crate::store::Store;

/// Between two copies.
const EVERY: Duration = Duration::from_hours(24);
/// After a start the board has better things to do.
const AFTER_START: Duration = Duration::from_mins(2);

/// When the next copy is due, in monotonic time.
#[derive(Debug)]
pub(crate) struct DailyCopy(Mutex<Duration>);

impl DailyCopy {
    /// Plans the first copy of this run: soon, if the newest is a day old or there is none.
    pub(crate) fn plan(store: &Store, clock: &pistack_kit::clock::Clock) -> Self {
        let newest = store.file().and_then(backup::newest_at);
        let age = newest.map(|at| clock.unix() - at);
        let wait = match age {
            None => AFTER_START,
            // A clock that is not right says nothing about ages: the old copies are worth more than another one now.
            Some(_) if !clock.trust().is_trusted() => EVERY,
            Some(age) => Duration::from_secs(age.clamp(0, EVERY.as_secs() as i64) as u64)
                .abs_diff(EVERY)
                .max(AFTER_START),
        };
        Self(Mutex::new(clock.monotonic() + wait))
    }

    fn take_turn(&self, now: Duration) -> bool {
        let mut due = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now < *due {
            return false;
        }
        *due = now + EVERY;
        true
    }
}

/// Makes a copy if one is due. One that fails (a full disk) is told of, and tried again a day later.
pub(crate) async fn look(auth: &Arc<Auth>) {
    let Some(file) = auth.store.file() else { return };
    if auth.directory.is_empty() || !auth.daily_copy.take_turn(auth.clock.monotonic()) {
        return;
    }
    match backup::make(file).await {
        Ok(copy) => tracing::info!(path = %copy.path.display(), "copied the database of accounts"),
        Err(error) => {
            tracing::error!(%error, "THE DAILY COPY OF THE DATABASE OF ACCOUNTS FAILED; older copies are kept");
        }
    }
}
