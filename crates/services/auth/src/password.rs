//! Password hashing: argon2id sized to the board's memory, one hash at a time, a short queue before it.
//!
//! Several hashes at once have brought boards down by memory, so one permit guards them all: up to
//! [`QUEUE`] callers wait up to [`PATIENCE`], the others are told to come back. An unknown user costs the same
//! work as a wrong password.

mod common;
pub(crate) mod policy;
pub(crate) mod werkzeug;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version};
use password_hash::phc::{Output, Salt};
use pistack_kit::random;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::error::Error;

/// Callers that may wait for the permit.
const QUEUE: usize = 8;
/// How long they wait.
const PATIENCE: Duration = Duration::from_secs(3);

/// A password on its way through the program; wiped when dropped.
pub(crate) type Password = Zeroizing<String>;

/// The outcome of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not the password, or no such user.
    Wrong,
    /// The password. `rehashed` is its hash under today's parameters, where the stored one is older.
    Right {
        /// To be stored in place of the old hash.
        rehashed: Option<String>,
    },
}

/// The one place that hashes.
#[derive(Debug)]
pub(crate) struct Hasher {
    params: Params,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// The right to run one hash. Held by the work itself, so that a caller who hangs up frees nothing early.
#[derive(Debug)]
pub(crate) struct HashPermit {
    _held: OwnedSemaphorePermit,
}

impl Hasher {
    /// A hasher with `memory_kib` per hash, or the right amount for this board.
    pub(crate) fn new(memory_kib: Option<u32>) -> Result<Self, Error> {
        let params = match memory_kib {
            Some(kib) => params_for(kib),
            None => memory_class(&std::fs::read_to_string(Path::new("/proc/meminfo")).unwrap_or_default()),
        }
        .map_err(|error| Error::Internal(format!("argon2 refuses its parameters: {error}")))?;
        Ok(Self {
            params,
            permits: Arc::new(Semaphore::new(1)),
            waiting: AtomicUsize::new(0),
        })
    }

    /// Waits for the right to hash; [`Error::Busy`] when too many wait or it takes too long.
    pub(crate) async fn permit(&self) -> Result<HashPermit, Error> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(HashPermit { _held: permit });
        }
        let _place = Place::take(&self.waiting)?;
        let acquired = tokio::time::timeout(PATIENCE, Arc::clone(&self.permits).acquire_owned()).await;
        match acquired {
            Ok(Ok(permit)) => Ok(HashPermit { _held: permit }),
            Ok(Err(_)) | Err(_) => Err(Error::Busy),
        }
    }

    /// Hashes a new password to a PHC string.
    pub(crate) async fn hash(&self, password: Password) -> Result<String, Error> {
        let permit = self.permit().await?;
        let params = self.params.clone();
        blocking(permit, move || hash(&params, &password)).await?.1
    }

    /// Checks a password against the stored hash; with no hash it does the same work and says
    /// [`Verdict::Wrong`]. The permit comes back, so that the caller can note a failure before the next in the queue
    /// looks whether it may guess.
    pub(crate) async fn verify(
        &self,
        permit: HashPermit,
        password: Password,
        stored: Option<String>,
    ) -> Result<(HashPermit, Verdict), Error> {
        let params = self.params.clone();
        let (permit, verdict) =
            blocking(permit, move || verify(&params, &password, stored.as_deref())).await?;
        Ok((permit, verdict?))
    }

    /// For the console, which has no queue: hashes on the calling thread.
    pub(crate) fn hash_now(&self, password: &str) -> Result<String, Error> {
        hash(&self.params, password)
    }
}

/// A place in the queue, given back when dropped (also when the caller hangs up).
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Result<Self, Error> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::SeqCst) >= QUEUE {
            return Err(Error::Busy);
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn blocking<T: Send + 'static>(
    permit: HashPermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<(HashPermit, T), Error> {
    // The permit travels with the work: it stays taken when the caller hangs up in the middle.
    tokio::task::spawn_blocking(move || {
        let done = work();
        (permit, done)
    })
    .await
    .map_err(|error| Error::Internal(format!("hashing stopped: {error}")))
}

fn argon2(params: &Params) -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
}

fn hash(params: &Params, password: &str) -> Result<String, Error> {
    let mut salt = [0; Salt::RECOMMENDED_LENGTH];
    random::fill(&mut salt);
    argon2(params)
        .hash_password_with_salt(composed(password).as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|error| Error::Internal(format!("hashing failed: {error}")))
}

