//! The system's answers to the configuration's questions: files that a pattern matches, directories, users, groups.

use std::path::{Path, PathBuf};

use pistack_engine::config::surroundings::{Included, Outside};

use crate::sys::identity;

/// Asks the running system.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Outside for System {
    fn glob(&self, pattern: &Path) -> Vec<Included> {
        let Some(Ok(paths)) = pattern.to_str().map(glob::glob) else {
            return Vec::new();
        };
        paths
            .flatten()
            .map(|path| {
                let text = std::fs::read_to_string(&path).map_err(|error| error.to_string());
                Included { path, text }
            })
            .collect()
    }

    fn is_directory(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn user_exists(&self, user: &str) -> bool {
        identity::account(user).is_ok()
    }

    fn group_exists(&self, group: &str) -> bool {
        identity::group(group).is_ok()
    }

    fn home_of(&self, user: Option<&str>) -> Option<PathBuf> {
        match user {
            Some(user) => identity::account(user).ok().map(|account| account.home),
            None => std::env::home_dir(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_files_in_any_matching_directory() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["one/a.conf", "two/b.conf", "two/c.txt"] {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        std::fs::write(dir.path().join("two/latin.conf"), b"\xe9").unwrap();
        let mut found = System.glob(&dir.path().join("*/*.conf"));
        found.sort_by(|a, b| a.path.cmp(&b.path));
        let names: Vec<_> = found
            .iter()
            .map(|included| included.text.clone().unwrap_or_default())
            .collect();
        assert_eq!(names, ["one/a.conf", "two/b.conf", ""]);
        assert!(found[2].text.is_err());
        assert!(System.glob(&dir.path().join("nothing/*")).is_empty());
    }

    #[test]
    fn knows_users_and_homes() {
        assert!(System.user_exists("root") && !System.user_exists("no-such-user"));
        assert!(System.group_exists("root") && !System.group_exists("no-such-group"));
        assert_eq!(System.home_of(Some("root")), Some("/root".into()));
        assert!(System.home_of(None).is_some());
        assert!(System.is_directory(Path::new("/")) && !System.is_directory(Path::new("/etc/passwd")));
    }
}
