//! Reading small files of `/proc`, `/sys` and `/etc` below one root, so that a copy of a board's tree tests it all.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Nothing read here is larger; what is, is cut.
const LIMIT: usize = 1024 * 1024;

/// A file tree: `/`, or a copy for tests.
#[derive(Debug, Clone)]
pub(crate) struct Tree(PathBuf);

impl Tree {
    /// The tree below `root`.
    pub(crate) fn new(root: impl Into<PathBuf>) -> Self {
        Self(root.into())
    }

    /// The machine's own tree, not a copy.
    pub(crate) fn is_real(&self) -> bool {
        self.0 == Path::new("/")
    }

    /// A place in it; a leading slash means its root.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.0.join(relative.trim_start_matches('/'))
    }

    /// A whole file, what is no UTF-8 replaced.
    pub(crate) fn text(&self, relative: &str) -> Option<String> {
        let mut bytes = Vec::new();
        File::open(self.path(relative))
            .ok()?
            .take(LIMIT as u64)
            .read_to_end(&mut bytes)
            .ok()?;
        Some(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })
    }

    /// The first line of a file; the device tree's strings end in a NUL. Empty is `None`.
    pub(crate) fn line(&self, relative: &str) -> Option<String> {
        let text = self.text(relative)?;
        let line = text.lines().next()?.trim_matches(['\0', ' ', '\t']);
        (!line.is_empty()).then(|| line.to_owned())
    }

    /// A file that is one number.
    pub(crate) fn number<T: std::str::FromStr>(&self, relative: &str) -> Option<T> {
        self.line(relative)?.split_whitespace().next()?.parse().ok()
    }

    /// Names in a directory, in order; none where there is no such directory.
    pub(crate) fn names(&self, relative: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path(relative)) else {
            return Vec::new();
        };
        let mut names: Vec<_> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort_unstable();
        names
    }

    /// Whether something is there.
    pub(crate) fn has(&self, relative: &str) -> bool {
        self.path(relative).exists()
    }
}

/// A file that is read again and again: opened once, then read from its start into the caller's buffer.
#[derive(Debug)]
pub(crate) struct Kept {
    path: PathBuf,
    file: Option<File>,
}

impl Kept {
    /// Not opened yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    /// Its text now. A file that cannot be read is opened again the next time.
    pub(crate) fn read<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Option<&'b str> {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        let Ok(length) = whole(self.file.as_ref()?, buffer) else {
            self.file = None;
            return None;
        };
        std::str::from_utf8(buffer.get(..length)?).ok()
    }

    /// Its text as one number.
    pub(crate) fn number<T: std::str::FromStr>(&mut self, buffer: &mut Vec<u8>) -> Option<T> {
        self.read(buffer)?.split_whitespace().next()?.parse().ok()
    }
}

/// Reads from the start: `/proc` and `/sys` make the text anew then. The buffer only ever grows.
fn whole(file: &File, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut length = 0;
    loop {
        if length == buffer.len() {
            if length >= LIMIT {
                return Ok(length);
            }
            buffer.resize((length * 2).max(4096), 0);
        }
        match file.read_at(&mut buffer[length..], length as u64)? {
            0 => return Ok(length),
            more => length += more,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_file_is_read_anew_each_time() {
        let root = tempfile::tempdir().unwrap();
        let tree = Tree::new(root.path());
        let mut kept = Kept::new(tree.path("/loadavg"));
        let mut buffer = Vec::new();
        assert_eq!(kept.read(&mut buffer), None);
        std::fs::write(tree.path("loadavg"), "1 2\n").unwrap();
        assert_eq!(kept.read(&mut buffer), Some("1 2\n"));
        let long = "x".repeat(10_000);
        std::fs::write(tree.path("loadavg"), &long).unwrap();
        assert_eq!(kept.read(&mut buffer), Some(&*long));
        std::fs::write(tree.path("loadavg"), "7\n").unwrap();
        assert_eq!(kept.number::<u64>(&mut buffer), Some(7));
        std::fs::write(tree.path("loadavg"), b"\xff").unwrap();
        assert_eq!(kept.read(&mut buffer), None);
    }

    #[test]
    fn lines_lose_what_is_no_text_at_their_ends() {
        let root = tempfile::tempdir().unwrap();
        let tree = Tree::new(root.path());
        std::fs::write(tree.path("model"), b"Raspberry Pi 5\0").unwrap();
        std::fs::write(tree.path("empty"), "\n").unwrap();
        assert_eq!(tree.line("model").as_deref(), Some("Raspberry Pi 5"));
        assert_eq!((tree.line("empty"), tree.line("none")), (None, None));
        assert_eq!(tree.names("/"), ["empty", "model"]);
        assert!(tree.names("none").is_empty() && !tree.is_real());
    }
}
