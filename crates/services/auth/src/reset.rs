//! The way back in for a board without screen and keyboard: a file `pistack-reset` on the boot partition, which any
//! computer can write, arms a one-time code for one hour. Whoever holds the card owns the board anyway.
//!
//! The file counts once, also where it cannot be removed: what it was is noted before anything else happens.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pistack_api::token::Level;
use pistack_kit::clock::Clock;
use pistack_kit::paths::StatePaths;

use crate::accounts::{self, Asker, Change};
use crate::audit::{self, Event};
use crate::directory::User;
use crate::error::Error;
use crate::password::policy;
use crate::setup::{Setup, SetupCode};
use crate::state::Auth;
use crate::store::{self, users};
use crate::unlock;

/// How long the code is good.
const ARMED_FOR: Duration = Duration::from_hours(1);
/// What the last file was, in the database.
const SEEN: &str = "reset_file";
/// Where the code is written for whoever reads the card in another computer.
const CODE_FILE: &str = "pistack-reset-code.txt";

/// The code, while it is armed.
#[derive(Debug)]
pub(crate) struct Reset {
    clock: Clock,
    code: SetupCode,
    until: Mutex<Option<Duration>>,
}

impl Reset {
    /// Not armed; a code of an earlier run is void.
    pub(crate) fn new(paths: &StatePaths, clock: Clock) -> Result<Self, Error> {
        let code = SetupCode::new(paths.secrets().join("reset_code"));
        code.keep(false)?;
        Ok(Self {
            clock,
            code,
            until: Mutex::default(),
        })
    }

    /// True while the code can be used.
    pub(crate) fn is_armed(&self) -> bool {
        let until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| self.clock.monotonic() < until)
    }

    /// True for the right code in time.
    pub(crate) fn matches(&self, given: &str) -> bool {
        self.is_armed() && self.code.matches(given)
    }

    fn arm(&self) -> Result<(), Error> {
        self.code.keep(false)?;
        self.code.keep(true)?;
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clock.monotonic() + ARMED_FOR);
        Ok(())
    }

    fn disarm(&self) -> Result<(), Error> {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.code.keep(false)
    }
}

/// Looks for the file at the start, and arms the code if there is one that has not counted yet.
pub(crate) async fn look_for_file(auth: &Arc<Auth>) -> Result<(), Error> {
    let Some((path, mark)) = auth.config.reset_files.iter().find_map(|path| mark_of(path)) else {
        return Ok(());
    };
    if auth.directory.is_empty() {
        // The setup code is there for that.
        return Ok(());
    }
    let mut tx = auth.store.begin().await?;
    if store::meta(&mut tx, SEEN).await?.as_deref() == Some(mark.as_str()) {
        return Ok(());
    }
    store::set_meta(&mut tx, SEEN, &mark).await?;
    audit::write_in(
        &mut tx,
        &auth.clock,
        Event::new("reset.armed").detail(&path.display().to_string()),
    )
    .await?;
    tx.commit().await?;
    auth.reset.arm()?;
    let removed = std::fs::remove_file(&path);
    tracing::error!(
        file = %path.display(),
        removed = removed.is_ok(),
        "RESET: the file on the boot partition armed a one-time code for an hour. Give it at the setup call to set \
         the password of a Root"
    );
    if let Some(code) = auth.reset.code.text() {
        // The partition may be read-only; then the code is in the state directory alone.
        let beside = path.with_file_name(CODE_FILE);
        if let Err(error) = std::fs::write(&beside, format!("{code}\n")) {
            tracing::warn!(%error, file = %beside.display(), "cannot write the code beside it");
        }
    }
    Ok(())
}

/// What tells one file from another, and from itself put there again.
fn mark_of(path: &Path) -> Option<(PathBuf, String)> {
    let found = std::fs::symlink_metadata(path).ok()?;
    found.is_file().then(|| {
        let mark = format!(
            "{} {} {}.{} {}",
            path.display(),
            found.ino(),
            found.mtime(),
            found.mtime_nsec(),
            found.size()
        );
        (path.to_owned(), mark)
    })
}

/// Sets the password of a Root against the code, and takes its second factor away. Of several at once, one wins.
pub(crate) async fn carry_out(auth: &Arc<Auth>, setup: Setup<'_>) -> Result<User, Error> {
    policy::check(&setup.password, setup.name, auth.config.password_min_length)?;
    let hash = auth.hasher.hash(setup.password).await?;
    let mut change = auth.begin_change().await?;
    if !auth.reset.matches(setup.code) {
        return Err(Error::InvalidSetupCode);
    }
    let user = users::by_name(&mut change.tx, setup.name)
        .await?
        .filter(|user| user.level == Level::Root)
        .ok_or(Error::InvalidSetupCode)?;
    let wanted = Change {
        hash: Some(hash),
        ..Change::default()
    };
    let moment = auth.moment();
    accounts::disable(&mut change.tx, moment, Asker::Console, &user.id, false).await?;
    let (user, revocation) =
        accounts::change(&mut change.tx, moment, Asker::Console, &user.id, &wanted).await?;
    unlock::reset_second_factor(&mut change.tx, &auth.clock, &user).await?;
    audit::write_in(
        &mut change.tx,
        &auth.clock,
        Event::new("reset.used").about(&user.id),
    )
    .await?;
    auth.reset.disarm()?;
    auth.finish_change(change, revocation).await?;
    tracing::warn!(user = %user.id, "the password was reset by the code of the boot partition");
    Ok(user)
}
