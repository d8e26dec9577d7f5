//! Generated names of child logs (`AUTO`): `cat-stdout---supervisor-x7k2p9qa.log` in `childlogdir`.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use pistack_engine::io::Channel;

/// Makes an empty file for a channel of `process`, readable by its owner alone, and gives its path.
pub(crate) fn create(dir: &Path, process: &str, channel: Channel, identifier: &str) -> io::Result<PathBuf> {
    let channel = match channel {
        Channel::Stdout => "stdout",
        Channel::Stderr => "stderr",
    };
    loop {
        let path = dir.join(format!(
            "{process}-{channel}---{identifier}-{}.log",
            random_part()
        ));
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
        {
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Eight letters and digits, as Python's `mkstemp` makes them.
fn random_part() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz012345";
    let mut bytes = [0; 8];
    pistack_kit::random::fill(&mut bytes);
    bytes
        .iter()
        .filter_map(|byte| LETTERS.get(usize::from(byte % 32)))
        .map(|byte| char::from(*byte))
        .collect()
}

/// Removes the generated logs of earlier runs with the same identifier. Gives those that could not be removed.
pub(crate) fn remove_old(dir: &Path, identifier: &str) -> io::Result<Vec<PathBuf>> {
    let mut left = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let Ok(entry) = entry else { continue };
        let generated = entry
            .file_name()
            .to_str()
            .is_some_and(|name| is_generated(name, identifier));
        if generated && std::fs::remove_file(entry.path()).is_err() {
            left.push(entry.path());
        }
    }
    Ok(left)
}

/// `X---IDENTIFIER-RANDOM.log`, or a rotated one with `.N` behind.
fn is_generated(name: &str, identifier: &str) -> bool {
    let mark = format!("---{identifier}-");
    let Some((before, after)) = name.split_once(&mark) else {
        return false;
    };
    let Some((random, rotated)) = after.split_once(".log") else {
        return false;
    };
    let number = rotated.strip_prefix('.').unwrap_or(rotated);
    !before.is_empty()
        && !random.is_empty()
        && !random.contains(char::is_whitespace)
        && number.len() <= 4
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_generated_names_of_this_identifier_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let made = create(dir.path(), "cat", Channel::Stdout, "pi").unwrap();
        let name = made.file_name().unwrap().to_str().unwrap();
        assert!(
            name.starts_with("cat-stdout---pi-") && is_generated(name, "pi"),
            "{name}"
        );
        let keep = [
            "cat-stdout---other-abc.log",
            "---pi-abc.log",
            "app.log",
            "cat---pi-a.log.bak",
            "cat---pi-.log",
        ];
        for name in keep {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        std::fs::write(dir.path().join("cat-stderr---pi-abc.log.10"), "").unwrap();
        assert_eq!(remove_old(dir.path(), "pi").unwrap(), Vec::<PathBuf>::new());
        let mut left: Vec<_> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let mut wanted = keep.map(str::to_owned).to_vec();
        wanted.sort();
        assert_eq!(left, wanted);
        assert!(remove_old(Path::new("/no/such/dir"), "pi").is_err());
    }
}
