//! The pid file: written once everything listens, removed at the end.

use std::io;
use std::path::{Path, PathBuf};

/// A pid file of ours; removed when dropped.
#[derive(Debug)]
pub(crate) struct PidFile {
    path: PathBuf,
    text: String,
}

impl PidFile {
    /// Writes this process's number.
    pub(crate) fn write(path: &Path) -> io::Result<Self> {
        let text = format!("{}\n", std::process::id());
        std::fs::write(path, &text)?;
        Ok(Self {
            path: path.to_owned(),
            text,
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // another daemon may have written its own meanwhile
        if std::fs::read_to_string(&self.path).is_ok_and(|text| text == self.text) {
            // one that cannot be removed names a process that is gone, which every reader must expect
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_removed_unless_somebody_else_wrote_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.pid");
        let file = PidFile::write(&path).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            format!("{}\n", std::process::id())
        );
        drop(file);
        assert!(!path.exists());
        let file = PidFile::write(&path).unwrap();
        std::fs::write(&path, "1\n").unwrap();
        drop(file);
        assert!(path.exists());
        assert!(PidFile::write(Path::new("/no/such/dir/s.pid")).is_err());
    }
}
