//! The first start: a one-time code in a file that only the machine's owner can read, good until the first
//! account exists. There is no default password.

use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use pistack_kit::paths::{PathError, write_atomic};
use pistack_kit::random;
use ring::digest::{SHA256, digest};

use crate::accounts;
use crate::directory::User;
use crate::error::Error;
use crate::password::{Password, policy};
use crate::reset;
use crate::state::Auth;
use crate::throttle::Key;

/// Letters and digits that cannot be taken for each other, spoken or printed.
const ALPHABET: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a code: 16 of 30 are 78 bits.
const LENGTH: usize = 16;
/// Characters between two hyphens.
const GROUP: usize = 4;

/// The file that holds the code.
#[derive(Debug)]
pub(crate) struct SetupCode {
    path: PathBuf,
}

impl SetupCode {
    /// The code in `path`.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Makes the file if it is `wanted` and there is none (a restart keeps the code that was printed already),
    /// else removes it.
    pub(crate) fn keep(&self, wanted: bool) -> Result<(), Error> {
        if !wanted {
            return self.remove();
        }
        if self.read().is_none() {
            write_atomic(&self.path, format!("{}\n", fresh_code()).as_bytes(), 0o600)?;
            tracing::info!(path = %self.path.display(), "no account yet: the setup code is in this file");
        }
        Ok(())
    }

    /// True for the right code, however it is written: case, spaces and hyphens do not matter.
    pub(crate) fn matches(&self, given: &str) -> bool {
        // Compared as hashes, so that the time taken says nothing about the code.
        let hash = |code: &str| digest(&SHA256, code.as_bytes());
        self.read()
            .is_some_and(|code| hash(&code).as_ref() == hash(&normalise(given)).as_ref())
    }

    /// The code as it is written in the file.
    pub(crate) fn text(&self) -> Option<String> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        Some(text.trim().to_owned())
    }

    fn read(&self) -> Option<String> {
        let code = normalise(&std::fs::read_to_string(&self.path).ok()?);
        (code.len() == LENGTH).then_some(code)
    }

    fn remove(&self) -> Result<(), Error> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::Path(PathError {
                path: self.path.clone(),
                action: "remove the used setup code",
                cure: "Remove the file by hand",
                source: error,
            })),
            _ => Ok(()),
        }
    }
}

fn normalise(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .take(LENGTH + 1)
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

pub(crate) fn fresh_code() -> String {
    let mut code = String::with_capacity(LENGTH + LENGTH / GROUP);
    let mut count = 0;
    while count < LENGTH {
        let mut byte = [0];
        random::fill(&mut byte);
        // Bytes from the last, incomplete turn of the alphabet are thrown away: every character is as likely.
        let turns = u8::MAX / ALPHABET.len() as u8 * ALPHABET.len() as u8;
        if byte[0] >= turns {
            continue;
        }
        if count > 0 && count % GROUP == 0 {
            code.push('-');
        }
        code.push(char::from(ALPHABET[usize::from(byte[0]) % ALPHABET.len()]));
        count += 1;
    }
    code
}

/// What setting up takes.
#[derive(Debug)]
pub(crate) struct Setup<'a> {
    /// The code that was given.
    pub code: &'a str,
    /// Name of the first account.
    pub name: &'a str,
    /// Its password.
    pub password: Password,
    /// From where.
    pub address: Option<IpAddr>,
}

/// Makes the first account against the code. Of several at once, one wins.
pub(crate) async fn set_up(auth: &Arc<Auth>, setup: Setup<'_>) -> Result<User, Error> {
    let first = auth.directory.is_empty();
    if !first && !auth.reset.is_armed() {
        return Err(Error::AlreadySetUp);
    }
    let keys = [Key::Setup(setup.address)];
    auth.throttle.check(&keys)?;
    let right = if first {
        auth.setup_code.matches(setup.code)
    } else {
        auth.reset.matches(setup.code)
    };
    if !right {
        if auth.throttle.failed(&keys) {
            tracing::warn!(address = ?setup.address, "wrong setup codes: slowing down");
        }
        return Err(Error::InvalidSetupCode);
    }
    accounts::check_name(setup.name)?;
    if !first {
        return reset::carry_out(auth, setup).await;
    }
    policy::check(&setup.password, setup.name, auth.config.password_min_length)?;
    let hash = auth.hasher.hash(setup.password).await?;
    let mut change = auth.begin_change().await?;
    let user = accounts::create_first(&mut change.tx, auth.moment(), setup.name, &hash).await?;
    auth.finish_change(change, None).await?;
    tracing::info!(user = %user.id, "set up: the first account was made");
    Ok(user)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use proptest::prelude::*;

    use super::*;

    fn place() -> (tempfile::TempDir, SetupCode) {
        let dir = tempfile::tempdir().unwrap();
        let code = SetupCode::new(dir.path().join("setup_code"));
        (dir, code)
    }

    #[test]
    fn a_code_is_long_readable_and_different_each_time() {
        let (one, two) = (fresh_code(), fresh_code());
        assert_ne!(one, two);
        assert_eq!(one.len(), 19);
        assert!(
            one.split('-')
                .all(|group| group.len() == 4 && group.bytes().all(|c| ALPHABET.contains(&c)))
        );
        assert!(16.0 * (ALPHABET.len() as f64).log2() >= 60.0);
    }

    #[test]
    fn the_file_is_private_kept_and_removed() {
        let (_dir, code) = place();
        code.keep(true).unwrap();
        let text = std::fs::read_to_string(&code.path).unwrap();
        assert_eq!(
            std::fs::metadata(&code.path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        code.keep(true).unwrap();
        assert_eq!(std::fs::read_to_string(&code.path).unwrap(), text);
        code.keep(false).unwrap();
        code.keep(false).unwrap();
        assert!(!code.path.exists() && !code.matches(&text) && !code.matches(""));
    }

    #[test]
    fn it_is_known_however_it_is_typed() {
        let (_dir, code) = place();
        std::fs::write(&code.path, "K7QF-2M9X-ABCD-EFGH\n").unwrap();
        for given in ["K7QF-2M9X-ABCD-EFGH", "k7qf2m9xabcdefgh", " K7QF 2M9X ABCD EFGH "] {
            assert!(code.matches(given), "{given}");
        }
        for given in ["", "K7QF", "K7QF-2M9X-ABCD-EFGJ", "K7QF-2M9X-ABCD-EFGHH"] {
            assert!(!code.matches(given), "{given}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(given in ".{0,100}") {
            prop_assert!(normalise(&given).chars().count() <= LENGTH + 1);
        }
    }
}
