//! What the configuration depends on beside its own text: the environment, the host's name, directories, users.

use std::path::{Component, Path, PathBuf};

use indexmap::IndexMap;

/// A file that an `[include]` pattern matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Included {
    /// Its path.
    pub path: PathBuf,
    /// Its text, or why it cannot be read.
    pub text: Result<String, String>,
}

/// Questions to the system, answered by the daemon. The default answers suit a check without a system: nothing is
/// included, every directory and user exists.
pub trait Outside {
    /// Files that match a shell pattern (absolute), in any order.
    fn glob(&self, pattern: &Path) -> Vec<Included> {
        let _ = pattern;
        Vec::new()
    }

    /// True if `path` (absolute) is a directory.
    fn is_directory(&self, path: &Path) -> bool {
        let _ = path;
        true
    }

    /// True if there is a user of this name or number.
    fn user_exists(&self, user: &str) -> bool {
        let _ = user;
        true
    }

    /// True if there is a group of this name or number.
    fn group_exists(&self, group: &str) -> bool {
        let _ = group;
        true
    }

    /// Home directory of a user; `None` as name = the user that runs this process.
    fn home_of(&self, user: Option<&str>) -> Option<PathBuf> {
        let _ = user;
        None
    }
}

/// The default answers of [`Outside`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Anything;

impl Outside for Anything {}

/// Everything a front end needs beside the text.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The daemon's environment: `%(ENV_x)s`, and `HOME` for `~`.
    pub environment: &'a IndexMap<String, String>,
    /// `%(host_node_name)s`.
    pub host: &'a str,
    /// The daemon's working directory, absolute.
    pub cwd: &'a Path,
    /// Questions to the system.
    pub outside: &'a dyn Outside,
}

impl std::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The environment holds secrets.
        f.debug_struct("Surroundings")
            .field("host", &self.host)
            .field("cwd", &self.cwd)
            .finish_non_exhaustive()
    }
}

impl Surroundings<'_> {
    /// `~` and `~user` at the start of a path, as Python's `os.path.expanduser`; unknown users leave it as it is.
    pub fn expand_user(&self, path: &str) -> String {
        let Some(rest) = path.strip_prefix('~') else {
            return path.to_owned();
        };
        let (user, tail) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        let home = if user.is_empty() {
            self.environment
                .get("HOME")
                .cloned()
                .or_else(|| self.outside.home_of(None).map(|home| home.display().to_string()))
        } else {
            self.outside
                .home_of(Some(user))
                .map(|home| home.display().to_string())
        };
        let Some(home) = home else {
            return path.to_owned();
        };
        let joined = format!("{}{tail}", home.trim_end_matches('/'));
        if joined.is_empty() { "/".to_owned() } else { joined }
    }

    /// An absolute path without `.` and `..`, from the daemon's working directory (`normpath(abspath(path))`).
    pub fn normalise(&self, path: &str) -> PathBuf {
        normalise(&self.cwd.join(self.expand_user(path)))
    }
}

/// A path without `.` and `..`, by its text alone.
pub fn normalise(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if matches!(clean.components().next_back(), Some(Component::Normal(_))) {
                    clean.pop();
                } else if !clean.has_root() {
                    clean.push("..");
                }
            }
            other => clean.push(other),
        }
    }
    if clean.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Users;

    impl Outside for Users {
        fn home_of(&self, user: Option<&str>) -> Option<PathBuf> {
            match user {
                Some("pi") => Some("/home/pi/".into()),
                _ => None,
            }
        }
    }

    #[test]
    fn paths_are_expanded_and_normalised_as_python_does() {
        let environment = IndexMap::from([("HOME".to_owned(), "/root/".to_owned())]);
        let around = Surroundings {
            environment: &environment,
            host: "pi",
            cwd: Path::new("/srv/app"),
            outside: &Users,
        };
        for (given, expanded) in [
            ("~", "/root"),
            ("~/x", "/root/x"),
            ("~pi/x", "/home/pi/x"),
            ("~nobody/x", "~nobody/x"),
            ("a~/x", "a~/x"),
            ("/x", "/x"),
        ] {
            assert_eq!(around.expand_user(given), expanded, "{given}");
        }
        for (given, clean) in [
            ("run/a.sock", "/srv/app/run/a.sock"),
            ("./../a//b/", "/srv/a/b"),
            ("/../..", "/"),
            ("~/x/..", "/root"),
        ] {
            assert_eq!(around.normalise(given), Path::new(clean), "{given}");
        }
        assert_eq!(normalise(Path::new("../a/../..")), Path::new("../.."));
        assert_eq!(normalise(Path::new("")), Path::new("."));
        let bare = IndexMap::new();
        let around = Surroundings {
            environment: &bare,
            ..around
        };
        assert_eq!(around.expand_user("~/x"), "~/x");
    }
}
