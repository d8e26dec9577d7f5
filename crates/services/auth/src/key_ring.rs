//! The keys of an installation: one that signs, and those before it whose tokens may still be good.
//!
//! The private key is a file of its own ([`crate::signing_key`]); beside it `auth_keys.json` says when it was made and
//! holds the public halves of its predecessors. A crash at any point leaves a pair that [`KeyRing::load`] understands.

use std::path::{Path, PathBuf};

use pistack_api::token::{AccessClaims, Jwk};
use pistack_kit::paths::{StatePaths, write_atomic};
use pistack_kit::token::SigningKey;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::signing_key;

/// What is known of the keys beside the private one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Notes {
    kid: String,
    made_at: i64,
    #[serde(default)]
    previous: Vec<Retired>,
}

/// A key that signs no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Retired {
    jwk: Jwk,
    /// Seconds since 1970 after which none of its tokens can be valid.
    until: i64,
}

/// The key that signs, and its predecessors.
#[derive(Debug)]
pub(crate) struct KeyRing {
    key: SigningKey,
    notes: Notes,
}

impl KeyRing {
    /// Reads the keys; makes the first at the `first_start` of an installation.
    pub(crate) fn load(paths: &StatePaths, first_start: bool, now: i64) -> Result<Self, Error> {
        let key = signing_key::load(&signing_key::path(paths), first_start)?;
        let mut notes = read(&notes_path(paths)).unwrap_or_default();
        notes.previous.retain(|old| old.jwk.kid != key.kid());
        if notes.kid != key.kid() {
            key.kid().clone_into(&mut notes.kid);
            notes.made_at = now;
            write(&notes_path(paths), &notes)?;
        }
        Ok(Self { key, notes })
    }

    /// Makes a new key that signs from now on. Tokens of the old one stay good until `old_until`; with `None` they
    /// end at once. The caller holds the database's write lock, so that two processes never do this together.
    pub(crate) fn rotate(&self, paths: &StatePaths, now: i64, old_until: Option<i64>) -> Result<Self, Error> {
        let (key, bytes) = SigningKey::generate();
        let mut previous = Vec::new();
        if let Some(until) = old_until {
            previous.extend(self.notes.previous.iter().filter(|old| old.until > now).cloned());
            previous.push(Retired {
                jwk: self.key.jwk(),
                until,
            });
        }
        let notes = Notes {
            kid: key.kid().to_owned(),
            made_at: now,
            previous,
        };
        write(&notes_path(paths), &notes)?;
        write_atomic(&signing_key::path(paths), &bytes, 0o600)?;
        tracing::info!(
            kid = key.kid(),
            at_once = old_until.is_none(),
            "a new key signs access tokens"
        );
        Ok(Self { key, notes })
    }

    /// Signs.
    pub(crate) fn sign(&self, claims: &AccessClaims) -> String {
        self.key.sign(claims)
    }

    /// When the key that signs was made, seconds since 1970.
    pub(crate) fn made_at(&self) -> i64 {
        self.notes.made_at
    }

    /// The id of the key that signs.
    pub(crate) fn kid(&self) -> &str {
        self.key.kid()
    }

    /// The public keys whose tokens may be good at `now`, the signing one first.
    pub(crate) fn public(&self, now: i64) -> Vec<Jwk> {
        let previous = self.notes.previous.iter().rev().filter(|old| old.until > now);
        std::iter::once(self.key.jwk())
            .chain(previous.map(|old| old.jwk.clone()))
            .collect()
    }
}

fn notes_path(paths: &StatePaths) -> PathBuf {
    paths.secrets().join("auth_keys.json")
}

fn read(path: &Path) -> Option<Notes> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn write(path: &Path, notes: &Notes) -> Result<(), Error> {
    let text = serde_json::to_vec_pretty(notes).expect("texts and numbers are JSON");
    Ok(write_atomic(path, &text, 0o600)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, StatePaths) {
        let dir = tempfile::tempdir().unwrap();
        let paths = StatePaths::new(dir.path());
        paths.create().unwrap();
        (dir, paths)
    }

    fn kids(ring: &KeyRing, now: i64) -> Vec<String> {
        ring.public(now).into_iter().map(|jwk| jwk.kid).collect()
    }

    #[test]
    fn two_keys_overlap_and_the_old_one_goes() {
        let (_dir, paths) = place();
        let first = KeyRing::load(&paths, true, 1000).unwrap();
        let second = first.rotate(&paths, 2000, Some(3800)).unwrap();
        assert_eq!(kids(&second, 3799), [second.kid(), first.kid()]);
        assert_eq!(kids(&second, 3800), [second.kid()]);
        let again = KeyRing::load(&paths, false, 9000).unwrap();
        assert_eq!((again.kid(), again.made_at()), (second.kid(), 2000));
        assert_eq!(kids(&again, 3000), kids(&second, 3000));
        let third = again.rotate(&paths, 2500, Some(4300)).unwrap();
        assert_eq!(kids(&third, 2600), [third.kid(), second.kid(), first.kid()]);
        assert_eq!(kids(&third.rotate(&paths, 2600, None).unwrap(), 2600).len(), 1);
    }

    #[test]
    fn a_crash_between_the_two_files_is_understood() {
        let (_dir, paths) = place();
        let first = KeyRing::load(&paths, true, 1000).unwrap();
        let old = std::fs::read(signing_key::path(&paths)).unwrap();
        first.rotate(&paths, 2000, Some(3800)).unwrap();
        write_atomic(&signing_key::path(&paths), &old, 0o600).unwrap();
        let back = KeyRing::load(&paths, false, 2001).unwrap();
        assert_eq!(kids(&back, 2001), [first.kid()], "once, not twice");
        std::fs::write(notes_path(&paths), "{half").unwrap();
        assert_eq!(
            kids(&KeyRing::load(&paths, false, 2002).unwrap(), 2002),
            [first.kid()]
        );
    }
}
