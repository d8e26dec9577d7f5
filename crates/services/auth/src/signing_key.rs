//! The file that holds the signing key: made once, readable by its owner alone, never silently replaced.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use pistack_kit::paths::StatePaths;
use pistack_kit::token::SigningKey;
use zeroize::Zeroizing;

use crate::error::Error;

/// Where the key lies.
pub(crate) fn path(paths: &StatePaths) -> PathBuf {
    paths.secrets().join("auth_ed25519.pk8")
}

/// Reads the key. At the `first_start` of an installation, and where the file is empty, a new one is made; a
/// file that has gone missing later is an error, because it means that something removes secrets.
pub(crate) fn load(path: &Path, first_start: bool) -> Result<SigningKey, Error> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound && first_start => return create(path),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(broken(path, "the signing key is missing".to_owned(), renew(path)));
        }
        Err(error) => {
            let cure = "Run as the user who owns the file".to_owned();
            return Err(broken(
                path,
                format!("cannot read the signing key: {error}"),
                cure,
            ));
        }
    };
    let unreadable = |error| broken(path, format!("cannot read the signing key: {error}"), renew(path));
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(broken(
            path,
            "the signing key is no regular file".to_owned(),
            renew(path),
        ));
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let what = format!("others may read the signing key (mode {mode:04o})");
        return Err(broken(
            path,
            what,
            format!("Write `chmod 600 {}`", path.display()),
        ));
    }
    if metadata.len() == 0 {
        // What a power cut at the very first start leaves, or a person's order to make a new key.
        std::fs::remove_file(path).map_err(unreadable)?;
        return create(path);
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    SigningKey::from_pkcs8(&bytes).map_err(|_| {
        broken(
            path,
            "not an Ed25519 private key in PKCS#8 form".to_owned(),
            renew(path),
        )
    })
}

fn create(path: &Path) -> Result<SigningKey, Error> {
    let failed = |error| {
        broken(
            path,
            format!("cannot write the signing key: {error}"),
            "Make the directory writable".to_owned(),
        )
    };
    let (key, bytes) = SigningKey::generate();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    file.write_all(&bytes)
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    if let Some(directory) = path.parent() {
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(failed)?;
    }
    tracing::info!(path = %path.display(), kid = key.kid(), "made the key that signs access tokens");
    Ok(key)
}

fn renew(path: &Path) -> String {
    format!(
        "Put it back from a copy; or, to have a new one made at the next start, write \
         `install -m 600 /dev/null {}` (access tokens given out so far end)",
        path.display()
    )
}

fn broken(path: &Path, what: String, cure: String) -> Error {
    Error::KeyFile {
        path: path.to_owned(),
        what,
        cure,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn place() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.pk8");
        (dir, path)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn it_is_made_once_and_kept() {
        let (_dir, path) = place();
        let made = load(&path, true).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(load(&path, false).unwrap().kid(), made.kid());
        assert_eq!(load(&path, true).unwrap().kid(), made.kid());
    }

    #[test]
    fn a_missing_one_is_told_with_file_and_cure() {
        let (_dir, path) = place();
        let text = load(&path, false).unwrap_err().to_string();
        assert!(
            text.contains(path.to_str().unwrap()) && text.contains("missing"),
            "{text}"
        );
        assert!(text.contains("install -m 600"), "{text}");
        assert!(!path.exists());
    }

    #[test]
    fn a_broken_one_is_left_alone() {
        let (_dir, path) = place();
        fs::write(&path, b"half a key").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let text = load(&path, true).unwrap_err().to_string();
        assert!(text.contains("not an Ed25519 private key"), "{text}");
        assert_eq!(fs::read(&path).unwrap(), b"half a key");
    }

    #[test]
    fn one_that_others_may_read_is_refused() {
        let (_dir, path) = place();
        load(&path, true).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let text = load(&path, false).unwrap_err().to_string();
        assert!(text.contains("0644") && text.contains("chmod 600"), "{text}");
    }

    #[test]
    fn an_empty_one_orders_a_new_key() {
        let (_dir, path) = place();
        let old = load(&path, true).unwrap();
        fs::write(&path, b"").unwrap();
        let new = load(&path, false).unwrap();
        assert_ne!(old.kid(), new.kid());
        assert_eq!(mode(&path), 0o600);
    }
}
