//! When the key that signs is replaced, and how everybody learns of it.

use std::sync::Arc;

use pistack_kit::paths::StatePaths;

use crate::config::Config;
use crate::cookies;
use crate::error::Error;
use crate::key_ring::KeyRing;
use crate::state::Auth;
use crate::store::{self, Store};

/// Seconds of a day.
const DAY: i64 = 24 * 3600;

/// Until when tokens of a key that is replaced `now` may be good: twice the longest life, so that also a service that
/// was away for a while takes them.
fn old_until(config: &Config, now: i64) -> i64 {
    now + 2 * config.access_token_seconds.max(cookies::TOKEN_SECONDS)
}

/// Replaces the key in the files; works with the service up or down. With `at_once` all access tokens end.
pub(crate) async fn rotate_files(
    store: &Store,
    paths: &StatePaths,
    config: &Config,
    now: i64,
    at_once: bool,
) -> Result<KeyRing, Error> {
    // The write lock keeps the console and the service apart.
    let mut tx = store.begin().await?;
    let first_start = store::meta(&mut tx, "issuer").await?.is_none();
    let ring = KeyRing::load(paths, first_start, now)?;
    let ring = ring.rotate(paths, now, (!at_once).then(|| old_until(config, now)))?;
    // How a running service notices if the console's word does not arrive.
    store::raise_generation(&mut tx).await?;
    tx.commit().await?;
    Ok(ring)
}

/// Replaces a key that is old enough, and drops predecessors whose time is over.
pub(crate) async fn look(auth: &Arc<Auth>) -> Result<(), Error> {
    let (now, days) = (auth.clock.unix(), auth.config.signing_key_days);
    if auth.clock.trust().is_trusted() && now - auth.issuer.made_at() >= days * DAY {
        let ring = rotate_files(&auth.store, &auth.paths, &auth.config, now, false).await?;
        auth.issuer.replace(ring);
    }
    tell(auth);
    Ok(())
}

/// Reads the keys anew, for when the console replaced them.
pub(crate) fn reread(auth: &Auth) -> Result<(), Error> {
    let ring = KeyRing::load(&auth.paths, false, auth.clock.unix())?;
    auth.issuer.replace(ring);
    tell(auth);
    Ok(())
}

/// Tells this process and the others of the key set, if it changed.
fn tell(auth: &Auth) {
    let keys = auth.issuer.keys();
    if keys != auth.feed.keys() {
        auth.guard.set_keys(&keys);
        auth.feed.set_keys(keys);
    }
}
