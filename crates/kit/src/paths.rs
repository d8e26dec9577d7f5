//! The state directory: where everything that outlives a process lies.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use pistack_api::service::Service;

/// The layout below the state directory. Holds absolute paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatePaths {
    root: PathBuf,
}

impl StatePaths {
    /// The layout below `root`, which must be absolute.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The state directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }
    /// Sockets, lock and pid files: emptied at every start.
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }
    /// The supervisor's socket.
    pub fn supervisor_socket(&self) -> PathBuf {
        self.run().join("supervisor.sock")
    }
    /// A service's socket.
    pub fn service_socket(&self, service: Service) -> PathBuf {
        self.run().join(service.socket())
    }
    /// Held by the one supervisor that owns this directory.
    pub fn lock(&self) -> PathBuf {
        self.run().join("pistack.lock")
    }
    /// Log files of supervisor and programs.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }
    /// Databases, one a service.
    pub fn database(&self, service: Service) -> PathBuf {
        self.root.join("db").join(format!("{}.sqlite3", service.name()))
    }
    /// The last key set that auth gave out, for starts at which auth is not up yet.
    pub fn cached_keys(&self) -> PathBuf {
        self.run().join("jwks.json")
    }
    /// The latest time that this installation has seen; read by every process at its start, written by auth.
    pub fn clock_record(&self) -> PathBuf {
        self.root.join("db").join("clock.json")
    }
    /// Private keys and codes, readable by their owner alone.
    pub fn secrets(&self) -> PathBuf {
        self.root.join("secrets")
    }
    /// The one-time setup code; exists only until the first account is made.
    pub fn setup_code(&self) -> PathBuf {
        self.secrets().join("setup_code")
    }
    /// Certificates. `ca.pem` in it is the root to trust.
    pub fn tls(&self) -> PathBuf {
        self.root.join("tls")
    }

    /// Makes the directories: `secrets` and `run` for the owner alone, the rest 0750.
    /// An existing `secrets` or `run` that others may enter is closed to them.
    pub fn create(&self) -> Result<(), PathError> {
        let shared = [self.root.clone(), self.logs(), self.root.join("db"), self.tls()];
        for directory in shared {
            make_directory(&directory, 0o750)?;
        }
        for directory in [self.run(), self.secrets()] {
            make_directory(&directory, 0o700)?;
            close_to_others(&directory)?;
        }
        Ok(())
    }
}

/// A file or directory could not be used; names it and the cure.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot {action}: {source}. {cure}", path.display())]
pub struct PathError {
    /// Which.
    pub path: PathBuf,
    /// What was tried: `create the directory`, `write`.
    pub action: &'static str,
    /// What the person can do about it.
    pub cure: &'static str,
    /// Why it failed.
    #[source]
    pub source: io::Error,
}

/// What a person can do when a path cannot be used.
fn cure(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "Give this user the right to write there, or choose another place with --state-dir"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "The file system is read-only: remount it, or choose another place with --state-dir"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "The disk is full: make room and try again"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "Something else has that name: move it aside, or choose another place with --state-dir"
        }
        io::ErrorKind::NotFound => "Make the directory above it, or choose another place with --state-dir",
        _ => "Choose another place with --state-dir",
    }
}