/// The same password from every keyboard: `ż` may come as one character or as `z` and a dot above it, and looks the
/// same (Normalisation Form C, Unicode Standard Annex 15, as NIST SP 800-63B-4 asks).
fn composed(password: &str) -> Password {
    Zeroizing::new(password.nfc().collect())
}

fn verify(params: &Params, password: &str, stored: Option<&str>) -> Result<Verdict, Error> {
    let composed = composed(password);
    match verify_as_written(params, &composed, stored)? {
        // the original hashed what it was given; what verifies so gets a hash of the composed form
        Verdict::Wrong if *composed != password => Ok(match verify_as_written(params, password, stored)? {
            Verdict::Wrong => Verdict::Wrong,
            Verdict::Right { .. } => Verdict::Right {
                rehashed: Some(hash(params, &composed)?),
            },
        }),
        verdict => Ok(verdict),
    }
}

fn verify_as_written(params: &Params, password: &str, stored: Option<&str>) -> Result<Verdict, Error> {
    if let Some(stored) = stored.filter(|stored| werkzeug::is_meant(stored)) {
        return verify_original(params, password, stored);
    }
    let parsed = stored.map(PasswordHash::new).and_then(|parsed| {
        parsed
            .inspect_err(|error| tracing::error!(%error, "a stored password hash cannot be read"))
            .ok()
    });
    let Some(parsed) = parsed else {
        // Same work, same time: nobody learns which names exist.
        let _ = argon2(params).verify_password(password.as_bytes(), &decoy(params)?);
        return Ok(Verdict::Wrong);
    };
    if argon2(params)
        .verify_password(password.as_bytes(), &parsed)
        .is_err()
    {
        return Ok(Verdict::Wrong);
    }
    let rehashed = if is_current(params, &parsed) {
        None
    } else {
        Some(hash(params, password)?)
    };
    Ok(Verdict::Right { rehashed })
}

/// Checks a hash that was imported from the original; a right password gets one of ours.
fn verify_original(params: &Params, password: &str, stored: &str) -> Result<Verdict, Error> {
    match werkzeug::Werkzeug::parse(stored) {
        Ok(hash) if hash.matches(password) => Ok(Verdict::Right {
            rehashed: Some(self::hash(params, password)?),
        }),
        Ok(_) => Ok(Verdict::Wrong),
        Err(error) => {
            tracing::error!(%error, "a stored password hash cannot be used");
            verify_as_written(params, password, None)
        }
    }
}

/// A well-formed hash that no password has.
fn decoy(params: &Params) -> Result<PasswordHash, Error> {
    let broken = |error: &dyn std::fmt::Display| Error::Internal(format!("no decoy hash: {error}"));
    let (mut salt, mut output) = ([0; Salt::RECOMMENDED_LENGTH], [0; Params::DEFAULT_OUTPUT_LEN]);
    random::fill(&mut salt);
    random::fill(&mut output);
    Ok(PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: params
            .try_into()
            .map_err(|error: password_hash::Error| broken(&error))?,
        salt: Some(Salt::new(&salt).map_err(|error| broken(&error))?),
        hash: Some(Output::new(&output).map_err(|error| broken(&error))?),
    })
}

fn is_current(params: &Params, stored: &PasswordHash) -> bool {
    stored.algorithm == Algorithm::Argon2id.ident()
        && stored.version == Some(Version::V0x13.into())
        && Params::try_from(stored).is_ok_and(|old| {
            (old.m_cost(), old.t_cost(), old.p_cost()) == (params.m_cost(), params.t_cost(), params.p_cost())
        })
}

/// Passes that make up for less memory (OWASP's equivalent sets for argon2id, one lane).
fn params_for(memory_kib: u32) -> Result<Params, argon2::Error> {
    let passes = match memory_kib {
        19_456.. => 2,
        12_288.. => 3,
        _ => 5,
    };
    Params::new(memory_kib, passes, 1, None)
}

/// Parameters by the board's memory: 1 GB boards and up 19 MiB, 512 MB boards 12 MiB, smaller ones 7 MiB.
/// A board reports less than it is sold with (firmware and GPU take their share), hence the odd limits.
fn memory_class(meminfo: &str) -> Result<Params, argon2::Error> {
    let total_kib = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    params_for(match total_kib {
        Some(700_000..) => 19_456,
        Some(300_000..) | None => 12_288,
        Some(_) => 7_168,
    })
}

#[cfg(test)]
mod tests;
