//! Secrets that must be read again (TOTP) are sealed in the database under a key in a file of its own, so that a copy
//! of the database alone gives nobody a second factor.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use pistack_kit::paths::write_atomic;
use pistack_kit::random;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::error::Error;

/// Bytes of the key.
const KEY_LENGTH: usize = 32;

/// The key that seals.
#[derive(Debug)]
pub(crate) struct Seal(LessSafeKey);

impl Seal {
    /// The key in `path` (mode 0600); a fresh one where there is none.
    pub(crate) fn load_or_create(path: &Path) -> Result<Self, Error> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut bytes = Zeroizing::new(vec![0; KEY_LENGTH]);
                random::fill(&mut bytes);
                write_atomic(path, &bytes, 0o600)?;
                bytes
            }
            Err(error) => return Err(bad_file(path, &error.to_string())),
        };
        let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes)
            .map_err(|_| bad_file(path, "it is not a key of 32 bytes"))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals a secret for `owner`: what is sealed for one opens for nobody else.
    pub(crate) fn seal(&self, owner: &str, secret: &[u8]) -> Result<String, Error> {
        let mut nonce = [0; NONCE_LEN];
        random::fill(&mut nonce);
        let mut text = secret.to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(owner.as_bytes()),
                &mut text,
            )
            .map_err(|_| Error::Internal("a secret could not be sealed".to_owned()))?;
        Ok(BASE64.encode([&nonce[..], &text].concat()))
    }

    /// Opens what was sealed for `owner`. `None` if it was not, or under another key.
    pub(crate) fn open(&self, owner: &str, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
        let mut bytes = BASE64.decode(sealed).ok()?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let secret = self
            .0
            .open_in_place(nonce, Aad::from(owner.as_bytes()), text)
            .ok()?;
        Some(Zeroizing::new(secret.to_vec()))
    }
}

fn bad_file(path: &Path, what: &str) -> Error {
    Error::KeyFile {
        path: path.to_owned(),
        what: format!("cannot read the key of second factors: {what}"),
        cure: "Restore a copy, or move it aside: then second factors have to be reset with `pistack user reset-2fa`"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_for_its_owner_under_its_key_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("seal.key");
        let sealed = Seal::load_or_create(&path)
            .unwrap()
            .seal("anna", b"secret")
            .unwrap();
        let seal = Seal::load_or_create(&path).unwrap();
        assert_eq!(seal.open("anna", &sealed).unwrap().as_slice(), b"secret");
        assert!(seal.open("ben", &sealed).is_none());
        let other = Seal::load_or_create(&dir.path().join("other.key")).unwrap();
        assert!(other.open("anna", &sealed).is_none());
        for junk in ["", "x", "AAAA", &sealed[..10], &format!("{sealed}AAAA")] {
            assert!(seal.open("anna", junk).is_none(), "{junk}");
        }
        assert_ne!(seal.seal("anna", b"secret").unwrap(), sealed);
    }

    #[test]
    fn the_file_is_private_and_a_broken_one_is_named() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("seal.key");
        Seal::load_or_create(&path).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::write(&path, "short").unwrap();
        let error = Seal::load_or_create(&path).unwrap_err().to_string();
        assert!(
            error.contains("seal.key") && error.contains("reset-2fa"),
            "{error}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), b"short");
    }
}