fn failed(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> PathError {
    let path = path.to_owned();
    move |source| PathError {
        path,
        action,
        cure: cure(&source),
        source,
    }
}

/// Makes a directory and what is missing above it, all with permission bits `mode`. One that is there is
/// left as it is; anything else of that name is an error.
pub fn make_directory(path: &Path, mode: u32) -> Result<(), PathError> {
    DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .map_err(failed(path, "create the directory"))
}

fn close_to_others(path: &Path) -> Result<(), PathError> {
    let mode = std::fs::metadata(path)
        .map_err(failed(path, "read"))?
        .permissions()
        .mode();
    let others = mode & 0o077;
    if others == 0 {
        return Ok(());
    }
    std::fs::set_permissions(path, Permissions::from_mode(0o700))
        .map_err(failed(path, "close to other users"))
}

/// Gives what root has made at `path` to the owner of `directory`, which it lies in: root's commands must leave nothing
/// behind that a service without root's rights cannot use. Does nothing for other users, who own what they make.
pub(crate) fn like_directory(path: &Path, directory: &Path) -> io::Result<()> {
    let made = std::fs::symlink_metadata(path)?;
    let wanted = std::fs::metadata(directory)?;
    if made.uid() == 0 && wanted.uid() != 0 {
        std::os::unix::fs::lchown(path, Some(wanted.uid()), Some(wanted.gid()))?;
    }
    Ok(())
}

/// Writes a file so that a power cut leaves the old or the new one: temporary file, fsync, rename, fsync
/// of the directory. `mode` is the file's permission bits.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> Result<(), PathError> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let temporary = directory.join(format!(".{}.tmp", crate::random::token(9)));
    let result = write_and_rename(&temporary, path, directory, bytes, mode);
    if result.is_err() {
        // Nothing half-made stays behind; that it may not exist is fine.
        let _ = std::fs::remove_file(&temporary);
    }
    result.map_err(failed(path, "write"))
}

fn write_and_rename(
    temporary: &Path,
    path: &Path,
    directory: &Path,
    bytes: &[u8],
    mode: u32,
) -> io::Result<()> {
    // `create_new` is O_EXCL: a file or link that somebody planted under this name is never followed.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(temporary)?;
    // The umask may have taken bits away from `mode`.
    file.set_permissions(Permissions::from_mode(mode))?;
    like_directory(temporary, directory)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(temporary, path)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn makes_the_layout_and_closes_private_directories() {
        let home = tempfile::tempdir().unwrap();
        let paths = StatePaths::new(home.path().join("a/state"));
        std::fs::create_dir_all(paths.secrets()).unwrap();
        std::fs::set_permissions(paths.secrets(), Permissions::from_mode(0o755)).unwrap();
        paths.create().unwrap();
        paths.create().unwrap();
        assert_eq!(mode(&paths.secrets()), 0o700);
        assert_eq!(mode(&paths.run()), 0o700);
        assert!(paths.logs().is_dir() && paths.tls().is_dir());
    }

    #[test]
    fn a_file_in_the_way_is_named_with_a_cure() {
        let home = tempfile::tempdir().unwrap();
        let blocked = home.path().join("state");
        std::fs::write(&blocked, "").unwrap();
        let error = StatePaths::new(&blocked).create().unwrap_err().to_string();
        assert!(
            error.contains(blocked.to_str().unwrap()) && error.contains("--state-dir"),
            "{error}"
        );
    }

    #[test]
    fn atomic_write_replaces_the_whole_file_and_leaves_no_other() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key");
        write_atomic(&path, b"a long first text", 0o644).unwrap();
        write_atomic(&path, b"second", 0o600).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_root_writes_belongs_to_the_directorys_owner() {
        let home = tempfile::tempdir().unwrap();
        if std::fs::metadata(home.path()).unwrap().uid() != 0 {
            return; // only root can give things away
        }
        std::os::unix::fs::chown(home.path(), Some(4711), Some(4712)).unwrap();
        let path = home.path().join("key");
        write_atomic(&path, b"x", 0o600).unwrap();
        let metadata = std::fs::metadata(&path).unwrap();
        assert_eq!((metadata.uid(), metadata.gid(), mode(&path)), (4711, 4712, 0o600));
    }

    #[test]
    fn a_failed_atomic_write_leaves_nothing_behind() {
        let home = tempfile::tempdir().unwrap();
        let taken = home.path().join("taken");
        std::fs::create_dir(&taken).unwrap();
        assert!(write_atomic(&taken, b"x", 0o600).is_err());
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
        assert!(write_atomic(&home.path().join("no/such/dir"), b"x", 0o600).is_err());
    }
}
